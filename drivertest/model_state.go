package drivertest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

func (g *generator) stateStep() step {
	return g.step(g.setting, g.setting, g.setting, g.getting, g.getting, g.listingKeys, g.snapshots)
}

func (s *side) known(key string) []uint64 { return s.versions[[2]string{string(s.tenant), key}] }

// index stands for a version: 1 for the first of the key, 0 for none, -1 for one
// that was never handed out.
func (s *side) index(key string, version uint64) int {
	if version == 0 {
		return 0
	}
	if i := slices.Index(s.known(key), version); i >= 0 {
		return i + 1
	}
	return -1
}

// handedOut remembers a version and returns its index; -1 when it is not greater
// than all before it.
func (s *side) handedOut(key string, version uint64) int {
	known := s.known(key)
	if len(known) > 0 && version <= known[len(known)-1] {
		return -1
	}
	if s.versions == nil {
		s.versions = map[[2]string][]uint64{}
	}
	s.versions[[2]string{string(s.tenant), key}] = append(known, version)
	return len(known) + 1
}

// versionAt is the inverse of index. What was never handed out is far off.
func (s *side) versionAt(key string, index int) uint64 {
	if known := s.known(key); index >= 1 && index <= len(known) {
		return known[index-1]
	}
	if index == 0 {
		return 0
	}
	return math.MaxInt64
}

func (s *side) normalInfo(i driver.EntryInfo) driver.EntryInfo {
	i.Version = uint64(s.index(i.Key, i.Version))
	normalTimes(&i.ExpiresAt)
	return i
}

func (g *generator) setting() step {
	key, value := g.id(), g.bytes()
	ttl := pick(g, 0, 0, 0, time.Hour)
	if g.maybe(40) {
		ttl = time.Millisecond // each costs a wait
	}
	condition, back := g.IntN(5), max(0, g.IntN(8)-2) // 0 to 2: none, 3: absent, 4: a version
	remove := g.maybe(3)
	does := fmt.Sprintf("set or delete (%t) key %q to %.100q, TTL %v, condition %d, version %d from the last", remove, key, value, ttl, condition, back)
	return step{does: does, run: func(s *side) (any, error) {
		s.key = key
		var when driver.Precondition
		switch condition {
		case 3:
			when = driver.IfAbsent()
		case 4:
			when = driver.IfVersion(s.versionAt(key, max(0, len(s.known(key))-back)))
		}
		if remove {
			return nil, s.State.Delete(s.ctx, key, when)
		}
		version, err := s.State.Set(s.ctx, key, value, driver.SetOptions{TTL: ttl, When: when})
		if err != nil {
			return nil, err
		}
		if ttl == time.Millisecond {
			s.sleep(ttl + s.target.resolution() + 2*time.Millisecond) // expired for all that follows
		}
		return s.handedOut(key, version), nil
	}}
}

func (g *generator) getting() step {
	key := g.id()
	return step{does: fmt.Sprintf("get key %q", key), run: func(s *side) (any, error) {
		entry, err := s.State.Get(s.ctx, key)
		entry.EntryInfo = s.normalInfo(entry.EntryInfo)
		return entry, err
	}}
}

func (g *generator) listingKeys() step {
	prefix, limit := pick(g, "", "a", "a/", "%", "e", "\u00e9", "x"), g.limit()
	return step{does: fmt.Sprintf("list the keys that begin with %q by %d", prefix, limit), run: func(s *side) (any, error) {
		return listed(s, limit, keysOf(s.State, prefix), s.normalInfo)
	}}
}

func (g *generator) snapshots() step {
	run := driver.ExecutionID(g.id())
	saved := driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: run, Sequence: uint64(1 + g.IntN(4)), Time: g.time()}, Data: g.bytes()}
	limit := g.limit()
	switch g.IntN(5) {
	case 0, 1:
		return step{does: "save " + shorten(saved), run: func(s *side) (any, error) { return nil, s.State.SaveSnapshot(s.ctx, saved) }}
	case 2:
		return step{does: fmt.Sprintf("load the snapshot of %q", run), run: func(s *side) (any, error) {
			loaded, err := s.State.LoadSnapshot(s.ctx, run)
			loaded.Data = notNil(loaded.Data)
			return loaded, err
		}}
	case 3:
		return step{does: fmt.Sprintf("delete the snapshot of %q", run), run: func(s *side) (any, error) { return nil, s.State.DeleteSnapshot(s.ctx, run) }}
	}
	return step{does: fmt.Sprintf("list snapshots by %d", limit), run: func(s *side) (any, error) {
		return listed(s, limit, s.State.ListSnapshots, func(i driver.SnapshotInfo) driver.SnapshotInfo { return i })
	}}
}
