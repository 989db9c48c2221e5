package drivertest

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/enactdev/enact/driver"
)

// Upserts: V2.

var allFields = driver.Fields{Content: true, Metadata: true, Embedding: true}

// replacedWhole upserts one ID again and again, each time with less, more or other
// things in it.
func replacedWhole(t *trial) {
	views := t.twoViews()
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 2, metric)
		full := driver.Document{ID: "a", Content: "old", Metadata: []byte(`{"old":1,"both":[1,2,2,{"x":1}],"nested":{"a":1}}`), Embedding: []float32{1, 2}}
		for i, d := range []driver.Document{
			full, full,
			{ID: "a", Content: "new", Metadata: []byte(`{"new":2,"both":3,"nested":{"b":2}}`), Embedding: []float32{-1, 7}},
			{ID: "a", Metadata: []byte(`{}`), Embedding: []float32{3, 0}},
			full,
			{ID: "a", Content: "", Metadata: []byte(`{"old":1}`), Embedding: full.Embedding},
			{ID: "a", Content: "only the content", Metadata: []byte(`{"old":1}`), Embedding: full.Embedding},
			{ID: "a", Content: "only the content", Metadata: []byte(`{"old":2}`), Embedding: full.Embedding},
			{ID: "a", Content: "only the content", Metadata: []byte(`{"old":2}`), Embedding: []float32{5, 5}},
			full,
		} {
			did := fmt.Sprintf("upsert %d of the same document", i)
			c.put(t, views[i%2], doc("another", 0, 1), d)
			for _, s := range views {
				c.holds(t, did, s)
				c.answers(t, did, s, driver.Query{Embedding: []float32{1, -2}, Limit: 1, Fields: allFields})
				for _, filter := range []driver.Filter{
					driver.Exists("old"), driver.Exists("new"), driver.Exists("both"), driver.Not(driver.Exists("both")),
					driver.Eq("old", driver.Int(1)), driver.Eq("old", driver.Int(2)), driver.Eq("both", driver.Int(2)), driver.Eq("both", driver.Int(3)),
				} {
					c.answers(t, did+", "+describeFilter(filter), s, driver.Query{Embedding: []float32{1, 1}, Limit: 9, Filter: filter})
				}
			}
		}
	}
}

// refusedBatches upserts batches with a bad document at every place.
func refusedBatches(t *trial) {
	nan, inf, minusZero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	bad := map[string][]float32{
		"too few dimensions": {1, 1}, "too many dimensions": {1, 2, 3, 4}, "no embedding": {},
		"NaN": {1, nan, 1}, "NaN at the end": {1, 1, nan}, "infinity": {inf, 1, 1}, "minus infinity": {1, 1, -inf},
		"zero": {0, 0, 0}, "minus zero": {minusZero, 0, minusZero},
	}
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 3, metric)
		c.put(t, t.Vectors, driver.Document{ID: "kept", Content: "old", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2, 3}}, doc("kept too", 3, 2, 1))
		for what, embedding := range bad {
			if strings.HasSuffix(what, "zero") && metric != driver.Cosine {
				c.put(t, t.Vectors, doc(what, embedding...))
				c.holds(t, "after an upsert of "+what, t.Vectors)
				c.answers(t, "searching for "+what, t.Vectors, nearest(9, embedding...))
				continue
			}
			for place := range 4 {
				docs := []driver.Document{doc("new 1", 1, 0, 0), {ID: "kept", Content: "new", Metadata: []byte(`{"b":2}`), Embedding: []float32{0, 1, 0}}, doc("new 2", 0, 0, 1)}
				docs = append(docs[:place:place], append([]driver.Document{doc("culprit", embedding...)}, docs[place:]...)...)
				did := fmt.Sprintf("Upsert under %s of 4 documents with %s in number %d", metric, what, place+1)
				err := t.Vectors.Upsert(t.ctx, c.Name, docs)
				t.fails(did, err, driver.ErrInvalid)
				if !strings.Contains(err.Error(), "culprit") {
					t.fatal(did, fmt.Sprintf("error %q", err), `one that names the document, "culprit"`)
				}
				t.settle()
				c.holds(t, "after "+did, t.Vectors)
			}
			t.fails("Upsert that replaces a document by one with "+what, t.Vectors.Upsert(t.ctx, c.Name, []driver.Document{doc("kept", embedding...)}), driver.ErrInvalid)
			c.holds(t, "after an upsert that was refused", t.Vectors)
		}
		many := randomDocs(t.rand, "many ", 1200, 3)
		many[1100].ID, many[1100].Embedding = "culprit", []float32{1}
		many[1199].Embedding = []float32{1, 2, nan}
		err := t.Vectors.Upsert(t.ctx, c.Name, many)
		t.fails("Upsert of 1,200 documents, number 1,101 of which is bad", err, driver.ErrInvalid)
		if !strings.Contains(err.Error(), "culprit") {
			t.fatal("Upsert of 1,200 documents, the first bad one of which is \"culprit\"", fmt.Sprintf("error %q", err), "one that names the first")
		}
		t.settle()
		c.holds(t, "after an upsert of 1,200 documents that was refused", t.Vectors)
	}
}

