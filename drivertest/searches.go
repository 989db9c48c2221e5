package drivertest

import (
	"fmt"
	"math"

	"github.com/enactdev/enact/driver"
)

// What a search can ask for: V5 and V6.

// enough has few documents that match, and those the farthest among many.
func enough(t *trial) {
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 2, metric)
		var docs []driver.Document
		n := 600
		if metric == driver.Cosine {
			n = 2000
		}
		for i := range n {
			d := driver.Document{ID: fmt.Sprintf("near %04d", i), Metadata: fmt.Appendf(nil, `{"kind":"near","i":%d}`, i), Embedding: []float32{1, float32(i) / 1e4}}
			if i%(n/10) == 37 {
				d = driver.Document{ID: fmt.Sprintf("far %04d", i), Metadata: fmt.Appendf(nil, `{"kind":["far","x"],"i":%d}`, i), Embedding: []float32{-1, float32(i+1) / 1e4}}
			}
			docs = append(docs, d)
		}
		c.put(t, t.Vectors, docs...)
		for _, limit := range []int{1, 9, 10, 11, 1000} {
			q := driver.Query{Embedding: []float32{1, 0}, Limit: limit, Filter: driver.Eq("kind", driver.String("far"))}
			c.answers(t, fmt.Sprintf("10 of %d documents match, the farthest", n), t.Vectors, q)
		}
		filter := driver.Gte("i", driver.Int(int64(n/2)))
		c.answers(t, fmt.Sprintf("the farther half of %d documents matches", n), t.Vectors, driver.Query{Embedding: []float32{1, 0}, Limit: n, Filter: filter})
		filter = driver.And(filter, driver.Lt("i", driver.Int(int64(n/2+n/10))), driver.Exists("kind"), driver.Not(driver.Eq("kind", driver.String("near"))))
		c.answers(t, fmt.Sprintf("1 of %d documents matches", n), t.Vectors, driver.Query{Embedding: []float32{1, 0}, Limit: 10, Filter: filter})
		c.remove(t, t.Vectors, "far 0037", fmt.Sprintf("far %04d", n/10+37))
		q := driver.Query{Embedding: []float32{1, 0}, Limit: 10, Filter: driver.Eq("kind", driver.String("far"))}
		c.answers(t, "2 of the 10 that matched are deleted", t.Vectors, q)
	}
}

