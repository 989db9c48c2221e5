package zoo

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
)

// trimmed is what some collations compare.
func trimmed[S ~string](id S) S { return S(strings.TrimRight(string(id), " ")) }

func lower[S ~string](id S) S { return S(strings.ToLower(string(id))) }

var blurredIdentifiers = []*Broken{
	{
		Name: "keys-case-folded", Rule: "B5", Fault: "keys that differ in case are one",
		State: func(s driver.StateStore, _ *Place) driver.StateStore {
			return &aStateStore{
				StateStore: s,
				get:        func(ctx context.Context, key string) (driver.Entry, error) { return s.Get(ctx, lower(key)) },
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					return s.Set(ctx, lower(key), value, o)
				},
				delete: func(ctx context.Context, key string, when driver.Precondition) error {
					return s.Delete(ctx, lower(key), when)
				},
			}
		},
	},
	{
		Name: "event-ids-trimmed", Rule: "B5", Fault: "an event whose ID differs from another's by a space at the end is taken for its repetition",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
				if len(batch) == 1 {
					for e, err := range s.Load(ctx, id, 0) {
						if err == nil && e.ID != batch[0].ID && trimmed(e.ID) == trimmed(batch[0].ID) {
							return e.Sequence, nil
						}
					}
				}
				return s.Append(ctx, id, expect, batch)
			}}
		},
	},
	{
		Name: "users-case-folded", Rule: "B5", Fault: "users are compared without regard to case",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			users := Remember[seenUsers](at.Store, "users "+string(at.Tenant))
			return &aMessageStore{
				MessageStore: s,
				createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
					users.add(t.User)
					return s.CreateThread(ctx, t)
				},
				listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
					q.User = users.like(q.User)
					return s.ListThreads(ctx, q)
				},
			}
		},
	},
	{
		Name: "documents-case-folded", Rule: "B5", Fault: "documents whose IDs differ in case replace one another",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{
				VectorStore: s,
				upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
					docs = slices.Clone(docs)
					for i := range docs {
						docs[i].ID = lower(docs[i].ID)
					}
					return s.Upsert(ctx, collection, docs)
				},
				get: func(ctx context.Context, collection, id string) (driver.Document, error) {
					return s.Get(ctx, collection, lower(id))
				},
			}
		},
	},
	{
		Name: "document-ids-cut", Rule: "B5", Fault: "document IDs are told apart by their first 32 bytes",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				kept := map[string]bool{}
				docs = slices.DeleteFunc(slices.Clone(docs), func(d driver.Document) bool {
					key := d.ID[:min(len(d.ID), 32)]
					defer func() { kept[key] = true }()
					return kept[key]
				})
				return s.Upsert(ctx, collection, docs)
			}}
		},
	},
}

// seenUsers remembers the users that have threads.
type seenUsers struct {
	mu    sync.Mutex
	first map[driver.UserID]driver.UserID
}

func (u *seenUsers) add(id driver.UserID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.first == nil {
		u.first = map[driver.UserID]driver.UserID{}
	}
	if _, ok := u.first[lower(id)]; !ok {
		u.first[lower(id)] = id
	}
}

// like returns the first user who is called so but for the case.
func (u *seenUsers) like(id driver.UserID) driver.UserID {
	u.mu.Lock()
	defer u.mu.Unlock()
	if first, ok := u.first[lower(id)]; ok {
		return first
	}
	return id
}
