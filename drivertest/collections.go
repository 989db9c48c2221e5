package drivertest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

// Collections: V1.

var allMetrics = []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean}

// twoViews are the check's tenant through two handles.
func (t *trial) twoViews() []driver.VectorStore {
	return []driver.VectorStore{t.Vectors, t.open().Tenant(tenantID).Vectors}
}

// collectionNames makes a collection of every awkward name, the last first.
func collectionNames(t *trial) {
	v := t.Vectors
	lists(t, "ListCollections of a new store", v.ListCollections, nil)
	want := make([]driver.CollectionInfo, len(nastyIDs))
	for i, name := range slices.Backward(nastyIDs) {
		want[i] = driver.CollectionInfo{Collection: driver.Collection{Name: name, Dimension: 1 + i%4, Metric: allMetrics[i%3]}}
		t.ok(fmt.Sprintf("EnsureCollection %q", name), v.EnsureCollection(t.ctx, want[i].Collection))
	}
	t.settle()
	lists(t, "ListCollections", v.ListCollections, want)
	for i, c := range want {
		embedding := slices.Repeat([]float32{float32(i + 1)}, c.Dimension)
		t.ok(fmt.Sprintf("Upsert into collection %q", c.Name), v.Upsert(t.ctx, c.Name, []driver.Document{doc("d", embedding...), doc(fmt.Sprint("own ", i), embedding...)}))
		want[i].Count = 2
	}
	t.settle()
	checkEach := func(did string) {
		lists(t, "ListCollections after "+did, v.ListCollections, want)
		for _, c := range want {
			i, _ := slices.BinarySearch(nastyIDs, c.Name)
			info, err := v.GetCollection(t.ctx, c.Name)
			t.ok(fmt.Sprintf("GetCollection %q", c.Name), err)
			equal(t, fmt.Sprintf("GetCollection %q after %s", c.Name, did), info, c)
			got, err := v.Get(t.ctx, c.Name, "d")
			t.ok(fmt.Sprintf("Get from collection %q", c.Name), err)
			equalDocument(t, fmt.Sprintf("Get from collection %q after %s", c.Name, did), got, doc("d", slices.Repeat([]float32{float32(i + 1)}, c.Dimension)...))
			t.finds(fmt.Sprintf("Search in collection %q after %s", c.Name, did), v, c.Name, nearest(9, slices.Repeat([]float32{1}, c.Dimension)...), "d", fmt.Sprint("own ", i))
		}
	}
	checkEach("an upsert into each")
	var left []driver.CollectionInfo
	for i, c := range want {
		if i%2 == 0 {
			t.ok(fmt.Sprintf("DeleteCollection %q", c.Name), v.DeleteCollection(t.ctx, c.Name))
		} else {
			left = append(left, c)
		}
	}
	t.settle()
	want = left
	checkEach("deleting every second one")
}

// fixedCollections asks for a collection in every other way than it was made.
func fixedCollections(t *trial) {
	for i, metric := range allMetrics {
		c := t.shelf("c "+string(metric), 3, metric)
		embeddings := [][]float32{{1, 2, 3}, {-3, 2, 0}, {0.5, 0, -1}}
		for n, e := range embeddings {
			c.put(t, t.Vectors, driver.Document{ID: fmt.Sprint("d", n), Content: "text", Metadata: []byte(`{"a":1}`), Embedding: e})
		}
		for _, s := range t.twoViews() {
			for _, other := range []driver.Collection{
				{Name: c.Name, Dimension: 2, Metric: metric}, {Name: c.Name, Dimension: 4, Metric: metric}, {Name: c.Name, Dimension: driver.MaxDimension, Metric: metric},
				{Name: c.Name, Dimension: 3, Metric: allMetrics[(i+1)%3]}, {Name: c.Name, Dimension: 3, Metric: allMetrics[(i+2)%3]}, {Name: c.Name, Dimension: 1, Metric: allMetrics[(i+1)%3]},
			} {
				t.fails(fmt.Sprintf("EnsureCollection %+v, which has dimension 3 and metric %s", other, metric), s.EnsureCollection(t.ctx, other), driver.ErrConflict)
				c.described(t, "after an EnsureCollection that was refused", s)
			}
			t.ok("EnsureCollection as it was made", s.EnsureCollection(t.ctx, c.Collection))
			t.settle()
			c.holds(t, "after an EnsureCollection as it was made", s)
		}
		t.fails("Upsert with another dimension", t.Vectors.Upsert(t.ctx, c.Name, []driver.Document{doc("x", 1, 2, 3, 4)}), driver.ErrInvalid)
		c.holds(t, "after all that", t.Vectors)
	}
}

