package drivertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

func (g *generator) vectorStep() step {
	return g.step(g.collections, g.upserting, g.upserting, g.deletingDocuments, g.gettingDocument, g.searching, g.searching, g.searching)
}

// collection is one of few, with the dimension that its name suggests.
func (g *generator) collection() driver.Collection {
	i := g.IntN(4)
	return driver.Collection{Name: []string{"c", "C", "c/d", "é"}[i], Dimension: 2 + i%2, Metric: []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean, driver.Cosine}[i]}
}

func (g *generator) collections() step {
	c, limit := g.collection(), g.limit()
	switch n := g.IntN(12); {
	case n < 6:
		if n == 0 { // another one, if the name is free
			c.Dimension, c.Metric = 5-c.Dimension, pick(g, driver.Cosine, driver.Dot)
		}
		return step{does: "make " + shorten(c), writes: true, run: func(s *side) (any, error) { return nil, s.Vectors.EnsureCollection(s.ctx, c) }}
	case n == 6 && g.maybe(3):
		return step{does: fmt.Sprintf("delete collection %q", c.Name), writes: true, run: func(s *side) (any, error) { return nil, s.Vectors.DeleteCollection(s.ctx, c.Name) }}
	case n < 9:
		return step{does: fmt.Sprintf("describe collection %q", c.Name), run: func(s *side) (any, error) { return s.Vectors.GetCollection(s.ctx, c.Name) }}
	}
	return step{does: fmt.Sprintf("list collections by %d", limit), run: func(s *side) (any, error) {
		return listed(s, limit, s.Vectors.ListCollections, func(c driver.CollectionInfo) driver.CollectionInfo { return c })
	}}
}

// embedding is on a coarse grid, so that many scores are equal.
func (g *generator) embedding(dimension int) []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = pick[float32](g, -1, 0, 1, 2, 0.5)
	}
	if g.maybe(20) {
		v[0] = pick(g, float32(math.NaN()), float32(math.Inf(1)), 3)
	}
	if g.maybe(40) {
		v = v[1:]
	}
	return v
}

func (g *generator) metadata() json.RawMessage {
	return json.RawMessage(pick(g, `{}`, `{"k":1}`, `{"k":1.0,"l":"a"}`, `{"k":[1,2,2,"a"],"a.b":null}`, `{"k":null,"l":["b",true,1.5]}`,
		`{"k":{"x":1}}`, `{"k":9007199254740993}`, `{"k":1e400,"l":""}`, `{"k":[],"l":[[1]]}`, `{"k":false,"k":2}`, `{"k":"a","l":-0.0,"a.b":3}`,
		`{"k":"1"}`, `{"k":"A"}`, `{"k":true}`, `{"k":0,"l":[null]}`))
}

func (g *generator) document() string { return fmt.Sprint(pick(g, "d", "D", "é", "d "), g.IntN(12)) }

func (g *generator) upserting() step {
	c := g.collection()
	var docs []driver.Document
	for range 1 + g.IntN(6) {
		d := driver.Document{ID: g.document(), Content: pick(g, "", "x", "\u0000é"), Metadata: g.metadata(), Embedding: g.embedding(c.Dimension)}
		if !slices.ContainsFunc(docs, func(other driver.Document) bool { return other.ID == d.ID }) {
			docs = append(docs, d)
		}
	}
	return step{does: fmt.Sprintf("upsert into %q %s", c.Name, shorten(docs)), writes: true, run: func(s *side) (any, error) { return nil, s.Vectors.Upsert(s.ctx, c.Name, docs) }}
}

func (g *generator) deletingDocuments() step {
	c := g.collection()
	ids := slices.Compact(slices.Sorted(slices.Values([]string{g.document(), g.document(), g.document()})))
	return step{does: fmt.Sprintf("delete documents %q of %q", ids, c.Name), writes: true, run: func(s *side) (any, error) { return nil, s.Vectors.Delete(s.ctx, c.Name, ids) }}
}

