package drivertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var expiryChecks = slices.Concat(expiredChecks, ttlChecks)

var expiredChecks = []check{
	{rule: "S2", name: "invisible", why: "a lease that has run out would still be shown, or keep others from taking it", role: driver.RoleState, run: expiredKeysAreInvisible},
	{rule: "S2", name: "restart", why: "a restart would bring back what has expired, or keep for ever what was to go", role: driver.RoleState, needs: needsRestart, run: ttlSurvivesReopening},
	{rule: "S2", name: "one-heir", why: "two workers would both take over a lease that has run out", role: driver.RoleState, run: oneHeirOfAnExpiredKey},
	{rule: "S2", name: "renewed-in-time", why: "what clears expired keys away would take one that was just renewed", role: driver.RoleState, run: renewedKeysAreSpared},
	{rule: "S2", name: "reclaimed", why: "the store would only grow", role: driver.RoleState, needs: needsHeldKeys, run: expiredKeysAreReclaimed},
}

func needsHeldKeys(target *Target) string {
	if target.HeldKeys == nil {
		return "Target.HeldKeys is not set"
	}
	return ""
}

const (
	// briefTTL passes while a check waits.
	briefTTL = 40 * time.Millisecond
	// lateness is granted to clocks that do not run exactly alike.
	lateness = 50 * time.Millisecond
)

// due is how long after a Set with this TTL has returned nobody may see the key.
func (t *trial) due(ttl time.Duration) time.Duration {
	return ttl + t.target.resolution() + time.Millisecond
}

// expired waits until keys that were set before now with a TTL of at most ttl must
// have gone, and ends the check if one has not.
func (t *trial) expired(ttl time.Duration, s driver.StateStore, keys ...string) {
	t.sleep(t.due(ttl))
	t.until(fmt.Sprintf("Get of keys whose TTL of %v has passed", ttl), lateness, "not found", func() (string, bool) {
		for _, key := range keys {
			entry, err := s.Get(t.ctx, key)
			if err == nil {
				return "still there: " + shorten(entry), false
			}
			t.fails(fmt.Sprintf("Get of the expired key %q", key), err, driver.ErrNotFound)
		}
		return "", true
	})
}

// setBrief sets keys with briefTTL and returns their versions.
func (t *trial) setBrief(s driver.StateStore, keys ...string) (versions []uint64) {
	for _, key := range keys {
		versions = append(versions, t.setKey(s, key, "brief", driver.SetOptions{TTL: briefTTL}))
	}
	return versions
}

// expiredKeysAreInvisible has keys expire before, between and behind such that
// stay, some of them with a name that begins alike.
func expiredKeysAreInvisible(t *trial) {
	states := t.twoStates()
	stay := []driver.EntryInfo{
		t.setLasting(states[0], "k:02", "stays", driver.SetOptions{TTL: time.Hour}),
		{Key: "k:05", Version: t.set(states[1], "k:05", "stays")},
		{Key: "k:05/x", Version: t.set(states[1], "k:05/x", "stays")},
		t.setLasting(states[1], "k:08", "stays", driver.SetOptions{TTL: 48 * time.Hour}),
	}
	goes := []string{"k", "k:", "k:00", "k:01", "k:03", "k:04", "k:05/", "k:05/y", "k:06", "k:07", "k:09", "l"}
	versions := t.setBrief(states[0], goes[:6]...)
	versions = append(versions, t.setBrief(states[1], goes[6:]...)...)
	t.expired(briefTTL, states[0], goes...)
	look := func(when string, s driver.StateStore, absent []string) {
		t.keysAbsent(s, when, absent...)
		lists(t, "the keys, "+when, t.keysLike(s, "", stay), stay)
		lists(t, `the keys that begin with "k:0", `+when, t.keysLike(s, "k:0", stay), stay)
		lists(t, `the keys that begin with "k:05", `+when, t.keysLike(s, "k:05", stay), stay[1:3])
		lists(t, `the keys that begin with "k:09", `+when, t.keysLike(s, "k:09", nil), nil)
	}
	look("after some have expired", states[0], goes)
	look("after some have expired, through another handle", states[1], goes)

	_, err := states[1].Set(t.ctx, goes[0], []byte("lost"), driver.SetOptions{When: driver.IfVersion(versions[0])})
	t.conflict("Set of an expired key at the version that it had", err, driver.ConflictError{Expected: versions[0]})
	err = states[1].Delete(t.ctx, goes[1], driver.IfVersion(versions[1]))
	t.conflict("Delete of an expired key at the version that it had", err, driver.ConflictError{Expected: versions[1]})
	t.deleteKey(states[1], goes[2])
	t.ok("Delete of an expired key if it is absent", states[0].Delete(t.ctx, goes[3], driver.IfAbsent()))
	look("after writes that were refused, or deleted nothing", states[0], goes)

	for i, when := range []driver.Precondition{{}, driver.IfAbsent(), {}, driver.IfAbsent()} {
		key := goes[len(goes)-1-i]
		version := t.setKey(states[i/2], key, "new", driver.SetOptions{When: when})
		if old := versions[len(goes)-1-i]; version <= old {
			t.fatal("Set of an expired key", fmt.Sprintf("version %d; it has had %d", version, old), "a greater one")
		}
		t.keyHolds(states[1-i/2], key, "new", version)
		t.deleteKey(states[0], key)
	}
	look("after expired keys were set and deleted", states[1], goes)
}

