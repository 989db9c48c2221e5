package drivertest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

// When others see what was written: V8, with the delay that the target declares.

// seenInTime looks after every write, through both handles, in every way.
func seenInTime(t *trial) {
	views := t.twoViews()
	c := t.shelf("c", 2, driver.Dot)
	look := func(did string) {
		for i, s := range views {
			did := fmt.Sprintf("%s, through handle %d", did, i)
			c.holds(t, did, s)
			for _, key := range []string{"k", "j"} {
				c.answers(t, fmt.Sprintf("filtered by %q, %s", key, did), s, driver.Query{Embedding: []float32{1, 0}, Limit: 50, Filter: driver.Exists(key), Fields: allFields})
			}
			lists(t, "ListCollections, "+did, s.ListCollections, []driver.CollectionInfo{c.info()})
		}
	}
	gone := func(did string, id string) {
		for i, s := range views {
			if _, err := s.Get(t.ctx, c.Name, id); err == nil {
				t.fatal(fmt.Sprintf("%s, through handle %d: Get", did, i), "the document", "it is not found")
			}
		}
	}
	look("nothing was written")
	for n := range t.rounds(4, 16) {
		s, id := views[n%2], fmt.Sprint("d", n%8)
		c.put(t, s, driver.Document{ID: id, Content: "first", Metadata: fmt.Appendf(nil, `{"n":%d}`, n), Embedding: []float32{float32(n), 1}})
		look("a document was upserted")
		c.put(t, s, driver.Document{ID: id, Content: "second", Metadata: fmt.Appendf(nil, `{"k":%d}`, n), Embedding: []float32{float32(-n - 1), 2}})
		look("a document was replaced")
		c.put(t, views[1-n%2], driver.Document{ID: id, Content: "third", Metadata: fmt.Appendf(nil, `{"j":%d}`, n+1), Embedding: []float32{float32(-n - 1), 2}})
		look("a document was replaced by one with the same embedding, through the other handle")
		if n%3 < 2 {
			c.remove(t, s, id)
			look("a document was deleted")
			gone("a document was deleted", id)
		}
		if n%8 == 3 {
			t.ok("DeleteCollection", s.DeleteCollection(t.ctx, "c"))
			t.settle()
			for i, s := range views {
				_, err := s.Search(t.ctx, "c", nearest(1, 1, 1))
				t.fails(fmt.Sprintf("Search in a collection that was deleted, through handle %d", i), err, driver.ErrNotFound)
			}
			t.collection(s, "c", 2, driver.Dot)
			c.docs = map[string]driver.Document{}
			look("the collection was deleted and made again as it was")
		}
	}
}

// farBehind has one handle search again after many writes of another.
func farBehind(t *trial) {
	views := t.twoViews()
	c := t.shelf("c", 1, driver.Dot)
	many := make([]driver.Document, 900)
	for i := range many {
		many[i] = driver.Document{ID: fmt.Sprintf("d%03d", i), Metadata: fmt.Appendf(nil, `{"n":%d}`, i), Embedding: []float32{float32(len(many) - i)}}
	}
	look := func(did string) {
		for i, s := range views {
			c.described(t, did, s)
			c.answers(t, fmt.Sprintf("%s, through handle %d", did, i), s, driver.Query{Embedding: []float32{1}, Limit: 1000, Fields: driver.Fields{Embedding: true}})
			c.answers(t, fmt.Sprintf("%s, through handle %d, filtered", did, i), s, driver.Query{Embedding: []float32{1}, Limit: 20, Filter: driver.Gte("n", driver.Int(100))})
		}
	}
	c.put(t, views[0], many...)
	look("900 were upserted")
	for _, n := range []int{257, 256, 100} {
		c.remove(t, views[0], c.ids()[:n]...)
		look(fmt.Sprintf("%d were deleted at once", n))
	}
	for i := range 70 {
		id := fmt.Sprintf("d%03d", 899-i%35)
		t.ok("Delete", views[0].Delete(t.ctx, c.Name, []string{id}))
		c.docs[id] = doc(id, float32(i%9))
		t.ok("Upsert", views[0].Upsert(t.ctx, c.Name, []driver.Document{c.docs[id]}))
	}
	t.settle()
	look("70 deletions and upserts in turn")
	c.remove(t, views[1], c.ids()[3])
	c.put(t, views[0], doc("d000", 5))
	look("one deletion by one handle and one upsert by the other")
}

