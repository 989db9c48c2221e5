package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var stateChecks = slices.Concat(valueChecks, versionChecks, keyRaceChecks, keyListChecks, cacheChecks)

var valueChecks = []check{
	{rule: "S1", name: "values", why: "an agent would read back something else than it wrote", role: driver.RoleState, run: keyValuesComeBack},
	{rule: "S1", name: "keys", why: "two keys that look alike would overwrite or delete each other", role: driver.RoleState, run: nastyKeysAreApart},
	{rule: "S1", name: "missing-or-empty", why: "who stored nothing could not be told from who never stored", role: driver.RoleState, run: missingIsNotEmpty},
	{rule: "S1", name: "handles-agree", why: "one worker would go on with what another has already changed", role: driver.RoleState, run: handlesAgreeOnKeys},
	{rule: "S1", name: "neighbours-at-once", why: "a worker would lose what it wrote because another wrote something else", role: driver.RoleState, run: neighboursWriteAtOnce},
	{rule: "S1", name: "large-value", why: "the state of a long run would be cut or refused on this driver only", role: driver.RoleState, run: largeValueComesBack},
	{rule: "S1", name: "reopened", why: "a clean restart would lose working memory that was acknowledged", role: driver.RoleState, needs: needsRestart, run: keysSurviveReopening},
}

func keyValuesComeBack(t *trial) {
	states := t.twoStates()
	versions := map[string]uint64{}
	set := func(s driver.StateStore, key string, value []byte) {
		version, err := s.Set(t.ctx, key, value, driver.SetOptions{})
		t.ok(fmt.Sprintf("Set of key %q", key), err)
		if version <= versions[key] {
			t.fatal(fmt.Sprintf("Set of key %q", key), fmt.Sprintf("version %d after %d", version, versions[key]), "a greater version")
		}
		versions[key] = version
	}
	for name, value := range nastyBytes {
		set(states[0], name, []byte("what was there before"))
		set(states[1], name, value)
	}
	for name, value := range nastyBytes {
		for _, s := range states {
			t.keyHolds(s, name, string(value), versions[name])
		}
	}
	for i, name := range slices.Sorted(maps.Keys(nastyBytes)) {
		value := string(nastyBytes[name])
		set(states[i%2], "one for all", nastyBytes[name])
		for _, s := range states {
			t.keyHolds(s, "one for all", value, versions["one for all"])
		}
		lasting := t.setLasting(states[i%2], "with a TTL", value, driver.SetOptions{TTL: time.Hour})
		version := t.setKey(states[i%2], "with a TTL", value, driver.SetOptions{When: driver.IfVersion(lasting.Version)})
		t.keyHolds(states[1-i%2], "with a TTL", value, version)
	}
}

// nastyKeysAreApart sets and deletes keys with and without conditions and TTLs,
// which engines often do in different ways.
func nastyKeysAreApart(t *trial) {
	infos := make([]driver.EntryInfo, len(nastyIDs))
	for i, key := range nastyIDs {
		var o driver.SetOptions
		if i%2 == 0 {
			o.When = driver.IfAbsent()
		}
		infos[i].Version = t.setKey(t.State, key, fmt.Sprint("the first of ", i), o)
	}
	for i, key := range slices.Backward(nastyIDs) {
		var o driver.SetOptions
		if i%3 == 0 {
			o.When = driver.IfVersion(infos[i].Version)
		}
		if i%4 == 1 {
			o.TTL = time.Hour
		}
		infos[i] = t.setLasting(t.State, key, fmt.Sprint("second ", i), o)
	}
	same := func(i int) {
		got := t.get(t.State, nastyIDs[i])
		if t.sameExpiry(got.ExpiresAt, infos[i].ExpiresAt) {
			got.ExpiresAt = infos[i].ExpiresAt
		}
		equal(t, "Get of a key beside many that are called alike", got, driver.Entry{EntryInfo: infos[i], Value: fmt.Append(nil, "second ", i)})
	}
	for i := range nastyIDs {
		same(i)
	}
	lists(t, "the keys", t.keysLike(t.State, "", infos), infos)
	var left []driver.EntryInfo
	for i, key := range nastyIDs {
		switch {
		case i%3 != 0:
			left = append(left, infos[i])
		case i%2 == 0:
			t.ok("Delete at its version", t.State.Delete(t.ctx, key, driver.IfVersion(infos[i].Version)))
		default:
			t.deleteKey(t.State, key)
		}
	}
	for i, key := range nastyIDs {
		if i%3 == 0 {
			t.keysAbsent(t.State, "which was deleted", key)
		} else {
			same(i)
		}
	}
	lists(t, "the keys that are left", t.keysLike(t.State, "", infos), left)
}

func missingIsNotEmpty(t *trial) {
	states := t.twoStates()
	t.keysAbsent(states[0], "in a new store", "key", "snapshots", "x")
	t.deleteKey(states[0], "key")
	t.keysAbsent(states[0], "which was missing when it was deleted", "key")
	for _, value := range []string{"", "full", "", "x", ""} {
		version := t.set(states[0], "key", value)
		t.keyHolds(states[0], "key", value, version)
		t.keyHolds(states[1], "key", value, version)
		lists(t, "the keys", keysOf(states[1], ""), []driver.EntryInfo{{Key: "key", Version: version}})
	}
	t.deleteKey(states[1], "key")
	for _, s := range states {
		t.keysAbsent(s, "which was deleted", "key")
		lists(t, "the keys after deletion", keysOf(s, ""), nil)
		t.deleteKey(s, "key")
	}
	version, err := t.State.Set(t.ctx, "key", nil, driver.SetOptions{})
	t.ok("Set of a nil value", err)
	t.keyHolds(states[1], "key", "", version)
	t.keysAbsent(t.State, "which is another than the one that was set", "Key", "key ", "ke", "key2")
}