// dimensions tries the least and the greatest.
func dimensions(t *trial) {
	for _, metric := range allMetrics {
		one := t.shelf("one "+string(metric), 1, metric)
		one.put(t, t.Vectors, doc("a", 2), doc("b", -2), doc("c", 2), doc("d", 1e-5))
		one.holds(t, "dimension 1", t.Vectors)
		t.fails("Upsert with two dimensions where there is one", t.Vectors.Upsert(t.ctx, one.Name, []driver.Document{doc("x", 1, 2)}), driver.ErrInvalid)
		wide := t.shelf("wide "+string(metric), driver.MaxDimension, metric)
		a, b := make([]float32, driver.MaxDimension), make([]float32, driver.MaxDimension)
		for i := range a {
			a[i], b[i] = float32(i%7)-3, float32(i%5)
		}
		last := make([]float32, driver.MaxDimension)
		last[driver.MaxDimension-1] = 1
		wide.put(t, t.Vectors, doc("a", a...), doc("b", b...), doc("last", last...))
		wide.holds(t, "the greatest dimension", t.Vectors)
		wide.answers(t, "the greatest dimension, by its last component", t.Vectors, nearest(9, last...))
	}
}

// unknownCollections asks for what was never made, and for what is deleted.
func unknownCollections(t *trial) {
	t.shelf("C", 1, driver.Dot).put(t, t.Vectors, doc("a", 1))
	t.shelf("c ", 1, driver.Dot).put(t, t.Vectors, doc("a", 1))
	views := t.twoViews()
	for _, state := range []string{"was never made", "is deleted", "is deleted again"} {
		for i, s := range views {
			want := func(did string, err error) {
				t.fails(fmt.Sprintf("%s in a collection that %s", did, state), err, driver.ErrNotFound)
			}
			_, err := s.GetCollection(t.ctx, "c")
			want("GetCollection", err)
			want("Upsert", s.Upsert(t.ctx, "c", []driver.Document{doc("a", 1)}))
			want("Upsert of a bad document", s.Upsert(t.ctx, "c", []driver.Document{doc("a")}))
			_, err = s.Get(t.ctx, "c", "a")
			want("Get", err)
			want("Delete", s.Delete(t.ctx, "c", []string{"a"}))
			_, err = s.Search(t.ctx, "c", nearest(1, 1))
			want("Search", err)
			listsIDs(t, "ListCollections", s.ListCollections, collectionName, "C", "c ")
			t.ok("DeleteCollection of one that "+state, s.DeleteCollection(t.ctx, "c"))
			if state != "was never made" {
				continue
			}
			c := t.shelf("c", 1, driver.Dot)
			c.put(t, views[1-i], doc("a", 1))
			c.holds(t, "a collection that was made now", s)
			t.ok("DeleteCollection", s.DeleteCollection(t.ctx, "c"))
			t.settle()
		}
	}
	t.finds("Search in collection \"C\"", t.Vectors, "C", nearest(9, 1), "a")
}

