package drivertest

import (
	"fmt"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

var scoreChecks = []check{
	{rule: "V3", name: "golden", why: "a score, and a minimum that was tuned with it, would mean something else on this driver", role: driver.RoleVectors, run: goldenScores},
	{rule: "V3", name: "extreme", why: "embeddings that are not normalised would rank at random where an engine's numbers overflow", role: driver.RoleVectors, run: extremeScores},
	{rule: "V3", name: "range", why: "a document would be more than equal to itself, which breaks who computes an angle", role: driver.RoleVectors, run: scoresOfItself},
	{rule: "V3", name: "ties", why: "two equal searches would return different documents", role: driver.RoleVectors, run: ties},
	{rule: "V3", name: "as-the-reference", why: "what is nearest would depend on the driver", role: driver.RoleVectors, run: scoresAsTheReference},
	{rule: "V5", name: "exact", why: "a result that is called exact would lack the document that mattered", role: driver.RoleVectors, run: exactIsExact},
}

// scored is a document and the score that was computed for it by hand.
type scored struct {
	embedding []float32
	score     float64
}

type golden struct {
	metric driver.Metric
	query  []float32
	docs   []scored // the best first
}

// goldens have results that a float32 can hold.
var goldens = []golden{
	{driver.Cosine, []float32{3, 4}, []scored{
		{[]float32{3, 4}, 1}, {[]float32{4, 3}, 0.96}, {[]float32{0, 9}, 0.8}, {[]float32{5, 0}, 0.6}, {[]float32{4, -3}, 0}, {[]float32{-400, 0}, -0.6}, {[]float32{-6, -8}, -1},
	}},
	{driver.Cosine, []float32{0.01, 0, 0}, []scored{
		{[]float32{7, 0, 0}, 1}, {[]float32{1, 1, 0}, math.Sqrt2 / 2}, {[]float32{100, -100, 100}, 0.5773502691896258}, {[]float32{0, 5, -5}, 0}, {[]float32{-1000, 0, 0}, -1},
	}},
	{driver.Dot, []float32{1, 2, 3}, []scored{
		{[]float32{100, 200, 300}, 1400}, {[]float32{4, 5, 6}, 32}, {[]float32{0.1, 0.1, 0.1}, 0.6}, {[]float32{0, 0, 0}, 0}, {[]float32{0.5, 0.25, -2}, -5}, {[]float32{-10, -10, -10}, -60}, {[]float32{-1e6, 0, 0}, -1e6},
	}},
	{driver.Dot, []float32{-0.001}, []scored{{[]float32{-2}, 0.002}, {[]float32{0.5}, -0.0005}, {[]float32{4}, -0.004}}},
	{driver.Dot, []float32{0, 0}, []scored{{[]float32{5, 1}, 0}}},
	{driver.Euclidean, []float32{1, 1}, []scored{
		{[]float32{1, 1}, 0}, {[]float32{1.5, 1}, -0.5}, {[]float32{2, 2}, -math.Sqrt2}, {[]float32{0, -1}, -2.23606797749979}, {[]float32{4, 5}, -5}, {[]float32{-5, -7}, -10}, {[]float32{6, 13}, -13}, {[]float32{-999, 1}, -1000},
	}},
	{driver.Euclidean, []float32{-3, 0, 4}, []scored{{[]float32{-3, 0, 4}, 0}, {[]float32{0, 0, 0}, -5}, {[]float32{3, 0, -4}, -10}}},
	{driver.Euclidean, []float32{0}, []scored{{[]float32{0}, 0}, {[]float32{-0.25}, -0.25}, {[]float32{0.5}, -0.5}}},
}

// extremes have components, or squares of them, that a float32 cannot hold.
var extremes = []golden{
	{driver.Cosine, []float32{0x3p-100, 0x4p-100}, []scored{
		{[]float32{0x4p-110, 0x3p-110}, 0.96}, {[]float32{5e30, 0}, 0.6}, {[]float32{0, -math.SmallestNonzeroFloat32}, -0.8},
	}},
	{driver.Cosine, []float32{math.MaxFloat32, math.MaxFloat32}, []scored{
		{[]float32{1e-30, 1e-30}, 1}, {[]float32{0, math.MaxFloat32}, math.Sqrt2 / 2}, {[]float32{math.MaxFloat32, -math.MaxFloat32}, 0}, {[]float32{-math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}, -1},
	}},
	{driver.Cosine, []float32{math.SmallestNonzeroFloat32, 0}, []scored{{[]float32{1, 1}, math.Sqrt2 / 2}, {[]float32{0, 1}, 0}, {[]float32{-3e38, 3e38}, -math.Sqrt2 / 2}}},
	{driver.Dot, []float32{math.MaxFloat32, 0}, []scored{
		{[]float32{math.MaxFloat32, 0}, math.MaxFloat32 * math.MaxFloat32}, {[]float32{1e20, 5}, 1e20 * math.MaxFloat32}, {[]float32{1, math.MaxFloat32}, math.MaxFloat32}, {[]float32{0, 1}, 0}, {[]float32{-1e10, 0}, -1e10 * math.MaxFloat32},
	}},
	{driver.Dot, []float32{1e-30}, []scored{{[]float32{1e38}, 1e8}, {[]float32{1e30}, 1}, {[]float32{-1}, -1e-30}}},
	{driver.Euclidean, []float32{1e30, 0}, []scored{
		{[]float32{1e30, 0}, 0}, {[]float32{0, 0}, -1e30}, {[]float32{1e30, 2e38}, -2e38}, {[]float32{-math.MaxFloat32, 0}, -math.MaxFloat32}, {[]float32{math.MaxFloat32, math.MaxFloat32}, -math.Sqrt2 * math.MaxFloat32},
	}},
	{driver.Euclidean, []float32{1e-30}, []scored{{[]float32{1e-30}, 0}, {[]float32{3e-30}, -2e-30}, {[]float32{-1e-25}, -1e-25}}},
	{driver.Euclidean, []float32{16777216}, []scored{{[]float32{16777216}, 0}, {[]float32{16777218}, -2}, {[]float32{-16777216}, -33554432}}},
}

func goldenScores(t *trial)  { t.goldens(goldens) }
func extremeScores(t *trial) { t.goldens(extremes) }

// goldens compares scores with those computed by hand. The IDs are in another
// order than the scores.
func (t *trial) goldens(table []golden) {
	for n, g := range table {
		c := t.shelf(fmt.Sprint("c", n), len(g.query), g.metric)
		want := map[string]scored{}
		var docs []driver.Document
		for i, d := range g.docs {
			id := fmt.Sprintf("%d", (i*5+3)%11)
			want[id] = d
			docs = append(docs, doc(id, d.embedding...))
		}
		slices.Reverse(docs)
		c.put(t, t.Vectors, docs...)
		for limit := 1; limit <= len(docs)+1; limit++ {
			q := driver.Query{Embedding: g.query, Limit: limit, Fields: driver.Fields{Embedding: true}}
			c.answers(t, fmt.Sprintf("for %v by %s", g.query, g.metric), t.Vectors, q)
			for i, m := range t.search(t.Vectors, c.Name, q) {
				did := fmt.Sprintf("Search for the %d nearest to %v by %s, match %d, which is %v", limit, g.query, g.metric, i, m.Embedding)
				d := want[m.ID]
				if most := tolerance(g.metric, g.query, d.embedding); !(math.Abs(m.Score-d.score) <= most) {
					t.fatal(did, fmt.Sprintf("score %v", m.Score), fmt.Sprintf("%v, give or take %.2g", d.score, most))
				}
				if g.metric == driver.Euclidean && m.Score == 0 && math.Signbit(m.Score) {
					t.fatal(did, "score -0", "0")
				}
			}
		}
	}
}

// scoresOfItself searches for embeddings that are there, and for their opposites.
func scoresOfItself(t *trial) {
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 5, metric)
		var docs []driver.Document
		for i := range 40 {
			v := randomEmbedding(t.rand, 5)
			opposite, twice := slices.Clone(v), slices.Clone(v)
			for j := range v {
				opposite[j], twice[j] = -v[j], 3*v[j]
			}
			docs = append(docs, doc(fmt.Sprint("itself ", i), v...), doc(fmt.Sprint("opposite ", i), opposite...), doc(fmt.Sprint("thrice ", i), twice...))
		}
		c.put(t, t.Vectors, docs...)
		for i := 0; i < len(docs); i += 10 {
			c.answers(t, fmt.Sprintf("by %s for an embedding that is there", metric), t.Vectors, nearest(len(docs), docs[i].Embedding...))
		}
		if metric != driver.Euclidean {
			continue
		}
		for _, d := range docs[:10] {
			for _, m := range t.search(t.Vectors, c.Name, nearest(1, d.Embedding...)) {
				if m.ID == d.ID && m.Score == 0 && math.Signbit(m.Score) {
					t.fatal("Search by euclidean for an embedding that is there", "score -0", "0")
				}
			}
		}
	}
}

