package zoo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

// minding replaces what Load returns; ranged is called for every loop.
func minding(ranged func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool)) func(driver.EventStore, *Place) driver.EventStore {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
			return func(yield func(driver.StoredEvent, error) bool) { ranged(ctx, s, id, after, yield) }
		}}
	}
}

// waitWhile waits for long, but not so long that the test is left with it.
func waitWhile(busy func() bool) {
	for begin := time.Now(); busy() && time.Since(begin) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
}

// callsCalledOff do not heed a context, or say it wrongly.
var callsCalledOff = []*Broken{
	{Name: "latest-ignores-its-context", Rule: "B6", Fault: "LatestSequence does not look at its context.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				return s.LatestSequence(context.WithoutCancel(ctx), id)
			}}
		}},
	{Name: "health-ignores-its-context", Rule: "B6", Fault: "HealthCheck does not look at its context.",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			return &aBackend{Backend: b, healthCheck: func(ctx context.Context) error { return b.HealthCheck(context.WithoutCancel(ctx)) }}
		}},
	{Name: "sets-and-looks-then", Rule: "B6", Fault: "Set looks at its context when it is done.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				version, err := s.Set(context.WithoutCancel(ctx), key, value, o)
				if err == nil {
					err = ctx.Err()
				}
				return version, err
			}}
		}},
	{Name: "timeout-is-unavailable", Rule: "B6", Fault: "ListMessages says that the engine is unavailable when the deadline is over.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
				messages, next, err := s.ListMessages(ctx, q)
				if errors.Is(err, context.DeadlineExceeded) {
					err = fmt.Errorf("%w: i/o timeout", driver.ErrUnavailable)
				}
				return messages, next, err
			}}
		}},
	{Name: "flat-error", Rule: "B6", Fault: "Search returns the text of the context's error.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				r, err := s.Search(ctx, collection, q)
				if err != nil && ctx.Err() != nil {
					err = fmt.Errorf("search: %v", err)
				}
				return r, err
			}}
		}},
	{Name: "cause-for-error", Rule: "B6", Fault: "Delete returns the cause of a cancellation in place of its error.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			return &aStateStore{StateStore: s, delete: func(ctx context.Context, key string, when driver.Precondition) error {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return s.Delete(ctx, key, when)
			}}
		}},
	{Name: "missing-first", Rule: "B6", Fault: "GetMessage calls a message missing though its context is done.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				m, err := s.GetMessage(context.WithoutCancel(ctx), id, includeDeleted)
				if err == nil {
					err = ctx.Err()
				}
				return m, err
			}}
		}},
	{Name: "load-never-looks-again", Rule: "B6", Fault: "A loop looks at its context in the beginning only.",
		Events: minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			if err := ctx.Err(); err != nil {
				yield(driver.StoredEvent{}, err)
				return
			}
			s.Load(context.WithoutCancel(ctx), id, after)(yield)
		})},
	{Name: "load-looks-now-and-then", Rule: "B6", Fault: "A loop looks at its context after every thousand events.",
		Events: minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			n := 0
			if err := ctx.Err(); err != nil {
				yield(driver.StoredEvent{}, err)
				return
			}
			for e, err := range s.Load(context.WithoutCancel(ctx), id, after) {
				if n++; err == nil && n%1000 == 0 && ctx.Err() != nil {
					yield(driver.StoredEvent{}, ctx.Err())
					return
				}
				if !yield(e, err) {
					return
				}
			}
		})},
	{Name: "load-cancelled-is-the-end", Rule: "B6", Fault: "A loop that is cancelled ends without an error.",
		Events: minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			seen := 0
			for e, err := range s.Load(ctx, id, after) {
				if err != nil && ctx.Err() != nil && seen > 0 {
					return
				}
				if seen++; !yield(e, err) {
					return
				}
			}
		})},
	{Name: "load-fails-twice", Rule: "B6", Fault: "A loop that is cancelled yields its error twice.",
		Events: minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			for e, err := range s.Load(ctx, id, after) {
				if !yield(e, err) || (err != nil && e.Sequence == 0 && !yield(e, err)) {
					return
				}
			}
		})},
	{Name: "load-looks-when-made", Rule: "B6", Fault: "Load looks at its context when it is called, and a loop before each event, so that a loop made before sees nothing where there is nothing.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				if ctx.Err() != nil {
					return s.Load(ctx, id, after)
				}
				return func(yield func(driver.StoredEvent, error) bool) {
					for e, err := range s.Load(context.WithoutCancel(ctx), id, after) {
						if err == nil && ctx.Err() != nil {
							yield(driver.StoredEvent{}, ctx.Err())
							return
						}
						if !yield(e, err) {
							return
						}
					}
				}
			}}
		}},
	{Name: "load-shows-one-more", Rule: "B6", Fault: "A loop whose context is done from the start shows the first event before its error.",
		Events: minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
			for e, err := range s.Load(context.WithoutCancel(ctx), id, after) {
				if !yield(e, err) {
					return
				}
				if ctx.Err() != nil {
					yield(driver.StoredEvent{}, ctx.Err())
					return
				}
			}
			if ctx.Err() != nil {
				yield(driver.StoredEvent{}, ctx.Err())
			}
		})},
	{Name: "connect-ignores-its-context", Rule: "B6", Fault: "Connect does not look at its context.",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			return &aConnector{Connector: c, connect: func(ctx context.Context) (driver.Backend, error) { return c.Connect(context.WithoutCancel(ctx)) }}
		}},
	{Name: "connect-keeps-its-context", Rule: "B6", Fault: "A handle ends with the context that opened it.",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			return &aConnector{Connector: c, connect: func(opening context.Context) (driver.Backend, error) {
				b, err := c.Connect(opening)
				if err != nil {
					return nil, err
				}
				return &aBackend{Backend: b, tenant: func(id driver.TenantID) driver.Stores {
					s := b.Tenant(id)
					state := s.State
					s.State = &aStateStore{StateStore: state, get: func(ctx context.Context, key string) (driver.Entry, error) {
						if err := context.Cause(opening); err != nil {
							return driver.Entry{}, err
						}
						return state.Get(ctx, key)
					}}
					return s
				}}, nil
			}}
		}},
	{Name: "undone-afterwards", Rule: "B6", Fault: "A thread is deleted again when the context ends that it was created with.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				stored, err := s.CreateThread(ctx, t)
				if err == nil {
					context.AfterFunc(ctx, func() { s.DeleteThread(context.Background(), t.ID) })
				}
				return stored, err
			}}
		}},
	{Name: "waits-for-loops", Rule: "B6", Hangs: true, Fault: "SaveSnapshot waits until nobody loads, and not for its deadline.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			loops := Remember[atomic.Int64](at.Store, "loops")
			return minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				loops.Add(1)
				defer loops.Add(-1)
				s.Load(ctx, id, after)(yield)
			})(s, at)
		},
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			loops := Remember[atomic.Int64](at.Store, "loops")
			return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
				waitWhile(func() bool { return loops.Load() > 0 })
				return s.SaveSnapshot(ctx, snapshot)
			}}
		}},
	{Name: "ten-connections", Rule: "B6", Hangs: true, Fault: "Each loop keeps one of ten connections, and whoever finds none waits beyond its deadline.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			loops := Remember[atomic.Int64](at.Handle, "loops")
			return minding(func(ctx context.Context, s driver.EventStore, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
				waitWhile(func() bool { return loops.Load() >= 10 })
				loops.Add(1)
				defer loops.Add(-1)
				s.Load(ctx, id, after)(yield)
			})(s, at)
		}},
	{Name: "hangs-with-the-engine", Rule: "B6", Durable: true, Hangs: true, Fault: "Get waits for the engine beyond its deadline.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
				if err := ctx.Err(); err != nil {
					return driver.Entry{}, err
				}
				return s.Get(context.WithoutCancel(ctx), key)
			}}
		}},
}