func (g *generator) gettingDocument() step {
	c, id := g.collection(), g.document()
	return step{does: fmt.Sprintf("get document %q of %q", id, c.Name), run: func(s *side) (any, error) {
		d, err := s.Vectors.Get(s.ctx, c.Name, id)
		d.Metadata = canonical(d.Metadata)
		return d, err
	}}
}

func (g *generator) searching() step {
	c := g.collection()
	q := driver.Query{
		Embedding: g.embedding(c.Dimension), Limit: 1 + g.IntN(12),
		Fields: driver.Fields{Content: g.maybe(2), Metadata: g.maybe(2), Embedding: g.maybe(2)},
	}
	if g.maybe(4) {
		least := pick(g, -1.25, 0.1, 0.55, 1.5, -math.MaxFloat32) // between the scores of the grid
		q.MinScore = &least
	}
	if !g.maybe(3) {
		q.Filter = g.filter(3)
	}
	return step{does: fmt.Sprintf("search %q for %s", c.Name, shorten(q)), run: func(s *side) (any, error) {
		found := searched{query: q}
		all := q
		if !s.tested {
			all.Limit = driver.MaxResults
		}
		var err error
		found.Result, err = s.Vectors.Search(s.ctx, c.Name, all)
		for i := range found.Matches {
			found.Matches[i].Metadata = canonical(found.Matches[i].Metadata)
		}
		return found, err
	}}
}

func (g *generator) filter(depth int) driver.Filter {
	key := pick(g, "k", "k", "l", "a.b", "none")
	value := pick(g, driver.Int(1), driver.Float(1), driver.Int(2), driver.Float(1.5), driver.String("a"), driver.String(""), driver.String("1"),
		driver.Int(9007199254740993), driver.Float(9007199254740992), driver.Int(0))
	if depth > 0 && g.maybe(2) {
		inner := []driver.Filter{g.filter(depth - 1), g.filter(depth - 1), g.filter(depth - 1)}[:g.IntN(4)]
		return pick(g, driver.And(inner...), driver.Or(inner...), driver.Not(g.filter(depth-1)))
	}
	unordered := pick(g, value, driver.Null(), driver.Bool(true), driver.Bool(false))
	return pick(g, driver.Filter{}, driver.Exists(key), driver.Eq(key, unordered), driver.Ne(key, unordered), driver.In(key), driver.In(key, unordered, value),
		driver.Lt(key, value), driver.Lte(key, value), driver.Gt(key, value), driver.Gte(key, value))
}

// searched is the answer to a search: of the reference without a limit, so that
// any order of scores that are nearly equal can be accepted.
type searched struct {
	driver.Result
	query driver.Query
}

func (s searched) agrees(got any) bool { return s.disagreement(got.(searched).Result) == nil }

func (s searched) disagreement(got driver.Result) error {
	if want := min(s.query.Limit, len(s.Matches)); len(got.Matches) != want {
		return fmt.Errorf("%d matches, not %d", len(got.Matches), want)
	}
	seen := map[string]bool{}
	for i, m := range got.Matches {
		n := slices.IndexFunc(s.Matches, func(w driver.Match) bool { return w.ID == m.ID })
		if n < 0 || seen[m.ID] {
			return fmt.Errorf("%q does not match, or twice", m.ID)
		}
		seen[m.ID] = true
		want := s.Matches[n]
		if !nearly(m.Score, want.Score) || (got.Exact && !nearly(m.Score, s.Matches[i].Score)) {
			return fmt.Errorf("score %v of %q", m.Score, m.ID)
		}
		if i > 0 && (m.Score > got.Matches[i-1].Score || (m.Score == got.Matches[i-1].Score && m.ID < got.Matches[i-1].ID)) {
			return fmt.Errorf("%q is out of order", m.ID)
		}
		if _, _, _, same := difference("", m.Document, want.Document); !same {
			return errors.New("other fields")
		}
	}
	return nil
}

// nearly says whether two scores are the same but for arithmetic in float32.
func nearly(a, b float64) bool { return math.Abs(a-b) <= 1e-5*max(1, math.Abs(a), math.Abs(b)) }