// ties has documents with one embedding, more than are asked for.
func ties(t *trial) {
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 2, metric)
		ids := slices.Clone(nastyIDs)
		t.rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		var docs []driver.Document
		for i, id := range ids {
			docs = append(docs, driver.Document{ID: id, Metadata: fmt.Appendf(nil, `{"even":%v,"n":%d}`, i%2 == 0, i), Embedding: []float32{1, 1}})
		}
		for i := 0; i < len(docs); i += 17 {
			c.put(t, t.Vectors, docs[i:min(i+17, len(docs))]...)
		}
		c.put(t, t.Vectors, doc("zz best", 2, 0), doc("zz worst", -3, 0), doc("  best", 2, 0))
		c.remove(t, t.Vectors, ids[5], ids[11])
		c.put(t, t.Vectors, docs[11], docs[5])
		c.put(t, t.Vectors, docs[20])
		order := append(append([]string{"  best", "zz best"}, nastyIDs...), "zz worst")
		for _, limit := range []int{1, 2, 3, 4, 10, 41, len(order) - 2, len(order) - 1, len(order), 1000} {
			did := fmt.Sprintf("Search by %s for %d of documents most of which tie", metric, limit)
			t.finds(did, t.Vectors, c.Name, nearest(limit, 2, 0), order[:min(limit, len(order))]...)
			q := nearest(limit, 2, 0)
			q.Filter = driver.Eq("even", driver.Bool(true))
			c.answers(t, "filtered, "+did, t.Vectors, q)
			q.Filter = driver.Lt("n", driver.Int(30))
			c.answers(t, "filtered, "+did, t.Vectors, q)
		}
	}
}

