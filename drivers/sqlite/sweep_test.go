package sqlite

import (
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// rowsOfState counts what is really in the table.
func rowsOfState(t testing.TB, path string) func() int {
	db := outside(t, path)
	return func() int {
		t.Helper()
		return valueOf[int](t, db, "SELECT count(*) FROM state")
	}
}

func setFor(t testing.TB, s driver.StateStore, key string, ttl time.Duration) (version uint64) {
	t.Helper()
	return testkit.Must(s.Set(context.Background(), key, []byte("value"), driver.SetOptions{TTL: ttl}))(t)
}

// TestSweepReclaims: expired keys disappear from the file without anyone asking,
// also when they are more than fit a batch, and the others stay (S2).
func TestSweepReclaims(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=20ms"))
	s, other := b.Tenant("t").State, b.Tenant("other").State
	const expiring = sweepBatch + 7
	versions := map[string]uint64{}
	for i := range expiring {
		key := fmt.Sprintf("expiring-%04d", i)
		versions[key] = setFor(t, s, key, time.Millisecond)
	}
	setFor(t, other, "key", time.Millisecond)
	setFor(t, s, "for ever", 0)
	setFor(t, s, "for long", time.Hour)
	setFor(t, s, "changed", time.Millisecond)
	setFor(t, s, "changed", 0)

	rows := rowsOfState(t, path)
	testkit.Await(t, "expired keys are reclaimed from the table (S2)", func() bool { return rows() <= 3 })
	if got, want := keysOf(t, s), []string{"changed", "for ever", "for long"}; !slices.Equal(got, want) {
		t.Errorf("after sweeping the keys are %q, want %q", got, want)
	}
	if n := rows(); n != 3 {
		t.Errorf("after sweeping there are %d rows, want 3", n)
	}
	for _, key := range []string{"expiring-0000", "expiring-0250", fmt.Sprintf("expiring-%04d", expiring-1)} {
		if version := setFor(t, s, key, 0); version <= versions[key] {
			t.Errorf("key %q got version %d after it had %d and expired: a version is never used again", key, version, versions[key])
		}
	}
}

// TestSweepKeepsVersions: the version of a key that was swept does not return, not
// after reopening and not by way of another key (S3).
func TestSweepKeepsVersions(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=1h"))
	s := b.Tenant("t").State
	var last uint64
	for range 20 {
		last = setFor(t, s, "key", time.Millisecond)
	}
	setFor(t, s, "low", time.Millisecond)
	rows := rowsOfState(t, path)
	testkit.Await(t, "the sweep removes both keys", func() bool {
		if _, err := b.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return rows() == 0
	})
	shutdown(t, b)
	s = open(t, dsnFor(path)).Tenant("t").State
	_, err := s.Set(t.Context(), "key", nil, driver.SetOptions{When: driver.IfVersion(last)})
	testkit.WantError(t, "Set of a swept key at the version that it had", err, driver.ErrConflict)
	if version := testkit.Must(s.Set(t.Context(), "key", nil, driver.SetOptions{When: driver.IfAbsent()}))(t); version <= last {
		t.Errorf("the key got version %d after a sweep and reopening, it had %d before (S3: never again)", version, last)
	}
	_, err = s.Set(t.Context(), "key", nil, driver.SetOptions{When: driver.IfVersion(last)})
	testkit.WantError(t, "Set at the version from before the sweep", err, driver.ErrConflict)
}

// TestSweepBatches: one transaction reclaims a bounded number, the oldest first.
func TestSweepBatches(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=1h"))
	s := b.Tenant("t").State
	for i := range sweepBatch + 3 {
		setFor(t, s, fmt.Sprintf("key-%04d", i), time.Millisecond)
	}
	time.Sleep(5 * time.Millisecond) // until they have expired, by the clock
	for _, want := range []int{sweepBatch, 3, 0} {
		if removed, err := b.sweep(t.Context()); removed != want || err != nil {
			t.Errorf("a sweep removed %d keys, %v, want %d", removed, err, want)
		}
	}
	if n := rowsOfState(t, path)(); n != 0 {
		t.Errorf("%d rows are left after sweeping, want none", n)
	}
}

// TestSweepIsNotLimitedToABatch: each round reclaims all that there is. With a batch
// a round it would take as many seconds as there are batches.
func TestSweepIsNotLimitedToABatch(t *testing.T) {
	t.Parallel()
	const batches, watchdog = 16, 14 * time.Second
	path := newFile(t)
	open(t, dsnFor(path, "sweep_interval=1s"))
	db := outside(t, path)
	mustExec(t, db, fmt.Sprintf("INSERT INTO state (tenant, key, version, expires, value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT 't', i, 1, 1, x'' FROM n", batches*sweepBatch))
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		left := valueOf[int](t, db, "SELECT count(*) FROM state")
		if left == 0 {
			return
		}
		if time.Since(begin) > watchdog {
			t.Fatalf("%d of %d expired keys are left after %v, with a sweep a second, want none after the first", left, batches*sweepBatch, watchdog)
		}
	}
}

