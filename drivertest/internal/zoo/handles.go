package zoo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

var confusedHandles = []*Broken{
	{
		Name: "values-cached-by-handle", Rule: "B7", Fault: "a handle keeps the values that it has read, and does not see what others write",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			cache := Remember[sync.Map](at.Handle, "values "+string(at.Tenant))
			return &aStateStore{
				StateStore: s,
				get: func(ctx context.Context, key string) (driver.Entry, error) {
					if e, ok := cache.Load(key); ok {
						e := e.(driver.Entry)
						e.Value = append([]byte{}, e.Value...)
						return e, ctx.Err()
					}
					e, err := s.Get(ctx, key)
					if err == nil && e.ExpiresAt.IsZero() {
						kept := e
						kept.Value = append([]byte{}, e.Value...)
						cache.Store(key, kept)
					}
					return e, err
				},
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					defer cache.Delete(key)
					return s.Set(ctx, key, value, o)
				},
				delete: func(ctx context.Context, key string, when driver.Precondition) error {
					defer cache.Delete(key)
					return s.Delete(ctx, key, when)
				},
			}
		},
	},
	{
		Name: "collections-cached-by-handle", Rule: "B7", Fault: "a handle that has seen a collection does not notice that another deletes it",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			cache := Remember[sync.Map](at.Handle, "collections "+string(at.Tenant))
			return &aVectorStore{
				VectorStore: s,
				listCollections: func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
					list, next, err := s.ListCollections(ctx, page)
					for _, c := range list {
						cache.Store(c.Name, c)
					}
					return list, next, err
				},
				deleteCollection: func(ctx context.Context, name string) error {
					defer cache.Delete(name)
					return s.DeleteCollection(ctx, name)
				},
				search: func(ctx context.Context, name string, q driver.Query) (driver.Result, error) {
					result, err := s.Search(ctx, name, q)
					if err == nil {
						return result, nil
					}
					if _, ok := cache.Load(name); ok && ctx.Err() == nil {
						return driver.Result{Exact: true}, nil
					}
					return result, err
				},
				getCollection: func(ctx context.Context, name string) (driver.CollectionInfo, error) {
					if c, ok := cache.Load(name); ok {
						return c.(driver.CollectionInfo), ctx.Err()
					}
					return s.GetCollection(ctx, name)
				},
			}
		},
	},
	{
		Name: "one-shutdown-for-all", Rule: "B7", Fault: "shutting one handle down closes the engine under the others",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			closed := Remember[atomic.Bool](at.Store, "closed")
			closed.Store(false)
			return &aBackend{
				Backend: b,
				tenant: func(id driver.TenantID) driver.Stores {
					s := b.Tenant(id)
					state := s.State
					s.State = &aStateStore{StateStore: state, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
						if closed.Load() {
							return 0, driver.ErrClosed
						}
						return state.Set(ctx, key, value, o)
					}}
					return s
				},
				shutdown: func(ctx context.Context) error {
					closed.Store(true)
					return b.Shutdown(ctx)
				},
			}
		},
	},
	{
		Name: "writes-that-meet-are-lost", Rule: "B7", Fault: "of two values that are set at the same moment one is not stored",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			inside := Remember[atomic.Int64](at.Store, "inside "+string(at.Tenant))
			return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				defer inside.Add(-1)
				if inside.Add(1) > 1 && ctx.Err() == nil {
					return 1 << 40, nil
				}
				ctx.Err()
				return s.Set(ctx, key, value, o)
			}}
		},
	},
	{
		Name: "opening-locks-out", Rule: "B7", Fault: "while a handle is opened, the writes of others fail as if the engine were gone",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			opening := Remember[atomic.Int64](at.Store, "opening")
			opening.Add(1)
			time.Sleep(200 * time.Microsecond)
			opening.Add(-1)
			return b
		},
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			opening := Remember[atomic.Int64](at.Store, "opening")
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
				if opening.Load() > 0 && ctx.Err() == nil {
					return 0, fmt.Errorf("%w: the store is locked", driver.ErrUnavailable)
				}
				return s.Append(ctx, id, expect, batch)
			}}
		},
	},
	{
		Name: "documents-by-handle", Rule: "B7", Fault: "documents that another handle upserts are not found until the collection is described",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			type own struct {
				mu    sync.Mutex
				known map[string]bool
			}
			mine := Remember[own](at.Handle, "documents "+string(at.Tenant))
			note := func(collection string, id string) {
				mine.mu.Lock()
				defer mine.mu.Unlock()
				if mine.known == nil {
					mine.known = map[string]bool{}
				}
				mine.known[collection+"\x00"+id] = true
			}
			return &aVectorStore{
				VectorStore: s,
				upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
					for _, d := range docs {
						note(collection, d.ID)
					}
					return s.Upsert(ctx, collection, docs)
				},
				get: func(ctx context.Context, collection, id string) (driver.Document, error) {
					d, err := s.Get(ctx, collection, id)
					if err == nil {
						note(collection, id)
					}
					return d, err
				},
				search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
					result, err := s.Search(ctx, collection, q)
					mine.mu.Lock()
					defer mine.mu.Unlock()
					var seen []driver.Match
					for _, m := range result.Matches {
						if mine.known[collection+"\x00"+m.ID] {
							seen = append(seen, m)
						}
					}
					result.Matches = seen
					return result, err
				},
			}
		},
	},
}