// scoresAsTheReference compares every score of random documents of many
// dimensions, while the collection changes.
func scoresAsTheReference(t *trial) {
	views := t.twoViews()
	for _, metric := range allMetrics {
		for _, dimension := range []int{1, 2, 3, 4, 7, 8, 33, 384} {
			c := t.shelf(fmt.Sprint(metric, dimension), dimension, metric)
			did := fmt.Sprintf("random embeddings of dimension %d by %s", dimension, metric)
			c.put(t, views[0], randomDocs(t.rand, "a", 40, dimension)...)
			for round := range 2 {
				if round == 1 {
					c.put(t, views[1], randomDocs(t.rand, "b", 10, dimension)...)
					c.remove(t, views[1], c.ids()[:15]...)
				}
				for i, limit := range []int{1, 5, 1000} {
					q := nearest(limit, randomEmbedding(t.rand, dimension)...)
					q.Fields.Embedding = true
					c.answers(t, did, views[i%2], q)
				}
			}
		}
	}
}

// exactIsExact searches among many documents.
func exactIsExact(t *trial) {
	const dimension = 12
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), dimension, metric)
		n := 300
		if metric == driver.Cosine {
			n = 1300
		}
		c.put(t, t.Vectors, randomDocs(t.rand, "a", n, dimension)...)
		c.put(t, t.Vectors, randomDocs(t.rand, "b", 700, dimension)...)
		for _, limit := range []int{1, 10, 100} {
			q := nearest(limit, randomEmbedding(t.rand, dimension)...)
			c.answers(t, "among many random documents", t.Vectors, q)
		}
		q := nearest(10, c.docs[c.ids()[7]].Embedding...)
		q.Filter = driver.And(driver.Lt("n", driver.Int(30)), driver.Ne("m", driver.Int(3)))
		c.answers(t, "filtered, among many random documents", t.Vectors, q)
		gone := c.ids()
		c.remove(t, t.Vectors, gone[:n+200]...)
		c.put(t, t.Vectors, randomDocs(t.rand, "c", 50, dimension)...)
		q.Filter = driver.Filter{}
		c.answers(t, "after deleting many and adding some", t.Vectors, q)
	}
}
