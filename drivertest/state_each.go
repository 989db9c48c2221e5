package drivertest

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/enactdev/enact/driver"
)

// Checks of driver.StateBatcher; a driver without that ability passes them.
var stateEachChecks = []check{
	{
		rule: "S1", name: "each-as-one-after-the-other", role: driver.RoleState, run: keysEachAsOneAfterTheOther,
		why: "who names several keys at once must be told of each what would be told of it alone",
	},
	{
		rule: "S1", name: "each-fails-alone", role: driver.RoleState, run: keysEachFailAlone,
		why: "keys would be lost, or set though they must not be, because of another in the same call",
	},
	{
		rule: "S2", name: "each-expires", role: driver.RoleState, run: keysEachExpire,
		why: "a lease that was taken with others would last for ever, or be shown when it has run out",
	},
	{
		rule: "S3", name: "each-one-winner", role: driver.RoleState, run: keysEachHaveOneWinner,
		why: "two workers who take several leases at once would both have one, or wait for one another for ever",
	},
	{
		rule: "B4", name: "each-key-after-shutdown", role: driver.RoleState, run: keysEachAfterShutdown,
		why: "a key that is set behind Shutdown is lost or finds its engine gone",
	},
	{
		rule: "B5", name: "each-key-in-its-tenant", role: driver.RoleState, run: keysEachInTheirTenant,
		why: "who names several keys at once would read or change another customer's",
	},
	{
		rule: "B6", name: "each-key-cancelled", role: driver.RoleState, run: keysEachCancelled,
		why: "who is told that nothing was written must be able to rely on it",
	},
	{
		rule: "B8", name: "each-key-keeps-nothing", role: driver.RoleState, run: keysEachKeepNothing,
		why: "a caller who uses a buffer again would change what is stored, or what another has read",
	},
}

// stateBatcher returns the ability of a store, and ends the check as passed if it has
// none.
func (t *trial) stateBatcher(s driver.StateStore) driver.StateBatcher {
	batcher, ok := s.(driver.StateBatcher)
	if !ok {
		runtime.Goexit()
	}
	return batcher
}

// getEach is GetEach with as many results as keys.
func (t *trial) getEach(ctx context.Context, s driver.StateStore, keys ...string) []driver.GetResult {
	results := t.stateBatcher(s).GetEach(ctx, keys)
	equal(t, "the number of results of GetEach", len(results), len(keys))
	return results
}

// setEach is SetEach with as many results as items.
func (t *trial) setEach(ctx context.Context, s driver.StateStore, items ...driver.SetItem) []driver.SetResult {
	results := t.stateBatcher(s).SetEach(ctx, items)
	equal(t, "the number of results of SetEach", len(results), len(items))
	return results
}

// setAll is SetEach of what must not fail, and returns the versions.
func (t *trial) setAll(s driver.StateStore, items ...driver.SetItem) (versions []uint64) {
	for i, r := range t.setEach(t.ctx, s, items...) {
		t.ok(fmt.Sprintf("SetEach of item %d of %d, key %q", i+1, len(items), items[i].Key), r.Err)
		versions = append(versions, r.Version)
	}
	return versions
}

func item(key, value string) driver.SetItem { return driver.SetItem{Key: key, Value: []byte(value)} }

func itemIf(key, value string, when driver.Precondition) driver.SetItem {
	return driver.SetItem{Key: key, Value: []byte(value), Options: driver.SetOptions{When: when}}
}

// keysEachHold ends the check unless GetEach finds just this, and nothing where an entry
// has no version.
func (t *trial) keysEachHold(s driver.StateStore, when string, want ...driver.Entry) {
	keys := idsOf(want, func(e driver.Entry) string { return e.Key })
	for i, r := range t.getEach(t.ctx, s, keys...) {
		did := fmt.Sprintf("%s: GetEach of %d keys, result %d, key %q", when, len(keys), i+1, keys[i])
		if want[i].Version == 0 {
			t.fails(did, r.Err, driver.ErrNotFound)
			continue
		}
		t.ok(did, r.Err)
		equal(t, did, r.Entry, want[i])
	}
}

