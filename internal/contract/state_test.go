package contract_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func mustSet(t testing.TB, tenant *enact.Tenant, key, value string, options ...enact.SetOption) (version uint64) {
	t.Helper()
	version, err := tenant.State.Set(t.Context(), key, []byte(value), options...)
	must(t, fmt.Sprintf("setting %q", key), err)
	return version
}

// mustGet fails the test unless the key holds value at version, without a TTL.
func mustGet(t testing.TB, tenant *enact.Tenant, key, value string, version uint64) {
	t.Helper()
	entry, err := tenant.State.Get(t.Context(), key)
	must(t, fmt.Sprintf("getting %q", key), err)
	mustEqual(t, fmt.Sprintf("key %q", key), entry, enact.Entry{EntryInfo: enact.EntryInfo{Key: key, Version: version}, Value: []byte(value)})
}

func mustBeAbsent(t testing.TB, tenant *enact.Tenant, key string) {
	t.Helper()
	entry, err := tenant.State.Get(t.Context(), key)
	mustFail(t, fmt.Sprintf("getting the absent key %q", key), err, enact.ErrNotFound)
	mustEqual(t, "the entry beside the error", entry, enact.Entry{})
}

func TestS1ValuesComeBackAsTheyWere(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		versions := map[string]uint64{}
		for name, value := range anyBytes {
			mustSet(f, f.tenant(), name, "another value")
			version, err := f.tenant().State.Set(f.ctx, name, value)
			must(f, "setting "+name, err)
			versions[name] = version
		}
		check := func() {
			for name, value := range anyBytes {
				mustGet(f, f.tenant(), name, string(value), versions[name])
			}
		}
		check()
		f.reopen()
		check()
	})
}

func TestS1MissingEmptyAndDeletedAreToldApart(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustBeAbsent(f, tenant, "key")
		must(f, "deleting a missing key", tenant.State.Delete(f.ctx, "key"))
		first := mustSet(f, tenant, "key", "")
		mustGet(f, tenant, "key", "", first)
		second := mustSet(f, tenant, "key", "full")
		mustGet(f, tenant, "key", "full", second)
		third := mustSet(f, tenant, "key", "")
		mustGet(f, tenant, "key", "", third)
		must(f, "deleting", tenant.State.Delete(f.ctx, "key"))
		mustBeAbsent(f, tenant, "key")
		must(f, "deleting again", tenant.State.Delete(f.ctx, "key"))
		mustBeAbsent(f, tenant, "Key")
	})
}

func TestS1JSONHelpers(t *testing.T) {
	type memory struct {
		Text  string
		Count int64
	}
	onEach(t, everyBackend, func(f *fixture) {
		want := memory{"<a> & \u2028 é", math.MaxInt64 - 1}
		version, err := enact.SetJSON(f.ctx, f.tenant().State, "key", want)
		must(f, "SetJSON", err)
		got, gotVersion, err := enact.GetJSON[memory](f.ctx, f.tenant().State, "key")
		must(f, "GetJSON", err)
		mustEqual(f, "the JSON value", got, want)
		mustEqual(f, "its version", gotVersion, version)
		_, err = enact.SetJSON(f.ctx, f.tenant().State, "key", math.Inf(1))
		mustFail(f, "SetJSON of an infinity", err, enact.ErrInvalid)
		_, _, err = enact.GetJSON[memory](f.ctx, f.tenant().State, "missing")
		mustFail(f, "GetJSON of a missing key", err, enact.ErrNotFound)
		if _, _, err := enact.GetJSON[[]int](f.ctx, f.tenant().State, "key"); err == nil || errors.Is(err, enact.ErrNotFound) {
			f.Errorf("GetJSON into another type returned %v; it should have been an error other than not found", err)
		}
	})
}

const (
	shortTTL = 40 * time.Millisecond
	longTTL  = time.Hour
)

// expire waits until a key set with shortTTL just now has expired.
func expire() { time.Sleep(shortTTL + 20*time.Millisecond) }

