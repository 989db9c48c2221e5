package weaviate

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// leastRecall is how much of the exact top 10 a search in 50,000 documents finds.
const leastRecall = 0.95

// recalled is what TestRecall asks for: documents, and for each query the IDs of the
// ten nearest.
type recalled struct {
	docs    []driver.Document
	queries [][]float32
	nearest [][]string
}

// gloveRecalled is the data set glove100.
func gloveRecalled(t *testing.T) (r recalled, ok bool) {
	data, ok := testkit.ReadGloVe(t)
	if !ok {
		return recalled{}, false
	}
	for i, embedding := range data.Base {
		r.docs = append(r.docs, ranked(t, i, data.Words[i], embedding))
	}
	r.queries = data.Queries
	for _, places := range data.Nearest {
		ids := make([]string, len(places))
		for i, place := range places {
			ids[i] = number(int(place))
		}
		r.nearest = append(r.nearest, ids)
	}
	return r, true
}

// madeRecalled stands in for it: as many embeddings in as many dimensions, around
// common centres, as real ones are.
func madeRecalled(t *testing.T) (r recalled) {
	random := rand.New(rand.NewPCG(1, 2))
	near := func(centre []float32, width float64) []float32 {
		embedding := make([]float32, 100)
		for i := range embedding {
			embedding[i] = centre[i] + float32(width*random.NormFloat64())
		}
		return embedding
	}
	centres := make([][]float32, 200)
	for i := range centres {
		centres[i] = near(make([]float32, 100), 1)
	}
	for i := range 50_000 {
		r.docs = append(r.docs, ranked(t, i, number(i), near(centres[i%len(centres)], 0.7)))
	}
	for i := range 100 {
		q := near(centres[i], 0.7)
		r.queries, r.nearest = append(r.queries, q), append(r.nearest, exactIDs(r.docs, q, 10))
	}
	return r
}

func ranked(t *testing.T, rank int, word string, embedding []float32) driver.Document {
	metadata, err := json.Marshal(map[string]any{"word": word, "rank": rank})
	testkit.Check(t, err)
	return driver.Document{ID: number(rank), Metadata: metadata, Embedding: embedding}
}

// TestRecall searches 50,000 embeddings, more than are compared one by one.
func TestRecall(t *testing.T) {
	needsServer(t)
	data, ok := gloveRecalled(t)
	if !ok {
		data = madeRecalled(t)
	}
	s := vectorsOf(connect(t, newDSN(t)), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "recall", Dimension: 100, Metric: driver.Cosine}))
	begin := time.Now()
	for i := 0; i < len(data.docs); i += 5000 {
		testkit.Check(t, s.Upsert(t.Context(), "recall", data.docs[i:min(i+5000, len(data.docs))]))
	}
	t.Logf("%d documents were stored in %v", len(data.docs), time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	hits := 0
	for i, q := range data.queries {
		result, err := s.Search(t.Context(), "recall", driver.Query{Embedding: q, Limit: 10})
		testkit.Check(t, err)
		if result.Exact || len(result.Matches) != 10 {
			t.Fatalf("query %d: exact %v, %d matches", i, result.Exact, len(result.Matches))
		}
		hits += inBoth(idsOf(result.Matches), data.nearest[i])
	}
	recall := float64(hits) / float64(10*len(data.queries))
	t.Logf("recall@10 of %d queries in %d documents is %.4f, at %v a query", len(data.queries), len(data.docs), recall, (time.Since(begin) / time.Duration(len(data.queries))).Round(time.Microsecond))
	if recall < leastRecall {
		t.Errorf("recall@10 is %.4f; it must be at least %v", recall, leastRecall)
	}
	// With a filter that leaves few, each of those is compared.
	for i, q := range data.queries[:50] {
		most := 100 + 200*i
		filter := driver.Lt("rank", driver.Int(int64(most)))
		result, err := s.Search(t.Context(), "recall", driver.Query{Embedding: q, Limit: 10, Filter: filter})
		testkit.Check(t, err)
		equalIDs(t, "filtered search", result.Matches, exactIDs(data.docs[:most], q, 10)...)
	}
}

// inBoth counts the IDs that are in two lists without repetitions.
func inBoth(a, b []string) (n int) {
	in := map[string]bool{}
	for _, id := range a {
		in[id] = true
	}
	for _, id := range b {
		if in[id] {
			n++
		}
	}
	return n
}

// exactIDs are those of the nearest by cosine.
func exactIDs(docs []driver.Document, q []float32, limit int) []string {
	var best []driver.Match
	for _, d := range docs {
		score := driver.Score(driver.Cosine, q, d.Embedding)
		i := len(best)
		for i > 0 && best[i-1].Score < score {
			i--
		}
		if i < limit {
			best = append(best[:i], append([]driver.Match{{Document: d, Score: score}}, best[i:]...)...)
			best = best[:min(len(best), limit)]
		}
	}
	return idsOf(best)
}