// minimumScores has scores that are small integers, which every engine computes
// exactly.
func minimumScores(t *trial) {
	score := func(s float64) *float64 { return &s }
	for _, metric := range []driver.Metric{driver.Dot, driver.Euclidean} {
		c := t.shelf(string(metric), 1, metric)
		embeddings := map[string]float32{"-2": -2, "-1": -1, "0": 0, "1": 1, "2": 2, "2 again": 2}
		query, offset := float32(1), 0.0
		if metric == driver.Euclidean { // scores are 7 less
			query, offset = 7, -7
		}
		for id, e := range embeddings {
			c.put(t, t.Vectors, driver.Document{ID: id, Metadata: []byte(`{"all":true}`), Embedding: []float32{e}})
		}
		all := []string{"2", "2 again", "1", "0", "-1", "-2"}
		for _, row := range []struct {
			min   float64
			limit int
			want  []string
		}{
			{math.Inf(-1), 100, all}, {-1e300, 100, all}, {-2, 100, all}, {-1.999, 100, all[:5]}, {0, 100, all[:4]}, {0.001, 100, all[:3]}, {-0.001, 100, all[:4]},
			{1, 100, all[:3]}, {1.5, 100, all[:2]}, {2, 100, all[:2]}, {2.001, 100, nil}, {1e300, 100, nil}, {math.Inf(1), 100, nil},
			{-1, 4, all[:4]}, {-1, 5, all[:5]}, {1, 1, all[:1]}, {2, 2, all[:2]}, {1, 2, all[:2]},
		} {
			q := nearest(row.limit, query)
			q.MinScore = score(row.min + offset)
			for _, filter := range []driver.Filter{{}, driver.Eq("all", driver.Bool(true))} {
				q.Filter = filter
				t.finds(fmt.Sprintf("Search by %s for %d with a minimum score of %v, %s", metric, row.limit, *q.MinScore, describeFilter(filter)), t.Vectors, c.Name, q, row.want...)
			}
		}
		minusZero := nearest(9, query)
		if metric == driver.Euclidean {
			minusZero = nearest(9, 2) // what is equal scores 0
		}
		want := map[driver.Metric][]string{driver.Dot: all[:4], driver.Euclidean: all[:2]}[metric]
		for _, zero := range []float64{0, math.Copysign(0, -1)} {
			minusZero.MinScore = score(zero)
			t.finds(fmt.Sprintf("Search by %s with a minimum score of %v", metric, zero), t.Vectors, c.Name, minusZero, want...)
		}
	}
	c := t.shelf("cosine", 4, driver.Cosine)
	c.put(t, t.Vectors, randomDocs(t.rand, "", 60, 4)...)
	for _, least := range []float64{-2, -1, -0.5, 0, 0.3, 0.9, 1.5} {
		for _, limit := range []int{3, 100} {
			q := nearest(limit, randomEmbedding(t.rand, 4)...)
			q.MinScore = &least
			c.answers(t, fmt.Sprintf("with a minimum score of %v", least), t.Vectors, q)
			q.Filter = driver.Lt("n", driver.Int(20))
			c.answers(t, fmt.Sprintf("filtered, with a minimum score of %v", least), t.Vectors, q)
		}
	}
}

// limits asks for as many results as are allowed, and for fewer.
func limits(t *trial) {
	c := t.shelf("c", 2, driver.Dot)
	c.answers(t, "in an empty collection", t.Vectors, nearest(1, 1, 1))
	c.answers(t, "in an empty collection", t.Vectors, nearest(driver.MaxResults, 1, 1))
	var docs []driver.Document
	for i := range 1200 {
		docs = append(docs, doc(fmt.Sprintf("%04d", (i*7)%1200), float32(i/3), 1))
	}
	c.put(t, t.Vectors, docs...)
	for _, limit := range []int{1, 10, 11, 100, 101, 1000, 1001, 1199, 1200, driver.MaxResults} {
		c.answers(t, "among 1,200 documents", t.Vectors, nearest(limit, 1, 1))
	}
}

// onlyFieldsAskedFor asks for each combination of fields.
func onlyFieldsAskedFor(t *trial) {
	c := t.shelf("c", 2, driver.Dot)
	c.put(t, t.Vectors,
		driver.Document{ID: "a", Content: "content", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2}},
		driver.Document{ID: "b", Content: "", Metadata: []byte(`{}`), Embedding: []float32{0, 0}},
		driver.Document{ID: "c", Content: "{}", Metadata: []byte(`{"a":{"a":null}}`), Embedding: []float32{-1, 0}})
	least := -1e6
	for bits := range 8 {
		fields := driver.Fields{Content: bits&1 != 0, Metadata: bits&2 != 0, Embedding: bits&4 != 0}
		for _, filter := range []driver.Filter{{}, driver.Exists("a"), driver.Not(driver.Exists("a"))} {
			for _, min := range []*float64{nil, &least} {
				q := driver.Query{Embedding: []float32{1, 1}, Limit: 9, Filter: filter, Fields: fields, MinScore: min}
				c.answers(t, fmt.Sprintf("with the fields %+v, %s", fields, describeFilter(filter)), t.Vectors, q)
			}
		}
	}
	empty := t.search(t.Vectors, c.Name, driver.Query{Embedding: []float32{1, 1}, Limit: 9, Filter: driver.Or(), Fields: allFields})
	equal(t, "Search with a filter that selects nothing: the number of matches", len(empty), 0)
}