// refusedQueries searches by embeddings that fit no document.
func refusedQueries(t *trial) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 2, metric)
		for _, state := range []string{"an empty collection", "a collection with one document"} {
			for _, embedding := range [][]float32{nil, {1}, {1, 2, 3}, {1, 2, 0, 0}, {nan, 1}, {1, nan}, {1, inf}, {-inf, 1}, {0, 0}} {
				q := nearest(1, embedding...)
				if len(embedding) == 2 && embedding[0] == 0 && metric != driver.Cosine {
					c.answers(t, "by a zero vector", t.Vectors, q)
					continue
				}
				for _, filter := range []driver.Filter{{}, driver.Exists("a"), driver.Or()} {
					q.Filter = filter
					_, err := t.Vectors.Search(t.ctx, c.Name, q)
					t.fails(fmt.Sprintf("Search by %s for %v in %s of dimension 2", metric, embedding, state), err, driver.ErrInvalid)
				}
			}
			c.put(t, t.Vectors, driver.Document{ID: "a", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 1}})
		}
	}
}

// largestBatch upserts, finds and deletes as many documents at once as is allowed.
func largestBatch(t *trial) {
	c := t.shelf("c", 1, driver.Dot)
	docs := make([]driver.Document, driver.MaxBatchDocuments)
	for i := range docs {
		docs[i] = driver.Document{ID: fmt.Sprint("document ", i), Content: fmt.Sprint(i), Metadata: fmt.Appendf(nil, `{"n":%d}`, i), Embedding: []float32{float32(len(docs) - i)}}
	}
	c.put(t, t.Vectors, docs...)
	c.described(t, "after the largest upsert", t.Vectors)
	c.answers(t, "after the largest upsert", t.Vectors, driver.Query{Embedding: []float32{1}, Limit: driver.MaxResults})
	for i := 0; i < len(docs); i += 97 {
		got, err := t.Vectors.Get(t.ctx, c.Name, docs[i].ID)
		t.ok("Get", err)
		equalDocument(t, fmt.Sprintf("Get of document %d after the largest upsert", i), got, docs[i])
	}
	for i := range docs {
		docs[i].Embedding, docs[i].Content = []float32{float32(i)}, "replaced"
	}
	c.put(t, t.Vectors, docs[:1000]...)
	for _, i := range []int{0, 500, 999, 1000, 9999} {
		got, err := t.Vectors.Get(t.ctx, c.Name, docs[i].ID)
		t.ok("Get", err)
		want := c.docs[docs[i].ID]
		if i >= 1000 {
			want.Content, want.Embedding = fmt.Sprint(i), []float32{float32(len(docs) - i)}
			c.docs[want.ID] = want
		}
		equalDocument(t, fmt.Sprintf("Get of document %d after the first 1,000 of 10,000 were replaced", i), got, want)
	}
	c.described(t, "after replacing 1,000", t.Vectors)
	ids := c.ids()
	c.remove(t, t.Vectors, append(ids[:len(ids)-1:len(ids)-1], "nobody")...)
	c.holds(t, "after the largest deletion", t.Vectors)
}

