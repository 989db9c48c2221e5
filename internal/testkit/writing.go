package testkit

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

// writers is how many write at once.
const writers = 8

// Writing is several writers who append pairs of events to one shared execution and
// to one of their own, set a key, and create messages in one thread, again and
// again. They repeat what fails, as an application would that has nothing else to
// do, and never open their store again.
type Writing struct {
	tb       testing.TB
	names    []string
	rounds   []atomic.Int64 // by writer
	failures atomic.Int64
	last     atomic.Pointer[error] // of a call that was repeated
	stopped  atomic.Bool
	all      sync.WaitGroup
	cancel   context.CancelFunc
}

// StartWriting lets 8 writers begin, by turns on the given backends.
func StartWriting(tb testing.TB, backends ...driver.Backend) *Writing {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	w := &Writing{tb: tb, rounds: make([]atomic.Int64, writers), cancel: cancel}
	Must(backends[0].Tenant(Tenant).Messages.CreateThread(ctx, driver.Thread{ID: "writers' thread", User: "user"}))(tb)
	for i := range writers {
		name := fmt.Sprintf("w%d", i)
		w.names = append(w.names, name)
		w.all.Go(func() {
			for n := 0; !w.stopped.Load(); n++ {
				if err := w.round(ctx, backends[i%len(backends)].Tenant(Tenant), name, n); err != nil {
					tb.Errorf("writer %s, round %d: %v; the failure before that: %v", name, n, err, w.lastFailure())
					return
				}
				w.rounds[i].Add(1)
			}
		})
	}
	tb.Cleanup(w.End)
	return w
}

// round is one write of each kind, until each is acknowledged.
func (w *Writing) round(ctx context.Context, s driver.Stores, name string, n int) error {
	for _, execution := range []string{"shared", "own-" + name} {
		err := w.untilDone(ctx, func(ctx context.Context) error {
			_, err := s.Events.Append(ctx, driver.ExecutionID(execution), driver.Expectation{}, []driver.Event{Numbered(name, 2*n), Numbered(name, 2*n+1)})
			return err
		})
		if err != nil {
			return fmt.Errorf("append to %s: %w", execution, err)
		}
	}
	err := w.untilDone(ctx, func(ctx context.Context) error {
		_, err := s.State.Set(ctx, "key-"+name, fmt.Append(nil, n), driver.SetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("set: %w", err)
	}
	err = w.untilDone(ctx, func(ctx context.Context) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: driver.MessageID(fmt.Sprintf("%s-%d", name, n)), Thread: "writers' thread", Role: name})
		return err
	})
	if err != nil {
		return fmt.Errorf("create a message: %w", err)
	}
	return nil
}

// untilDone repeats a call until it succeeds. What no repeating can mend is an
// error.
func (w *Writing) untilDone(ctx context.Context, call func(ctx context.Context) error) error {
	for {
		err := call(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		for _, wrong := range []error{driver.ErrConflict, driver.ErrExists, driver.ErrClosed, driver.ErrNotFound, driver.ErrInvalid, driver.ErrUnsupported} {
			if errors.Is(err, wrong) {
				return err
			}
		}
		w.failures.Add(1)
		w.last.Store(&err)
		time.Sleep(rand.N(20 * time.Millisecond))
	}
}

func (w *Writing) lastFailure() error {
	if err := w.last.Load(); err != nil {
		return *err
	}
	return nil
}

// GoOn waits until every writer has done another round.
func (w *Writing) GoOn() {
	w.tb.Helper()
	for i := range w.rounds {
		before := w.rounds[i].Load()
		Await(w.tb, fmt.Sprintf("writer %d goes on without being reopened", i), func() bool {
			return w.rounds[i].Load() > before || w.tb.Failed()
		})
	}
	if w.tb.Failed() {
		w.tb.FailNow()
	}
}

// End lets the writers finish the round that they are in.
func (w *Writing) End() {
	w.tb.Helper()
	w.stopped.Store(true)
	Within(w.tb, "the writers", w.all.Wait)
	w.cancel()
}

// CheckFailed makes sure that something failed, without which a test of failures
// shows nothing.
func (w *Writing) CheckFailed() {
	w.tb.Helper()
	if w.failures.Load() == 0 {
		w.tb.Error("no call failed: this test shows nothing")
	}
}

// CheckUnnoticed ends the writing and makes sure that nothing failed.
func (w *Writing) CheckUnnoticed() {
	w.tb.Helper()
	w.End()
	if n := w.failures.Load(); n > 0 {
		w.tb.Errorf("%d calls failed and were repeated; the last: %v", n, w.lastFailure())
	}
}

// CheckAll ends the writing and makes sure that everything acknowledged is there,
// each once, in the order of each writer (E1, E2, E3, E6, M2, S1).
func (w *Writing) CheckAll(b driver.Backend) {
	w.tb.Helper()
	w.End()
	total := 0
	for i, name := range w.names {
		rounds := int(w.rounds[i].Load())
		total += rounds
		own := driver.ExecutionID("own-" + name)
		CheckOnce(w.tb, b, own, 2*rounds)
		entry, err := b.Tenant(Tenant).State.Get(context.Background(), "key-"+name)
		if want := fmt.Sprint(rounds - 1); err != nil || string(entry.Value) != want {
			w.tb.Errorf("key-%s holds %q, %v; want %s, which was set last", name, entry.Value, err, want)
		}
	}
	CheckOnce(w.tb, b, "shared", 2*total)
	CheckPairs(w.tb, b, "shared")
	w.checkThread(b)
	w.tb.Logf("%d rounds of %d writers; %d calls failed and were repeated", total, len(w.names), w.failures.Load())
}

// checkThread makes sure that the thread holds the messages of every writer, each
// once, in the writer's order.
func (w *Writing) checkThread(b driver.Backend) {
	w.tb.Helper()
	next := map[string]int{}
	page, last := driver.Page{Limit: 1000}, uint64(0)
	for {
		items, cursor, err := b.Tenant(Tenant).Messages.ListMessages(context.Background(), driver.MessageQuery{Thread: "writers' thread", Page: page})
		Check(w.tb, err)
		for _, m := range items {
			if want := fmt.Sprintf("%s-%d", m.Role, next[m.Role]); string(m.ID) != want || m.Position <= last {
				w.tb.Fatalf("after position %d comes %q at %d, want %q", last, m.ID, m.Position, want)
			}
			next[m.Role]++
			last = m.Position
		}
		if cursor == "" {
			break
		}
		page.Cursor = cursor
	}
	for i, name := range w.names {
		if got, want := next[name], int(w.rounds[i].Load()); got != want {
			w.tb.Errorf("the thread has %d messages of writer %s, want %d", got, name, want)
		}
	}
}
