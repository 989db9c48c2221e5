package zoo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

var eventWrites = []*Broken{
	{
		Name: "sequence-told-from-before", Rule: "E2",
		Fault: "the sequence that Append returns is computed from the last one before the write, without a lock",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			before, err := s.LatestSequence(ctx, id)
			if err != nil {
				return 0, err
			}
			yieldHere()
			last, err := s.Append(ctx, id, expect, events)
			if err != nil || last <= before {
				return last, err
			}
			return before + uint64(len(events)), nil
		}),
	},
	{
		Name: "sequence-burnt", Rule: "E2",
		Fault: "a failed append uses up a sequence, as an auto-increment column does",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			burnt := Remember[noted](at.Store, "burnt "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				if errors.Is(err, driver.ErrConflict) {
					burnt.add(string(id))
				}
				return last, err
			})(s, at)
			return loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				last, _ := s.LatestSequence(ctx, id)
				for e, err := range s.Load(ctx, id, after) {
					if e.Sequence > 1 && e.Sequence == last {
						e.Sequence += uint64(burnt.count(string(id)))
					}
					if !yield(e, err) {
						return
					}
				}
			})(first, at)
		},
	},
	{
		Name: "first-writer-lost", Rule: "E2",
		Fault: "of two writers who create an execution at once one is told that it has succeeded, and its events are lost",
		Events: appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			_, stated := expect.Last()
			if last, err := s.LatestSequence(ctx, id); last > 0 || err != nil || stated {
				return s.Append(ctx, id, expect, events)
			}
			yieldHere()
			if log := logOf(ctx, s, id); len(log) > 0 && !anyKnown(log, events) {
				return uint64(len(log)), nil
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "sequence-of-first-event", Rule: "E2",
		Fault: "Append returns the sequence of the first event of a batch of more than three",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			last, err := s.Append(ctx, id, expect, events)
			if err == nil && len(events) > 3 {
				last -= uint64(len(events)) - 1
			}
			return last, err
		}),
	},
	{
		Name: "one-by-one", Rule: "E3",
		Fault: "the events of a batch are written one by one, so that others come in between",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			if anyKnown(logOf(ctx, s, id), events) {
				return s.Append(ctx, id, expect, events)
			}
			last, err := s.Append(ctx, id, expect, events[:1])
			for _, e := range events[1:] {
				if err == nil {
					yieldHere()
					last, err = s.Append(ctx, id, driver.Expectation{}, []driver.Event{e})
				}
			}
			return last, err
		}),
	},
	{
		Name: "chunks", Rule: "E7",
		Fault:  "a batch of more than 256 events is written in several transactions, which readers see",
		Events: inChunks(256),
	},
	{
		Name: "cancelled-in-the-middle", Rule: "E3",
		Fault: "an append that is cancelled leaves the events that it had written until then",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return inPieces(s, at, 16, func(ctx context.Context) error { return ctx.Err() })
		},
	},
	{
		Name: "known-event-at-the-end", Rule: "E3",
		Fault: "a batch whose last event is known leaves those before it, without a transaction around them",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			if n := len(events); n > 50 && !anyKnown(log, events[:n-1]) && anyKnown(log, events[n-1:]) {
				_, err := s.Append(ctx, id, expect, events)
				s.Append(ctx, id, driver.Expectation{}, events[:n-1])
				return 0, err
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "trimmed-by-snapshot", Rule: "E4",
		Fault: "saving a snapshot trims the log up to its sequence",
		Stores: func(s driver.Stores, _ driver.Backend, at *Place) driver.Stores {
			trimmed := Remember[locked[map[driver.ExecutionID]uint64]](at.Store, "trimmed "+string(at.Tenant))
			state := s.State
			s.State = &aStateStore{StateStore: state, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
				trimmed.Lock()
				defer trimmed.Unlock()
				if trimmed.value == nil {
					trimmed.value = map[driver.ExecutionID]uint64{}
				}
				trimmed.value[snapshot.Execution] = snapshot.Sequence
				return state.SaveSnapshot(ctx, snapshot)
			}}
			s.Events = loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				trimmed.Lock()
				after = max(after, trimmed.value[id])
				trimmed.Unlock()
				s.Load(ctx, id, after)(yield)
			})(s.Events, at)
			return s
		},
	},
	{
		Name: "capped", Rule: "E4",
		Fault: "an execution keeps its last 4096 events, as a capped stream does",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			if last, _ := s.LatestSequence(ctx, id); last < 6000 { // a batch is never cut
				after = max(after, last-min(last, 4096))
			}
			s.Load(ctx, id, after)(yield)
		}),
	},
	{
		Name: "replaced", Rule: "E4",
		Fault: "an event of a known ID that is appended alone, with another type, replaces the stored type",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			types := Remember[locked[map[string]string]](at.Store, "types "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				var conflict *driver.ConflictError
				if errors.As(err, &conflict) && conflict.Event != "" && len(events) == 1 {
					types.Lock()
					defer types.Unlock()
					if types.value == nil {
						types.value = map[string]string{}
					}
					types.value[fmt.Sprintf("%q %q", id, events[0].ID)] = events[0].Type
				}
				return last, err
			})(s, at)
			return loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				for e, err := range s.Load(ctx, id, after) {
					types.Lock()
					if replaced := types.value[fmt.Sprintf("%q %q", id, e.ID)]; replaced != "" {
						e.Type = replaced
					}
					types.Unlock()
					if !yield(e, err) {
						return
					}
				}
			})(first, at)
		},
	},
	{
		Name: "expectation-before-the-lock", Rule: "E5",
		Fault: "the expectation is checked before the write, in another transaction",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			if anyKnown(log, events) || expect.Check(id, uint64(len(log))) != nil {
				return s.Append(ctx, id, expect, events)
			}
			yieldHere()
			return s.Append(ctx, id, driver.Expectation{}, events)
		}),
	},
	{
		Name: "expecting-zero-is-expecting-nothing", Rule: "E5",
		Fault:  "expecting that there is no event is taken for expecting nothing",
		Events: expecting(func(last, actual uint64) bool { return last == 0 || last == actual }),
	},
	{
		Name: "expecting-at-least", Rule: "E5",
		Fault:  "an expectation that is behind the end of the log by one is let through",
		Events: expecting(func(last, actual uint64) bool { return last == actual || last == actual+1 }),
	},
	{
		Name: "expectation-in-32-bits", Rule: "E5",
		Fault:  "an expectation is compared in 32 bits",
		Events: expecting(func(last, actual uint64) bool { return uint32(last) == uint32(actual) }),
	},
	{
		Name: "expectation-signed", Rule: "E5",
		Fault:  "an expectation that does not fit into a signed integer is taken for none",
		Events: expecting(func(last, actual uint64) bool { return last == actual || last > math.MaxInt64 }),
	},
	{
		Name: "conflict-after-another-look", Rule: "E5",
		Fault: "the actual sequence in a conflict is read before the write that failed",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			before, err := s.LatestSequence(ctx, id)
			if err != nil {
				return 0, err
			}
			yieldHere()
			last, err := s.Append(ctx, id, expect, events)
			var conflict *driver.ConflictError
			if errors.As(err, &conflict) && conflict.Event == "" && before != conflict.Expected {
				conflict.Actual = before
			} else if conflict != nil && conflict.Event == "" {
				conflict.Actual = conflict.Expected + 1
			}
			return last, err
		}),
	},
	{
		Name: "conflict-leaves-an-execution", Rule: "E5",
		Fault: "an append with a wrong expectation to a new execution leaves that in the list",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			ghosts := Remember[locked[[]driver.ExecutionInfo]](at.Store, "ghosts "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				var conflict *driver.ConflictError
				if errors.As(err, &conflict) && conflict.Actual == 0 {
					ghosts.Lock()
					defer ghosts.Unlock()
					ghosts.value = []driver.ExecutionInfo{{ID: id}}
				}
				return last, err
			})(s, at)
			return listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
				ghosts.Lock()
				defer ghosts.Unlock()
				if len(list) > 0 && len(ghosts.value) > 0 && ghosts.value[0].ID > list[len(list)-1].ID {
					return append(list, ghosts.value...)
				}
				return list
			})(first, at)
		},
	},
	{
		Name: "conflict-is-invalid", Rule: "E5",
		Fault: "an expectation behind the end of the log is called invalid instead of a conflict",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			last, err := s.Append(ctx, id, expect, events)
			var conflict *driver.ConflictError
			if errors.As(err, &conflict) && conflict.Event == "" && conflict.Expected > conflict.Actual {
				return 0, driver.Invalidf("no event %d", conflict.Expected)
			}
			return last, err
		}),
	},
}

