package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// shelf is a collection with an index, and what is in it.
type shelf struct {
	vectors
	name   string
	metric driver.Metric
	docs   []driver.Document
	found  collection
}

// fillShelf makes a collection of documents. The index is asked however few they
// are, and one connection has to do for everything.
func fillShelf(t *testing.T, p *pgliteServer, metric driver.Metric, docs []driver.Document) *shelf {
	t.Helper()
	c, err := parseDSN(p.dsn(t))
	testkit.Check(t, err)
	c.config.MaxConns = 1
	opened, err := c.Connect(t.Context())
	testkit.Check(t, err)
	t.Cleanup(func() { testkit.Check(t, opened.Shutdown(context.Background())) })
	b := opened.(*backend)
	b.exactUpTo = 0
	s := &shelf{vectors: vectors{view{b, "tenant"}}, name: "c", metric: metric, docs: docs}
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: s.name, Dimension: len(docs[0].Embedding), Metric: metric}))
	testkit.Check(t, s.Upsert(t.Context(), s.name, docs))
	s.found, err = s.find(t.Context(), b.pool, s.name, "")
	testkit.Check(t, err)
	_, err = b.pool.Exec(t.Context(), s.found.sql("ANALYZE enact.documents"))
	testkit.Check(t, err)
	return s
}

// scattered returns documents with random embeddings, i from 0 in their metadata
// and "rare" in every 500th.
func scattered(n int) (docs []driver.Document) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		embedding := make([]float32, 16)
		for j := range embedding {
			embedding[j] = float32(r.NormFloat64())
		}
		docs = append(docs, driver.Document{ID: fmt.Sprintf("d%05d", i), Metadata: fmt.Appendf(nil, `{"i":%d,"rare":%v,"third":%d}`, i, i%500 == 499, i%3), Embedding: embedding})
	}
	return docs
}

