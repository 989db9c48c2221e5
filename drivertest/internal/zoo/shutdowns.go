package zoo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/enactdev/enact/driver"
)

var shutdowns = slices.Concat(afterShutdowns, duringShutdowns, leftovers, callsCalledOff, callsHalfDone)

// shutting replaces Shutdown.
func shutting(f func(ctx context.Context, b driver.Backend, at *Place) error) func(driver.Backend, *Place) driver.Backend {
	return func(b driver.Backend, at *Place) driver.Backend {
		return &aBackend{Backend: b, shutdown: func(ctx context.Context) error { return f(ctx, b, at) }}
	}
}

// closing is set when Shutdown has begun.
func closing(at *Place) *atomic.Bool { return Remember[atomic.Bool](at.Handle, "closing") }

// slowly says that it is closing for a while before it closes.
func slowly(ctx context.Context, b driver.Backend, at *Place) error {
	closing(at).Store(true)
	time.Sleep(time.Millisecond)
	return b.Shutdown(ctx)
}

// lastOneOut counts the handles of this process on one DSN, and the engines that it
// has had.
type lastOneOut struct{ open, engine atomic.Int64 }

// processes remembers what is common to all handles, open or not.
var processes Memory

// afterShutdowns are wrong when Shutdown is over.
var afterShutdowns = []*Broken{
	{Name: "answers-from-its-cache", Rule: "B4", Fault: "Get answers from a cache after Shutdown.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			cache := Remember[sync.Map](at.Handle, "cache of "+string(at.Tenant))
			return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
				e, err := s.Get(ctx, key)
				if cached, ok := cache.Load(key); ok && errors.Is(err, driver.ErrClosed) {
					return cached.(driver.Entry), nil
				}
				if err == nil {
					cache.Store(key, e)
				}
				return e, err
			}}
		}},
	{Name: "database-is-closed", Rule: "B4", Fault: "ListThreads returns the engine's own error after Shutdown.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
				threads, next, err := s.ListThreads(ctx, q)
				if errors.Is(err, driver.ErrClosed) {
					err = errors.New("sql: database is closed")
				}
				return threads, next, err
			}}
		}},
	{Name: "healthy-after-shutdown", Rule: "B4", Hangs: true, Fault: "HealthCheck asks an engine that is still there, and is content.",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			return &aBackend{Backend: b, healthCheck: func(ctx context.Context) error {
				if err := b.HealthCheck(ctx); !errors.Is(err, driver.ErrClosed) {
					return err
				}
				return nil
			}}
		}},
	{Name: "no-stores-after-shutdown", Rule: "B4", Fault: "Tenant offers nothing after Shutdown.",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			return &aBackend{Backend: b,
				shutdown: func(ctx context.Context) error { closing(at).Store(true); return b.Shutdown(ctx) },
				tenant: func(id driver.TenantID) driver.Stores {
					if closing(at).Load() {
						return driver.Stores{}
					}
					return b.Tenant(id)
				}}
		}},
	{Name: "closed-twice", Rule: "B4", Fault: "The second Shutdown is an error.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			if closing(at).Swap(true) {
				return driver.ErrClosed
			}
			return b.Shutdown(ctx)
		})},
	{Name: "busy-closing", Rule: "B4", Fault: "A Shutdown beside another one is an error.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			if closing(at).Swap(true) {
				return errors.New("somebody else is shutting down")
			}
			defer closing(at).Store(false)
			time.Sleep(time.Millisecond)
			return b.Shutdown(ctx)
		})},
	{Name: "one-pool", Rule: "B4", Fault: "Handles on one DSN share a pool, which the first Shutdown closes.",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			pool := Remember[sync.Map](at.Store, "pool")
			pool.Store(b, nil)
			return &aBackend{Backend: b, shutdown: func(ctx context.Context) (err error) {
				pool.Range(func(other, _ any) bool {
					pool.Delete(other)
					err = errors.Join(err, other.(driver.Backend).Shutdown(ctx))
					return true
				})
				return err
			}}
		}},
	{Name: "write-behind", Rule: "B4", Durable: true, Hangs: true, Fault: "The last snapshot is written when the next one is asked for, and not by Shutdown.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			type buffer struct {
				sync.Mutex
				write func()
			}
			last := Remember[buffer](at.Handle, "buffer of "+string(at.Tenant))
			flush := func() {
				last.Lock()
				defer last.Unlock()
				if last.write != nil {
					last.write()
					last.write = nil
				}
			}
			return &aStateStore{StateStore: s,
				saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
					if _, err := s.LoadSnapshot(ctx, snapshot.Execution); err != nil && !errors.Is(err, driver.ErrNotFound) {
						return err
					}
					flush()
					snapshot.Data = slices.Clone(snapshot.Data)
					last.Lock()
					defer last.Unlock()
					last.write = func() { s.SaveSnapshot(context.WithoutCancel(ctx), snapshot) }
					return nil
				},
				loadSnapshot: func(ctx context.Context, id driver.ExecutionID) (driver.Snapshot, error) {
					flush()
					return s.LoadSnapshot(ctx, id)
				},
				listSnapshots: func(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
					flush()
					return s.ListSnapshots(ctx, page)
				},
				deleteSnapshot: func(ctx context.Context, id driver.ExecutionID) error {
					flush()
					return s.DeleteSnapshot(ctx, id)
				}}
		}},
}

