package zoo

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

// keeper keeps a caller's slices by key, as a careless store does.
type keeper[T any] struct {
	mu   sync.Mutex
	kept map[string]T
}

func (k *keeper[T]) keep(key string, v T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[string]T{}
	}
	k.kept[key] = v
}

func (k *keeper[T]) get(key string) (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.kept[key]
	return v, ok
}

// sharedSlices keep, change or hand out twice what is not theirs.
var sharedSlices = []*Broken{
	{
		Name: "keeps-payloads", Rule: "B8", Fault: "the payloads of a batch of several events are the caller's own slices",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			kept := Remember[keeper[[]byte]](at.Store, "payloads "+string(at.Tenant))
			return &anEventStore{
				EventStore: s,
				append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
					last, err := s.Append(ctx, id, expect, batch)
					if err == nil && len(batch) > 1 {
						for _, e := range batch {
							kept.keep(string(id)+"\x00"+string(e.ID), e.Payload)
						}
					}
					return last, err
				},
				load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
					return mapped(s.Load(ctx, id, after), func(e driver.StoredEvent) driver.StoredEvent {
						if p, ok := kept.get(string(id) + "\x00" + string(e.ID)); ok {
							e.Payload = append([]byte{}, p...)
						}
						return e
					})
				},
			}
		},
	},
	{
		Name: "stamps-the-callers-events", Rule: "B8", Fault: "the time that the store gives to an event is written into the caller's slice too",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, batch)
				if err == nil && len(batch) == 1 && batch[0].Time.IsZero() {
					for e := range s.Load(ctx, id, last-1) {
						batch[0].Time = e.Time
					}
				}
				return last, err
			}}
		},
	},
	{
		Name: "one-buffer-for-payloads", Rule: "B8", Fault: "all payloads of a stream are in one buffer, which the next event overwrites",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
				var buffer []byte
				return mapped(s.Load(ctx, id, after), func(e driver.StoredEvent) driver.StoredEvent {
					buffer = append(buffer[:0], e.Payload...)
					e.Payload = buffer[:len(buffer):len(buffer)]
					return e
				})
			}}
		},
	},
	{
		Name: "keeps-values", Rule: "B8", Fault: "a value is the caller's own slice",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			kept := Remember[keeper[[]byte]](at.Store, "values "+string(at.Tenant))
			return &aStateStore{
				StateStore: s,
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					version, err := s.Set(ctx, key, value, o)
					if err == nil {
						kept.keep(key, value)
					}
					return version, err
				},
				get: func(ctx context.Context, key string) (driver.Entry, error) {
					e, err := s.Get(ctx, key)
					if v, ok := kept.get(key); ok && err == nil {
						e.Value = append([]byte{}, v...)
					}
					return e, err
				},
			}
		},
	},
	{
		Name: "hands-out-values", Rule: "B8", Fault: "Get returns the same slice to everyone",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			type value struct {
				version uint64
				bytes   []byte
			}
			handed := Remember[keeper[value]](at.Store, "handed "+string(at.Tenant))
			return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
				e, err := s.Get(ctx, key)
				if err != nil {
					return e, err
				}
				if v, ok := handed.get(key); ok && v.version == e.Version {
					e.Value = v.bytes
				}
				handed.keep(key, value{e.Version, e.Value})
				return e, nil
			}}
		},
	},
	{
		Name: "keeps-metadata-of-edits", Rule: "B8", Fault: "after an edit the metadata of a thread is the caller's own slice",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			kept := Remember[keeper[driver.Thread]](at.Store, "threads "+string(at.Tenant))
			with := func(t driver.Thread) driver.Thread {
				if k, ok := kept.get(string(t.ID)); ok && k.Version+1 == t.Version {
					t.Metadata = append([]byte{}, k.Metadata...)
				}
				return t
			}
			return &aMessageStore{
				MessageStore: s,
				updateThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
					stored, err := s.UpdateThread(ctx, t)
					if err == nil {
						kept.keep(string(t.ID), t)
					}
					return stored, err
				},
				getThread: func(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
					t, err := s.GetThread(ctx, id, includeDeleted)
					return with(t), err
				},
				listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
					list, next, err := s.ListThreads(ctx, q)
					for i := range list {
						list[i] = with(list[i])
					}
					return list, next, err
				},
			}
		},
	},
	{
		Name: "hands-out-messages", Rule: "B8", Fault: "the content of a message that GetMessage returns is the stored one",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			type content struct {
				version uint64
				bytes   []byte
			}
			handed := Remember[keeper[content]](at.Store, "handed "+string(at.Tenant))
			return &aMessageStore{MessageStore: s, getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				m, err := s.GetMessage(ctx, id, includeDeleted)
				if err != nil {
					return m, err
				}
				if c, ok := handed.get(string(id)); ok && c.version == m.Version {
					m.Content = c.bytes
				}
				handed.keep(string(id), content{m.Version, m.Content})
				return m, nil
			}, listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
				list, next, err := s.ListMessages(ctx, q)
				for i, m := range list {
					if c, ok := handed.get(string(m.ID)); ok && c.version == m.Version {
						list[i].Content = append([]byte{}, c.bytes...)
					}
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "normalises-in-place", Rule: "B8", Fault: "embeddings under cosine are brought to length one in the caller's slice",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			normalise := func(v []float32) {
				var sum float64
				for _, x := range v {
					sum += float64(x) * float64(x)
				}
				for i := range v {
					v[i] = float32(float64(v[i]) / math.Sqrt(sum))
				}
			}
			return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				result, err := s.Search(ctx, collection, q)
				if c, failed := s.GetCollection(ctx, collection); err == nil && failed == nil && c.Metric == driver.Cosine {
					normalise(q.Embedding)
				}
				return result, err
			}}
		},
	},
	{
		Name: "sorts-in-place", Rule: "B8", Fault: "the IDs given to Delete are sorted in the caller's slice",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, delete: func(ctx context.Context, collection string, ids []string) error {
				slices.Sort(ids)
				return s.Delete(ctx, collection, ids)
			}}
		},
	},
	{
		Name: "hands-out-embeddings", Rule: "B8", Fault: "the embedding that Get returns is the one that is searched",
		Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
			handed := Remember[keeper[[]float32]](at.Store, "handed "+string(at.Tenant))
			return &aVectorStore{
				VectorStore: s,
				get: func(ctx context.Context, collection, id string) (driver.Document, error) {
					d, err := s.Get(ctx, collection, id)
					if err != nil {
						return d, err
					}
					if e, ok := handed.get(collection + "\x00" + id); ok {
						d.Embedding = e
					}
					handed.keep(collection+"\x00"+id, d.Embedding)
					return d, nil
				},
				upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
					for _, d := range docs {
						handed.keep(collection+"\x00"+d.ID, slices.Clone(d.Embedding))
					}
					return s.Upsert(ctx, collection, docs)
				},
				search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
					result, err := s.Search(ctx, collection, q)
					for i, m := range result.Matches {
						if e, ok := handed.get(collection + "\x00" + m.ID); ok && m.Embedding != nil {
							result.Matches[i].Embedding = slices.Clone(e)
						}
					}
					return result, err
				},
			}
		},
	},
}

// mapped changes the events of a stream.
func mapped(stream iter.Seq2[driver.StoredEvent, error], change func(driver.StoredEvent) driver.StoredEvent) iter.Seq2[driver.StoredEvent, error] {
	return func(yield func(driver.StoredEvent, error) bool) {
		for e, err := range stream {
			if err == nil {
				e = change(e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
