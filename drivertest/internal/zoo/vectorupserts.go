package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

// replaces changes a document that replaces another one.
func replaces(change func(old, d driver.Document) driver.Document) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			changed := slices.Clone(docs)
			for i, d := range changed {
				if old, err := s.Get(ctx, collection, d.ID); err == nil && len(d.Embedding) == len(old.Embedding) {
					changed[i] = change(old, d)
				}
			}
			return s.Upsert(ctx, collection, changed)
		}}
	}
}

// upsertInChunks upserts so many documents at once, each chunk checked for itself.
func upsertInChunks(n int) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			for chunk := range slices.Chunk(docs, n) {
				if err := s.Upsert(ctx, collection, chunk); err != nil {
					return err
				}
			}
			return nil
		}}
	}
}

// eachComponent changes the components of every embedding.
func eachComponent(change func(metric driver.Metric, x float32) float32) func(driver.VectorStore, *Place) driver.VectorStore {
	return upserts(func(info driver.CollectionInfo, d driver.Document) driver.Document {
		d.Embedding = slices.Clone(d.Embedding)
		for i, x := range d.Embedding {
			d.Embedding[i] = change(info.Metric, x)
		}
		return d
	})
}

func isZero(v []float32) bool {
	return len(v) > 0 && !slices.ContainsFunc(v, func(x float32) bool { return x != 0 })
}

// buffer holds upserts back.
type buffer struct {
	mu      sync.Mutex
	pending []held
}

type held struct {
	collection string
	docs       []driver.Document
}

// flush writes what was held back.
func (b *buffer) flush(ctx context.Context, s driver.VectorStore) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.pending {
		s.Upsert(ctx, h.collection, h.docs)
	}
	b.pending = nil
}

// upsertBuffered writes to the file when somebody reads.
func upsertBuffered(s driver.VectorStore, at *Place) driver.VectorStore {
	b := Remember[buffer](at.Store, "buffer of "+string(at.Tenant))
	return &aVectorStore{
		VectorStore: s,
		upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			if err := info.Validate(docs); err != nil {
				return err
			}
			docs = slices.Clone(docs)
			for i := range docs {
				docs[i].Metadata, docs[i].Embedding = bytes.Clone(docs[i].Metadata), slices.Clone(docs[i].Embedding)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.pending = append(b.pending, held{collection, docs})
			return nil
		},
		get: func(ctx context.Context, collection, id string) (driver.Document, error) {
			b.flush(ctx, s)
			return s.Get(ctx, collection, id)
		},
		search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			b.flush(ctx, s)
			return s.Search(ctx, collection, q)
		},
		delete: func(ctx context.Context, collection string, ids []string) error {
			b.flush(ctx, s)
			return s.Delete(ctx, collection, ids)
		},
		deleteCollection: func(ctx context.Context, name string) error {
			b.flush(ctx, s)
			return s.DeleteCollection(ctx, name)
		},
		getCollection: func(ctx context.Context, name string) (driver.CollectionInfo, error) {
			b.flush(ctx, s)
			return s.GetCollection(ctx, name)
		},
		listCollections: func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
			b.flush(ctx, s)
			return s.ListCollections(ctx, page)
		},
	}
}

