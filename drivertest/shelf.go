package drivertest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

// shelf is a collection and what must be in it.
type shelf struct {
	driver.Collection
	docs map[string]driver.Document
}

// shelf makes a collection through the first handle.
func (t *trial) shelf(name string, dimension int, metric driver.Metric) *shelf {
	t.collection(t.Vectors, name, dimension, metric)
	return &shelf{driver.Collection{Name: name, Dimension: dimension, Metric: metric}, map[string]driver.Document{}}
}

// put stores documents.
func (c *shelf) put(t *trial, s driver.VectorStore, docs ...driver.Document) {
	t.upsert(s, c.Name, docs...)
	for _, d := range docs {
		c.docs[d.ID] = d
	}
}

// remove deletes documents.
func (c *shelf) remove(t *trial, s driver.VectorStore, ids ...string) {
	t.ok(fmt.Sprintf("Delete of %d documents from collection %q", len(ids), c.Name), s.Delete(t.ctx, c.Name, ids))
	t.settle()
	for _, id := range ids {
		delete(c.docs, id)
	}
}

// ids lists what is there, in byte order.
func (c *shelf) ids() []string {
	ids := make([]string, 0, len(c.docs))
	for id := range c.docs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// info is how the collection must be described.
func (c *shelf) info() driver.CollectionInfo {
	return driver.CollectionInfo{Collection: c.Collection, Count: uint64(len(c.docs))}
}

// described ends the check unless the collection says what it is and how many
// documents it has.
func (c *shelf) described(t *trial, did string, s driver.VectorStore) {
	info, err := s.GetCollection(t.ctx, c.Name)
	t.ok(fmt.Sprintf("%s: GetCollection %q", did, c.Name), err)
	equal(t, fmt.Sprintf("%s: GetCollection %q", did, c.Name), info, c.info())
}

// holds ends the check unless the collection has these documents, whole, and no
// others, whichever way one asks.
func (c *shelf) holds(t *trial, did string, s driver.VectorStore) {
	c.described(t, did, s)
	for _, id := range c.ids() {
		got, err := s.Get(t.ctx, c.Name, id)
		t.ok(fmt.Sprintf("%s: Get of document %q", did, id), err)
		equalDocument(t, fmt.Sprintf("%s: Get of document %q", did, id), got, c.docs[id])
	}
	one := slices.Repeat([]float32{1}, c.Dimension)
	c.answers(t, did, s, driver.Query{Embedding: one, Limit: min(len(c.docs)+5, driver.MaxResults), Fields: driver.Fields{Content: true, Metadata: true, Embedding: true}})
}

// answers ends the check unless a search returns what it must.
func (c *shelf) answers(t *trial, did string, s driver.VectorStore, q driver.Query) {
	result, err := s.Search(t.ctx, c.Name, q)
	did = fmt.Sprintf("%s: Search in collection %q for %d", did, c.Name, q.Limit)
	t.ok(did, err)
	c.judge(t, did, q, result)
}

// candidate is a document that may be an answer, with the score that the
// reference gives it and how far an engine may be from that.
type candidate struct {
	driver.Document
	score, tolerance float64
	found            bool
}

// tolerance is one part in 10⁵ of what the score is summed up from.
func tolerance(m driver.Metric, a, b []float32) float64 {
	var products, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		products, aa, bb = products+math.Abs(x*y), aa+x*x, bb+y*y
	}
	const leastNormal = 0x1p-126 // what is nearer to zero than that, float32 rounds at will
	switch m {
	case driver.Dot:
		return 1e-5*products + leastNormal
	case driver.Euclidean:
		return 1e-5*-driver.Score(m, a, b) + 1e-7*(math.Sqrt(aa)+math.Sqrt(bb)) + leastNormal
	}
	return 1e-5
}

// candidates are the documents that match a query, the best first.
func (c *shelf) candidates(q driver.Query) (list []*candidate, byID map[string]*candidate) {
	byID = map[string]*candidate{}
	for _, d := range c.docs {
		if metadata, _ := driver.ParseMetadata(d.Metadata); !q.Filter.Match(metadata) {
			continue
		}
		x := &candidate{Document: d, score: driver.Score(c.Metric, q.Embedding, d.Embedding), tolerance: tolerance(c.Metric, q.Embedding, d.Embedding)}
		if q.MinScore != nil && x.score+x.tolerance < *q.MinScore {
			continue
		}
		list, byID[d.ID] = append(list, x), x
	}
	slices.SortFunc(list, func(a, b *candidate) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.ID, b.ID)) })
	return list, byID
}