// collectionsMadeAgain deletes collections and makes them again, the same or
// other, while another handle knows them as they were.
func collectionsMadeAgain(t *trial) {
	views := t.twoViews()
	c := t.shelf("c", 2, driver.Dot)
	neighbour := t.shelf("neighbour", 2, driver.Dot)
	neighbour.put(t, t.Vectors, doc("a", 1, 1), doc("b", 2, 2))
	makes := []driver.Collection{{Dimension: 2, Metric: driver.Dot}, {Dimension: 3, Metric: driver.Dot}, {Dimension: 3, Metric: driver.Euclidean}, {Dimension: 1, Metric: driver.Cosine}, {Dimension: 2, Metric: driver.Cosine}, {Dimension: 2, Metric: driver.Dot}}
	for n, as := range makes {
		writer, reader := views[n%2], views[1-n%2]
		for i := range 4 {
			e := slices.Repeat([]float32{float32(i + 1)}, c.Dimension)
			e[0] = float32(-n - 1)
			c.put(t, views[i%2], driver.Document{ID: fmt.Sprint("d", i), Content: "old", Metadata: []byte(`{"old":true}`), Embedding: e})
		}
		for _, s := range views {
			c.holds(t, "before it is deleted", s)
		}
		t.ok("DeleteCollection", writer.DeleteCollection(t.ctx, "c"))
		as.Name = "c"
		did := fmt.Sprintf("a collection with dimension %d and metric %s, deleted and made again with %d and %s", c.Dimension, c.Metric, as.Dimension, as.Metric)
		t.ok(did, reader.EnsureCollection(t.ctx, as))
		t.settle()
		c = &shelf{as, map[string]driver.Document{}}
		for _, s := range views {
			c.holds(t, did, s)
			_, err := s.Get(t.ctx, "c", "d1")
			t.fails(did+": Get of a document from before", err, driver.ErrNotFound)
			for _, metric := range allMetrics {
				if metric != as.Metric {
					t.fails(did+": EnsureCollection with another metric", s.EnsureCollection(t.ctx, driver.Collection{Name: "c", Dimension: as.Dimension, Metric: metric}), driver.ErrConflict)
				}
			}
			_, err = s.Search(t.ctx, "c", nearest(1, slices.Repeat([]float32{1}, as.Dimension+1)...))
			t.fails(did+": Search with another dimension", err, driver.ErrInvalid)
		}
		for i, writer := range views {
			c.put(t, writer, doc(fmt.Sprint("d", 2*i), slices.Repeat([]float32{0.5}, as.Dimension)...))
			for _, s := range views {
				c.holds(t, fmt.Sprintf("%s, and a document upserted through handle %d", did, i), s)
			}
		}
	}
	neighbour.holds(t, "another collection after all that", t.Vectors)
}

// counts looks at the count right after every kind of write.
func counts(t *trial) {
	views := t.twoViews()
	c := t.shelf("c", 1, driver.Dot)
	other := t.shelf("other", 1, driver.Dot)
	other.put(t, t.Vectors, doc("a", 1), doc("x", 1))
	step := func(did string) {
		for _, s := range views {
			c.described(t, did, s)
			lists(t, "ListCollections after "+did, s.ListCollections, []driver.CollectionInfo{c.info(), other.info()})
		}
	}
	step("nothing")
	for n, s := range views {
		c.put(t, s, doc("a", 1), doc("b", 2), doc("c", 3))
		step("an upsert of three")
		c.put(t, s, doc("b", 5))
		step("replacing one")
		c.put(t, s, doc("c", 5), doc("d", 5), doc("e", 1))
		step("replacing one and adding two")
		c.remove(t, s, "a")
		step("deleting one")
		c.remove(t, s, "a", "nobody")
		step("deleting missing ones")
		c.remove(t, s, "b", "a", "b", "c", "nobody", "b")
		step("deleting two, one of them named three times")
		t.fails("Upsert with a bad document", s.Upsert(t.ctx, "c", []driver.Document{doc("y", 1), doc("z", 1, 2)}), driver.ErrInvalid)
		step("an upsert that was refused")
		c.put(t, s, doc("a", float32(n)))
		step("an upsert of a deleted one")
	}
	c.remove(t, t.Vectors, c.ids()...)
	step("deleting all")
}