func TestS2ExpiredIsInvisible(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant, other := f.tenant(), f.open().Tenant("acme")
		version := mustSet(f, tenant, "b1", "short", enact.WithTTL(shortTTL))
		for _, key := range []string{"b2", "b3", "b4", "b5"} {
			mustSet(f, tenant, key, "short", enact.WithTTL(shortTTL))
		}
		kept := mustSet(f, tenant, "a", "kept")
		long := mustSet(f, tenant, "c", "long", enact.WithTTL(longTTL))
		expire()
		for _, handle := range []*enact.Tenant{tenant, other} {
			mustBeAbsent(f, handle, "b1")
			mustList(f, "the keys that begin with b", keysOf(handle, "b"), nil)
			mustEqual(f, "the keys", idsOf(walk(f, "keys", 1, keysOf(handle, "")), keyOf), []string{"a", "c"})
		}
		_, err := tenant.State.Set(f.ctx, "b1", []byte("x"), enact.IfVersion(version))
		mustConflict(f, "setting an expired key at the version that it had", err, enact.ConflictError{Expected: version})
		mustConflict(f, "deleting an expired key at a version", tenant.State.Delete(f.ctx, "b2", enact.IfVersion(7)), enact.ConflictError{Expected: 7})
		must(f, "deleting an expired key", tenant.State.Delete(f.ctx, "b2"))
		must(f, "deleting an expired key if it is absent", tenant.State.Delete(f.ctx, "b3", enact.IfAbsent()))
		created := mustSet(f, other, "b4", "new", enact.IfAbsent())
		mustGet(f, tenant, "b4", "new", created)
		f.reopen()
		tenant = f.tenant()
		for _, key := range []string{"b1", "b2", "b3", "b5"} {
			mustBeAbsent(f, tenant, key)
		}
		mustGet(f, tenant, "a", "kept", kept)
		mustGet(f, tenant, "b4", "new", created)
		entry, err := tenant.State.Get(f.ctx, "c")
		must(f, "getting the long-lived key after reopening", err)
		mustEqual(f, "its version", entry.Version, long)
	})
}

// TestS2NothingShowsAfterItsTime looks at keys again and again while they expire:
// what is still shown must have been alive when the call began.
func TestS2NothingShowsAfterItsTime(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for round := range 5 {
			mustSet(f, f.tenant(), "key", "x", enact.WithTTL(3*time.Millisecond))
			for alive, listed := true, true; alive || listed; {
				begin := time.Now().Truncate(time.Microsecond)
				entry, err := f.tenant().State.Get(f.ctx, "key")
				if alive = err == nil; alive && !entry.ExpiresAt.After(begin) {
					f.Fatalf("round %d: Get that began at %v shows a key that expired at %v", round, begin, entry.ExpiresAt)
				}
				begin = time.Now().Truncate(time.Microsecond)
				infos, _, err := f.tenant().State.List(f.ctx, "", enact.Page{})
				must(f, "List", err)
				if listed = len(infos) > 0; listed && !infos[0].ExpiresAt.After(begin) {
					f.Fatalf("round %d: List that began at %v shows a key that expired at %v", round, begin, infos[0].ExpiresAt)
				}
			}
		}
	})
}

// TestS2ExpiresWhileNobodyHasItOpen: the time goes on between two openings.
func TestS2ExpiresWhileNobodyHasItOpen(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		mustSet(f, f.tenant(), "key", "short", enact.WithTTL(shortTTL))
		shutDown(f.T, f.rt)
		expire()
		f.rt = f.open()
		mustBeAbsent(f, f.tenant(), "key")
		mustList(f, "the keys after reopening", keysOf(f.tenant(), ""), nil)
		mustSet(f, f.tenant(), "key", "new", enact.IfAbsent())
	})
}