// judge ends the check unless a result is right: as many matches as there must be,
// in their order, with their scores and the fields that were asked for, and, if it
// is said to be exact, none left out that is nearer.
func (c *shelf) judge(t *trial, did string, q driver.Query, result driver.Result) {
	list, byID := c.candidates(q)
	sure := len(list)
	if q.MinScore != nil {
		sure = 0
		for _, x := range list {
			if x.score-x.tolerance >= *q.MinScore {
				sure++
			}
		}
	}
	least := min(sure, q.Limit)
	if !result.Exact && q.MinScore != nil && len(c.docs) > q.Limit {
		least = 0 // nearer ones may have been missed
	}
	n := len(result.Matches)
	if n < least || n > min(len(list), q.Limit) {
		t.fatal(did, fmt.Sprintf("%d matches: %s", n, shorten(idsOf(result.Matches, matchID))),
			fmt.Sprintf("%d of the %d documents that match", least, len(list)))
	}
	for i, m := range result.Matches {
		x := byID[m.ID]
		if x == nil || x.found {
			t.fatal(fmt.Sprintf("%s, match %d", did, i), fmt.Sprintf("document %q, which is not there, does not match or has come already", m.ID), "one that matches, each once")
		}
		x.found = true
		equalDocument(t, fmt.Sprintf("%s, match %d", did, i), m.Document, q.Fields.Of(x.Document))
		if !(math.Abs(m.Score-x.score) <= x.tolerance) {
			t.fatal(fmt.Sprintf("%s, match %d, document %q, embedding %s against %s by %s", did, i, m.ID, shorten(x.Embedding), shorten(q.Embedding), c.Metric),
				fmt.Sprintf("score %v", m.Score), fmt.Sprintf("%v, give or take %.2g", x.score, x.tolerance))
		}
		if c.Metric == driver.Cosine && math.Abs(m.Score) > 1 {
			t.fatal(fmt.Sprintf("%s, match %d, document %q", did, i, m.ID), fmt.Sprintf("cosine similarity %v", m.Score), "one from -1 to 1")
		}
		if i > 0 {
			inOrder(t, fmt.Sprintf("%s, matches %d and %d", did, i-1, i), result.Matches[i-1], m)
		}
	}
	if result.Exact && n > 0 && n == q.Limit {
		c.nothingNearer(t, did, list, byID[result.Matches[n-1].ID])
	}
}

// inOrder ends the check unless a comes before b.
func inOrder(t *trial, did string, a, b driver.Match) {
	if a.Score > b.Score || a.Score == b.Score && a.ID < b.ID {
		return
	}
	t.fatal(did, fmt.Sprintf("document %q with score %v before %q with %v", a.ID, a.Score, b.ID, b.Score), "the higher score first, equal ones in byte order of the IDs")
}

// nothingNearer ends the check if a document was left out for one that is farther
// away, or for one with the same embedding and a later ID.
func (c *shelf) nothingNearer(t *trial, did string, list []*candidate, last *candidate) {
	for _, x := range list {
		if x.found {
			continue
		}
		same := slices.EqualFunc(x.Embedding, last.Embedding, func(a, b float32) bool { return a == b })
		if x.score-x.tolerance > last.score+last.tolerance || same && x.ID < last.ID {
			t.fatal(did+", which is said to be exact", fmt.Sprintf("as the last match %q, whose score is %v", last.ID, last.score), fmt.Sprintf("%q before it, whose score is %v", x.ID, x.score))
		}
	}
}

// finds ends the check unless a search returns these documents in this order. An
// approximate index may have others where the limit cuts.
func (t *trial) finds(did string, s driver.VectorStore, collection string, q driver.Query, want ...string) {
	result, err := s.Search(t.ctx, collection, q)
	t.ok(did, err)
	got := idsOf(result.Matches, matchID)
	if !result.Exact && len(got) == len(want) && len(got) == q.Limit {
		return
	}
	if len(got)+len(want) > 0 {
		equal(t, did, got, want)
	}
}
