package enact

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

// flaky is an event store that is unavailable at every third call of Load, after a
// few events.
type flaky struct {
	driver.EventStore
	mu    sync.Mutex
	loads int
}

func (f *flaky) Load(ctx context.Context, id ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	f.mu.Lock()
	f.loads++
	fails := f.loads%3 == 0
	f.mu.Unlock()
	return func(yield func(driver.StoredEvent, error) bool) {
		seen := 0
		for e, err := range f.EventStore.Load(ctx, id, after) {
			if seen++; fails && seen == 4 {
				yield(driver.StoredEvent{}, fmt.Errorf("%w: for a moment", ErrUnavailable))
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// watching says at once when there is news, and often when there is none.
type watching struct {
	driver.EventStore
	news chan struct{}
}

func (w *watching) Append(ctx context.Context, id ExecutionID, expect Expectation, batch []driver.Event) (uint64, error) {
	last, err := w.EventStore.Append(ctx, id, expect, batch)
	select {
	case w.news <- struct{}{}:
	default:
	}
	return last, err
}

func (w *watching) AwaitEvents(ctx context.Context, id ExecutionID, after uint64) error {
	select {
	case <-w.news:
		return nil
	case <-time.After(time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tailed are the stores that Tail is tested with.
func tailed() map[string]driver.EventStore {
	store := func() driver.EventStore {
		return reference.NewStore(nil).Tenant("acme", new(driver.Gate)).Events
	}
	return map[string]driver.EventStore{
		"asking":      store(),
		"watching":    &watching{EventStore: store(), news: make(chan struct{}, 1)},
		"unavailable": &flaky{EventStore: store()},
	}
}

// Tail yields what was there and what is appended meanwhile, each once, in order.
func TestTailFollowsAnExecution(t *testing.T) {
	for name, store := range tailed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 60
			s := &EventStore{store: store}
			add := func(i int) {
				if _, err := s.Append(t.Context(), "run", ExpectLast(uint64(i)), Custom{Type: "t", Data: fmt.Append(nil, i)}); err != nil {
					t.Error(err)
				}
			}
			for i := range n / 2 {
				add(i)
			}
			go func() {
				for i := n / 2; i < n; i++ {
					time.Sleep(time.Duration(i%3) * time.Millisecond)
					add(i)
				}
			}()
			var got, want []string
			for event, err := range s.Tail(t.Context(), "run", 5) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, string(event.Payload)); event.Sequence == n {
					break
				}
			}
			for i := 5; i < n; i++ {
				want = append(want, fmt.Sprint(i))
			}
			if !slices.Equal(got, want) {
				t.Errorf("Tail yields %v; it should have been %v", got, want)
			}
		})
	}
}

// Tail ends with its context while it waits, and with an error of the store that
// is not for a moment.
func TestTailEnds(t *testing.T) {
	for name, store := range tailed() {
		s := &EventStore{store: store}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		var failed []error
		for _, err := range s.Tail(ctx, "run", 0) {
			failed = append(failed, err)
		}
		cancel()
		if len(failed) != 1 || !errors.Is(failed[0], context.DeadlineExceeded) {
			t.Errorf("%s: Tail ended with %v; it should have been the context's error, once", name, failed)
		}
	}
	gate := new(driver.Gate)
	s := &EventStore{store: reference.NewStore(nil).Tenant("acme", gate).Events}
	if _, err := gate.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Tail(t.Context(), "run", 0) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Tail of a closed store: %v; it should have been ErrClosed", err)
		}
	}
	for _, err := range s.Tail(t.Context(), "", 0) {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("Tail without an execution: %v; it should have been ErrInvalid", err)
		}
	}
}