// duringShutdowns are wrong while Shutdown is under way.
var duringShutdowns = []*Broken{
	{Name: "lets-go-early", Rule: "B4", Fault: "Shutdown refuses new calls and does not wait for those in flight.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			go b.Shutdown(context.WithoutCancel(ctx))
			return nil
		})},
	{Name: "cuts-loops", Rule: "B4", Fault: "Shutdown ends loops at once.",
		Backend: shutting(slowly),
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					for e, err := range s.Load(ctx, id, after) {
						if err == nil && closing(at).Load() {
							yield(driver.StoredEvent{}, driver.ErrClosed)
							return
						}
						if !yield(e, err) {
							return
						}
					}
				}
			}}
		}},
	{Name: "aborted-looks-complete", Rule: "B4", Fault: "A loop that Shutdown gave up ends without an error.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					seen := 0
					for e, err := range s.Load(ctx, id, after) {
						if errors.Is(err, driver.ErrClosed) && seen > 0 {
							return
						}
						if seen++; !yield(e, err) {
							return
						}
					}
				}
			}}
		}},
	{Name: "waits-for-ever", Rule: "B4", Hangs: true, Fault: "Shutdown waits for calls in flight beyond its context.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			return b.Shutdown(context.WithoutCancel(ctx))
		})},
	{Name: "gives-up-silently", Rule: "B4", Fault: "Shutdown returns nil when its context ended first.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			b.Shutdown(ctx)
			return nil
		})},
	{Name: "open-until-drained", Rule: "B4", Fault: "While Shutdown waits for a loop, other calls are still taken.",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			loops := Remember[atomic.Int64](at.Handle, "loops")
			return &aBackend{Backend: b,
				shutdown: func(ctx context.Context) error {
					closing(at).Store(true)
					for loops.Load() > 0 && ctx.Err() == nil {
						time.Sleep(100 * time.Microsecond)
					}
					return b.Shutdown(ctx)
				},
				healthCheck: func(ctx context.Context) error {
					if closing(at).Load() {
						return driver.ErrClosed
					}
					return b.HealthCheck(ctx)
				}}
		},
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			loops := Remember[atomic.Int64](at.Handle, "loops")
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					loops.Add(1)
					defer loops.Add(-1)
					s.Load(ctx, id, after)(yield)
				}
			}}
		}},
	{Name: "done-and-refused", Rule: "B4", Fault: "An Append that meets Shutdown is done, and returns ErrClosed.",
		Backend: shutting(slowly),
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				if closing(at).Load() && err == nil {
					return 0, driver.ErrClosed
				}
				return last, err
			}}
		}},
	{Name: "dropped-and-acknowledged", Rule: "B4", Fault: "A message that meets Shutdown is acknowledged and lost.",
		Backend: shutting(slowly),
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if closing(at).Load() && ctx.Err() == nil {
					if _, err := s.GetThread(ctx, m.Thread, false); err != nil {
						return driver.Message{}, err
					}
					return m, nil
				}
				return s.CreateMessage(ctx, m)
			}}
		}},
	{Name: "broken-pipe-when-given-up", Rule: "B4", Fault: "An Append in flight when Shutdown gives up returns the engine's own error.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			err := b.Shutdown(ctx)
			closing(at).Store(err != nil)
			return err
		}),
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				if err == nil && closing(at).Load() {
					return 0, errors.New("write: broken pipe")
				}
				return last, err
			}}
		}},
	{Name: "last-one-out", Rule: "B4", Durable: true, Fault: "The last handle to be shut down closes the engine, though another has been opened since it counted.",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			return &aConnector{Connector: c, connect: func(ctx context.Context) (driver.Backend, error) {
				shared := Remember[lastOneOut](&processes, dsn)
				shared.open.Add(1)
				engine := shared.engine.Load()
				b, err := c.Connect(ctx)
				if err != nil {
					shared.open.Add(-1)
					return nil, err
				}
				var down atomic.Bool
				return &aBackend{Backend: b,
					healthCheck: func(ctx context.Context) error {
						if err := b.HealthCheck(ctx); err != nil || shared.engine.Load() == engine {
							return err
						}
						return fmt.Errorf("%w: the engine is closed", driver.ErrUnavailable)
					},
					shutdown: func(ctx context.Context) error {
						if !down.Swap(true) && shared.open.Add(-1) == 0 {
							time.Sleep(time.Millisecond)
							shared.engine.Add(1)
						}
						return b.Shutdown(ctx)
					}}, nil
			}}
		}},
	{Name: "closed-underneath", Rule: "B4", Fault: "A Set in flight finds the engine closed by Shutdown.",
		Backend: shutting(slowly),
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				open := !closing(at).Load()
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				if open && closing(at).Load() {
					return 0, errors.New("write store.db: file already closed")
				}
				return s.Set(ctx, key, value, o)
			}}
		}},
}