func ttlSurvivesReopening(t *trial) {
	begin := time.Now()
	long := t.setLasting(t.State, "long", "stays", driver.SetOptions{TTL: time.Hour})
	told := time.Since(begin)
	none := driver.EntryInfo{Key: "none", Version: t.set(t.State, "none", "stays")}
	freed := driver.EntryInfo{Key: "freed", Version: t.setBrief(t.State, "freed")[0]}
	freed.Version = t.set(t.State, "freed", "stays")
	const later = 150 * time.Millisecond
	version := t.setKey(t.State, "later", "goes", driver.SetOptions{TTL: later})
	t.setBrief(t.State, "closed")
	t.shutDown(t.backend)
	t.sleep(t.due(briefTTL))
	t.use(t.open())
	t.keysAbsent(t.State, "which expired while nobody had the store open", "closed")
	if entry, err := t.State.Get(t.ctx, "later"); err == nil && entry.ExpiresAt.IsZero() {
		t.fatal("Get of a key with a TTL after reopening", entry, "the time at which it expires")
	}
	t.expired(later, t.State, "later", "closed")
	_, err := t.State.Set(t.ctx, "later", []byte("lost"), driver.SetOptions{When: driver.IfVersion(version)})
	t.conflict("Set of what has expired after reopening, at its version", err, driver.ConflictError{Expected: version})
	t.reopen()
	want := []driver.EntryInfo{freed, long, none}
	lists(t, "the keys after reopening", t.keysLike(t.State, "", want), want)
	for _, info := range want {
		begin := time.Now()
		got := t.get(t.State, info.Key)
		// Who knows how much is left, and not the time, is as exact as its calls.
		inexact := 2*t.target.resolution() + 2*time.Millisecond + time.Since(begin) + told
		if moved := got.ExpiresAt.Sub(info.ExpiresAt); moved.Abs() > inexact {
			t.fatal(fmt.Sprintf("Get of key %q before and after reopening", info.Key), fmt.Sprintf("a time of expiry that has moved by %v", moved), "the same")
		}
		if !t.sameExpiry(got.ExpiresAt, info.ExpiresAt) || string(got.Value) != "stays" || got.Version != info.Version {
			t.fatal(fmt.Sprintf("Get of key %q after reopening", info.Key), got, fmt.Sprintf("value \"stays\" and %s", shorten(info)))
		}
	}
	t.keysAbsent(t.State, "which has expired", "later", "closed")
}

