package driver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// VectorStore is semantic recall: documents with embeddings, in collections. An
// unknown collection is [ErrNotFound] in Upsert, Get, Delete and Search.
type VectorStore interface {
	// EnsureCollection makes a collection. One that exists with the same
	// dimension and metric is no error, otherwise it is [ErrConflict].
	EnsureCollection(ctx context.Context, c Collection) error
	// DeleteCollection removes a collection and its documents; a missing one is
	// no error.
	DeleteCollection(ctx context.Context, name string) error
	// GetCollection describes a collection or returns [ErrNotFound].
	GetCollection(ctx context.Context, name string) (CollectionInfo, error)
	// ListCollections lists collections in byte order of their names.
	ListCollections(ctx context.Context, page Page) ([]CollectionInfo, Cursor, error)

	// Upsert stores documents, replacing those with the same IDs whole, all or
	// none. [Collection.Validate] is applied before anything is written. No ID
	// occurs twice. There may be no documents at all, and in Delete no IDs. It is
	// durable when it returns nil.
	Upsert(ctx context.Context, collection string, docs []Document) error
	// Get returns a document or [ErrNotFound].
	Get(ctx context.Context, collection, id string) (Document, error)
	// Delete removes documents; missing ones are no error.
	Delete(ctx context.Context, collection string, ids []string) error
	// Search returns the nearest documents that match, best first, equal
	// scores in byte order of their IDs.
	Search(ctx context.Context, collection string, q Query) (Result, error)
}

// Metric says how near two embeddings are. Higher is nearer, on every driver.
type Metric string

// The metrics, as [Score] computes them.
const (
	// Cosine is the cosine similarity a·b / (|a| |b|), from -1 to 1.
	Cosine Metric = "cosine"
	// Dot is the inner product a·b.
	Dot Metric = "dot"
	// Euclidean is minus the Euclidean distance, -|a-b|.
	Euclidean Metric = "euclidean"
)

// Lengths of embeddings between which their squares and products are so far from the
// ends of what a float32 can be that sums of float32 neither overflow nor vanish.
const (
	LeastFloat32Length    = 1e-15
	GreatestFloat32Length = 1e18
)

// BeyondFloat32 reports whether an engine that computes in float32 cannot compare an
// embedding with others, by any metric, so that a driver must. The zero vector is not
// beyond.
func BeyondFloat32(embedding []float32) bool {
	var squares float64
	for _, x := range embedding {
		squares += float64(x) * float64(x)
	}
	return squares != 0 && (squares < LeastFloat32Length*LeastFloat32Length || squares > GreatestFloat32Length*GreatestFloat32Length)
}

// Score is the reference for every driver: sums in float64 over the float32
// components, in order. Drivers whose engine computes in float32 agree with it
// to about one part in 10⁵.
func Score(m Metric, a, b []float32) float64 {
	switch m {
	case Cosine:
		var dot, aa, bb float64
		for i := range a {
			x, y := float64(a[i]), float64(b[i])
			dot += x * y
			aa += x * x
			bb += y * y
		}
		return max(-1, min(1, dot/(math.Sqrt(aa)*math.Sqrt(bb))))
	case Dot:
		var dot float64
		for i := range a {
			dot += float64(a[i]) * float64(b[i])
		}
		return dot
	case Euclidean:
		var sum float64
		for i := range a {
			d := float64(a[i]) - float64(b[i])
			sum += d * d
		}
		if sum == 0 {
			return 0 // not minus zero
		}
		return -math.Sqrt(sum)
	}
	panic("driver: unknown metric " + string(m))
}

// Collection fixes what its documents' embeddings are like.
type Collection struct {
	Name      string
	Dimension int
	Metric    Metric
}

// CollectionInfo is a collection and the number of its documents.
type CollectionInfo struct {
	Collection
	Count uint64
}

// Document is what a collection holds.
type Document struct {
	ID string
	// Content is any string.
	Content string
	// Metadata is a JSON object. Package enact turns an empty one into {}.
	// What comes back is equal as JSON.
	Metadata json.RawMessage
	// Embedding has the collection's dimension.
	Embedding []float32
}

// Fields says which fields of the documents a search returns, besides ID and
// score.
type Fields struct{ Content, Metadata, Embedding bool }

// Of returns a copy of d, which belongs to the caller, with these fields only.
func (f Fields) Of(d Document) Document {
	selected := Document{ID: d.ID}
	if f.Content {
		selected.Content = d.Content
	}
	if f.Metadata {
		selected.Metadata = bytes.Clone(d.Metadata)
	}
	if f.Embedding {
		selected.Embedding = slices.Clone(d.Embedding)
	}
	return selected
}

// Query is a search.
type Query struct {
	// Embedding has the collection's dimension.
	Embedding []float32
	// Limit is the number of results wanted, 1 to [MaxResults].
	Limit int
	// MinScore leaves out documents with a lower score, if not nil.
	MinScore *float64
	// Filter leaves out documents that do not match.
	Filter Filter
	// Fields are returned.
	Fields Fields
}

// Match is one result of a search. Of the document only the ID and the asked-for
// fields are set.
type Match struct {
	Document
	Score float64
}