func TestS2SettingAgainReplacesOrRemovesTheTTL(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for _, key := range []string{"removed", "removed by zero", "longer", "conditionally"} {
			mustSet(f, tenant, key, "old", enact.WithTTL(longTTL))
		}
		mustSet(f, tenant, "shorter", "old", enact.WithTTL(longTTL))
		mustSet(f, tenant, "given", "old")
		first := mustSet(f, tenant, "lost", "old", enact.WithTTL(shortTTL))
		removed := mustSet(f, tenant, "removed", "new")
		zero := mustSet(f, tenant, "removed by zero", "new", enact.WithTTL(0))
		conditionally := mustSet(f, tenant, "conditionally", "new", enact.IfVersion(mustSet(f, tenant, "conditionally", "old", enact.WithTTL(longTTL))))
		mustSet(f, tenant, "longer", "new", enact.WithTTL(2*longTTL))
		mustSet(f, tenant, "shorter", "new", enact.WithTTL(shortTTL))
		mustSet(f, tenant, "given", "new", enact.WithTTL(shortTTL))
		mustSet(f, tenant, "lost", "new")
		expire()
		mustGet(f, tenant, "removed", "new", removed)
		mustGet(f, tenant, "removed by zero", "new", zero)
		mustGet(f, tenant, "conditionally", "new", conditionally)
		mustBeAbsent(f, tenant, "shorter")
		mustBeAbsent(f, tenant, "given")
		if entry, err := tenant.State.Get(f.ctx, "lost"); err != nil || !entry.ExpiresAt.IsZero() || string(entry.Value) != "new" || entry.Version <= first {
			f.Errorf("a key whose TTL was removed is %+v, %v; it should be there for ever", entry, err)
		}
		infos := walk(f, "keys", 10, keysOf(tenant, ""))
		mustEqual(f, "the keys", idsOf(infos, keyOf), []string{"conditionally", "longer", "lost", "removed", "removed by zero"})
		for _, info := range infos {
			if info.ExpiresAt.IsZero() != (info.Key != "longer") {
				f.Errorf("key %q is listed as expiring at %v", info.Key, info.ExpiresAt)
			}
		}
	})
}

func TestS2TheStoresClockDecides(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for _, ttl := range []time.Duration{time.Hour, 90*time.Minute + time.Nanosecond, driver.MaxTTL} {
			before := time.Now()
			version := mustSet(f, f.tenant(), "key", "x", enact.WithTTL(ttl))
			after := time.Now()
			entry, err := f.tenant().State.Get(f.ctx, "key")
			must(f, "Get", err)
			earliest, latest := before.Add(ttl).Truncate(time.Microsecond), after.Add(ttl+2*time.Millisecond)
			if entry.ExpiresAt.Before(earliest) || entry.ExpiresAt.After(latest) || entry.ExpiresAt.Location() != time.UTC {
				f.Errorf("a key with a TTL of %v expires at %v; it should be from %v to %v, in UTC", ttl, entry.ExpiresAt, earliest, latest)
			}
			want := []enact.EntryInfo{{Key: "key", Version: version, ExpiresAt: entry.ExpiresAt}}
			mustEqual(f, "the listed key", walk(f, "keys", 1, keysOf(f.tenant(), "")), want)
		}
		// A key must never live shorter than it was told to.
		for range 20 {
			begin := time.Now()
			mustSet(f, f.tenant(), "brief", "x", enact.WithTTL(longTTL))
			if entry, err := f.tenant().State.Get(f.ctx, "brief"); err != nil || entry.ExpiresAt.Before(begin.Add(longTTL).Truncate(time.Microsecond)) {
				f.Fatalf("a key set at %v with a TTL of %v expires at %v, %v", begin, longTTL, entry.ExpiresAt, err)
			}
		}
	})
}

func TestS2BadTTLs(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		version := mustSet(f, f.tenant(), "key", "kept")
		for _, ttl := range []time.Duration{-1, -time.Hour, math.MinInt64, driver.MaxTTL + 1, math.MaxInt64} {
			_, err := f.tenant().State.Set(f.ctx, "key", []byte("lost"), enact.WithTTL(ttl))
			mustFail(f, fmt.Sprintf("setting with a TTL of %v", ttl), err, enact.ErrInvalid)
		}
		mustFail(f, "deleting with a TTL", f.tenant().State.Delete(f.ctx, "key", enact.WithTTL(time.Hour)), enact.ErrInvalid)
		mustGet(f, f.tenant(), "key", "kept", version)
	})
}