// oneHeirOfAnExpiredKey has workers create a key just when it has expired, and
// somebody delete it at the version that it had.
func oneHeirOfAnExpiredKey(t *trial) {
	const racers = 6
	states := t.twoStates()
	for round := range t.rounds(12, 40) {
		did := fmt.Sprintf("round %d: creating one key at once that has just expired", round)
		old := t.setKey(states[round%2], "key", "old", driver.SetOptions{TTL: time.Millisecond})
		t.expired(time.Millisecond, t.State, "key")
		versions, errs := make([]uint64, racers), make([]error, racers)
		t.together(racers, func(r int) {
			if r == racers-1 {
				errs[r] = states[r%2].Delete(t.shaken(), "key", driver.IfVersion(old))
				return
			}
			versions[r], errs[r] = states[r%2].Set(t.shaken(), "key", fmt.Append(nil, round, r), driver.SetOptions{When: driver.IfAbsent()})
		})
		t.fails(did+": Delete at the version that expired", errs[racers-1], driver.ErrConflict)
		won := oneKeyWinner(t, did, errs[:racers-1])
		if versions[won] <= old {
			t.fatal(did, fmt.Sprintf("version %d after %d", versions[won], old), "a greater version")
		}
		t.keyHolds(states[round%2], "key", fmt.Sprint(round, won), versions[won])
	}
}

// renewedKeysAreSpared sets keys again at about the time at which they expire, and
// whatever clears them away.
func renewedKeysAreSpared(t *trial) {
	const each = 15
	states := t.twoStates()
	versions := make([][each]uint64, 4)
	key := func(w, i int) string { return fmt.Sprintf("key %d of %d", i, w) }
	t.together(len(versions), func(w int) {
		for i := range each {
			t.setKey(states[w%2], key(w, i), "old", driver.SetOptions{TTL: 2 * time.Millisecond})
			t.sleep(time.Duration(4*w+i) % 8 * 500 * time.Microsecond)
			versions[w][i] = t.set(states[(w+i)%2], key(w, i), "renewed")
		}
	})
	t.sleep(20 * time.Millisecond)
	for w := range versions {
		for i, version := range versions[w] {
			t.keyHolds(states[i%2], key(w, i), "renewed", version)
		}
	}
}

// expiredKeysAreReclaimed calls nothing but HeldKeys while it waits.
func expiredKeysAreReclaimed(t *trial) {
	var gone []string
	for i := range 24 {
		gone = append(gone, fmt.Sprintf("gone %02d", i))
	}
	versions := t.setBrief(t.State, gone...)
	t.setBrief(t.State, "kept 0", "kept 1", "kept 2")
	kept := []driver.EntryInfo{
		{Key: "kept 0", Version: t.set(t.State, "kept 0", "stays")},
		t.setLasting(t.State, "kept 1", "stays", driver.SetOptions{TTL: time.Hour}),
		{},
		{Key: "kept 3", Version: t.set(t.State, "kept 3", "stays")},
	}
	t.deleteKey(t.State, "kept 2")
	kept[2] = driver.EntryInfo{Key: "kept 2", Version: t.setKey(t.State, "kept 2", "stays", driver.SetOptions{When: driver.IfAbsent()})}
	t.until(fmt.Sprintf("%d keys have expired, and nobody calls the store", len(gone)), briefTTL+t.target.reclaimWithin(), "the engine holds the 4 keys that are alive",
		func() (string, bool) {
			n := t.target.HeldKeys(t.tb, t.dsn)
			return fmt.Sprintf("the engine holds %d keys", n), n == len(kept)
		})
	lists(t, "the keys after expired ones were reclaimed", t.keysLike(t.State, "", kept), kept)
	for _, info := range kept {
		equal(t, fmt.Sprintf("the value of key %q", info.Key), string(t.get(t.State, info.Key).Value), "stays")
	}
	t.keysAbsent(t.State, "which was reclaimed", gone...)
	for i, key := range gone[:3] {
		_, err := t.State.Set(t.ctx, key, nil, driver.SetOptions{When: driver.IfVersion(versions[i])})
		t.conflict("Set of a reclaimed key at the version that it had", err, driver.ConflictError{Expected: versions[i]})
		if version := t.set(t.State, key, "new"); version <= versions[i] {
			t.fatal("Set of a reclaimed key", fmt.Sprintf("version %d; it has had %d", version, versions[i]), "a greater one")
		}
	}
}