// nearest is the answer of the reference.
func (s *shelf) nearest(q driver.Query) (ids []string) {
	var matches []driver.Match
	for _, d := range s.docs {
		if metadata, _ := driver.ParseMetadata(d.Metadata); q.Filter.Match(metadata) {
			matches = append(matches, driver.Match{Document: d, Score: driver.Score(s.metric, q.Embedding, d.Embedding)})
		}
	}
	slices.SortFunc(matches, func(a, b driver.Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	for _, m := range matches[:min(len(matches), q.Limit)] {
		ids = append(ids, m.ID)
	}
	return ids
}

func idsOf(matches []driver.Match) (ids []string) {
	for _, m := range matches {
		ids = append(ids, m.ID)
	}
	return ids
}

// TestIndexFindsNearest: what the approximate index finds is nearly all of what is
// nearest, there is always as much as was asked for, and what is found without it
// is exact.
func TestIndexFindsNearest(t *testing.T) {
	p := usePGlite(t)
	for _, metric := range []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean} {
		t.Run(string(metric), func(t *testing.T) {
			s := fillShelf(t, p, metric, scattered(2500))
			for name, row := range map[string]struct {
				filter driver.Filter
				exact  bool
				recall float64
			}{
				"all":      {driver.Filter{}, false, 0.95},
				"a third":  {driver.Gt("third", driver.Int(1)), false, 0.9},
				"the rare": {driver.Eq("rare", driver.Bool(true)), true, 1},
				"none":     {driver.Or(), true, 1},
			} {
				found, wanted := 0, 0
				for n := range 20 {
					q := driver.Query{Embedding: s.docs[n*100].Embedding, Limit: 10, Filter: row.filter}
					result, err := s.Search(t.Context(), s.name, q)
					testkit.Check(t, err)
					if result.Exact != row.exact {
						t.Fatalf("%s: exact is %v", name, result.Exact)
					}
					want := s.nearest(q)
					if len(result.Matches) != len(want) {
						t.Fatalf("%s: %d matches, want %d", name, len(result.Matches), len(want))
					}
					for _, m := range result.Matches {
						if slices.Contains(want, m.ID) {
							found++
						}
					}
					wanted += len(want)
				}
				recall := 1.0
				if wanted > 0 {
					recall = float64(found) / float64(wanted)
				}
				t.Logf("%s: recall %.3f", name, recall)
				if recall < row.recall {
					t.Errorf("%s: recall %.3f, want %.2f", name, recall, row.recall)
				}
			}
			least := driver.Score(metric, s.docs[0].Embedding, s.docs[0].Embedding)
			result, err := s.Search(t.Context(), s.name, driver.Query{Embedding: s.docs[0].Embedding, Limit: 1000, MinScore: &least})
			testkit.Check(t, err)
			if len(result.Matches) == 0 || result.Matches[len(result.Matches)-1].Score < least {
				t.Errorf("with a minimum score: %v", result.Matches)
			}
			// The server is one session, which keeps the setting for all connections.
		})
	}
}

// TestScanGoesOn: a scan of the index goes on to documents that are far away when
// only these match, and where it ends first all that match are compared.
func TestScanGoesOn(t *testing.T) {
	var docs []driver.Document
	for i := range 2500 {
		docs = append(docs, driver.Document{ID: fmt.Sprintf("d%05d", i), Metadata: fmt.Appendf(nil, `{"i":%d}`, i), Embedding: []float32{float32(i), 1}})
	}
	s := fillShelf(t, usePGlite(t), driver.Euclidean, docs)
	q := driver.Query{Embedding: []float32{0, 0}, Limit: 50, Filter: driver.Gte("i", driver.Int(2400))}
	want := s.nearest(q)
	for _, bound := range []int{20_000, 50} {
		// The server is one session, so all connections have the setting.
		_, err := s.pool.Exec(t.Context(), fmt.Sprintf("SET hnsw.max_scan_tuples = %d", bound))
		testkit.Check(t, err)
		result, err := s.Search(t.Context(), s.name, q)
		testkit.Check(t, err)
		if got := idsOf(result.Matches); result.Exact != (bound == 50) || !slices.Equal(got, want) {
			t.Errorf("scanning up to %d: exact is %v, found %v, want %v", bound, result.Exact, got, want)
		}
	}
}

// TestIndexes: each statement uses the index that is there for it.
func TestIndexes(t *testing.T) {
	s := fillShelf(t, usePGlite(t), driver.Cosine, scattered(2000))
	found := s.found
	of := func(filter driver.Filter) *search {
		return &search{collection: found, Query: driver.Query{Embedding: s.docs[0].Embedding, Limit: 10, Filter: filter}}
	}
	all, third, rare := of(driver.Filter{}), of(driver.Gt("third", driver.Int(1))), of(driver.Eq("i", driver.Int(7)))
	for _, row := range []struct {
		name       string
		s          statement
		uses, lack string
	}{
		{"approximate", all.reading(all.approximately), "_embedding_idx on", "Seq Scan"},
		{"approximate, a third matches", third.reading(third.approximately), "_embedding_idx on", "Seq Scan"},
		{"approximate, few match", rare.reading(rare.approximately), "_attributes_idx", "_embedding_idx"},
		{"exact", all.reading(all.exactly), "_id_idx", "_embedding_idx"},
		{"exact, few match", rare.reading(rare.exactly), "_attributes_idx", "_embedding_idx"},
		{"Get", statement{found.sql("SELECT content, metadata, pgvector.vector_send(embedding) FROM enact.documents WHERE id = $1"), []any{"d00001"}}, "_pkey on", "Seq Scan"},
		{"Delete", statement{found.sql("DELETE FROM enact.documents WHERE id IN (SELECT id FROM enact.documents WHERE id = ANY ($1) ORDER BY id FOR UPDATE)"), []any{[]string{"d00001", "d00002"}}}, "_pkey on", "Seq Scan"},
		{"finding a collection", statement{s.sql("SELECT key FROM enact.collections WHERE tenant = $1 AND name = $2"), []any{"tenant", "c"}}, "collections_tenant_name_key", "Seq Scan"},
	} {
		plan := explain(t, s.backend, row.s)
		if !strings.Contains(plan, row.uses) || strings.Contains(plan, row.lack) {
			t.Errorf("%s: want %q and not %q:\n%s", row.name, row.uses, row.lack, plan)
		}
	}
}

// explain returns the plan of a statement in a transaction like that of an
// approximate search.
func explain(t *testing.T, b *backend, s statement) (plan string) {
	t.Helper()
	tx, err := b.pool.BeginTx(t.Context(), pgx.TxOptions{BeginQuery: fmt.Sprintf(beginApproximate, leastCandidates)})
	testkit.Check(t, err)
	defer tx.Rollback(t.Context())
	rows, err := tx.Query(t.Context(), "EXPLAIN "+s.text, s.args...)
	testkit.Check(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	testkit.Check(t, err)
	return strings.Join(lines, "\n")
}