// durableVectors closes the store after all kinds of writes.
func durableVectors(t *trial) {
	var shelves []*shelf
	awkward := awkwardDocuments()
	for i := range awkward {
		awkward[i].Embedding = []float32{1 / float32(i+3), -0.1, float32(i)}
	}
	for i, metric := range allMetrics {
		c := t.shelf(string(metric), 3, metric)
		c.put(t, t.Vectors, awkward[i*40:i*40+40]...)
		c.put(t, t.Vectors, randomDocs(t.rand, "r", 30, 3)...)
		c.remove(t, t.Vectors, c.ids()[3:8]...)
		again := c.docs[c.ids()[0]]
		again.Content, again.Metadata, again.Embedding = "replaced", []byte(`{"n":1000}`), []float32{0.1, 1.0 / 3, -7e6}
		c.put(t, t.Vectors, again)
		shelves = append(shelves, c)
	}
	t.shelf("deleted", 2, driver.Dot).put(t, t.Vectors, doc("a", 1, 1))
	t.ok("DeleteCollection", t.Vectors.DeleteCollection(t.ctx, "deleted"))
	t.shelf("again", 2, driver.Dot).put(t, t.Vectors, doc("a", 1, 1), doc("b", 2, 2))
	t.ok("DeleteCollection", t.Vectors.DeleteCollection(t.ctx, "again"))
	again := t.shelf("again", 1, driver.Euclidean)
	empty := t.shelf("empty", driver.MaxDimension, driver.Cosine)
	again.put(t, t.Vectors, doc("b", 1))
	for n := range 2 {
		t.reopen()
		did := fmt.Sprintf("closed and opened again, %d times", n+1)
		lists(t, "ListCollections, "+did, t.Vectors.ListCollections, []driver.CollectionInfo{again.info(), shelves[0].info(), shelves[1].info(), empty.info(), shelves[2].info()})
		for _, c := range append(shelves, again, empty) {
			c.holds(t, did, t.Vectors)
			q := nearest(20, randomEmbedding(t.rand, c.Dimension)...)
			q.Filter, q.Fields = driver.Lt("n", driver.Int(20)), allFields
			c.answers(t, did+", filtered", t.Vectors, q)
			t.fails(did+": EnsureCollection with another dimension", t.Vectors.EnsureCollection(t.ctx, driver.Collection{Name: c.Name, Dimension: c.Dimension + 1 - 2*(c.Dimension/driver.MaxDimension), Metric: c.Metric}), driver.ErrConflict)
			t.ok(did+": EnsureCollection as it was", t.Vectors.EnsureCollection(t.ctx, c.Collection))
		}
		_, err := t.Vectors.GetCollection(t.ctx, "deleted")
		t.fails(did+": GetCollection of a deleted one", err, driver.ErrNotFound)
		shelves[1].put(t, t.Vectors, doc(fmt.Sprint("later ", n), 1, float32(n), 0))
	}
}

// contestedDocument has one ID upserted and deleted by several at once.
func contestedDocument(t *trial) {
	views := t.twoViews()
	t.collection(t.Vectors, "c", 2, driver.Dot)
	for n := range t.rounds(15, 100) {
		writes := make([]driver.Document, 4)
		for i := range writes {
			k := 4*n + i
			writes[i] = driver.Document{ID: "x", Content: fmt.Sprint(k), Metadata: fmt.Appendf(nil, `{"k":%d}`, k), Embedding: []float32{float32(k), float32(-k)}}
		}
		deleted := n%2 == 1
		t.together(4, func(i int) {
			if deleted && i == 3 {
				t.ok("Delete while others upsert", views[n/2%2].Delete(t.shaken(), "c", []string{"x"}))
				return
			}
			t.ok("Upsert of one document while others do it", views[i%2].Upsert(t.shaken(), "c", writes[i:i+1]))
		})
		t.settle()
		did := "after several upserted one document at once"
		got, err := views[n%2].Get(t.ctx, "c", "x")
		c := shelf{driver.Collection{Name: "c", Dimension: 2, Metric: driver.Dot}, map[string]driver.Document{}}
		switch {
		case deleted && errors.Is(err, driver.ErrNotFound):
		case err != nil:
			t.ok("Get "+did, err)
		default:
			for _, w := range writes {
				if w.Content == got.Content {
					c.docs["x"] = w
				}
			}
			if len(c.docs) == 0 {
				t.fatal("Get "+did, fmt.Sprintf("the content %q", got.Content), fmt.Sprintf("that of one of them, %d to %d", 4*n, 4*n+3))
			}
		}
		for _, s := range views {
			c.holds(t, did, s)
		}
	}
}