// handlesAgreeOnKeys changes keys through either handle and looks through the
// other, comparing with a map.
func handlesAgreeOnKeys(t *trial) {
	states := t.twoStates()
	keys := []string{"a", "a/b", "b"}
	now, last := map[string]driver.Entry{}, map[string]uint64{}
	for i := range t.rounds(40, 150) {
		key, s := keys[t.rand.IntN(len(keys))], states[t.rand.IntN(2)]
		var o driver.SetOptions
		if t.rand.IntN(2) == 0 {
			o.When = driver.IfVersion(now[key].Version)
		}
		if t.rand.IntN(4) == 0 {
			t.ok(fmt.Sprintf("step %d: Delete of key %q at the version that it has", i, key), s.Delete(t.ctx, key, o.When))
			delete(now, key)
		} else {
			value := strings.Repeat("x", t.rand.IntN(5)) + fmt.Sprint(i)
			version := t.setKey(s, key, value, o)
			if version <= last[key] {
				t.fatal(fmt.Sprintf("step %d: Set of key %q through one of two handles", i, key), fmt.Sprintf("version %d; it has had %d", version, last[key]), "a greater one")
			}
			last[key] = version
			now[key] = driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: version}, Value: []byte(value)}
		}
		sameKeys(t, fmt.Sprintf("step %d", i), states[t.rand.IntN(2)], keys, now)
	}
}

// sameKeys ends the check unless the store holds, of these keys, what is in now.
func sameKeys(t *trial, when string, s driver.StateStore, keys []string, now map[string]driver.Entry) {
	var infos []driver.EntryInfo
	for _, key := range keys {
		if want, there := now[key]; there {
			t.keyHolds(s, key, string(want.Value), want.Version)
			infos = append(infos, want.EntryInfo)
		} else {
			t.keysAbsent(s, when, key)
		}
	}
	if got := walk(t, when+": the keys", 2, keysOf(s, "")); len(got)+len(infos) > 0 {
		equal(t, when+": the keys", got, infos)
	}
}

// neighboursWriteAtOnce has everybody write a key and a snapshot of their own.
func neighboursWriteAtOnce(t *trial) {
	const writers = 4
	states := t.twoStates()
	key := func(w int) string { return fmt.Sprint("key of ", w) }
	versions := make([]uint64, writers)
	for round := range t.rounds(6, 40) {
		text := fmt.Sprint("round ", round)
		deleter := round % writers
		t.together(writers, func(w int) {
			s := states[w%2]
			var err error
			if w == deleter && round > 0 {
				err = s.Delete(t.shaken(), key(w), driver.Precondition{})
			} else {
				versions[w], err = s.Set(t.shaken(), key(w), []byte(text), driver.SetOptions{})
			}
			t.ok("writing a key while others write theirs", err)
			t.ok("SaveSnapshot while others save theirs", s.SaveSnapshot(t.shaken(), taken(driver.ExecutionID(key(w)), uint64(1+round), text)))
		})
		for w := range writers {
			s := states[(w+1)%2]
			if w == deleter && round > 0 {
				t.keysAbsent(s, "which was deleted while others wrote theirs", key(w))
			} else {
				t.keyHolds(s, key(w), text, versions[w])
			}
			t.snapshotIs(s, "that was saved while others saved theirs", taken(driver.ExecutionID(key(w)), uint64(1+round), text))
		}
	}
}

func largeValueComesBack(t *trial) {
	large := t.patterned(16<<20 + 1)
	for _, value := range [][]byte{large, large[:3]} {
		version, err := t.State.Set(t.ctx, "key", value, driver.SetOptions{})
		t.ok(fmt.Sprintf("Set of %d bytes", len(value)), err)
		got := t.get(t.State, "key")
		equalLarge(t, fmt.Sprintf("Get of %d bytes", len(value)), got.Value, value)
		equal(t, "Get of a large value", got.EntryInfo, driver.EntryInfo{Key: "key", Version: version})
	}
}

func keysSurviveReopening(t *trial) {
	versions := map[string]uint64{}
	for i, key := range []string{"a", "b", "c", "d", "e"} {
		t.set(t.State, key, "first")
		versions[key] = t.set(t.State, key, fmt.Sprint("second ", i))
	}
	t.deleteKey(t.State, "b")
	versions["last"] = t.set(t.State, "last", "written right before the end")
	t.reopen()
	for i, key := range []string{"a", "b", "c", "d", "e"} {
		if key != "b" {
			t.keyHolds(t.State, key, fmt.Sprint("second ", i), versions[key])
		}
	}
	t.keyHolds(t.State, "last", "written right before the end", versions["last"])
	t.keysAbsent(t.State, "which was deleted before reopening", "b")
	lists(t, "the keys after reopening", keysOf(t.State, ""), infosOf([]string{"a", "c", "d", "e", "last"}, versions))
	t.deleteKey(t.State, "last")
	t.reopen()
	t.keysAbsent(t.State, "which was deleted right before reopening", "last")
}
