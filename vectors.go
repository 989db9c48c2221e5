package enact

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/enactdev/enact/driver"
)

// VectorStore is a handle on a tenant's collections of documents with embeddings.
type VectorStore struct {
	access
	store driver.VectorStore
}

// EnsureCollection makes a collection with a fixed dimension and metric. One that
// exists with the same is no error, with others it is [ErrConflict].
func (s *VectorStore) EnsureCollection(ctx context.Context, c Collection) error {
	if s.closed != nil {
		return s.closed
	}
	if err := driver.ValidateCollection(c); err != nil {
		return err
	}
	return s.store.EnsureCollection(ctx, c)
}

// DeleteCollection removes a collection with all its documents. A missing one is
// no error.
func (s *VectorStore) DeleteCollection(ctx context.Context, name string) error {
	if err := s.check("collection name", name); err != nil {
		return err
	}
	return s.store.DeleteCollection(ctx, name)
}

// GetCollection describes a collection or returns [ErrNotFound].
func (s *VectorStore) GetCollection(ctx context.Context, name string) (CollectionInfo, error) {
	if err := s.check("collection name", name); err != nil {
		return CollectionInfo{}, err
	}
	return s.store.GetCollection(ctx, name)
}

// CollectionExists reports whether there is such a collection.
func (s *VectorStore) CollectionExists(ctx context.Context, name string) (bool, error) {
	_, err := s.GetCollection(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ListCollections lists collections in byte order of their names. The cursor is
// empty on the last page.
func (s *VectorStore) ListCollections(ctx context.Context, page Page) ([]CollectionInfo, Cursor, error) {
	page, err := s.page(page)
	if err != nil {
		return nil, "", err
	}
	return s.store.ListCollections(ctx, page)
}

// Upsert stores documents, replacing those with the same IDs, all or none, and is
// durable when it returns nil. A wrong dimension, a component that is not a finite
// number, a zero embedding under [Cosine], or an ID that occurs twice is
// [ErrInvalid] and names the document. Empty metadata are stored as {}.
func (s *VectorStore) Upsert(ctx context.Context, collection string, docs ...Document) error {
	if s.closed != nil {
		return s.closed
	}
	if err := driver.ValidateUpsert(collection, docs); err != nil {
		return err
	}
	stored := make([]Document, len(docs))
	for i, d := range docs {
		if len(d.Metadata) == 0 {
			d.Metadata = json.RawMessage("{}")
		}
		stored[i] = d
	}
	return s.store.Upsert(ctx, collection, stored)
}

// Get returns a document or [ErrNotFound].
func (s *VectorStore) Get(ctx context.Context, collection, id string) (Document, error) {
	if err := s.check("collection name", collection); err != nil {
		return Document{}, err
	}
	if err := driver.ValidateID("document ID", id); err != nil {
		return Document{}, err
	}
	return s.store.Get(ctx, collection, id)
}

// Delete removes documents; missing ones are no error.
func (s *VectorStore) Delete(ctx context.Context, collection string, ids ...string) error {
	if s.closed != nil {
		return s.closed
	}
	if err := driver.ValidateDelete(collection, ids); err != nil {
		return err
	}
	return s.store.Delete(ctx, collection, ids)
}

// Search returns the documents nearest to the query that match its filter, best
// first, equal scores in byte order of their IDs. Result.Exact tells whether the
// backend's index is exact.
func (s *VectorStore) Search(ctx context.Context, collection string, q Query) (Result, error) {
	if s.closed != nil {
		return Result{}, s.closed
	}
	if err := driver.ValidateSearch(collection, q); err != nil {
		return Result{}, err
	}
	return s.store.Search(ctx, collection, q)
}
