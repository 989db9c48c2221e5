package zoo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

var crashes = []*Broken{
	{
		Name: "written-behind", Rule: "E1", Durable: true,
		Fault:   "appends are acknowledged when they are in a buffer, which is written when it holds four, and by a reading and Shutdown",
		Events:  buffered(4),
		Backend: flushing,
	},
	{
		Name: "lost-at-shutdown", Rule: "E1", Durable: true,
		Fault:  "appends without expectation are acknowledged when they are in a buffer, which Shutdown forgets",
		Events: buffered(3),
	},
	{
		Name: "torn-batch", Rule: "E1", Durable: true,
		Fault: "a batch is two records in the file, and a process that is killed between them leaves one",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return inPieces(s, at, 3, func(ctx context.Context) error {
				time.Sleep(time.Millisecond)
				return nil
			})
		},
	},
	{
		Name: "ids-forgotten-by-restart", Rule: "E6", Durable: true,
		Fault: "known IDs are in the memory of the process, and are not read again after a restart",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			known := Remember[noted](at.Store, "IDs")
			name := func(id driver.ExecutionID, e driver.EventID) string { return fmt.Sprintf("%q %q %q", at.Tenant, id, e) }
			noting := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				for _, e := range events {
					if err == nil {
						known.add(name(id, e.ID))
					}
				}
				return last, err
			})(s, at)
			return forgetting(func(_ *Place, id driver.ExecutionID, _ uint64, e driver.StoredEvent) bool {
				return known.count(name(id, e.ID)) == 0
			})(noting, at)
		},
	},
	{
		Name: "stamped-by-restart", Rule: "E1", Durable: true,
		Fault: "after a restart the executions are listed as updated when they were created",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			touched := Remember[noted](at.Handle, "touched "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				touched.add(string(id))
				return s.Append(ctx, id, expect, events)
			})(s, at)
			return listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
				for i, x := range list {
					if touched.count(string(x.ID)) == 0 {
						list[i].UpdatedAt = x.CreatedAt
					}
				}
				return list
			})(first, at)
		},
	},
	{
		Name: "lock-of-the-process", Rule: "B7", Durable: true,
		Fault: "a lock within the process is all that keeps two writers with one expectation apart",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			lock := Remember[sync.Mutex](at.Store, "writers")
			return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				lock.Lock()
				defer lock.Unlock()
				log := logOf(ctx, s, id)
				if anyKnown(log, events) || expect.Check(id, uint64(len(log))) != nil {
					return s.Append(ctx, id, expect, events)
				}
				yieldHere()
				return s.Append(ctx, id, driver.Expectation{}, events)
			})(s, at)
		},
	},
	{
		Name: "sequence-of-the-process", Rule: "B7", Durable: true,
		Fault: "a process counts an execution's events itself once it has appended some",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			last := Remember[locked[map[string]uint64]](at.Store, "last")
			key := func(id driver.ExecutionID) string { return string(at.Tenant) + "\x00" + string(id) }
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last.Lock()
				defer last.Unlock()
				n, err := s.Append(ctx, id, expect, events)
				if err == nil {
					if last.value == nil {
						last.value = map[string]uint64{}
					}
					last.value[key(id)] = max(n, last.value[key(id)])
				}
				return n, err
			})(s, at)
			return &anEventStore{EventStore: first, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				now, err := s.LatestSequence(ctx, id)
				last.Lock()
				defer last.Unlock()
				if n := last.value[key(id)]; err == nil && n > 0 && n <= now {
					return n, nil
				}
				return now, err
			}}
		},
	},
	{
		Name: "applied-and-unavailable", Rule: "E6", Durable: true,
		Fault: "an append whose context ends while it is committed is reported as unavailable, which says that it was not applied",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			last, err := s.Append(context.WithoutCancel(ctx), id, expect, events)
			if err == nil && ctx.Err() != nil {
				return 0, fmt.Errorf("%w: %w", driver.ErrUnavailable, ctx.Err())
			}
			return last, err
		}),
	},
	{
		Name: "applied-and-not-known", Rule: "E6",
		Fault: "an append whose context ends after its commit is not found when it is repeated",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			unsure := Remember[noted](at.Store, "unsure "+string(at.Tenant))
			return forgetting(func(_ *Place, id driver.ExecutionID, _ uint64, e driver.StoredEvent) bool {
				return unsure.count(fmt.Sprintf("%q %q", id, e.ID)) == 1
			})(appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				last, err := s.Append(context.WithoutCancel(ctx), id, expect, events)
				if err == nil && ctx.Err() != nil {
					for _, e := range events {
						unsure.add(fmt.Sprintf("%q %q", id, e.ID))
					}
					return 0, ctx.Err()
				}
				return last, err
			})(s, at), at)
		},
	},
	{
		Name: "cancelled-and-acknowledged", Rule: "E6",
		Fault: "an append whose context has ended before it began is acknowledged with the sequence it would have",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			begun := ctx.Err() == nil
			last, err := s.Append(ctx, id, expect, events)
			if begun && errors.Is(err, context.Canceled) {
				if n, stated := expect.Last(); stated {
					return n + uint64(len(events)), nil
				}
			}
			return last, err
		}),
	},
	{
		Name: "state-behind", Rule: "E1", Durable: true,
		Fault: "a key is acknowledged when it is in memory, and every fourth write of it goes to the file",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			writes, last := Remember[noted](at.Handle, "writes"), Remember[locked[map[string]func()]](at.Handle, "last")
			flush := func() {
				last.Lock()
				defer last.Unlock()
				for _, write := range last.value {
					write()
				}
				last.value = map[string]func(){}
			}
			return &aStateStore{
				StateStore: s,
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					if n := writes.add(string(at.Tenant) + "\x00" + key); n%4 == 1 || o != (driver.SetOptions{}) || ctx.Err() != nil {
						flush()
						return s.Set(ctx, key, value, o)
					}
					version := uint64(0)
					if e, err := s.Get(ctx, key); err == nil {
						version = e.Version + 1
					}
					last.Lock()
					defer last.Unlock()
					if last.value == nil {
						last.value = map[string]func(){}
					}
					value = bytes.Clone(value)
					last.value[string(at.Tenant)+"\x00"+key] = func() { s.Set(context.Background(), key, value, o) }
					return version, nil
				},
				get: func(ctx context.Context, key string) (driver.Entry, error) {
					flush()
					return s.Get(ctx, key)
				},
			}
		},
	},
}

