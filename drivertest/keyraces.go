package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/enactdev/enact/driver"
)

var keyRaceChecks = []check{
	{rule: "S3", name: "one-creator", why: "two workers would both hold the same lock or lease", role: driver.RoleState, run: oneCreatorOfAKey},
	{rule: "S3", name: "one-successor", why: "of two workers that saw the same version one would lose its write without knowing", role: driver.RoleState, run: oneSuccessorOfAVersion},
	{rule: "S3", name: "one-deleter", why: "two workers would both take the same item, or a fresh value would be deleted", role: driver.RoleState, run: oneDeleterOfAVersion},
	{rule: "S3", name: "no-lost-update", why: "a shared counter would count too little", role: driver.RoleState, run: keyCounterLosesNothing},
	{rule: "S3", name: "linearizable", why: "a worker would see a value under the version of another, or an old one after a new one", role: driver.RoleState, run: keyIsLinearizable},
}

// oneKeyWinner returns the racer without an error; the errors of the others must be
// conflicts.
func oneKeyWinner(t *trial, did string, errs []error) int {
	won := -1
	for r, err := range errs {
		switch {
		case err != nil:
			t.fails(fmt.Sprintf("%s: racer %d", did, r), err, driver.ErrConflict)
		case won >= 0:
			t.fatal(did, fmt.Sprintf("racers %d and %d have both won", won, r), "one winner")
		default:
			won = r
		}
	}
	if won < 0 {
		t.fatal(did, "nobody has won: "+fmt.Sprint(errs), "one winner")
	}
	return won
}

func oneCreatorOfAKey(t *trial) {
	const racers = 6
	states := t.twoStates()
	for round := range t.rounds(15, 80) {
		did := fmt.Sprintf("round %d: creating one key at once", round)
		versions, errs := make([]uint64, racers), make([]error, racers)
		t.together(racers, func(r int) {
			versions[r], errs[r] = states[r%2].Set(t.shaken(), "key", fmt.Append(nil, round, r), driver.SetOptions{When: driver.IfAbsent()})
		})
		won := oneKeyWinner(t, did, errs)
		for r, err := range errs {
			if r != won {
				t.conflict(fmt.Sprintf("%s: racer %d beside winner %d", did, r, won), err, driver.ConflictError{Actual: versions[won], MustBeAbsent: true})
			}
		}
		t.keyHolds(states[round%2], "key", fmt.Sprint(round, won), versions[won])
		t.ok(did+": Delete for the next round", states[1-round%2].Delete(t.ctx, "key", driver.IfVersion(versions[won])))
	}
}

func oneSuccessorOfAVersion(t *trial) {
	const racers = 6
	states := t.twoStates()
	seen := t.set(t.State, "key", "begin")
	for round := range t.rounds(15, 80) {
		did := fmt.Sprintf("round %d: setting one key at one version at once", round)
		versions, errs := make([]uint64, racers), make([]error, racers)
		t.together(racers, func(r int) {
			versions[r], errs[r] = states[r%2].Set(t.shaken(), "key", fmt.Append(nil, round, r), driver.SetOptions{When: driver.IfVersion(seen)})
		})
		won := oneKeyWinner(t, did, errs)
		for r, err := range errs {
			if r != won {
				t.conflict(fmt.Sprintf("%s: racer %d beside winner %d", did, r, won), err, driver.ConflictError{Expected: seen, Actual: versions[won]})
			}
		}
		t.keyHolds(states[round%2], "key", fmt.Sprint(round, won), versions[won])
		seen = versions[won]
	}
}

// oneDeleterOfAVersion has deletions race, in some rounds against a Set.
func oneDeleterOfAVersion(t *trial) {
	const racers = 6
	states := t.twoStates()
	for round := range t.rounds(15, 60) {
		did := fmt.Sprintf("round %d: deleting one key at one version at once", round)
		seen := t.set(states[round%2], "key", "x")
		setter := racers
		if round%2 == 1 {
			setter = t.rand.IntN(racers)
		}
		var set uint64
		errs := make([]error, racers)
		t.together(racers, func(r int) {
			if r == setter {
				set, errs[r] = states[r%2].Set(t.shaken(), "key", []byte("won"), driver.SetOptions{When: driver.IfVersion(seen)})
			} else {
				errs[r] = states[r%2].Delete(t.shaken(), "key", driver.IfVersion(seen))
			}
		})
		won := oneKeyWinner(t, did, errs)
		want := driver.ConflictError{Expected: seen}
		if won == setter {
			want.Actual = set
			t.keyHolds(states[round%2], "key", "won", set)
		} else {
			t.keysAbsent(states[round%2], did+": which the winner has deleted", "key")
		}
		for r, err := range errs {
			if r != won {
				t.conflict(fmt.Sprintf("%s: racer %d beside winner %d", did, r, won), err, want)
			}
		}
	}
}