// TestS3VersionsGrowAndNeverReturn ends a key in every way there is, and has it
// begin again.
func TestS3VersionsGrowAndNeverReturn(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		for i := range 40 {
			mustSet(f, tenant, "busy", fmt.Sprint(i)) // its versions must not hide those of the other
		}
		var last uint64
		next := func(after string, options ...enact.SetOption) {
			f.Helper()
			version := mustSet(f, tenant, "key", after, options...)
			if version <= last {
				f.Fatalf("after %s the key got version %d; it has had %d", after, version, last)
			}
			last = version
		}
		next("nothing")
		next("setting")
		next("the same value again")
		next("the same value again")
		must(f, "deleting", tenant.State.Delete(f.ctx, "key"))
		next("deletion")
		must(f, "deleting", tenant.State.Delete(f.ctx, "key"))
		must(f, "deleting again", tenant.State.Delete(f.ctx, "key"))
		mustSet(f, tenant, "other", "x")
		must(f, "deleting another", tenant.State.Delete(f.ctx, "other"))
		next("deletion, create only", enact.IfAbsent())
		next("setting with a TTL", enact.WithTTL(shortTTL))
		expire()
		next("expiry")
		next("setting with a TTL", enact.WithTTL(shortTTL))
		expire()
		next("expiry, create only", enact.IfAbsent())
		next("setting with a TTL", enact.WithTTL(shortTTL))
		expire()
		must(f, "deleting what has expired", tenant.State.Delete(f.ctx, "key"))
		next("expiry and deletion")
		must(f, "deleting", tenant.State.Delete(f.ctx, "key"))
		f.reopen()
		tenant = f.tenant()
		next("deletion and reopening")
		f.reopen()
		tenant = f.tenant()
		next("reopening")
		next("setting with a TTL", enact.WithTTL(shortTTL))
		f.reopen()
		tenant = f.tenant()
		expire()
		next("reopening and expiry")
	})
}

// TestS3VersionsSurviveReclaiming sets keys after they were swept away.
func TestS3VersionsSurviveReclaiming(t *testing.T) {
	kinds := []backendKind{inMemory, {"sqlite file", func(t *testing.T) string { return sqliteFile.newDSN(t) + "?sweep_interval=5ms" }}}
	onEach(t, kinds, func(f *fixture) {
		var last uint64
		for round := range 8 {
			version := mustSet(f, f.tenant(), "key", fmt.Sprint(round), enact.WithTTL(5*time.Millisecond))
			if version <= last {
				f.Fatalf("round %d: the key got version %d; it has had %d", round, version, last)
			}
			last = version
			time.Sleep(30 * time.Millisecond)
		}
	})
}

func TestS3ConditionalSetAndDelete(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		set := func(value string, option enact.SetOption) error {
			_, err := tenant.State.Set(f.ctx, "key", []byte(value), option)
			return err
		}
		absent := func(actual uint64) enact.ConflictError {
			return enact.ConflictError{Actual: actual, MustBeAbsent: true}
		}
		for _, version := range []uint64{1, 2, math.MaxInt64, math.MaxUint64} {
			mustConflict(f, "setting a missing key at a version", set("lost", enact.IfVersion(version)), enact.ConflictError{Expected: version})
			mustConflict(f, "deleting a missing key at a version", tenant.State.Delete(f.ctx, "key", enact.IfVersion(version)), enact.ConflictError{Expected: version})
		}
		must(f, "deleting a missing key if it is absent", tenant.State.Delete(f.ctx, "key", enact.IfAbsent()))
		mustBeAbsent(f, tenant, "key")

		first := mustSet(f, tenant, "key", "first", enact.IfAbsent())
		for name, option := range map[string]enact.SetOption{"if it is absent": enact.IfAbsent(), "at version 0": enact.IfVersion(0)} {
			err := set("lost", option)
			mustConflict(f, "setting a key that exists "+name, err, absent(first))
			mustFail(f, "setting a key that exists "+name, err, enact.ErrExists)
			mustConflict(f, "deleting a key that exists "+name, tenant.State.Delete(f.ctx, "key", option), absent(first))
		}
		for _, version := range []uint64{first - 1, first + 1, math.MaxUint64} {
			if version == 0 {
				continue
			}
			err := set("lost", enact.IfVersion(version))
			mustConflict(f, "setting at another version", err, enact.ConflictError{Expected: version, Actual: first})
			if errors.Is(err, enact.ErrExists) {
				f.Errorf("setting at another version returned %v, which matches ErrExists", err)
			}
			mustConflict(f, "deleting at another version", tenant.State.Delete(f.ctx, "key", enact.IfVersion(version)), enact.ConflictError{Expected: version, Actual: first})
		}
		mustGet(f, tenant, "key", "first", first)

		second := mustSet(f, tenant, "key", "second", enact.IfVersion(first))
		mustConflict(f, "setting at the version before", set("lost", enact.IfVersion(first)), enact.ConflictError{Expected: first, Actual: second})
		mustConflict(f, "deleting at the version before", tenant.State.Delete(f.ctx, "key", enact.IfVersion(first)), enact.ConflictError{Expected: first, Actual: second})
		mustGet(f, tenant, "key", "second", second)
		must(f, "deleting at the right version", tenant.State.Delete(f.ctx, "key", enact.IfVersion(second)))
		mustBeAbsent(f, tenant, "key")
		mustConflict(f, "setting at the version before deletion", set("lost", enact.IfVersion(second)), enact.ConflictError{Expected: second})
		mustSet(f, tenant, "key", "third", enact.IfVersion(0))
	})
}