// Result is the answer to a search.
type Result struct {
	Matches []Match
	// Exact says that no nearer document can be missing. An approximate index
	// reports false.
	Exact bool
}

// ValidateCollection checks what needs no stored state.
func ValidateCollection(c Collection) error {
	if err := ValidateID("collection name", c.Name); err != nil {
		return err
	}
	if c.Dimension < 1 || c.Dimension > MaxDimension {
		return Invalidf("collection %q: dimension %d; it must be 1 to %d", c.Name, c.Dimension, MaxDimension)
	}
	switch c.Metric {
	case Cosine, Dot, Euclidean:
		return nil
	}
	return Invalidf("collection %q: metric %q; it must be %q, %q or %q", c.Name, c.Metric, Cosine, Dot, Euclidean)
}

// CheckSame returns a [ErrConflict] unless c asks for what stored is.
func (c Collection) CheckSame(stored Collection) error {
	if c.Dimension == stored.Dimension && c.Metric == stored.Metric {
		return nil
	}
	return fmt.Errorf("%w: collection %q exists with dimension %d and metric %q, not %d and %q; use another name or delete it first",
		ErrConflict, c.Name, stored.Dimension, stored.Metric, c.Dimension, c.Metric)
}

// Validate checks that every document fits the collection, and names the first
// that does not. Drivers call it in Upsert before they write anything.
func (c Collection) Validate(docs []Document) error {
	for _, d := range docs {
		if err := c.validateEmbedding(fmt.Sprintf("document %q", d.ID), d.Embedding); err != nil {
			return err
		}
	}
	return nil
}

// ValidateQuery checks that the query's embedding fits the collection.
func (c Collection) ValidateQuery(q Query) error {
	return c.validateEmbedding("query", q.Embedding)
}

func (c Collection) validateEmbedding(subject string, embedding []float32) error {
	if len(embedding) != c.Dimension {
		return Invalidf("%s: embedding has %d dimensions, collection %q has %d", subject, len(embedding), c.Name, c.Dimension)
	}
	zero := true
	for i, x := range embedding {
		if x != x || x > math.MaxFloat32 || x < -math.MaxFloat32 {
			return Invalidf("%s: component %d of the embedding is %v", subject, i, x)
		}
		zero = zero && x == 0
	}
	if zero && c.Metric == Cosine {
		return Invalidf("%s: the embedding is all zero, which has no cosine similarity to anything", subject)
	}
	return nil
}

// ValidateUpsert checks what needs no stored state.
func ValidateUpsert(collection string, docs []Document) error {
	if err := ValidateID("collection name", collection); err != nil {
		return err
	}
	subject := fmt.Sprintf("upsert into collection %q", collection)
	if err := ValidateSize(subject, len(docs), MaxBatchDocuments, "documents"); err != nil {
		return err
	}
	total := 0
	seen := make(map[string]struct{}, len(docs))
	for _, d := range docs {
		if err := ValidateID("document ID", d.ID); err != nil {
			return err
		}
		if _, twice := seen[d.ID]; twice {
			return Invalidf("document %q occurs twice in one upsert", d.ID)
		}
		seen[d.ID] = struct{}{}
		size := len(d.Content) + len(d.Metadata)
		if size > MaxDocumentBytes {
			return ValidateSize(fmt.Sprintf("document %q", d.ID), size, MaxDocumentBytes, "bytes")
		}
		total += size + 4*len(d.Embedding)
		if _, err := ParseMetadata(d.Metadata); err != nil {
			return Invalidf("document %q: %v", d.ID, err)
		}
	}
	return ValidateSize(subject, total, MaxBatchBytes, "bytes")
}

// ValidateDelete checks what needs no stored state.
func ValidateDelete(collection string, ids []string) error {
	if err := ValidateID("collection name", collection); err != nil {
		return err
	}
	for _, id := range ids {
		if err := ValidateID("document ID", id); err != nil {
			return err
		}
	}
	return ValidateSize(fmt.Sprintf("delete from collection %q", collection), len(ids), MaxBatchDocuments, "documents")
}

// ValidateSearch checks what needs no stored state.
func ValidateSearch(collection string, q Query) error {
	if err := ValidateID("collection name", collection); err != nil {
		return err
	}
	if q.Limit < 1 || q.Limit > MaxResults {
		return Invalidf("search in collection %q: limit %d; it must be 1 to %d", collection, q.Limit, MaxResults)
	}
	if q.MinScore != nil && math.IsNaN(*q.MinScore) {
		return Invalidf("search in collection %q: the minimum score is not a number", collection)
	}
	return q.Filter.Validate()
}

// ParseMetadata splits a document's metadata into its fields. Anything but a JSON
// object in UTF-8 is an error; of duplicate keys the last counts.
func ParseMetadata(metadata json.RawMessage) (map[string]json.RawMessage, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if !utf8.Valid(metadata) || json.Unmarshal(metadata, &fields) != nil || fields == nil {
		return nil, fmt.Errorf("metadata is not a JSON object in UTF-8")
	}
	return fields, nil
}
