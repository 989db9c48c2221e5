package weaviate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestSameAnswersAsMemory asks this driver and the memory driver the same 2,000 random
// filtered queries.
func TestSameAnswersAsMemory(t *testing.T) {
	s, reference := vectorsOf(connect(t, newDSN(t)), "tenant"), openMemory(t)
	metrics := []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean}
	random := rand.New(rand.NewPCG(5, 6))
	randomEmbedding := func() []float32 {
		embedding := make([]float32, 8)
		for i := range embedding {
			embedding[i] = float32(random.NormFloat64())
		}
		return embedding
	}
	for _, metric := range metrics {
		c := driver.Collection{Name: "random", Dimension: 8, Metric: metric}
		c.Name += " " + string(metric)
		var docs []driver.Document
		for i := range 400 {
			docs = append(docs, driver.Document{ID: number(i), Content: number(i * i), Metadata: randomMetadata(random), Embedding: randomEmbedding()})
		}
		for _, v := range []driver.VectorStore{s, reference} {
			testkit.Check(t, v.EnsureCollection(t.Context(), c))
			testkit.Check(t, v.Upsert(t.Context(), c.Name, docs))
		}
	}
	found := 0
	for n := range 2000 {
		name := "random " + string(metrics[n%3])
		q := driver.Query{Embedding: randomEmbedding(), Limit: 1 + random.IntN(50), Filter: randomFilter(random, 1+n%4), Fields: driver.Fields{Content: n%2 == 0, Metadata: n%5 == 0, Embedding: n%7 == 0}}
		if n%4 == 0 {
			least := random.NormFloat64()
			q.MinScore = &least
		}
		want, err := reference.Search(t.Context(), name, q)
		testkit.Check(t, err)
		got, err := s.Search(t.Context(), name, q)
		testkit.Check(t, err)
		if !got.Exact {
			t.Fatalf("query %+v: the answer is not exact", q)
		}
		same := slices.EqualFunc(got.Matches, want.Matches, func(a, b driver.Match) bool {
			return a.ID == b.ID && a.Score == b.Score && a.Content == b.Content && string(a.Metadata) == string(b.Metadata) && slices.Equal(a.Embedding, b.Embedding)
		})
		if !same {
			t.Fatalf("query %+v: found %v, want %v", q, idsOf(got.Matches), idsOf(want.Matches))
		}
		found += len(got.Matches)
	}
	if found < 2000 {
		t.Errorf("the queries found %d documents only", found)
	}
}

// TestSearchesThatReadAll: where the server cannot say what is nearest, the collection
// is read, and the answer is exact.
func TestSearchesThatReadAll(t *testing.T) {
	s := vectorsOf(connect(t, newDSN(t)), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	docs := make([]driver.Document, 2500)
	for i := range docs {
		docs[i] = driver.Document{ID: number(i), Metadata: []byte(`{"a":"2026-11-23T` + number(i) + `"}`), Embedding: []float32{1}}
	}
	docs[1200].Embedding, docs[7].Embedding = []float32{2e30}, []float32{-1e-30}
	slices.Reverse(docs) // so that the order of IDs is not that of arrival
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs))
	for _, test := range []struct {
		did  string
		q    driver.Query
		want []string
	}{
		{"an extreme embedding", driver.Query{Embedding: []float32{1e25}, Limit: 3}, []string{number(1200), number(0), number(1)}},
		{"ties", driver.Query{Embedding: []float32{1}, Limit: 4}, []string{number(1200), number(0), number(1), number(2)}},
		{"many ties that are not selected", driver.Query{Embedding: []float32{1}, Limit: 3, Filter: driver.Gt("a", driver.String("2026-11-23T"+number(2490)))}, []string{number(2491), number(2492), number(2493)}},
		{"all that is selected", driver.Query{Embedding: []float32{1}, Limit: 10, Filter: driver.Lte("a", driver.String("2026-11-23T"+number(1)))}, []string{number(0), number(1)}},
	} {
		result, err := s.Search(t.Context(), "docs", test.q)
		testkit.Check(t, err)
		equalIDs(t, test.did, result.Matches, test.want...)
		if !result.Exact {
			t.Errorf("%s: the answer is not exact", test.did)
		}
	}
}

// TestFlatIndex: the index can be chosen, and what compares with every embedding says
// so.
func TestFlatIndex(t *testing.T) {
	b := connect(t, newDSN(t, "index=flat"))
	s := vectorsOf(b, "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "flat only", Dimension: 1, Metric: driver.Dot}))
	testkit.Check(t, s.Upsert(t.Context(), "flat only", docs1("a", "b", "c")))
	result, err := s.Search(t.Context(), "flat only", driver.Query{Embedding: []float32{1}, Limit: 2})
	testkit.Check(t, err)
	equalIDs(t, "Search", result.Matches, "c", "b")
	class, err := b.server.schema.ClassGetter().WithClassName(className("flat only", driver.Dot)).Do(t.Context())
	testkit.Check(t, err)
	if class.VectorIndexType != indexFlat || !result.Exact {
		t.Errorf("the index is %s, exact: %v", class.VectorIndexType, result.Exact)
	}
}

// TestApproximate: above the cutoff the answer is not called exact, and filtered
// searches find enough.
func TestApproximate(t *testing.T) {
	s := vectorsOf(connect(t, newDSN(t, "flat_search_cutoff=100")), "tenant")
	c := driver.Collection{Name: "cutoff of 100", Dimension: 2, Metric: driver.Cosine}
	testkit.Check(t, s.EnsureCollection(t.Context(), c))
	docs := make([]driver.Document, 2000)
	for i := range docs {
		docs[i] = driver.Document{ID: number(i), Metadata: fmt.Appendf(nil, `{"n":%d}`, 100000+i), Embedding: []float32{1, float32(i) / 1000}}
	}
	testkit.Check(t, s.Upsert(t.Context(), c.Name, docs))
	for _, test := range []struct {
		least int64
		exact bool
	}{{100000, false}, {101000, false}, {101970, true}} {
		result, err := s.Search(t.Context(), c.Name, driver.Query{Embedding: []float32{1, 0}, Limit: 20, Filter: driver.Gte("n", driver.Int(test.least))})
		testkit.Check(t, err)
		if len(result.Matches) != 20 || result.Exact != test.exact {
			t.Errorf("from %d: %d matches, exact: %v", test.least, len(result.Matches), result.Exact)
		}
	}
}