// TestS3CreateOnlyHasOneWinner races at two handles for the same new key.
func TestS3CreateOnlyHasOneWinner(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds = 8, 60
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		for round := range rounds {
			versions, errs := make([]uint64, writers), make([]error, writers)
			atOnce(writers, func(w int) {
				versions[w], errs[w] = handles[w%2].State.Set(f.ctx, "key", fmt.Append(nil, round, w), enact.IfAbsent())
			})
			won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
			if won < 0 {
				f.Fatalf("round %d: nobody won: %v", round, errors.Join(errs...))
			}
			for w, err := range errs {
				if w != won {
					mustConflict(f, fmt.Sprintf("round %d: writer %d beside winner %d", round, w, won), err, enact.ConflictError{Actual: versions[won], MustBeAbsent: true})
				}
			}
			mustGet(f, handles[round%2], "key", fmt.Sprint(round, won), versions[won])
			must(f, "deleting for the next round", handles[round%2].State.Delete(f.ctx, "key", enact.IfVersion(versions[won])))
		}
	})
}

// TestS3NoUpdateIsLost counts by compare-and-set from many goroutines.
func TestS3NoUpdateIsLost(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, each = 6, 12
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		_, err := enact.SetJSON(f.ctx, f.tenant().State, "count", 0)
		must(f, "SetJSON", err)
		errs := make([]error, writers)
		atOnce(writers, func(w int) {
			for done := 0; done < each && errs[w] == nil; {
				count, version, err := enact.GetJSON[int](f.ctx, handles[w%2].State, "count")
				if err == nil {
					_, err = enact.SetJSON(f.ctx, handles[w%2].State, "count", count+1, enact.IfVersion(version))
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, enact.ErrConflict):
					errs[w] = err
				}
			}
		})
		must(f, "counting", errors.Join(errs...))
		count, _, err := enact.GetJSON[int](f.ctx, f.tenant().State, "count")
		must(f, "GetJSON", err)
		mustEqual(f, "the count", count, writers*each)
	})
}

// TestS3ConditionalDeleteHasOneWinner races deletions and a set at one version.
func TestS3ConditionalDeleteHasOneWinner(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const racers, rounds = 6, 30
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		for round := range rounds {
			version := mustSet(f, f.tenant(), "key", "x")
			errs := make([]error, racers)
			atOnce(racers, func(r int) {
				if r%3 == 0 {
					_, errs[r] = handles[r%2].State.Set(f.ctx, "key", []byte("won"), enact.IfVersion(version))
				} else {
					errs[r] = handles[r%2].State.Delete(f.ctx, "key", enact.IfVersion(version))
				}
			})
			var winners []int
			for r, err := range errs {
				if err == nil {
					winners = append(winners, r)
				} else {
					mustFail(f, fmt.Sprintf("round %d, racer %d", round, r), err, enact.ErrConflict)
				}
			}
			if len(winners) != 1 {
				f.Fatalf("round %d: racers %v won; it should have been one", round, winners)
			}
			_, err := f.tenant().State.Get(f.ctx, "key")
			if set := winners[0]%3 == 0; set != (err == nil) {
				f.Fatalf("round %d: racer %d won, and then Get returned %v", round, winners[0], err)
			}
		}
	})
}

func stateAt(execution enact.ExecutionID, sequence uint64, step string) enact.Snapshot {
	s := enact.NewSnapshot("acme", execution)
	s.Sequence, s.LastEvent, s.CurrentStep = sequence, enact.EventID(fmt.Sprint(sequence)), step
	s.Time = time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
	s.StepOutputs["s"] = []byte(`{"n":9007199254740993}`)
	return s
}