// callsHalfDone leave something half done, or say what is not so.
var callsHalfDone = []*Broken{
	{Name: "append-in-halves", Rule: "B6", Fault: "Append stores a batch in two halves and looks at its context between them.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				half := len(events) / 2
				last, err := s.Append(ctx, id, expect, events[:max(half, 1)])
				if err != nil || half == 0 {
					return last, err
				}
				return s.Append(ctx, id, driver.Expectation{}, events[half:])
			}}
		}},
	{Name: "remembers-cancelled-ids", Rule: "B6", Fault: "An Append that is cancelled inside leaves its IDs behind, so that it is taken to be done when it is repeated.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			known := Remember[sync.Map](at.Store, "IDs")
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				key := fmt.Sprintf("%q %q %q", at.Tenant, id, events[0].ID)
				if _, ok := known.Load(key); ok {
					return s.LatestSequence(ctx, id)
				}
				last, err := s.Append(ctx, id, expect, events)
				if errors.Is(err, context.Canceled) {
					known.Store(key, nil)
				}
				return last, err
			}}
		}},
	{Name: "second-page-ignores-its-context", Rule: "B6", Fault: "ListCollections does not look at its context when it goes on from a cursor.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, listCollections: func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
				if page.Cursor != "" {
					ctx = context.WithoutCancel(ctx)
				}
				return s.ListCollections(ctx, page)
			}}
		}},
	{Name: "upsert-one-by-one", Rule: "B6", Fault: "Upsert stores one document after the other, until its context ends.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				info, err := s.GetCollection(ctx, collection)
				if err == nil {
					err = info.Validate(docs)
				}
				for i := 0; i < len(docs) && err == nil; i++ {
					err = s.Upsert(ctx, collection, docs[i:i+1])
				}
				return err
			}}
		}},
	{Name: "delete-one-by-one", Rule: "B6", Fault: "Delete removes one document after the other, until its context ends.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, delete: func(ctx context.Context, collection string, ids []string) (err error) {
				for i := 0; i < len(ids) && err == nil; i++ {
					err = s.Delete(ctx, collection, ids[i:i+1])
				}
				return err
			}}
		}},
	{Name: "empties-and-then-drops", Rule: "B6", Fault: "DeleteCollection removes the documents, looks at its context, and removes the collection.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, deleteCollection: func(ctx context.Context, name string) error {
				info, err := s.GetCollection(ctx, name)
				if err == nil && info.Count > 0 {
					q := driver.Query{Embedding: slices.Repeat([]float32{1}, info.Dimension), Limit: driver.MaxResults}
					found, _ := s.Search(context.WithoutCancel(ctx), name, q)
					var ids []string
					for _, m := range found.Matches {
						ids = append(ids, m.ID)
					}
					if err := s.Delete(ctx, name, ids); err != nil {
						return err
					}
				}
				return s.DeleteCollection(ctx, name)
			}}
		}},
	{Name: "deletes-the-old-snapshot-first", Rule: "B6", Fault: "SaveSnapshot deletes the old one, looks at its context, and stores the new one.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
				old, err := s.LoadSnapshot(ctx, snapshot.Execution)
				if err == nil && old.Sequence <= snapshot.Sequence {
					if err := s.DeleteSnapshot(ctx, snapshot.Execution); err != nil {
						return err
					}
				}
				return s.SaveSnapshot(ctx, snapshot)
			}}
		}},
	{Name: "updates-the-thread-first", Rule: "B6", Fault: "CreateMessage updates the thread, looks at its context, and stores the message.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, true); err == nil || m.Parent == "" {
					return s.CreateMessage(ctx, m)
				} else if !errors.Is(err, driver.ErrNotFound) {
					return old, err
				}
				if th, err := s.GetThread(ctx, m.Thread, false); err == nil {
					if _, err := s.UpdateThread(ctx, th); err != nil {
						return driver.Message{}, err
					}
				}
				return s.CreateMessage(ctx, m)
			}}
		}},
	{Name: "list-cut-short", Rule: "B6", Fault: "ListExecutions returns what it has when its context ends while it reads rows.",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				rows, next, err := s.ListExecutions(ctx, page)
				for i := range rows {
					if ctx.Err() != nil {
						return rows[:i], "", err
					}
				}
				return rows, next, err
			}}
		}},
	{Name: "search-cut-short", Rule: "B6", Fault: "Search returns what it has found when its context ends.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				r, err := s.Search(ctx, collection, q)
				for i := range r.Matches {
					if ctx.Err() != nil {
						r.Matches = r.Matches[:i]
						break
					}
				}
				return r, err
			}}
		}},
	{Name: "lock-left", Rule: "B6", Fault: "A Set that is cancelled inside leaves its lock for the next one to run into.",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			locked := Remember[atomic.Bool](at.Store, "locked")
			return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				if locked.Swap(false) {
					return 0, fmt.Errorf("%w: database is locked", driver.ErrUnavailable)
				}
				version, err := s.Set(ctx, key, value, o)
				if err != nil && ctx.Err() != nil {
					locked.Store(true)
				}
				return version, err
			}}
		}},
	{Name: "cancelled-is-done", Rule: "B6", Fault: "An Upsert that is cancelled inside returns nil and stores nothing.",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.Upsert(ctx, collection, docs); !errors.Is(err, context.Canceled) {
					return err
				}
				return nil
			}}
		}},
	{Name: "half-an-edit", Rule: "B6", Fault: "UpdateMessage stores the content, looks at its context, and stores the rest.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, updateMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.UpdateMessage(ctx, m)
				if err != nil || ctx.Err() == nil {
					return stored, err
				}
				old := stored
				old.Parts, old.Details = nil, nil
				s.UpdateMessage(context.WithoutCancel(ctx), old)
				return driver.Message{}, ctx.Err()
			}}
		}},
}
