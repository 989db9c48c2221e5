package zoo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
)

// ensures replaces EnsureCollection.
func ensures(ensure func(ctx context.Context, s driver.VectorStore, c driver.Collection) error) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, ensureCollection: func(ctx context.Context, c driver.Collection) error { return ensure(ctx, s, c) }}
	}
}

// orphans are the documents of deleted collections, by name.
type orphans struct {
	mu   sync.Mutex
	docs map[string][]driver.Document
}

var badCollections = []*Broken{
	{Name: "collection-names-fold-case", Rule: "V1", Fault: "Collection names are compared without regard to case, as table names are.", Vectors: renames(strings.ToLower)},
	{Name: "collection-names-are-cut", Rule: "V1", Fault: "Names longer than 63 bytes are cut, as identifiers in PostgreSQL are.", Vectors: renames(func(name string) string { return name[:min(len(name), 63)] })},
	{Name: "collections-listed-by-collation", Rule: "V1", Fault: "Collections are listed in an order that ignores case.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, listCollections: func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
			list, next, err := s.ListCollections(ctx, page)
			slices.SortStableFunc(list, func(a, b driver.CollectionInfo) int {
				return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
			})
			return list, next, err
		}}
	}},
	{Name: "metric-is-not-compared", Rule: "V1", Fault: "A collection that exists with another metric is taken for the same.", Vectors: ensures(func(ctx context.Context, s driver.VectorStore, c driver.Collection) error {
		if old, err := s.GetCollection(ctx, c.Name); err == nil && old.Dimension == c.Dimension {
			return nil
		}
		return s.EnsureCollection(ctx, c)
	})},
	{Name: "ensure-recreates", Rule: "V1", Fault: "Making a collection again drops its documents.", Vectors: ensures(func(ctx context.Context, s driver.VectorStore, c driver.Collection) error {
		if old, err := s.GetCollection(ctx, c.Name); err == nil && c.CheckSame(old.Collection) == nil {
			if err := s.DeleteCollection(ctx, c.Name); err != nil {
				return err
			}
		}
		return s.EnsureCollection(ctx, c)
	})},
	{Name: "dimensions-up-to-2000", Rule: "V1", Fault: "A collection cannot have more than 2,000 dimensions, because its index could not.", Vectors: ensures(func(ctx context.Context, s driver.VectorStore, c driver.Collection) error {
		if c.Dimension > 2000 {
			return driver.Invalidf("collection %q: dimension %d; it must be at most 2000", c.Name, c.Dimension)
		}
		return s.EnsureCollection(ctx, c)
	})},
	{Name: "unknown-collection-is-empty", Rule: "V1", Fault: "A search in an unknown collection finds nothing, without an error.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			result, err := s.Search(ctx, collection, q)
			if errors.Is(err, driver.ErrNotFound) {
				return driver.Result{Exact: true}, nil
			}
			return result, err
		}}
	}},
	{Name: "documents-outlive-their-collection", Rule: "V1", Fault: "Deleting a collection leaves its documents, which are back when it is made again with the same dimension.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		left := Remember[orphans](at.Store, "orphans of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			deleteCollection: func(ctx context.Context, name string) error {
				_, all, _ := everything(ctx, s, name, nil)
				left.mu.Lock()
				defer left.mu.Unlock()
				if left.docs == nil {
					left.docs = map[string][]driver.Document{}
				}
				left.docs[name] = append(left.docs[name], documentsOf(all)...)
				return s.DeleteCollection(ctx, name)
			},
			ensureCollection: func(ctx context.Context, c driver.Collection) error {
				err := s.EnsureCollection(ctx, c)
				left.mu.Lock()
				defer left.mu.Unlock()
				if docs := left.docs[c.Name]; err == nil && len(docs) > 0 && len(docs[0].Embedding) == c.Dimension {
					s.Upsert(ctx, c.Name, docs)
					delete(left.docs, c.Name)
				}
				return err
			},
		}
	}},
	{Name: "collections-are-remembered", Rule: "V1", Fault: "A handle remembers the dimension of a collection, also when another one has made it anew.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		known := Remember[sync.Map](at.Handle, "dimensions of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				info, err := s.GetCollection(ctx, collection)
				if err != nil {
					return err
				}
				c, _ := known.LoadOrStore(collection, info.Collection)
				if err := c.(driver.Collection).Validate(docs); err != nil {
					return err
				}
				return s.Upsert(ctx, collection, docs)
			},
			deleteCollection: func(ctx context.Context, name string) error {
				known.Delete(name)
				return s.DeleteCollection(ctx, name)
			},
		}
	}},
	{Name: "count-is-of-upserts", Rule: "V1", Fault: "A collection's count goes up when a document is replaced.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		more := Remember[sync.Map](at.Store, "replaced of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				replaced := uint64(0)
				for _, d := range docs {
					if _, err := s.Get(ctx, collection, d.ID); err == nil {
						replaced++
					}
				}
				err := s.Upsert(ctx, collection, docs)
				if before, _ := more.Load(collection); err == nil && replaced > 0 {
					n, _ := before.(uint64)
					more.Store(collection, n+replaced)
				}
				return err
			},
			getCollection: func(ctx context.Context, name string) (driver.CollectionInfo, error) {
				info, err := s.GetCollection(ctx, name)
				if n, there := more.Load(name); there {
					info.Count += n.(uint64)
				}
				return info, err
			},
		}
	}},
	{Name: "ensure-looks-first", Rule: "V1", Fault: "Of two that make a collection at once in different ways both succeed.", Vectors: ensures(func(ctx context.Context, s driver.VectorStore, c driver.Collection) error {
		old, err := s.GetCollection(ctx, c.Name)
		if err == nil {
			return c.CheckSame(old.Collection)
		}
		if !errors.Is(err, driver.ErrNotFound) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.EnsureCollection(ctx, c); !errors.Is(err, driver.ErrConflict) {
			return err
		}
		return nil
	})},
	{Name: "ensure-makes-twice", Rule: "V1", Fault: "Of two that make a collection at once the later one wipes what was upserted for the first.", Vectors: ensures(func(ctx context.Context, s driver.VectorStore, c driver.Collection) error {
		old, err := s.GetCollection(ctx, c.Name)
		if err == nil {
			return c.CheckSame(old.Collection)
		}
		for range 2 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if now, err := s.GetCollection(ctx, c.Name); err == nil && c.CheckSame(now.Collection) == nil {
			s.DeleteCollection(ctx, c.Name)
		}
		return s.EnsureCollection(ctx, c)
	})},
	{Name: "upsert-looks-first", Rule: "V1", Fault: "An upsert checks the dimension first and writes then, into whatever collection has this name by now.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			if err := info.Validate(docs); err != nil {
				return err
			}
			for range 2 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			now, err := s.GetCollection(ctx, collection)
			if err != nil || now.Dimension == info.Dimension {
				return s.Upsert(ctx, collection, docs)
			}
			docs = slices.Clone(docs) // the reference would not take them as they are
			for i := range docs {
				docs[i].Embedding = slices.Repeat([]float32{1}, now.Dimension)
			}
			return s.Upsert(ctx, collection, docs)
		}}
	}},
}

func documentsOf(matches []driver.Match) []driver.Document {
	docs := make([]driver.Document, len(matches))
	for i, m := range matches {
		docs[i] = m.Document
	}
	return docs
}
