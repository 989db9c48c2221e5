package zoo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// lag hides what was upserted a short time ago.
type lag struct {
	delay   time.Duration
	written *sync.Map // collection and ID to time
}

func (l lag) key(collection, id string) string { return collection + "\x00" + id }

func (l lag) hides(collection, id string) bool {
	at, ok := l.written.Load(l.key(collection, id))
	return ok && time.Since(at.(time.Time)) < l.delay
}

// lagging shows new and replaced documents in searches, and in Get and counts too
// if everywhere, only after a while.
func lagging(delay time.Duration, everywhere bool) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, at *Place) driver.VectorStore {
		l := lag{delay, Remember[sync.Map](at.Store, "written of "+string(at.Tenant))}
		r := &aVectorStore{
			VectorStore: s,
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				err := s.Upsert(ctx, collection, docs)
				for _, d := range docs {
					if err == nil {
						l.written.Store(l.key(collection, d.ID), time.Now())
					}
				}
				return err
			},
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				return ranking{choose: func(list []driver.Match, _ driver.Query) []driver.Match {
					return slices.DeleteFunc(list, func(m driver.Match) bool { return l.hides(collection, m.ID) })
				}}.search(s)(ctx, collection, q)
			},
		}
		if everywhere {
			r.get = func(ctx context.Context, collection, id string) (driver.Document, error) {
				d, err := s.Get(ctx, collection, id)
				if err == nil && l.hides(collection, id) {
					return driver.Document{}, driver.NotFoundf("document %q", id)
				}
				return d, err
			}
		}
		return r
	}
}

// remembered is what a handle has seen last.
type remembered struct {
	mu      sync.Mutex
	results map[string]driver.Result
}

// ghosts are documents that one handle has deleted and the others still see.
type ghosts struct {
	mu   sync.Mutex
	of   map[string]*Memory // collection and ID to who has deleted it
	docs map[string]driver.Document
}

var badFreshness = []*Broken{
	{Name: "search-lags", Rule: "V8", Fault: "A search finds a document only 30 ms after it was upserted, and the driver does not say so.", Vectors: lagging(30*time.Millisecond, false)},
	{Name: "lags-longer-than-declared", Rule: "V8", Eventual: 20 * time.Millisecond, Fault: "What was upserted is found after 400 ms, and not after the 20 ms that the driver declares.", Vectors: lagging(400*time.Millisecond, false)},
	{Name: "searches-are-remembered", Rule: "V8", Fault: "A handle answers a search as it did before, until it has written itself.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		known := Remember[remembered](at.Handle, "results of "+string(at.Tenant))
		forget := func() {
			known.mu.Lock()
			defer known.mu.Unlock()
			known.results = map[string]driver.Result{}
		}
		return &aVectorStore{
			VectorStore: s,
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				if _, err := s.GetCollection(ctx, collection); err != nil {
					return driver.Result{}, err
				}
				known.mu.Lock()
				defer known.mu.Unlock()
				key := fmt.Sprint(collection, "\x00", q.Embedding, q.Limit, q.MinScore, q.Filter, q.Fields)
				if result, there := known.results[key]; there {
					result.Matches = slices.Clone(result.Matches)
					return result, nil
				}
				result, err := s.Search(ctx, collection, q)
				if err == nil && known.results != nil {
					known.results[key] = driver.Result{Matches: slices.Clone(result.Matches), Exact: result.Exact}
				}
				return result, err
			},
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				defer forget()
				return s.Upsert(ctx, collection, docs)
			},
			delete: func(ctx context.Context, collection string, ids []string) error {
				defer forget()
				return s.Delete(ctx, collection, ids)
			},
			ensureCollection: func(ctx context.Context, c driver.Collection) error {
				defer forget()
				return s.EnsureCollection(ctx, c)
			},
		}
	}},
	{Name: "many-deletions-are-not-told", Rule: "V8", Fault: "When one handle deletes more than 256 documents at once the others go on finding those beyond.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		g := Remember[ghosts](at.Store, "ghosts of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			delete: func(ctx context.Context, collection string, ids []string) error {
				g.mu.Lock()
				defer g.mu.Unlock()
				for i, id := range ids {
					if d, err := s.Get(ctx, collection, id); err == nil && i >= 256 {
						if g.docs == nil {
							g.docs, g.of = map[string]driver.Document{}, map[string]*Memory{}
						}
						g.docs[collection+"\x00"+id], g.of[collection+"\x00"+id] = d, at.Handle
					}
				}
				return s.Delete(ctx, collection, ids)
			},
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				g.mu.Lock()
				defer g.mu.Unlock()
				return ranking{extra: func(string) (seen []driver.Document) {
					for key, d := range g.docs {
						_, err := s.Get(ctx, collection, d.ID)
						if err != nil && g.of[key] != at.Handle && key == collection+"\x00"+d.ID && len(d.Embedding) == len(q.Embedding) {
							seen = append(seen, d)
						}
					}
					return seen
				}}.search(s)(ctx, collection, q)
			},
		}
	}},
	{Name: "replaced-in-two-steps", Rule: "V8", Fault: "A document that replaces another one has the old embedding for a moment.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			first := slices.Clone(docs)
			for i, d := range first {
				if old, err := s.Get(ctx, collection, d.ID); err == nil && len(old.Embedding) == len(d.Embedding) && len(docs) < 10 {
					first[i].Embedding = old.Embedding
				}
			}
			info, err := s.GetCollection(ctx, collection)
			if err == nil && info.Validate(docs) == nil {
				s.Upsert(ctx, collection, first)
				ctx.Err()
			}
			return s.Upsert(ctx, collection, docs)
		}}
	}},
	{Name: "replaced-by-delete-and-insert", Rule: "V8", Fault: "A document that is replaced is not there for a moment.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			if err := info.Validate(docs); err != nil {
				return err
			}
			ids := make([]string, len(docs))
			for i, d := range docs {
				ids[i] = d.ID
			}
			if err := s.Delete(ctx, collection, ids); err != nil {
				return err
			}
			ctx.Err()
			return s.Upsert(ctx, collection, docs)
		}}
	}},
	{Name: "index-of-metadata-lags", Rule: "V8", Fault: "A filter sees the metadata that a document had before it was replaced with the same embedding.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		old := Remember[sync.Map](at.Store, "metadata of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				for _, d := range docs {
					if was, err := s.Get(ctx, collection, d.ID); err == nil && slices.Equal(was.Embedding, d.Embedding) {
						old.LoadOrStore(collection+"\x00"+d.ID, was.Metadata)
					} else {
						old.Delete(collection + "\x00" + d.ID)
					}
				}
				return s.Upsert(ctx, collection, docs)
			},
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				if q.Filter.Op == driver.OpAll {
					return s.Search(ctx, collection, q)
				}
				wide := q
				wide.Filter, wide.Fields, wide.Limit = driver.Filter{}, allOf, 1<<30
				result, err := s.Search(ctx, collection, wide)
				result.Matches = slices.DeleteFunc(result.Matches, func(m driver.Match) bool {
					text := m.Metadata
					if was, there := old.Load(collection + "\x00" + m.ID); there {
						text = was.(json.RawMessage)
					}
					fields, _ := driver.ParseMetadata(text)
					return !q.Filter.Match(fields)
				})
				result.Matches = result.Matches[:min(q.Limit, len(result.Matches))]
				for i, m := range result.Matches {
					result.Matches[i].Document = q.Fields.Of(m.Document)
				}
				return result, err
			},
		}
	}},
}
