package enact

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/enactdev/enact/driver"
)

// How long Tail waits before it asks again: at first after news or a failure, and
// at most.
const (
	firstTailPause = 10 * time.Millisecond
	lastTailPause  = time.Second
)

// Tail is [EventStore.Load] that goes on: at the end of the history it waits for
// what is appended, by whichever process, and yields it in order, each event once.
// It ends with the context's error, or when the loop is left. While the store is
// [ErrUnavailable] it waits and tries again; any other error is yielded once and
// last. Drivers that can say when there is news do; with others Tail asks, at
// least once a second.
func (s *EventStore) Tail(ctx context.Context, execution ExecutionID, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		after := after
		pause := firstTailPause
		for {
			for event, err := range s.Load(ctx, execution, after) {
				switch {
				case err == nil:
					after, pause = event.Sequence, firstTailPause
					if !yield(event, nil) {
						return
					}
				case errors.Is(err, ErrUnavailable):
				default:
					yield(Event{}, err)
					return
				}
			}
			if err := s.await(ctx, execution, after, pause); err != nil {
				yield(Event{}, err)
				return
			}
			pause = min(2*pause, lastTailPause)
		}
	}
}

// await returns when it is time to look for events again: when the driver says so,
// or after a pause if it cannot.
func (s *EventStore) await(ctx context.Context, execution ExecutionID, after uint64, pause time.Duration) error {
	if watcher, ok := s.store.(driver.EventWatcher); ok {
		err := watcher.AwaitEvents(ctx, execution, after)
		if !errors.Is(err, ErrUnavailable) {
			return err
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