// stranded counts calls that never end, for Shutdown.
func stranded(at *Place) *atomic.Int64 { return Remember[atomic.Int64](at.Handle, "stranded") }

// waitsForStranded makes Shutdown wait for them.
var waitsForStranded = shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
	err := b.Shutdown(ctx)
	if stranded(at).Swap(0) > 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
})

// leftovers leave something behind.
var leftovers = []*Broken{
	{Name: "counts-conflicts-as-in-flight", Rule: "B4", Hangs: true, Fault: "An Append that failed is in flight for ever.",
		Backend: waitsForStranded,
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				if errors.Is(err, driver.ErrConflict) {
					stranded(at).Add(1)
				}
				return last, err
			}}
		}},
	{Name: "counts-missing-collections-as-in-flight", Rule: "B4", Hangs: true, Fault: "A Search in a collection that is not there is in flight for ever.",
		Backend: waitsForStranded,
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				r, err := s.Search(ctx, collection, q)
				if errors.Is(err, driver.ErrNotFound) {
					stranded(at).Add(1)
				}
				return r, err
			}}
		}},
	{Name: "counts-left-loops-as-in-flight", Rule: "B4", Hangs: true, Fault: "A loop that was left early is in flight for ever.",
		Backend: waitsForStranded,
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					stranded(at).Add(1)
					for e, err := range s.Load(ctx, id, after) {
						if !yield(e, err) {
							return
						}
					}
					stranded(at).Add(-1)
				}
			}}
		}},
	{Name: "counts-panics-as-in-flight", Rule: "B4", Hangs: true, Fault: "A loop whose body panics is in flight for ever.",
		Backend: waitsForStranded,
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) {
					stranded(at).Add(1)
					s.Load(ctx, id, after)(yield)
					stranded(at).Add(-1)
				}
			}}
		}},
	{Name: "producer-left", Rule: "B4", Fault: "The goroutine that reads ahead for a loop stays when the loop is left early.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				return func(yield func(driver.StoredEvent, error) bool) { readAhead(s.Load(ctx, id, after), yield) }
			}}
		}},
	{Name: "locked-after-giving-up", Rule: "B4", Fault: "A Shutdown that gave up leaves the store locked.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			err := b.Shutdown(ctx)
			if err != nil {
				Remember[atomic.Bool](at.Store, "locked").Store(true)
			}
			return err
		}),
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				if Remember[atomic.Bool](at.Store, "locked").Load() {
					return 0, fmt.Errorf("%w: the store is locked by another process", driver.ErrUnavailable)
				}
				return s.Append(ctx, id, expect, events)
			}}
		}},
	{Name: "file-left-by-shutdown", Rule: "B4", Fault: "Shutdown leaves a file open.",
		Backend: shutting(func(ctx context.Context, b driver.Backend, at *Place) error {
			leaveFileOpen()
			return b.Shutdown(ctx)
		})},
	{Name: "file-left-by-connect", Rule: "B4", Fault: "A Connect that fails leaves a file open.",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			return &aConnector{Connector: c, connect: func(ctx context.Context) (driver.Backend, error) {
				b, err := c.Connect(ctx)
				if err != nil {
					leaveFileOpen()
				}
				return b, err
			}}
		}},
}

// readAhead hands the events of a stream over from a goroutine.
func readAhead(stream iter.Seq2[driver.StoredEvent, error], yield func(driver.StoredEvent, error) bool) {
	type item struct {
		event driver.StoredEvent
		err   error
	}
	items := make(chan item)
	var ahead []item
	stop := false
	next, end := iter.Pull2(stream)
	defer end()
	for !stop {
		ahead = ahead[:0:0]
		for len(ahead) < 100 {
			e, err, more := next()
			if stop = !more; stop {
				break
			}
			ahead = append(ahead, item{e, err})
		}
		go func() {
			for _, i := range ahead {
				select {
				case items <- i:
				case <-time.After(10 * time.Second): // the test is not to be left with it
					return
				}
			}
		}()
		for range ahead {
			if i := <-items; !yield(i.event, i.err) {
				return
			}
		}
	}
}

// leaveFileOpen opens a file and forgets it, for longer than a check takes.
func leaveFileOpen() {
	fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		time.AfterFunc(10*time.Second, func() { syscall.Close(fd) })
	}
}