var badUpserts = []*Broken{
	{Name: "metadata-is-merged", Rule: "V2", Fault: "Fields of the old metadata that the new one lacks stay.", Vectors: replaces(func(old, d driver.Document) driver.Document {
		fields, _ := driver.ParseMetadata(old.Metadata)
		newer, _ := driver.ParseMetadata(d.Metadata)
		for key, value := range newer {
			if fields == nil {
				fields = newer
			}
			fields[key] = value
		}
		d.Metadata, _ = json.Marshal(fields)
		return d
	})},
	{Name: "same-embedding-is-skipped", Rule: "V2", Fault: "A document with the embedding that is there already is not written.", Vectors: replaces(func(old, d driver.Document) driver.Document {
		if slices.Equal(old.Embedding, d.Embedding) {
			return old
		}
		return d
	})},
	{
		Name: "no-ids-is-all", Rule: "V2", Fault: "Deleting without IDs deletes every document.",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, delete: func(ctx context.Context, collection string, ids []string) error {
				c, err := s.GetCollection(ctx, collection)
				if err != nil || len(ids) > 0 {
					return s.Delete(ctx, collection, ids)
				}
				if err := s.DeleteCollection(ctx, collection); err != nil {
					return err
				}
				return s.EnsureCollection(ctx, c.Collection)
			}}
		},
	},
	{
		Name: "nothing-needs-no-collection", Rule: "V2", Fault: "An upsert without documents succeeds in a collection that is not there.",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				if len(docs) == 0 {
					return ctx.Err()
				}
				return s.Upsert(ctx, collection, docs)
			}}
		},
	},
	{Name: "checked-by-chunks", Rule: "V2", Fault: "Batches are checked and written 500 documents at a time.", Vectors: upsertInChunks(500)},
	{Name: "infinity-becomes-large", Rule: "V2", Fault: "An infinite component is stored as the largest number.", Vectors: eachComponent(func(_ driver.Metric, x float32) float32 {
		return max(-math.MaxFloat32, min(math.MaxFloat32, x))
	})},
	{Name: "zero-under-cosine", Rule: "V2", Fault: "A zero vector is taken under cosine.", Vectors: upserts(func(info driver.CollectionInfo, d driver.Document) driver.Document {
		if info.Metric == driver.Cosine && isZero(d.Embedding) {
			d.Embedding = slices.Repeat([]float32{math.SmallestNonzeroFloat32}, len(d.Embedding))
		}
		return d
	})},
	{Name: "bad-document-without-name", Rule: "V2", Fault: "The error about a bad embedding does not say of which document.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			err := s.Upsert(ctx, collection, docs)
			if errors.Is(err, driver.ErrInvalid) {
				return fmt.Errorf("%w: a bad embedding", driver.ErrInvalid)
			}
			return err
		}}
	}},
	{Name: "query-of-nothing", Rule: "V2", Fault: "A query is not checked in a collection without documents.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			if info, err := s.GetCollection(ctx, collection); err == nil && info.Count == 0 {
				return driver.Result{Exact: true}, nil
			}
			return s.Search(ctx, collection, q)
		}}
	}},
	{Name: "large-batches-are-refused", Rule: "V2", Fault: "A batch with more than 8,191 documents is refused, because a statement has no room for so many parameters.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			if err := driver.ValidateSize("upsert", len(docs), 8191, "documents"); err != nil {
				return err
			}
			return s.Upsert(ctx, collection, docs)
		}}
	}},
	{Name: "vectors-are-buffered", Rule: "V2", Durable: true, Fault: "Documents are written to the file when somebody reads, and lost when nobody has.", Vectors: upsertBuffered},
	{Name: "fields-in-two-tables", Rule: "V2", Fault: "Embeddings are written apart from the rest, so that two writers of a document can mix.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			if err := info.Validate(docs); err != nil {
				return err
			}
			first := slices.Clone(docs)
			for i, d := range first {
				if old, err := s.Get(ctx, collection, d.ID); err == nil && len(old.Embedding) == len(d.Embedding) {
					first[i].Embedding = old.Embedding
				}
			}
			if err := s.Upsert(ctx, collection, first); err != nil {
				return err
			}
			ctx.Err()
			second := slices.Clone(docs)
			for i, d := range second {
				if now, err := s.Get(ctx, collection, d.ID); err == nil {
					second[i].Content, second[i].Metadata = now.Content, now.Metadata
				}
			}
			return s.Upsert(ctx, collection, second)
		}}
	}},
	{Name: "batches-without-transaction", Rule: "V2", Fault: "A batch is checked whole and written document by document, for all to see and up to where the caller gives up.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			if err := info.Validate(docs); err != nil {
				return err
			}
			for i := range docs {
				if err := s.Upsert(ctx, collection, docs[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		}}
	}},
}