// oneOutcome makes collections in two ways at once.
func oneOutcome(t *trial) {
	views := t.twoViews()
	for n := range t.rounds(15, 150) {
		ways := [2]driver.Collection{{Name: fmt.Sprint("c", n), Dimension: 2, Metric: driver.Dot}, {Name: fmt.Sprint("c", n), Dimension: 2, Metric: driver.Cosine}}
		if n%2 == 0 {
			ways[1] = driver.Collection{Name: ways[0].Name, Dimension: 3, Metric: driver.Dot}
		}
		var made [2]atomic.Int32
		t.together(4, func(i int) {
			way := i / 2
			err := views[i%2].EnsureCollection(t.shaken(), ways[way])
			switch {
			case err == nil:
				made[way].Add(1)
			case !errors.Is(err, driver.ErrConflict):
				t.ok("EnsureCollection while others make it otherwise", err)
			}
		})
		t.settle()
		winner := 0
		if made[1].Load() > 0 {
			winner = 1
		}
		if made[winner].Load() != 2 || made[1-winner].Load() != 0 {
			t.fatal(fmt.Sprintf("EnsureCollection of %+v and of %+v, twice each, at once", ways[0], ways[1]),
				fmt.Sprintf("%d and %d successes", made[0].Load(), made[1].Load()), "all of one kind succeed and none of the other")
		}
		c := shelf{ways[winner], map[string]driver.Document{}}
		for _, s := range views {
			c.described(t, "after making it in two ways at once", s)
		}
	}
}

// ensuredWhileUsed makes sure of a collection again and again while others upsert.
func ensuredWhileUsed(t *trial) {
	views := t.twoViews()
	for n := range t.rounds(10, 60) {
		c := &shelf{driver.Collection{Name: fmt.Sprint("c", n), Dimension: 2, Metric: driver.Dot}, map[string]driver.Document{}}
		docs := randomDocs(t.rand, "d", 4, 2)
		t.together(4, func(i int) {
			s := views[i%2]
			t.ok("EnsureCollection while others do it and upsert", s.EnsureCollection(t.shaken(), c.Collection))
			t.ok("Upsert after EnsureCollection", s.Upsert(t.shaken(), c.Name, docs[i:i+1]))
		})
		t.settle()
		for _, d := range docs {
			c.docs[d.ID] = d
		}
		c.holds(t, "after four made sure of it and upserted one document each", views[n%2])
	}
}

// madeAgainWhileUsed makes a collection anew, with another dimension, while others
// upsert documents that fit the old one.
func madeAgainWhileUsed(t *trial) {
	views := t.twoViews()
	for n := range t.rounds(15, 100) {
		old, made := driver.Collection{Name: fmt.Sprint("c", n), Dimension: 2, Metric: driver.Dot}, driver.Collection{Name: fmt.Sprint("c", n), Dimension: 3, Metric: driver.Dot}
		t.ok("EnsureCollection", views[0].EnsureCollection(t.ctx, old))
		t.settle()
		t.together(3, func(i int) {
			if i == 0 {
				t.ok("DeleteCollection while others upsert", views[0].DeleteCollection(t.shaken(), old.Name))
				t.ok("EnsureCollection while others upsert", views[0].EnsureCollection(t.shaken(), made))
				return
			}
			for k := range 3 {
				err := views[i-1].Upsert(t.shaken(), old.Name, []driver.Document{doc(fmt.Sprint(i, k), 1, 2)})
				if err != nil && !errors.Is(err, driver.ErrNotFound) && !errors.Is(err, driver.ErrInvalid) {
					t.ok("Upsert while the collection is made anew", err)
				}
			}
		})
		t.settle()
		c := shelf{made, map[string]driver.Document{}}
		for _, s := range views {
			c.holds(t, "made anew with dimension 3 while others upserted embeddings of 2", s)
		}
	}
}