// TestSweepGoesOnAfterAnError: while somebody else keeps the file locked nothing can
// be reclaimed, and afterwards it is.
func TestSweepGoesOnAfterAnError(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=2ms", "lock_wait=5ms"))
	db := outside(t, path)
	setFor(t, b.Tenant("t").State, "key", 10*time.Millisecond)
	mustExec(t, db, "BEGIN IMMEDIATE")
	time.Sleep(100 * time.Millisecond) // several sweeps that fail
	mustExec(t, db, "ROLLBACK")
	testkit.Await(t, "the key is reclaimed once the lock is free", func() bool {
		return valueOf[int](t, db, "SELECT count(*) FROM state") == 0
	})
}

// TestSweepDisturbsNobody: with nothing to reclaim it does not ask for the lock that
// writers need.
func TestSweepDisturbsNobody(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=1h", "lock_wait=1ms"))
	setFor(t, b.Tenant("t").State, "key", time.Hour)
	db := outside(t, path)
	mustExec(t, db, "BEGIN IMMEDIATE")
	if removed, err := b.sweep(t.Context()); removed != 0 || err != nil {
		t.Errorf("a sweep with nothing to do, while somebody else writes, gave %d, %v, want 0 and no error", removed, err)
	}
	mustExec(t, db, "ROLLBACK")
}

// TestSweepEndsAtShutdown: no sweeper is left, and nothing is reclaimed any more
// (B4).
func TestSweepEndsAtShutdown(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=1ms"))
	testkit.Await(t, "the sweeper runs", func() bool { return strings.Contains(goroutines(t), "sweepEvery") })
	setFor(t, b.Tenant("t").State, "key", 50*time.Millisecond)
	shutdown(t, b)
	if strings.Contains(goroutines(t), "sweepEvery") {
		t.Errorf("the sweeper is there after Shutdown has returned (B4):\n%s", goroutines(t))
	}
}

// TestSweepForgetsUnusedCopies: the copies of collections that nobody has searched
// for a while are let go, the others stay.
func TestSweepForgetsUnusedCopies(t *testing.T) {
	var all matrices
	old := all.of(collection{key: 1, Collection: driver.Collection{Dimension: 1}})
	between := time.Now()
	time.Sleep(time.Millisecond)
	fresh := all.of(collection{key: 2, Collection: driver.Collection{Dimension: 1}})
	all.forgetUnused(between.Add(time.Microsecond))
	if all.of(collection{key: 2, Collection: driver.Collection{Dimension: 1}}) != fresh {
		t.Error("a copy that was used after the given time was let go")
	}
	if all.of(collection{key: 1, Collection: driver.Collection{Dimension: 1}}) == old {
		t.Error("a copy that was last used before the given time was kept")
	}
}

// goroutines are the stacks of all goroutines.
func goroutines(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	testkit.Check(t, pprof.Lookup("goroutine").WriteTo(&all, 1))
	return all.String()
}