func mustSave(t testing.TB, tenant *enact.Tenant, s enact.Snapshot) {
	t.Helper()
	must(t, fmt.Sprintf("saving the snapshot of %q at %d", s.Execution, s.Sequence), tenant.State.SaveSnapshot(t.Context(), s))
}

func mustLoad(t testing.TB, tenant *enact.Tenant, want enact.Snapshot) {
	t.Helper()
	got, err := tenant.State.LoadSnapshot(t.Context(), want.Execution)
	must(t, fmt.Sprintf("loading the snapshot of %q", want.Execution), err)
	mustEqual(t, fmt.Sprintf("the snapshot of %q", want.Execution), got, want)
}

func TestS4TheHighestSnapshotStays(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		_, err := tenant.State.LoadSnapshot(f.ctx, "run")
		mustFail(f, "loading a missing snapshot", err, enact.ErrNotFound)
		must(f, "deleting a missing snapshot", tenant.State.DeleteSnapshot(f.ctx, "run"))
		other := stateAt("Run", 3, "of another execution")
		mustSave(f, tenant, other)
		kept := enact.Snapshot{}
		for i, sequence := range []uint64{5, 4, 1, 5, 6, 5, 100, 99, math.MaxUint32} {
			s := stateAt("run", sequence, fmt.Sprint("save ", i))
			mustSave(f, tenant, s)
			if sequence >= kept.Sequence {
				kept = s
			}
			mustLoad(f, tenant, kept)
		}
		f.reopen()
		tenant = f.tenant()
		mustLoad(f, tenant, kept)
		mustSave(f, tenant, stateAt("run", 7, "too old"))
		mustLoad(f, tenant, kept)
		must(f, "deleting a snapshot", tenant.State.DeleteSnapshot(f.ctx, "run"))
		_, err = tenant.State.LoadSnapshot(f.ctx, "run")
		mustFail(f, "loading a deleted snapshot", err, enact.ErrNotFound)
		mustLoad(f, tenant, other)
		mustSave(f, tenant, stateAt("run", 2, "after deletion"))
		mustLoad(f, tenant, stateAt("run", 2, "after deletion"))
		mustFail(f, "saving a snapshot without a sequence", tenant.State.SaveSnapshot(f.ctx, stateAt("run", 0, "")), enact.ErrInvalid)
	})
}

func TestS4TheHighestSnapshotWinsARace(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds = 8, 25
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		for round := range rounds {
			run := enact.ExecutionID(fmt.Sprint("run ", round))
			errs := make([]error, writers)
			atOnce(writers, func(w int) {
				errs[w] = handles[w%2].State.SaveSnapshot(f.ctx, stateAt(run, uint64(1+w), fmt.Sprint(w)))
			})
			must(f, "saving snapshots at once", errors.Join(errs...))
			mustLoad(f, handles[round%2], stateAt(run, writers, fmt.Sprint(writers-1)))
		}
	})
}

func TestS4ListingSnapshots(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustList(f, "the snapshots of a new store", tenant.State.ListSnapshots, nil)
		begin := driver.Timestamp(time.Now())
		for i := range slices.Backward(nastyIDs) {
			mustSave(f, tenant, stateAt(enact.ExecutionID(nastyIDs[i]), uint64(2+i), "x"))
			mustSave(f, tenant, stateAt(enact.ExecutionID(nastyIDs[i]), uint64(1+i), "older"))
		}
		got := walk(f, "the snapshots", driver.MaxPageLimit, tenant.State.ListSnapshots)
		mustEqual(f, "the listed executions", idsOf(got, func(s enact.SnapshotInfo) string { return string(s.Execution) }), nastyIDs)
		for i, info := range got {
			if info.Sequence != uint64(2+i) || info.Time.Before(begin) || info.Time.After(time.Now()) || info.Time.Location() != time.UTC {
				f.Errorf("the snapshot of %q is listed with sequence %d and time %v; it was saved at %d since %v", info.Execution, info.Sequence, info.Time, 2+i, begin)
			}
			mustLoad(f, tenant, stateAt(info.Execution, info.Sequence, "x"))
		}
		mustList(f, "the snapshots", tenant.State.ListSnapshots, got)
	})
}