// needsOneMoment is for checks that compare what is seen at one time.
func needsOneMoment(target *Target) string {
	if target.Eventual > 0 {
		return "it is declared eventually consistent"
	}
	return ""
}

// batchIsOne has batches of the same documents upserted and read at once.
func batchIsOne(t *trial) {
	views := t.twoViews()
	t.collection(t.Vectors, "c", 1, driver.Dot)
	ids := []string{"a", "b", "c", "d", "e"}
	batch := func(n int) []driver.Document {
		docs := make([]driver.Document, len(ids))
		for i := range docs {
			docs[(i+n)%len(docs)] = driver.Document{ID: ids[i], Content: fmt.Sprint(n), Metadata: fmt.Appendf(nil, `{"n":%d}`, n), Embedding: []float32{float32(n)}}
		}
		return docs
	}
	whole := func(s driver.VectorStore, did string) {
		matches := t.search(s, "c", driver.Query{Embedding: []float32{1}, Limit: 9, Fields: allFields, Filter: driver.Gte("n", driver.Int(0))})
		if len(matches) != len(ids) {
			t.fatal("Search "+did, matches, "all the documents of one batch")
		}
		for i, m := range matches {
			if m.ID != ids[i] || m.Score != matches[0].Score || m.Content != matches[0].Content {
				t.fatal("Search "+did, matches, "all the documents of one batch, which have one score and so are in order of their IDs")
			}
		}
	}
	t.upsert(t.Vectors, "c", batch(0)...)
	for n := range t.rounds(8, 40) {
		t.together(4, func(i int) {
			for k := range 3 {
				if i < 2 {
					t.ok("Upsert of a batch while another is upserted", views[i].Upsert(t.shaken(), "c", batch(1+6*n+2*k+i)))
				} else {
					whole(views[i%2], "while two upsert batches of the same documents")
				}
			}
		})
		whole(views[n%2], "after two upserted batches of the same documents at once")
	}
}

// cancelledUpsert cancels an upsert at every moment that it minds.
func cancelledUpsert(t *trial) {
	c := t.shelf("c", 1, driver.Dot)
	old, made := make([]driver.Document, 30), make([]driver.Document, 60)
	for i := range made {
		id := fmt.Sprintf("d%02d", i)
		if i < len(old) {
			old[i] = driver.Document{ID: id, Content: "old", Metadata: []byte(`{"old":1}`), Embedding: []float32{float32(i)}}
		}
		made[i] = driver.Document{ID: id, Content: "new", Metadata: []byte(`{"new":1}`), Embedding: []float32{float32(-i)}}
	}
	c.put(t, t.Vectors, old...)
	for n := range t.rounds(12, 70) {
		err := t.Vectors.Upsert(newCancelledAtLook(t.ctx, n), c.Name, made)
		t.settle()
		first, getErr := t.Vectors.Get(t.ctx, c.Name, "d00")
		t.ok("Get after a cancelled upsert", getErr)
		written := first.Content == "new"
		if err == nil && !written {
			t.fatal("Upsert that returned nil", "nothing is written", "all of it")
		}
		if written {
			for _, d := range made {
				c.docs[d.ID] = d
			}
		}
		c.holds(t, fmt.Sprintf("after an upsert of 60 documents, 30 of them new, whose context was cancelled when it was looked at %d times", n), t.Vectors)
		if written {
			c.put(t, t.Vectors, old...)
			c.remove(t, t.Vectors, c.ids()[len(old):]...)
		}
		if err == nil {
			return
		}
	}
}

// nothingToDo gives Upsert and Delete no documents, which is allowed.
func nothingToDo(t *trial) {
	for _, docs := range [][]driver.Document{nil, {}} {
		t.fails("Upsert of no documents into an unknown collection", t.Vectors.Upsert(t.ctx, "none", docs), driver.ErrNotFound)
	}
	t.fails("Delete of no documents from an unknown collection", t.Vectors.Delete(t.ctx, "none", nil), driver.ErrNotFound)
	c := t.shelf("c", 2, driver.Dot)
	c.put(t, t.Vectors, doc("a", 1, 2), doc("b", 3, 4))
	t.ok("Upsert of no documents", t.Vectors.Upsert(t.ctx, c.Name, nil))
	t.ok("Delete of no documents", t.Vectors.Delete(t.ctx, c.Name, []string{}))
	t.settle()
	c.holds(t, "after writes of nothing", t.Vectors)
}
