package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestIsolationOfTheRole: whatever a role's default is, many writers of the same
// things are not in each other's way, and exactly one wins a contest (E5, S3).
func TestIsolationOfTheRole(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"serializable", "repeatable read", "read committed", "read uncommitted"} {
		t.Run(level, func(t *testing.T) {
			options := "options=-cdefault_transaction_isolation%3D" + map[string]string{"serializable": "serializable", "repeatable read": "repeatable%5C%20read", "read committed": "read%5C%20committed", "read uncommitted": "read%5C%20uncommitted"}[level]
			b := open(t, newDSN(t, options, "pool_max_conns=8"))
			conn := testkit.Must(b.pool.Acquire(t.Context()))(t)
			var got string
			testkit.Check(t, conn.QueryRow(t.Context(), "SHOW transaction_isolation").Scan(&got))
			conn.Release()
			if got != level {
				t.Fatalf("the default isolation is %q, want %q", got, level)
			}
			testkit.UseEverything(t, b)
			s := b.Tenant("t")
			const writers, rounds = 8, 15
			var all sync.WaitGroup
			var mu sync.Mutex
			wins := map[string]int{}
			win := func(contest string, i int) {
				mu.Lock()
				defer mu.Unlock()
				wins[fmt.Sprint(contest, " ", i)]++
			}
			for w := range writers {
				all.Go(func() {
					ctx := t.Context()
					for i := range rounds {
						if err := testkit.Append(ctx, b, "shared", []driver.Event{testkit.Numbered(fmt.Sprint("w", w), i)}); err != nil {
							t.Errorf("Append: %v", err)
						}
						if _, err := s.State.Set(ctx, "contested", []byte{1}, driver.SetOptions{}); err != nil {
							t.Errorf("Set: %v", err)
						}
						if _, err := s.State.Set(ctx, fmt.Sprint("new", i), nil, driver.SetOptions{When: driver.IfAbsent()}); err == nil {
							win("create", i)
						} else if !errors.Is(err, driver.ErrConflict) {
							t.Errorf("Set of a new key: %v", err)
						}
						if _, err := s.Events.Append(ctx, "raced", driver.ExpectLast(uint64(i)), []driver.Event{testkit.Numbered(fmt.Sprint("w", w), i)}); err == nil {
							win("append", i)
						} else if !errors.Is(err, driver.ErrConflict) {
							t.Errorf("Append with an expectation: %v", err)
						}
						if err := s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "e", Sequence: uint64(i)}}); err != nil {
							t.Errorf("SaveSnapshot: %v", err)
						}
						if _, err := s.Messages.CreateMessage(ctx, driver.Message{ID: driver.MessageID(fmt.Sprint("w", w, "-", i)), Thread: "thread", Role: "user"}); err != nil {
							t.Errorf("CreateMessage: %v", err)
						}
						if _, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(fmt.Sprint("new", i)), User: "user"}); err != nil {
							t.Errorf("CreateThread: %v", err)
						}
					}
				})
			}
			testkit.Within(t, "the writers", all.Wait)
			testkit.CheckOnce(t, b, "shared", writers*rounds)
			for i := range rounds {
				for _, contest := range []string{"create", "append"} {
					if n := wins[fmt.Sprint(contest, " ", i)]; n != 1 {
						t.Errorf("contest %d to %s has %d winners, want 1", i, contest, n)
					}
				}
			}
			testkit.History(t, b, "raced")
			checkVersionWins(t, b)
		})
	}
}

// checkVersionWins has a set and a delete that expect the same version race: one of
// them wins.
func checkVersionWins(t *testing.T, b *backend) {
	t.Helper()
	s := b.Tenant("t").State
	for i := range 30 {
		key := fmt.Sprint("raced", i)
		version := testkit.Must(s.Set(t.Context(), key, nil, driver.SetOptions{}))(t)
		results := make(chan error, 4)
		for n := range cap(results) {
			go func() {
				if n%2 == 0 {
					results <- s.Delete(context.Background(), key, driver.IfVersion(version))
					return
				}
				_, err := s.Set(context.Background(), key, nil, driver.SetOptions{When: driver.IfVersion(version)})
				results <- err
			}()
		}
		won := 0
		for range cap(results) {
			if err := <-results; err == nil {
				won++
			} else if !errors.Is(err, driver.ErrConflict) {
				t.Errorf("a conditional write: %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d of 4 that expected version %d won, want 1 (S3)", won, version)
		}
	}
}

// TestOthersInTheWay: a deadlock that somebody else's locks lead to, and a statement
// that waits for them too long, are not the caller's matter, or ErrUnavailable.
func TestOthersInTheWay(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b := open(t, dsn)
	testkit.Prepare(t, b)
	testkit.Check(t, testkit.Append(t.Context(), b, "execution", testkit.Events("first", 1)))
	for setting, word := range map[string]string{"lock_timeout": "lock_timeout", "statement_timeout": "statement_timeout"} {
		o := outside(t, dsn)
		o.exec("BEGIN", "LOCK TABLE enact.events IN SHARE MODE", "SELECT FROM enact.threads FOR UPDATE")
		hurried := open(t, dsn+"&"+setting+"=500")
		for _, name := range []string{"Append", "CreateMessage"} {
			testkit.WantError(t, name+" that waits longer than "+setting, testkit.Write(t.Context(), hurried, name, setting), driver.ErrUnavailable, word)
		}
		o.exec("ROLLBACK")
		testkit.EveryCall(t, hurried)
	}
	// A deadlock: the message needs the thread and then the position; the outsider
	// takes the row of the new message's ID first and then waits for the thread.
	o := outside(t, dsn)
	o.exec("SET deadlock_timeout = '10s'", "BEGIN",
		"INSERT INTO enact.messages SELECT tenant, 'deadlocked', thread, 999, parent, execution, role, created, updated, deleted, version, content, parts, details FROM enact.messages WHERE id = 'message'")
	patient := open(t, dsn+"&options=-cdeadlock_timeout%3D50ms")
	result := make(chan error, 1)
	go func() { result <- testkit.Write(context.Background(), patient, "CreateMessage", "deadlocked") }()
	testkit.Await(t, "the message waits for the outsider", func() bool {
		return valueOf[int](outside(t, dsn), "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()") > 0
	})
	o.exec("SELECT FROM enact.threads WHERE id = 'thread' FOR UPDATE", "ROLLBACK")
	testkit.Within(t, "the message", func() {
		if err := <-result; err != nil {
			t.Errorf("CreateMessage after a deadlock: %v, want it tried again", err)
		}
	})
}