// TestS5PrefixesAreLiteral lists by every prefix of every key, as strings.HasPrefix
// would.
func TestS5PrefixesAreLiteral(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		keys := slices.Concat(nastyIDs, []string{
			"p%q", "p_q", "p*q", "p[q", "p\\q", "pxq", "p%", "p_", "p*", "p[", "p[a-z]", "p\\", "p", "P%q", "p?q", "p%%q",
			"日", "日本", "本", "ü", "u\u0308", "\u00fc\u00fc", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbfx", "\u007f\u007f", "\u0080",
		})
		slices.Sort(keys)
		keys = slices.Compact(keys)
		want := make([]enact.EntryInfo, len(keys))
		for i := range slices.Backward(keys) {
			want[i] = enact.EntryInfo{Key: keys[i], Version: mustSet(f, f.tenant(), keys[i], "x")}
		}
		prefixes := map[string]bool{"": true, "nothing": true, "pp": true, "\u65e6": true}
		for _, key := range keys {
			for end := range key {
				prefixes[key[:end]] = true
			}
			prefixes[key] = true
		}
		for prefix := range prefixes {
			if len(prefix) > 3 && len(prefix) < 250 && strings.Trim(prefix, "xé") == "" {
				continue // inside the long ones
			}
			var expected []enact.EntryInfo
			for _, info := range want {
				if strings.HasPrefix(info.Key, prefix) {
					expected = append(expected, info)
				}
			}
			got := walk(f, fmt.Sprintf("the keys that begin with %q", prefix), driver.MaxPageLimit, keysOf(f.tenant(), prefix))
			mustEqual(f, fmt.Sprintf("the keys that begin with %q", prefix), got, expected)
		}
		mustList(f, "all keys", keysOf(f.tenant(), ""), want)
		mustList(f, "the keys that begin with p", keysOf(f.tenant(), "p"), slices.DeleteFunc(slices.Clone(want), func(i enact.EntryInfo) bool { return i.Key[0] != 'p' }))
		for _, bad := range badIDs[1:] {
			_, _, err := f.tenant().State.List(f.ctx, bad, enact.Page{})
			mustFail(f, fmt.Sprintf("listing by the prefix %.20q", bad), err, enact.ErrInvalid)
		}
	})
}

// TestS5ListingWhileKeysComeAndGo shows each key that stays exactly once.
func TestS5ListingWhileKeysComeAndGo(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for i := range 10 {
			mustSet(f, tenant, fmt.Sprintf("k%d stays", i), "x")
			mustSet(f, tenant, fmt.Sprintf("k%d goes", i), "x")
		}
		seen := map[string]int{}
		page := enact.Page{Limit: 3}
		for n := 0; ; n++ {
			items, next, err := tenant.State.List(f.ctx, "k", page)
			must(f, "List", err)
			for _, info := range items {
				seen[info.Key]++
				must(f, "deleting what was listed", deleteIf(f, tenant, info.Key, strings.HasSuffix(info.Key, "goes")))
			}
			mustSet(f, tenant, fmt.Sprintf("k%d goes", 9-n), "back again")
			mustSet(f, tenant, fmt.Sprintf("k%d added", n), "x")
			mustSet(f, tenant, fmt.Sprintf("k%d stays", n), "another value")
			if next == "" || n > 50 {
				break
			}
			page.Cursor = next
		}
		for i := range 10 {
			if key := fmt.Sprintf("k%d stays", i); seen[key] != 1 {
				f.Errorf("key %q was listed %d times", key, seen[key])
			}
		}
		for key, times := range seen {
			if times > 1 {
				f.Errorf("key %q was listed %d times", key, times)
			}
		}
	})
}

func deleteIf(t testing.TB, tenant *enact.Tenant, key string, condition bool) error {
	if !condition {
		return nil
	}
	return tenant.State.Delete(t.Context(), key)
}

func TestS5TooLargeValues(t *testing.T) {
	large := make([]byte, driver.MaxValueBytes+1)
	onEach(t, everyBackend, func(f *fixture) {
		_, err := f.tenant().State.Set(f.ctx, "key", large)
		mustBeTooLarge(f, "setting a too large value", err, enact.TooLargeError{Size: driver.MaxValueBytes + 1, Limit: driver.MaxValueBytes, Unit: "bytes"})
		mustBeAbsent(f, f.tenant(), "key")
	})
}
