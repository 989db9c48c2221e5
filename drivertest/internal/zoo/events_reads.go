package zoo

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

var eventReads = []*Broken{
	{
		Name: "loaded-whole", Rule: "E7",
		Fault: "a history is read whole before its first event comes",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			wholly(s.Load(ctx, id, after)).yield(yield)
		}),
	},
	{
		Name: "kept-while-loading", Rule: "E7",
		Fault: "what a reading has yielded is kept until it ends",
		Events: loading(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			var kept []driver.StoredEvent
			for e, err := range s.Load(ctx, id, after) {
				kept = append(kept, e)
				if !yield(e, err) {
					break
				}
			}
			runtime.KeepAlive(kept)
		}),
	},
	{
		Name: "filtered-after-reading", Rule: "E7",
		Fault: "the events before the sequence to begin after are read and dropped",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			for e, err := range s.Load(ctx, id, 0) {
				if (err != nil || e.Sequence > after) && !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "position-signed", Rule: "E7",
		Fault: "a position that does not fit into a signed integer begins at the first event",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			s.Load(ctx, id, uint64(max(int64(after), 0)))(yield)
		}),
	},
	{
		Name: "position-in-32-bits", Rule: "E7",
		Fault: "a position is cut to 32 bits",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			s.Load(ctx, id, uint64(uint32(after)))(yield)
		}),
	},
	{
		Name: "first-thousand", Rule: "E7",
		Fault: "one reading yields at most 1000 events",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			n := 0
			for e, err := range s.Load(ctx, id, after) {
				if n++; n > 1000 || !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "ends-at-a-full-piece", Rule: "E7",
		Fault: "a reading that begins within the history ends after a piece of exactly 64 events",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			last, _ := s.LatestSequence(ctx, id)
			n := uint64(0)
			for e, err := range s.Load(ctx, id, after) {
				if n++; after > 2000 && last-after > 64 && n > 64 || !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "ends-at-a-mebibyte", Rule: "E7",
		Fault: "an event that is larger than a piece is left out with those behind it",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			last, _ := s.LatestSequence(ctx, id)
			for e, err := range s.Load(ctx, id, after) {
				if len(e.Payload) > 1<<20 && e.Sequence > 5 && last < 20 || !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "ordered-by-time", Rule: "E7",
		Fault: "a reading is ordered by the times of the events",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			history := wholly(s.Load(ctx, id, after))
			slices.SortStableFunc(history.events, func(a, b driver.StoredEvent) int { return a.Time.Compare(b.Time) })
			history.yield(yield)
		}),
	},
	{
		Name: "ordered-as-text", Rule: "E7",
		Fault: "a reading is ordered by the sequences as text",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			history := wholly(s.Load(ctx, id, after))
			slices.SortStableFunc(history.events, func(a, b driver.StoredEvent) int {
				return cmp.Compare(strconv.FormatUint(a.Sequence, 10), strconv.FormatUint(b.Sequence, 10))
			})
			history.yield(yield)
		}),
	},
	{
		Name: "quiet-end", Rule: "E7",
		Fault: "a reading that is cancelled in the middle ends without an error, since nobody asks the rows for theirs",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			n := 0
			for e, err := range s.Load(ctx, id, after) {
				if n++; (err != nil && n > 1) || !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "goes-on-after-the-error", Rule: "E7",
		Fault: "a reading that is cancelled yields the error for every event that is left",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			for e, err := range s.Load(ctx, id, after) {
				if !yield(e, err) || (err != nil && !yield(e, err)) {
					return
				}
			}
		}),
	},
	{
		Name: "one-use", Rule: "E7",
		Fault: "what Load returns can be used once; after that it is empty",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				var used atomic.Bool
				return func(yield func(driver.StoredEvent, error) bool) {
					if !used.Swap(true) {
						s.Load(ctx, id, after)(yield)
					}
				}
			}}
		},
	},
	{
		Name: "goes-on-where-it-was", Rule: "E7",
		Fault: "what Load returns goes on, when it is used again, where it was left",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					for e, err := range s.Load(ctx, id, after) {
						after = max(after, e.Sequence)
						if !yield(e, err) {
							return
						}
					}
				}
			}}
		},
	},
}

