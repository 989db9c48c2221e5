package client

import (
	"context"

	"github.com/enactdev/enact"
)

// EnsureCollection makes a collection.
type EnsureCollection struct {
	Tenant     enact.TenantID
	Collection enact.Collection
}

// Do implements Call.
func (c EnsureCollection) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return nil, rt.Tenant(c.Tenant).Vectors.EnsureCollection(ctx, c.Collection)
}

// CountDocuments returns how many documents a collection has.
type CountDocuments struct {
	Tenant     enact.TenantID
	Collection string
}

// Do implements Call.
func (c CountDocuments) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	info, err := rt.Tenant(c.Tenant).Vectors.GetCollection(ctx, c.Collection)
	return info.Count, err
}

// Upsert stores documents.
type Upsert struct {
	Tenant     enact.TenantID
	Collection string
	Documents  []enact.Document
}

// Do implements Call.
func (c Upsert) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return nil, rt.Tenant(c.Tenant).Vectors.Upsert(ctx, c.Collection, c.Documents...)
}

// GetDocument returns a document.
type GetDocument struct {
	Tenant     enact.TenantID
	Collection string
	ID         string
}

// Do implements Call.
func (c GetDocument) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).Vectors.Get(ctx, c.Collection, c.ID)
}

// DeleteDocuments removes documents.
type DeleteDocuments struct {
	Tenant     enact.TenantID
	Collection string
	IDs        []string
}

// Do implements Call.
func (c DeleteDocuments) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return nil, rt.Tenant(c.Tenant).Vectors.Delete(ctx, c.Collection, c.IDs...)
}

// Search looks for the documents of a group, or of all if it is negative.
type Search struct {
	Tenant     enact.TenantID
	Collection string
	Embedding  []float32
	Limit      int
	Group      int64
}

// GroupKey is the metadata's key that holds the group.
const GroupKey = "group"

// Do implements Call.
func (c Search) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	q := enact.Query{Embedding: c.Embedding, Limit: c.Limit, Fields: enact.Fields{Content: true}}
	if c.Group >= 0 {
		q.Filter = enact.Eq(GroupKey, enact.Int(c.Group))
	}
	return rt.Tenant(c.Tenant).Vectors.Search(ctx, c.Collection, q)
}