// neverHalfADocument reads while others replace, delete and add documents. All
// fields of a document tell which write they are of.
func neverHalfADocument(t *trial) {
	views := t.twoViews()
	c := t.shelf("c", 2, driver.Dot)
	ids := []string{"a", "b", "c"}
	written := func(id string, k int) driver.Document {
		return driver.Document{ID: id, Content: strconv.Itoa(k), Metadata: fmt.Appendf(nil, `{"k":%d,"even":%v}`, k, k%2 == 0), Embedding: []float32{float32(k), float32(-k)}}
	}
	whole := func(did string, d driver.Document) int {
		k, err := strconv.Atoi(d.Content)
		if err != nil || !slices.Contains(ids, d.ID) {
			t.fatal(did, d, "a document that somebody has written")
		}
		equalDocument(t, did+", which has the content "+d.Content, d, written(d.ID, k))
		return k
	}
	for _, id := range ids {
		c.put(t, t.Vectors, written(id, 0))
	}
	for n := range t.rounds(10, 40) {
		var writing atomic.Int32
		writing.Store(3)
		t.together(5, func(i int) {
			s, other := views[i%2], views[1-i%2]
			if i < 3 {
				defer writing.Add(-1)
			}
			for r := 0; r < 4 || i >= 3 && r < 50 && writing.Load() > 0; r++ {
				k := 1 + 100*n + 10*r + i
				switch i {
				case 0, 1:
					t.ok("Upsert while others read", s.Upsert(t.shaken(), c.Name, []driver.Document{written("a", k), written("b", k)}))
				case 2:
					t.ok("Delete while others read", s.Delete(t.shaken(), c.Name, []string{"c"}))
					t.ok("Upsert while others read", other.Upsert(t.shaken(), c.Name, []driver.Document{written("c", k)}))
				case 3:
					for _, filter := range []driver.Filter{{}, driver.Eq("even", driver.Bool(true))} {
						did := "Search while others write, " + describeFilter(filter)
						matches := t.search(s, c.Name, driver.Query{Embedding: []float32{1, 0}, Limit: 9, Fields: allFields, Filter: filter})
						seen := map[string]bool{}
						for j, m := range matches {
							k := whole(did, m.Document)
							if m.Score != float64(k) || filter.Op != driver.OpAll && k%2 != 0 || seen[m.ID] {
								t.fatal(did, m, "each document once, the score and the answer to the filter those of its fields")
							}
							seen[m.ID] = true
							if j > 0 {
								inOrder(t, did, matches[j-1], m)
							}
						}
						if t.target.Eventual == 0 && filter.Op == driver.OpAll && (!seen["a"] || !seen["b"]) {
							t.fatal(did, matches, "\"a\" and \"b\" among them: they are there all the time")
						}
					}
				case 4:
					d, err := other.Get(t.ctx, c.Name, "a")
					if t.target.Eventual > 0 && errors.Is(err, driver.ErrNotFound) {
						continue
					}
					t.ok("Get of a document while others replace it", err)
					whole("Get while others write", d)
				}
			}
		})
	}
	t.settle()
	for _, id := range ids {
		d, err := views[0].Get(t.ctx, c.Name, id)
		t.ok("Get", err)
		c.docs[id] = written(id, whole("Get after all writes", d))
	}
	c.holds(t, "after all writes, through the other handle", views[1])
}
