package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/enactdev/enact"
)

// The collection that point 6 asks for.
const (
	documents = 50_000
	dimension = 384
	// buckets is the number of values of the field that is filtered by.
	buckets = 1_000
	// collectionName is the one of all stores.
	collectionName = "documents"
	// upsertBatch is how many documents an upsert stores.
	upsertBatch = 1_000
)

// makeDocuments returns documents with random embeddings, the same in every run.
func makeDocuments(n int) []enact.Document {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	docs := make([]enact.Document, n)
	for i, bucket := range r.Perm(n) {
		docs[i] = enact.Document{
			ID: fmt.Sprintf("document-%06d", i), Content: fmt.Sprintf("The content of document %d.", i),
			Metadata: fmt.Appendf(nil, `{"bucket":%d,"language":"en"}`, bucket%buckets), Embedding: randomEmbedding(r),
		}
	}
	return docs
}

func randomEmbedding(r *rand.Rand) []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// makeQueries returns what is searched for.
func makeQueries(n int) [][]float32 {
	r := rand.New(rand.NewPCG(seed, seed))
	queries := make([][]float32, n)
	for i := range queries {
		queries[i] = randomEmbedding(r)
	}
	return queries
}

// fillCollection makes the collection and stores documents in it.
func fillCollection(ctx context.Context, vectors *enact.VectorStore, docs []enact.Document) error {
	if err := vectors.EnsureCollection(ctx, enact.Collection{Name: collectionName, Dimension: dimension, Metric: enact.Cosine}); err != nil {
		return err
	}
	for len(docs) > 0 {
		n := min(upsertBatch, len(docs))
		if err := vectors.Upsert(ctx, collectionName, docs[:n]...); err != nil {
			return err
		}
		docs = docs[n:]
	}
	return nil
}

// allFields asks for everything of a document, as peers return it.
var allFields = enact.Fields{Content: true, Metadata: true, Embedding: true}

// nearest is how many results a search returns.
const nearest = 10

// searchFor searches among the documents whose bucket is less than below.
func searchFor(ctx context.Context, vectors *enact.VectorStore, query []float32, below int) (enact.Result, error) {
	q := enact.Query{Embedding: query, Limit: nearest, Fields: allFields}
	if below < buckets {
		q.Filter = enact.Lt("bucket", enact.Int(int64(below)))
	}
	return vectors.Search(ctx, collectionName, q)
}