// keysEachAsOneAfterTheOther sets and gets random groups of keys, some of them twice,
// under conditions that what comes before in the group may have made true or false.
func keysEachAsOneAfterTheOther(t *trial) {
	states := t.twoStates()
	t.stateBatcher(states[0])
	keys := []string{"%", "A", "a", "a ", "e\u0301", "key", "é"} // in byte order
	now, highest := map[string]driver.Entry{}, map[string]uint64{}
	for round := range t.rounds(60, 200) {
		s := states[t.rand.IntN(2)]
		did := func(i int) string {
			return fmt.Sprintf("with %s=%d, round %d: SetEach, item %d", SeedVariable, t.seed, round, i+1)
		}
		var items []driver.SetItem
		for range 1 + t.rand.IntN(10) {
			key := keys[t.rand.IntN(len(keys))]
			next := itemIf(key, fmt.Sprint("round ", round, " item ", len(items)), driver.Precondition{})
			switch t.rand.IntN(5) {
			case 0:
				next.Options.When = driver.IfVersion(now[key].Version)
			case 1:
				next.Options.When = driver.IfAbsent()
			case 2:
				next.Value = nil
			}
			items = append(items, next)
		}
		for i, r := range t.setEach(t.ctx, s, items...) {
			key, actual := items[i].Key, now[items[i].Key].Version
			if err := items[i].Options.When.Check(key, actual); err != nil {
				expected, _ := items[i].Options.When.Version()
				t.conflict(did(i), r.Err, driver.ConflictError{Expected: expected, Actual: actual, MustBeAbsent: expected == 0})
				continue
			}
			t.ok(did(i), r.Err)
			if r.Version <= highest[key] {
				t.fatal(did(i), fmt.Sprintf("version %d of key %q, which has had %d", r.Version, key, highest[key]), "a greater one")
			}
			highest[key] = r.Version
			now[key] = driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: r.Version}, Value: append([]byte{}, items[i].Value...)}
		}
		if key := keys[t.rand.IntN(len(keys))]; t.rand.IntN(2) == 0 {
			t.deleteKey(s, key)
			delete(now, key)
		}
		var want []driver.Entry
		for range t.rand.IntN(12) {
			entry := now[keys[t.rand.IntN(len(keys))]]
			if entry.Key == "" {
				entry.Key = keys[t.rand.IntN(len(keys))] + " is not there"
			}
			want = append(want, entry)
		}
		t.keysEachHold(states[t.rand.IntN(2)], fmt.Sprint("round ", round), want...)
		sameKeys(t, fmt.Sprint("after round ", round), s, keys, now)
	}
}

func keysEachFailAlone(t *trial) {
	t.stateBatcher(t.State)
	there := t.set(t.State, "there", "first")
	results := t.setEach(t.ctx, t.State,
		item("new", "1"),
		itemIf("there", "refused", driver.IfAbsent()),
		itemIf("nowhere", "refused", driver.IfVersion(there)),
		itemIf("there", "second", driver.IfVersion(there)),
		itemIf("there", "refused", driver.IfVersion(there)), // the one before it has won
		itemIf("made", "1", driver.IfAbsent()),
		itemIf("made", "refused", driver.IfAbsent()),
		item("new", "2"),
	)
	for i, fails := range []bool{false, true, true, false, true, false, true, false} {
		did := fmt.Sprintf("SetEach of which some are refused, item %d", i+1)
		if fails {
			t.fails(did, results[i].Err, driver.ErrConflict)
			equal(t, did+": the version", results[i].Version, 0)
		} else {
			t.ok(did, results[i].Err)
		}
	}
	entry := func(key, value string, result int) driver.Entry {
		return driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: results[result].Version}, Value: []byte(value)}
	}
	missing := driver.Entry{EntryInfo: driver.EntryInfo{Key: "nowhere"}}
	t.keysEachHold(t.State, "after refusals", missing, entry("there", "second", 3), missing, entry("new", "2", 7), entry("made", "1", 5), entry("new", "2", 7))
	var many []driver.SetItem
	var want []driver.Entry
	for i := range driver.MaxEachKeys {
		many = append(many, item(fmt.Sprint("many ", i), fmt.Sprint(i)))
	}
	for i, version := range t.setAll(t.State, many...) {
		want = append(want, driver.Entry{EntryInfo: driver.EntryInfo{Key: many[i].Key, Version: version}, Value: many[i].Value})
	}
	t.keysEachHold(t.State, "after SetEach of as many as there may be", want...)
	for _, version := range t.setAll(t.State) {
		t.fatal("SetEach of nothing", version, "no result")
	}
	t.keysEachHold(t.State, "of nothing")
}

