package redis

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestFlushedServer: when somebody empties the server, state is empty and works, and
// no version of a key comes back (S3, S6).
func TestFlushedServer(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := open(t, server.DSN())
	s := b.Tenant("t").State
	ctx := t.Context()
	seen := map[uint64]bool{}
	for round := range 5 {
		for range 20 {
			version := testkit.Must(s.Set(ctx, "key", []byte("value"), driver.SetOptions{TTL: time.Hour}))(t)
			if seen[version] {
				t.Fatalf("round %d: version %d was used before (S3)", round, version)
			}
			seen[version] = true
		}
		before := testkit.Must(s.Get(ctx, "key"))(t).Version
		testkit.Check(t, s.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "execution", Sequence: 9}, Data: []byte("data")}))
		testkit.Check(t, server.Do("FLUSHALL").Err())

		if _, err := s.Get(ctx, "key"); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("Get after FLUSHALL: %v, want ErrNotFound", err)
		}
		if _, err := s.LoadSnapshot(ctx, "execution"); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("LoadSnapshot after FLUSHALL: %v, want ErrNotFound", err)
		}
		keys, next, err := s.List(ctx, "", driver.Page{Limit: 10})
		if err != nil || len(keys) != 0 || next != "" {
			t.Errorf("List after FLUSHALL: %v, %q, %v", keys, next, err)
		}
		snapshots, next, err := s.ListSnapshots(ctx, driver.Page{Limit: 10})
		if err != nil || len(snapshots) != 0 || next != "" {
			t.Errorf("ListSnapshots after FLUSHALL: %v, %q, %v", snapshots, next, err)
		}
		_, err = s.Set(ctx, "key", nil, driver.SetOptions{When: driver.IfVersion(before)})
		testkit.WantError(t, "Set of a version from before FLUSHALL", err, driver.ErrConflict)
		// An older snapshot is the newest now.
		testkit.Check(t, s.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "execution", Sequence: 3}}))
		if got := testkit.Must(s.LoadSnapshot(ctx, "execution"))(t); got.Sequence != 3 {
			t.Errorf("the snapshot after FLUSHALL is at %d, want 3", got.Sequence)
		}
		testkit.Check(t, b.HealthCheck(ctx))
	}
}

// TestFlushDuringWrites empties the server again and again while keys are set: every
// version is used once.
func TestFlushDuringWrites(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	versions := make(chan []uint64)
	stop := make(chan struct{})
	for range 4 {
		s := open(t, server.DSN()).Tenant("t").State
		go func() {
			var mine []uint64
			defer func() { versions <- mine }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				version, err := s.Set(t.Context(), "key", []byte("value"), driver.SetOptions{})
				if err != nil {
					t.Errorf("Set while the server is emptied: %v", err)
					return
				}
				mine = append(mine, version)
			}
		}()
	}
	for range 100 {
		time.Sleep(5 * time.Millisecond)
		testkit.Check(t, server.Do("FLUSHALL").Err())
	}
	close(stop)
	used := map[uint64]bool{}
	for range 4 {
		for i, version := range <-versions {
			if used[version] {
				t.Fatalf("version %d, number %d of a writer, was used twice (S3)", version, i)
			}
			used[version] = true
		}
	}
	t.Logf("%d versions", len(used))
}

// TestForgottenScripts: a server forgets the driver's scripts when it is told to, and
// is given them again.
func TestForgottenScripts(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	b := open(t, server.DSN())
	s := b.Tenant("t")
	testkit.Prepare(t, b)
	for _, c := range slices.Concat(testkit.Writes(s), testkit.Reads(s)) {
		testkit.Check(t, server.Do("SCRIPT", "FLUSH").Err())
		if err := c.Do(t.Context(), s, "id"); err != nil {
			t.Errorf("%s after SCRIPT FLUSH: %v, want nil", c.Name, err)
		}
	}
	writing := testkit.StartWriting(t, b)
	for range 100 {
		testkit.Check(t, server.Do("SCRIPT", "FLUSH").Err())
		time.Sleep(5 * time.Millisecond)
	}
	writing.GoOn()
	writing.CheckUnnoticed()
	writing.CheckAll(b)
}