var eventStreams = []*Broken{
	{
		Name: "one-statement", Rule: "E7",
		Fault: "a handle has one statement for reading, which a new reading takes from one that has not ended: that one ends",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			readings := Remember[atomic.Int64](at.Handle, "readings")
			return loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				own := readings.Add(1)
				for e, err := range s.Load(ctx, id, after) {
					if readings.Load() != own || !yield(e, err) {
						return
					}
				}
			})(s, at)
		},
	},
	{
		Name: "writes-wait-for-readers", Rule: "E7", Hangs: true,
		Fault:  "a reading holds the lock that a write needs, while its loop body runs",
		Events: withPool(1, true, func(release func(), leave leaving) { release() }),
	},
	{
		Name: "four-connections", Rule: "E7", Hangs: true,
		Fault:  "a reading keeps its connection while its loop body runs, and there are four",
		Events: withPool(4, false, func(release func(), leave leaving) { release() }),
	},
	{
		Name: "leak-when-left", Rule: "E7", Hangs: true,
		Fault: "a reading whose loop is left early keeps one of sixteen connections",
		Events: withPool(16, true, func(release func(), leave leaving) {
			if leave != broken {
				release()
			}
		}),
	},
	{
		Name: "leak-by-panic", Rule: "E7", Hangs: true,
		Fault: "a reading whose loop body panics keeps one of sixteen connections, since nothing is deferred",
		Events: withPool(16, true, func(release func(), leave leaving) {
			if leave != unwound {
				release()
			}
		}),
	},
	{
		Name: "part-of-what-is-added", Rule: "E7",
		Fault: "a reading that meets events which were appended meanwhile ends within their batch",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			last, _ := s.LatestSequence(ctx, id)
			for e, err := range s.Load(ctx, id, after) {
				if (err == nil && e.Sequence > last+20) || !yield(e, err) {
					return
				}
			}
		}),
	},
	{
		Name: "skips-what-is-added", Rule: "E7",
		Fault: "a reading counts from the end, and leaves out what was appended meanwhile",
		Events: loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			begin, _ := s.LatestSequence(ctx, id)
			for at := after; ; {
				n := 0
				for e, err := range s.Load(ctx, id, at) {
					if n++; !yield(e, err) || err != nil {
						return
					}
					if at = e.Sequence; n == 512 {
						break
					}
				}
				if n < 512 {
					return
				}
				if end, _ := s.LatestSequence(ctx, id); end > begin {
					at, begin = at+end-begin, end
				}
			}
		}),
	},
	{
		Name: "sees-half-a-batch", Rule: "E7",
		Fault: "LatestSequence counts the events of a batch that is being written",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			lock := Remember[sync.RWMutex](at.Store, "half")
			writing := Remember[atomic.Int64](at.Store, "writing "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				lock.Lock()
				defer lock.Unlock()
				if expect.Check(id, uint64(len(logOf(ctx, s, id)))) == nil && !anyKnown(logOf(ctx, s, id), events) {
					writing.Store(int64(len(events) / 2))
					yieldHere()
					writing.Store(0)
				}
				return s.Append(ctx, id, expect, events)
			})(s, at)
			return &anEventStore{EventStore: first, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				last, err := s.LatestSequence(ctx, id)
				if err == nil && last > 0 {
					last += uint64(writing.Load())
				}
				return last, err
			}}
		},
	},
	{
		Name: "last-sequence-cached", Rule: "E2",
		Fault: "a handle remembers the last sequence of an execution, and does not hear of other handles' appends",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			cache := Remember[locked[map[string]uint64]](at.Handle, "last")
			return &anEventStore{EventStore: s, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				last, err := s.LatestSequence(ctx, id)
				cache.Lock()
				defer cache.Unlock()
				if cache.value == nil {
					cache.value = map[string]uint64{}
				}
				key := string(at.Tenant) + "\x00" + string(id)
				if kept := cache.value[key]; err == nil && kept > 0 && kept+2 > last {
					return kept, nil
				}
				cache.value[key] = last
				return last, err
			}}
		},
	},
}

// leaving is how a loop ends: by itself, by break, or by a panic or Goexit.
type leaving int

const (
	ended leaving = iota
	broken
	unwound
)

// withPool has so many connections for the tenants of all handles. Each reading
// takes one, and end says what becomes of it; writes take one for their time.
func withPool(size int, writes bool, end func(release func(), leave leaving)) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		pool := Remember[locked[chan struct{}]](at.Store, "pool")
		take := func(ctx context.Context) (release func(), err error) {
			pool.Lock()
			if pool.value == nil {
				pool.value = make(chan struct{}, size)
			}
			free := pool.value
			pool.Unlock()
			select {
			case free <- struct{}{}:
				return func() { <-free }, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		first := loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			release, err := take(ctx)
			if err != nil {
				yield(driver.StoredEvent{}, err)
				return
			}
			how := unwound
			defer func() { end(release, how) }()
			for e, err := range s.Load(ctx, id, after) {
				if !yield(e, err) {
					how = broken
					return
				}
			}
			how = ended
		})(s, at)
		if !writes {
			return first
		}
		return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			release, err := take(ctx)
			if err != nil {
				return 0, err
			}
			defer release()
			return s.Append(ctx, id, expect, events)
		})(first, at)
	}
}

// whole is a history that is read before anything else is done with it.
type whole struct {
	events []driver.StoredEvent
	err    error
}

// wholly reads a stream to its end.
func wholly(stream iter.Seq2[driver.StoredEvent, error]) (w whole) {
	for e, err := range stream {
		if err != nil {
			w.err = err
			break
		}
		w.events = append(w.events, e)
	}
	return w
}

func (w whole) yield(yield func(driver.StoredEvent, error) bool) {
	for _, e := range w.events {
		if !yield(e, nil) {
			return
		}
	}
	if w.err != nil {
		yield(driver.StoredEvent{}, w.err)
	}
}