func keysEachExpire(t *trial) {
	t.stateBatcher(t.State)
	within := func(next driver.SetItem, ttl time.Duration) driver.SetItem {
		next.Options.TTL = ttl
		return next
	}
	t.setAll(t.State, within(item("kept", "with a TTL"), time.Hour), item("brief", "without a TTL"))
	before := time.Now()
	versions := t.setAll(t.State, item("kept", "1"), within(item("brief", "2"), briefTTL), within(item("long", "3"), time.Hour), within(item("twice", "4"), briefTTL), item("twice", "5"))
	after := time.Now()
	t.keyHolds(t.State, "kept", "1", versions[0])
	t.keyHolds(t.State, "twice", "5", versions[4])
	long := t.getEach(t.ctx, t.State, "kept", "long")[1]
	t.ok("GetEach of a key with a TTL", long.Err)
	t.plausibleExpiry("long", long.Entry.ExpiresAt, before.Add(time.Hour), after.Add(time.Hour))
	t.expired(briefTTL, t.State, "brief")
	alone := func(key, value string, version uint64) driver.Entry {
		return driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: version}, Value: []byte(value)}
	}
	t.keysEachHold(t.State, "when one has expired", alone("kept", "1", versions[0]), alone("brief", "", 0), alone("twice", "5", versions[4]))
	again := t.setEach(t.ctx, t.State, itemIf("brief", "lost", driver.IfVersion(versions[1])), itemIf("brief", "6", driver.IfAbsent()), itemIf("long", "lost", driver.IfAbsent()))
	t.conflict("SetEach at the version of a key that has expired", again[0].Err, driver.ConflictError{Expected: versions[1]})
	t.ok("SetEach, if absent, of a key that has expired", again[1].Err)
	t.conflict("SetEach, if absent, of a key that has not", again[2].Err, driver.ConflictError{Actual: versions[2], MustBeAbsent: true})
	if again[1].Version <= versions[1] {
		t.fatal("SetEach of a key that has expired", fmt.Sprintf("version %d after %d", again[1].Version, versions[1]), "a greater one")
	}
	t.keyHolds(t.State, "brief", "6", again[1].Version)
}

// keysEachHaveOneWinner has several take the same keys at once, in another order.
func keysEachHaveOneWinner(t *trial) {
	states := t.twoStates()
	t.stateBatcher(states[0])
	const workers, leases = 4, 6
	for round := range t.rounds(8, 40) {
		won := make([][]driver.SetResult, workers)
		name := func(i int) string { return fmt.Sprintf("round %d, lease %d", round, i) }
		t.together(workers, func(w int) {
			var items []driver.SetItem
			for i := range leases {
				if w%2 == 1 {
					i = leases - 1 - i
				}
				items = append(items, itemIf(name(i), fmt.Sprint("worker ", w), driver.IfAbsent()))
			}
			won[w] = t.setEach(t.shaken(), states[w%2], items...)
		})
		for i := range leases {
			winners := 0
			for w, results := range won {
				r := results[i]
				if w%2 == 1 {
					r = results[leases-1-i]
				}
				if r.Err != nil {
					t.fails("SetEach, if absent, beside others", r.Err, driver.ErrConflict)
					continue
				}
				winners++
				t.keyHolds(t.State, name(i), fmt.Sprint("worker ", w), r.Version)
			}
			equal(t, fmt.Sprintf("of %d who set %q, if absent: those who have", workers, name(i)), winners, 1)
		}
	}
}