// keyCounterLosesNothing counts by compare-and-set. The racers make the key, too.
func keyCounterLosesNothing(t *trial) {
	const writers = 4
	const each = 12
	states := t.twoStates()
	done := make([]int, writers)
	t.together(writers, func(w int) {
		s := states[w%2]
		for tries := 0; done[w] < each; tries++ {
			if tries == 2000 {
				t.fatal("counting by compare-and-set", fmt.Sprintf("%d conflicts in a row, almost", tries), "somebody who gets on")
			}
			count, when := 0, driver.IfAbsent()
			entry, err := s.Get(t.shaken(), "count")
			switch {
			case err == nil:
				if count, err = strconv.Atoi(string(entry.Value)); err != nil {
					t.fatal("Get of a counter", entry, "a number")
				}
				when = driver.IfVersion(entry.Version)
			default:
				t.fails("Get of a counter", err, driver.ErrNotFound)
			}
			_, err = s.Set(t.shaken(), "count", strconv.AppendInt(nil, int64(count+1), 10), driver.SetOptions{When: when})
			if err == nil {
				done[w]++
			} else {
				t.fails("Set of a counter", err, driver.ErrConflict)
			}
		}
	})
	equal(t, "a counter that was raised by compare-and-set from two handles", string(t.get(t.State, "count").Value), strconv.Itoa(writers*each))
}

// sight is what one call said about the key: that this version was there, in
// between its begin and its end.
type sight struct {
	begin, end int64
	did        string
	version    uint64
	value      []byte // nil: not told
	wrote      bool
	replaced   uint64 // the version that a conditional write was about
}

// keyIsLinearizable keeps a log of what racing calls saw of one key, and tells from
// the versions whether they could have happened one after another.
func keyIsLinearizable(t *trial) {
	const racers = 6
	states := t.twoStates()
	var clock tally
	begin := sight{did: "the first Set", value: []byte("begin"), wrote: true, begin: clock.next()}
	begin.version = t.set(t.State, "key", "begin")
	begin.end = clock.next()
	logs := make([][]sight, racers)
	for i := range t.rounds(4, 30) {
		t.together(racers, func(r int) {
			for j := range 4 {
				seen := begin.version
				if n := len(logs[r]); n > 0 {
					seen = logs[r][n-1].version
				}
				logs[r] = append(logs[r], t.seeKey(states[(r+j)%2], (r+j)%5, seen, fmt.Append(nil, i, r, j), &clock))
			}
		})
	}
	judgeSights(t, append(slices.Concat(logs...), begin))
}

// seeKey makes one call of some kind.
func (t *trial) seeKey(s driver.StateStore, kind int, seen uint64, value []byte, clock *tally) (saw sight) {
	var err error
	saw.begin = clock.next()
	switch kind {
	case 0:
		saw.did, saw.wrote, saw.value = "Set", true, value
		saw.version, err = s.Set(t.shaken(), "key", value, driver.SetOptions{})
	case 3:
		saw.did, saw.wrote, saw.value, saw.replaced = "conditional Set", true, value, seen
		saw.version, err = s.Set(t.shaken(), "key", value, driver.SetOptions{When: driver.IfVersion(seen)})
		var conflict *driver.ConflictError
		if errors.As(err, &conflict) {
			saw.did, saw.wrote, saw.value, saw.version, err = "refused Set", false, nil, conflict.Actual, nil
		}
	case 2:
		var list []driver.EntryInfo
		saw.did = "List"
		list, _, err = s.List(t.shaken(), "k", driver.Page{Limit: 10})
		if err == nil && (len(list) != 1 || list[0].Key != "key") {
			t.fatal("List of one key that is always there", list, "the key, once")
		}
		if err == nil {
			saw.version = list[0].Version
		}
	default:
		var entry driver.Entry
		saw.did = "Get"
		entry, err = s.Get(t.shaken(), "key")
		saw.version, saw.value = entry.Version, entry.Value
	}
	saw.end = clock.next()
	t.ok(saw.did+" of a key that is always there", err)
	return saw
}

func judgeSights(t *trial, all []sight) {
	written := map[uint64]sight{}
	var versions []uint64
	for _, s := range all {
		if !s.wrote {
			continue
		}
		if other, twice := written[s.version]; twice {
			t.fatal("racing Sets of one key", fmt.Sprintf("version %d for both %q and %q", s.version, other.value, s.value), "a version for each")
		}
		written[s.version] = s
		versions = append(versions, s.version)
	}
	slices.Sort(versions)
	for i, version := range versions {
		if s := written[version]; s.replaced != 0 && (i == 0 || versions[i-1] != s.replaced) {
			t.fatal(fmt.Sprintf("Set of %q if the version is %d", s.value, s.replaced),
				fmt.Sprintf("it was done as version %d, though the versions were %v", version, versions), "a conflict")
		}
	}
	for _, s := range all {
		w, known := written[s.version]
		if !known || (s.value != nil && !bytes.Equal(s.value, w.value)) {
			t.fatal(s.did+" while others write", fmt.Sprintf("value %q at version %d", s.value, s.version), fmt.Sprintf("a pair that was written; this version is that of %q", w.value))
		}
		if w.begin > s.end {
			t.fatal(s.did+" while others write", fmt.Sprintf("version %d", s.version), "no version of a Set that had not begun")
		}
	}
	// After a call has ended, nobody may see a lower version than it has seen.
	slices.SortFunc(all, func(a, b sight) int { return int(a.end - b.end) })
	for i, before := range all {
		for _, after := range all[i+1:] {
			if after.begin > before.end && (after.version < before.version || (after.wrote && after.version == before.version)) {
				t.fatal(fmt.Sprintf("%s that began after a %s had ended", after.did, before.did),
					fmt.Sprintf("version %d after version %d", after.version, before.version), "a later one")
			}
		}
	}
}