// expecting replaces when an expectation holds.
func expecting(holds func(last, actual uint64) bool) eventFault {
	return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
		last, err := s.Append(ctx, id, expect, events)
		var conflict *driver.ConflictError
		if errors.As(err, &conflict) && conflict.Event == "" && holds(conflict.Expected, conflict.Actual) {
			return s.Append(ctx, id, driver.Expectation{}, events)
		}
		return last, err
	})
}

// inChunks writes large batches in several parts, of which others see each, and
// nobody writes in between.
func inChunks(size int) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		lock := Remember[sync.Mutex](at.Store, "writing")
		return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			lock.Lock()
			defer lock.Unlock()
			if len(events) <= size || anyKnown(logOf(ctx, s, id), events) {
				return s.Append(ctx, id, expect, events)
			}
			last, err := uint64(0), error(nil)
			for chunk := range slices.Chunk(events, size) {
				if last, err = s.Append(ctx, id, expect, chunk); err != nil {
					return 0, err
				}
				expect = driver.ExpectLast(last)
				yieldHere()
			}
			return last, nil
		})(s, at)
	}
}

// inPieces writes batches in parts that nobody sees but who comes after a failure
// between two of them.
func inPieces(s driver.EventStore, at *Place, size int, fails func(context.Context) error) driver.EventStore {
	lock := Remember[sync.RWMutex](at.Store, "pieces")
	reading := func(f func()) {
		lock.RLock()
		defer lock.RUnlock()
		f()
	}
	first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (last uint64, err error) {
		lock.Lock()
		defer lock.Unlock()
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		background := context.WithoutCancel(ctx)
		if anyKnown(logOf(background, s, id), events) {
			return s.Append(ctx, id, expect, events)
		}
		for piece := range slices.Chunk(events, size) {
			if err := fails(ctx); err != nil {
				return 0, err
			}
			if last, err = s.Append(background, id, expect, piece); err != nil {
				return 0, err
			}
			expect = driver.Expectation{}
		}
		return last, nil
	})(s, at)
	return &anEventStore{EventStore: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
		var last uint64
		reading(func() { last, _ = s.LatestSequence(context.WithoutCancel(ctx), id) })
		for e, err := range s.Load(ctx, id, after) {
			if e.Sequence > last || !yield(e, err) {
				return
			}
		}
	})(first, at), latestSequence: func(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
		reading(func() { last, err = s.LatestSequence(ctx, id) })
		return last, err
	}}
}
