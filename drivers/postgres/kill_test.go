package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

const (
	killRounds  = 10
	killWriters = 8
)

// untilDone repeats a call until it succeeds, as an application would that has
// nothing else to do.
func untilDone(ctx context.Context, failures *atomic.Int64, call func(ctx context.Context) error) error {
	for {
		err := call(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		for _, wrong := range []error{driver.ErrConflict, driver.ErrExists, driver.ErrClosed, driver.ErrNotFound, driver.ErrInvalid} {
			if errors.Is(err, wrong) {
				return err
			}
		}
		failures.Add(1)
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	}
}

// TestKilledServerLosesNothing kills the server again and again while 8 writers on
// two handles append, set keys, and create messages, and repeat what failed without
// reopening: nothing acknowledged is lost, nothing is doubled, there is no gap, and
// the order of each writer is kept (E1, E2, E3, E6, M2, S1).
func TestKilledServerLosesNothing(t *testing.T) {
	p := startServer(t)
	handles := []*backend{open(t, p.SocketDSN()), open(t, p.LoopbackDSN())}
	must(handles[0].Tenant("t").Messages.CreateThread(t.Context(), driver.Thread{ID: "thread", User: "user"}))(t)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stop atomic.Bool
	var failures, rounds atomic.Int64
	var all sync.WaitGroup
	done := make([]int, killWriters)
	for w := range killWriters {
		all.Go(func() {
			name := fmt.Sprintf("w%d", w)
			s := handles[w%len(handles)].Tenant("t")
			for i := 0; !stop.Load(); i++ {
				if err := writeAll(ctx, s, &failures, name, i); err != nil {
					t.Errorf("writer %s, number %d: %v", name, i, err)
					return
				}
				done[w]++
				rounds.Add(1)
			}
		})
	}
	for range killRounds {
		before := rounds.Load()
		await(t, "writers go on without being reopened", func() bool { return rounds.Load() >= before+killWriters })
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		check(t, p.Kill())
		check(t, p.Start())
	}
	before := rounds.Load()
	await(t, "writers go on without being reopened", func() bool { return rounds.Load() >= before+killWriters })
	stop.Store(true)
	within(t, "the writers", all.Wait)
	if failures.Load() == 0 {
		t.Error("no call failed while the server was killed: this test shows nothing")
	}

	total := 0
	for w, n := range done {
		total += n
		checkOnce(t, handles[0], driver.ExecutionID(fmt.Sprintf("own-w%d", w)), n)
		entry, err := handles[0].Tenant("t").State.Get(t.Context(), fmt.Sprintf("key-w%d", w))
		if want := fmt.Sprint(n - 1); err != nil || string(entry.Value) != want {
			t.Errorf("key of writer %d holds %q, %v, want %q, which was set last", w, entry.Value, err, want)
		}
	}
	checkOnce(t, handles[0], "shared", total)
	checkThread(t, handles[0], done)
	t.Logf("%d rounds of 8 writers were acknowledged, %d calls failed", total, failures.Load())
}

// writeAll writes number i of a writer to every role, until it is acknowledged.
func writeAll(ctx context.Context, s driver.Stores, failures *atomic.Int64, name string, i int) error {
	for _, execution := range []string{"shared", "own-" + name} {
		err := untilDone(ctx, failures, func(ctx context.Context) error {
			_, err := s.Events.Append(ctx, driver.ExecutionID(execution), driver.Expectation{}, []driver.Event{numbered(name, i)})
			return err
		})
		if err != nil {
			return fmt.Errorf("append to %s: %w", execution, err)
		}
	}
	err := untilDone(ctx, failures, func(ctx context.Context) error {
		_, err := s.State.Set(ctx, "key-"+name, fmt.Append(nil, i), driver.SetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("set: %w", err)
	}
	err = untilDone(ctx, failures, func(ctx context.Context) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: driver.MessageID(fmt.Sprintf("%s-%d", name, i)), Thread: "thread", Role: name})
		return err
	})
	if err != nil {
		return fmt.Errorf("create a message: %w", err)
	}
	return nil
}

// checkThread makes sure that a thread holds the messages of every writer, each
// once, in the writer's order.
func checkThread(t *testing.T, b *backend, counts []int) {
	t.Helper()
	next := map[string]int{}
	page, last := driver.Page{Limit: 1000}, uint64(0)
	for {
		items, cursor, err := b.Tenant("t").Messages.ListMessages(t.Context(), driver.MessageQuery{Thread: "thread", Page: page})
		check(t, err)
		for _, m := range items {
			if want := fmt.Sprintf("%s-%d", m.Role, next[m.Role]); string(m.ID) != want || m.Position <= last {
				t.Fatalf("after position %d comes %q at %d, want %q", last, m.ID, m.Position, want)
			}
			next[m.Role]++
			last = m.Position
		}
		if cursor == "" {
			break
		}
		page.Cursor = cursor
	}
	for w, n := range counts {
		if got := next[fmt.Sprintf("w%d", w)]; got != n {
			t.Errorf("the thread has %d messages of writer %d, want %d", got, w, n)
		}
	}
}