// pending is what a handle has acknowledged and not written.
type pending struct {
	mu     sync.Mutex
	writes []func()
	added  map[string]uint64 // to the length of a log
}

// flush writes what is pending; p.mu is held.
func (p *pending) flush() {
	for _, write := range p.writes {
		write()
	}
	p.writes, p.added = nil, nil
}

func (p *pending) flushed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flush()
}

// buffered keeps appends back until there are size of them. Everything else that a
// handle does to its events writes them first.
func buffered(size int) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		p := Remember[pending](at.Handle, "pending")
		return &anEventStore{
			EventStore: s,
			append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				if _, stated := expect.Last(); stated || ctx.Err() != nil || len(p.writes)+1 >= size || anyKnown(logOf(ctx, s, id), events) {
					p.flush()
					return s.Append(ctx, id, expect, events)
				}
				last, err := s.LatestSequence(ctx, id)
				if err != nil {
					return 0, err
				}
				if p.added == nil {
					p.added = map[string]uint64{}
				}
				key := fmt.Sprintf("%q %q", at.Tenant, id)
				p.added[key] += uint64(len(events))
				events = copiesOf(events)
				p.writes = append(p.writes, func() { s.Append(context.Background(), id, driver.Expectation{}, events) })
				return last + p.added[key], nil
			},
			load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					p.flushed()
					s.Load(ctx, id, after)(yield)
				}
			},
			latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				p.flushed()
				return s.LatestSequence(ctx, id)
			},
			listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				p.flushed()
				return s.ListExecutions(ctx, page)
			},
		}
	}
}

// copiesOf returns events that the caller cannot change.
func copiesOf(events []driver.Event) []driver.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Payload = bytes.Clone(events[i].Payload)
	}
	return events
}

// flushing writes what is pending before it shuts down.
func flushing(b driver.Backend, at *Place) driver.Backend {
	return &aBackend{Backend: b, shutdown: func(ctx context.Context) error {
		Remember[pending](at.Handle, "pending").flushed()
		return b.Shutdown(ctx)
	}}
}
