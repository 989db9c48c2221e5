package contract_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func mustEnsure(t testing.TB, tenant *enact.Tenant, name string, dimension int, metric enact.Metric) {
	t.Helper()
	err := tenant.Vectors.EnsureCollection(t.Context(), enact.Collection{Name: name, Dimension: dimension, Metric: metric})
	must(t, fmt.Sprintf("making collection %q", name), err)
}

func mustUpsert(t testing.TB, tenant *enact.Tenant, collection string, docs ...enact.Document) {
	t.Helper()
	must(t, fmt.Sprintf("upserting %d documents into %q", len(docs), collection), tenant.Vectors.Upsert(t.Context(), collection, docs...))
}

func mustSearch(t testing.TB, tenant *enact.Tenant, collection string, q enact.Query) []enact.Match {
	t.Helper()
	result, err := tenant.Vectors.Search(t.Context(), collection, q)
	must(t, fmt.Sprintf("searching %q", collection), err)
	if !result.Exact {
		t.Errorf("searching %q: the result says that it is approximate", collection)
	}
	return result.Matches
}

// mustFind fails the test unless a search finds these documents in this order.
func mustFind(t testing.TB, doing string, tenant *enact.Tenant, collection string, q enact.Query, want ...string) {
	t.Helper()
	got := idsOf(mustSearch(t, tenant, collection, q), matchID)
	if !slices.Equal(got, want) {
		t.Fatalf("%s found %q; it should have found %q", doing, got, want)
	}
}

func mustCount(t testing.TB, tenant *enact.Tenant, collection string, want uint64) {
	t.Helper()
	info, err := tenant.Vectors.GetCollection(t.Context(), collection)
	must(t, fmt.Sprintf("describing %q", collection), err)
	if info.Count != want {
		t.Fatalf("collection %q has a count of %d; it should be %d", collection, info.Count, want)
	}
}

// at is a document with an embedding and nothing else.
func at(id string, embedding ...float32) enact.Document {
	return enact.Document{ID: id, Embedding: embedding}
}

func nearest(limit int, embedding ...float32) enact.Query {
	return enact.Query{Embedding: embedding, Limit: limit}
}

func TestV1CollectionsAreFixed(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		want := enact.Collection{Name: "c", Dimension: 2, Metric: enact.Dot}
		_, err := tenant.Vectors.GetCollection(f.ctx, "c")
		mustFail(f, "describing an unknown collection", err, enact.ErrNotFound)
		exists, err := tenant.Vectors.CollectionExists(f.ctx, "c")
		must(f, "CollectionExists", err)
		mustEqual(f, "whether the unknown collection exists", exists, false)
		must(f, "deleting an unknown collection", tenant.Vectors.DeleteCollection(f.ctx, "c"))
		must(f, "making a collection", tenant.Vectors.EnsureCollection(f.ctx, want))
		mustUpsert(f, tenant, "c", at("a", 1, 2), at("b", 3, 4))
		for range 2 {
			must(f, "making it again", tenant.Vectors.EnsureCollection(f.ctx, want))
			for _, other := range []enact.Collection{{Name: "c", Dimension: 3, Metric: enact.Dot}, {Name: "c", Dimension: 2, Metric: enact.Cosine}, {Name: "c", Dimension: 2, Metric: enact.Euclidean}} {
				mustFail(f, fmt.Sprintf("making it as %+v", other), tenant.Vectors.EnsureCollection(f.ctx, other), enact.ErrConflict)
			}
			info, err := tenant.Vectors.GetCollection(f.ctx, "c")
			must(f, "GetCollection", err)
			mustEqual(f, "the collection", info, enact.CollectionInfo{Collection: want, Count: 2})
			exists, err = tenant.Vectors.CollectionExists(f.ctx, "c")
			must(f, "CollectionExists", err)
			mustEqual(f, "whether the collection exists", exists, true)
			f.reopen()
			tenant = f.tenant()
		}
		mustFind(f, "a search after all that", tenant, "c", nearest(9, 1, 1), "b", "a")
	})
}

func TestV1BadCollections(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for _, c := range []enact.Collection{
			{Name: "c", Dimension: 0, Metric: enact.Dot}, {Name: "c", Dimension: -1, Metric: enact.Dot}, {Name: "c", Dimension: driver.MaxDimension + 1, Metric: enact.Dot},
			{Name: "c", Dimension: 2}, {Name: "c", Dimension: 2, Metric: "manhattan"}, {Name: "c", Dimension: 2, Metric: "Cosine"},
		} {
			mustFail(f, fmt.Sprintf("making collection %+v", c), f.tenant().Vectors.EnsureCollection(f.ctx, c), enact.ErrInvalid)
		}
		mustList(f, "the collections", f.tenant().Vectors.ListCollections, nil)
		mustEnsure(f, f.tenant(), "widest", driver.MaxDimension, enact.Cosine)
		wide := make([]float32, driver.MaxDimension)
		wide[driver.MaxDimension-1] = 1
		mustUpsert(f, f.tenant(), "widest", at("a", wide...), at("b", wide...), at("c", wide...), at("d", wide...), at("e", wide...))
		mustFind(f, "a search in the widest collection", f.tenant(), "widest", nearest(9, wide...), "a", "b", "c", "d", "e")
	})
}

// TestV1AnyNameWorks makes collections with names that are awkward for engines
// which make tables or classes of them.
func TestV1AnyNameWorks(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustList(f, "the collections of a new store", tenant.Vectors.ListCollections, nil)
		metrics := []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean}
		want := make([]enact.CollectionInfo, len(nastyIDs))
		for i := range slices.Backward(nastyIDs) {
			want[i] = enact.CollectionInfo{Collection: enact.Collection{Name: nastyIDs[i], Dimension: 1 + i%4, Metric: metrics[i%3]}}
			must(f, fmt.Sprintf("making collection %q", nastyIDs[i]), tenant.Vectors.EnsureCollection(f.ctx, want[i].Collection))
		}
		for i, info := range want {
			one := slices.Repeat([]float32{float32(i + 1)}, info.Dimension)
			mustUpsert(f, tenant, info.Name, at(fmt.Sprint("own ", i), one...))
			want[i].Count = 1
		}
		f.reopen()
		tenant = f.tenant()
		mustList(f, "the collections", tenant.Vectors.ListCollections, want)
		for i, info := range want {
			doc, err := tenant.Vectors.Get(f.ctx, info.Name, fmt.Sprint("own ", i))
			must(f, fmt.Sprintf("getting the document of collection %q", info.Name), err)
			mustEqual(f, fmt.Sprintf("the embedding in collection %q", info.Name), doc.Embedding, slices.Repeat([]float32{float32(i + 1)}, info.Dimension))
		}
		for i := 0; i < len(want); i += 2 {
			must(f, "deleting every second collection", tenant.Vectors.DeleteCollection(f.ctx, nastyIDs[i]))
		}
		var left []enact.CollectionInfo
		for i, info := range want {
			if i%2 == 1 {
				left = append(left, info)
			}
		}
		mustList(f, "the collections that are left", tenant.Vectors.ListCollections, left)
	})
}

func TestV1UnknownCollections(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		v := f.tenant().Vectors
		mustFail(f, "upserting into an unknown collection", v.Upsert(f.ctx, "c", at("a", 1)), enact.ErrNotFound)
		mustFail(f, "upserting nothing into an unknown collection", v.Upsert(f.ctx, "c"), enact.ErrNotFound)
		_, err := v.Get(f.ctx, "c", "a")
		mustFail(f, "getting from an unknown collection", err, enact.ErrNotFound)
		mustFail(f, "deleting from an unknown collection", v.Delete(f.ctx, "c", "a"), enact.ErrNotFound)
		_, err = v.Search(f.ctx, "c", nearest(1, 1))
		mustFail(f, "searching an unknown collection", err, enact.ErrNotFound)
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		must(f, "upserting nothing", v.Upsert(f.ctx, "c"))
		must(f, "deleting nothing", v.Delete(f.ctx, "c"))
		mustFind(f, "searching an empty collection", f.tenant(), "c", nearest(1, 1))
		mustCount(f, f.tenant(), "c", 0)
	})
}

func TestV2ABatchWithOneBadDocumentWritesNothing(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	bad := map[string]enact.Document{
		"too few dimensions":       at("culprit", 1),
		"too many dimensions":      at("culprit", 1, 2, 3),
		"no embedding":             at("culprit"),
		"NaN":                      at("culprit", 1, nan),
		"infinity":                 at("culprit", inf, 1),
		"minus infinity":           at("culprit", 1, -inf),
		"a zero vector":            at("culprit", 0, float32(math.Copysign(0, -1))),
		"metadata of another type": {ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`[]`)},
		"metadata null":            {ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`null`)},
		"broken metadata":          {ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`{"a":`)},
		"metadata not in UTF-8":    {ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte("{\"a\":\"\xff\"}")},
		"an ID twice":              at("culprit", 1, 1),
	}
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustEnsure(f, tenant, "c", 2, enact.Cosine)
		kept := enact.Document{ID: "kept", Content: "old", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 0}}
		mustUpsert(f, tenant, "c", kept)
		for name, culprit := range bad {
			docs := []enact.Document{at("new", 1, 1), {ID: "kept", Content: "new", Embedding: []float32{0, 1}}, culprit}
			if name == "an ID twice" {
				docs = append(docs, culprit)
			}
			err := tenant.Vectors.Upsert(f.ctx, "c", docs...)
			mustFail(f, "upserting a batch with "+name, err, enact.ErrInvalid)
			if !strings.Contains(err.Error(), "culprit") {
				f.Errorf("upserting a batch with %s returned %q, which does not name the document", name, err)
			}
			mustCount(f, tenant, "c", 1)
			_, err = tenant.Vectors.Get(f.ctx, "c", "new")
			mustFail(f, "getting what came before the bad document", err, enact.ErrNotFound)
			got, err := tenant.Vectors.Get(f.ctx, "c", "kept")
			must(f, "Get", err)
			mustEqual(f, "the document that was to be replaced", got, kept)
			mustFind(f, "searching for all", tenant, "c", nearest(9, 1, 1), "kept")
		}
		zero := make([]float32, 2)
		for _, metric := range []enact.Metric{enact.Dot, enact.Euclidean} {
			mustEnsure(f, tenant, string(metric), 2, metric)
			mustUpsert(f, tenant, string(metric), at("zero", zero...))
			mustFind(f, "searching for zero", tenant, string(metric), nearest(1, zero...), "zero")
		}
	})
}

func TestV2UpsertReplacesWhole(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustEnsure(f, tenant, "c", 2, enact.Dot)
		all := enact.Fields{Content: true, Metadata: true, Embedding: true}
		full := enact.Document{ID: "a", Content: "old", Metadata: []byte(`{"old":1,"both":[1,2,2,{"x":1}]}`), Embedding: []float32{1, 0}}
		for i, doc := range []enact.Document{
			full,
			full,
			{ID: "a", Content: "new", Metadata: []byte(`{"new":2,"both":3}`), Embedding: []float32{0, 7}},
			{ID: "a", Metadata: []byte(`{}`), Embedding: []float32{0, 0}},
			{ID: "a", Embedding: []float32{5, 5}},
			full,
		} {
			mustUpsert(f, tenant, "c", at("other", 0, 1), doc)
			if doc.Metadata == nil {
				doc.Metadata = []byte("{}")
			}
			check := func() {
				f.Helper()
				got, err := tenant.Vectors.Get(f.ctx, "c", "a")
				must(f, "Get", err)
				mustEqual(f, fmt.Sprintf("the document after upsert %d", i), got, doc)
				for _, m := range mustSearch(f, tenant, "c", enact.Query{Embedding: []float32{1, 1}, Limit: 9, Fields: all}) {
					if m.ID == "a" {
						mustEqual(f, fmt.Sprintf("the document found after upsert %d", i), m.Document, doc)
					}
				}
				for _, key := range []string{"old", "new", "both"} {
					q := nearest(9, 1, 1)
					q.Filter = enact.Exists(key)
					var want []string
					if bytes.Contains(doc.Metadata, []byte(key)) {
						want = []string{"a"}
					}
					mustFind(f, fmt.Sprintf("searching for what has %q after upsert %d", key, i), tenant, "c", q, want...)
				}
				mustCount(f, tenant, "c", 2)
			}
			check()
			f.reopen()
			tenant = f.tenant()
			check()
		}
	})
}

func TestV2TooLarge(t *testing.T) {
	many := make([]enact.Document, driver.MaxBatchDocuments+1)
	ids := make([]string, driver.MaxBatchDocuments+1)
	for i := range many {
		ids[i] = fmt.Sprint(i)
		many[i] = at(ids[i], 1)
	}
	large := enact.Document{ID: "large", Content: strings.Repeat("x", driver.MaxDocumentBytes+1), Embedding: []float32{1}}
	onEach(t, everyBackend, func(f *fixture) {
		v := f.tenant().Vectors
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		mustBeTooLarge(f, "upserting too many documents", v.Upsert(f.ctx, "c", many...), enact.TooLargeError{Size: driver.MaxBatchDocuments + 1, Limit: driver.MaxBatchDocuments, Unit: "documents"})
		mustBeTooLarge(f, "upserting a too large document", v.Upsert(f.ctx, "c", at("a", 1), large), enact.TooLargeError{Size: driver.MaxDocumentBytes + 1, Limit: driver.MaxDocumentBytes, Unit: "bytes"})
		mustBeTooLarge(f, "deleting too many documents", v.Delete(f.ctx, "c", ids...), enact.TooLargeError{Size: driver.MaxBatchDocuments + 1, Limit: driver.MaxBatchDocuments, Unit: "documents"})
		for _, limit := range []int{0, -1, driver.MaxResults + 1} {
			_, err := v.Search(f.ctx, "c", nearest(limit, 1))
			mustFail(f, fmt.Sprintf("searching for %d results", limit), err, enact.ErrInvalid)
		}
		mustCount(f, f.tenant(), "c", 0)
	})
}

// TestV3GoldenScores were computed by hand. 3-4-5 triangles and the like have
// exact scores; the others tell float64 sums from float32 ones.
func TestV3GoldenScores(t *testing.T) {
	type scored struct {
		id        string
		embedding []float32
		score     float64
	}
	cases := []struct {
		name   string
		metric enact.Metric
		query  []float32
		docs   []scored // best first
	}{
		{"cosine", enact.Cosine, []float32{3, 4}, []scored{
			{"far in the same direction", []float32{3 << 50, 4 << 50}, 1},
			{"same", []float32{3, 4}, 1},
			{"turned", []float32{4, 3}, 0.96},
			{"along an axis", []float32{0, 9}, 0.8},
			{"along the other", []float32{5, 0}, 0.6},
			{"across", []float32{4, -3}, 0},
			{"behind", []float32{-4, 0}, -0.6},
			{"opposite", []float32{-6, -8}, -1},
		}},
		{"cosine of tiny vectors", enact.Cosine, []float32{0x3p-100, 0x4p-100}, []scored{
			{"tiny", []float32{0x4p-110, 0x3p-110}, 0.96},
			{"huge", []float32{5e30, 0}, 0.6},
			{"least", []float32{0, -math.SmallestNonzeroFloat32}, -0.8},
		}},
		{"dot", enact.Dot, []float32{1, 2, 3}, []scored{
			{"large", []float32{100, 200, 300}, 1400},
			{"near", []float32{4, 5, 6}, 32},
			{"unit", []float32{0, 1, 0}, 2},
			{"zero", []float32{0, 0, 0}, 0},
			{"mixed", []float32{0.5, 0.25, -2}, -5},
			{"against", []float32{-10, -10, -10}, -60},
		}},
		{"dot beyond float32", enact.Dot, []float32{16777216, 1, 1}, []scored{
			{"one more", []float32{1, 1, 0.5}, 16777217.5},
			{"one", []float32{1, 1, 0}, 16777217},
			{"none", []float32{1, 0, 0}, 16777216},
			{"cancelled", []float32{0, 1, 0.0009765625}, 1.0009765625},
		}},
		{"dot of tenths", enact.Dot, []float32{0.1}, []scored{
			{"a tenth", []float32{0.1}, 0.010000000298023226}, // float32(0.1) squared, in float64
		}},
		{"euclidean", enact.Euclidean, []float32{1, 1}, []scored{
			{"same", []float32{1, 1}, 0},
			{"near", []float32{2, 2}, -1.4142135623730951},
			{"pythagoras", []float32{4, 5}, -5},
			{"another way", []float32{-5, -7}, -10},
			{"twelve", []float32{6, 13}, -13},
		}},
		{"euclidean of large ones", enact.Euclidean, []float32{16777216}, []scored{
			{"same", []float32{16777216}, 0},
			{"negative", []float32{-16777216}, -33554432},
			{"greatest", []float32{-math.MaxFloat32}, -(math.MaxFloat32 + 16777216.0)},
		}},
	}
	onEach(t, everyBackend, func(f *fixture) {
		for _, c := range cases {
			mustEnsure(f, f.tenant(), c.name, len(c.query), c.metric)
			var want []enact.Match
			for _, doc := range c.docs {
				want = append(want, enact.Match{Document: enact.Document{ID: doc.id}, Score: doc.score})
			}
			for _, doc := range slices.Backward(c.docs) {
				mustUpsert(f, f.tenant(), c.name, at(doc.id, doc.embedding...))
			}
			for limit := 1; limit <= len(c.docs)+1; limit++ {
				got := mustSearch(f, f.tenant(), c.name, nearest(limit, c.query...))
				mustEqual(f, fmt.Sprintf("%s, the best %d", c.name, limit), got, want[:min(limit, len(want))])
				for _, m := range got {
					if m.Score == 0 && math.Signbit(m.Score) {
						f.Errorf("%s: the score of %q is minus zero", c.name, m.ID)
					}
				}
			}
		}
	})
}

// TestV3CosineStaysInItsRange for vectors whose rounded quotient would leave it.
func TestV3CosineStaysInItsRange(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 3, enact.Cosine)
		r := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			v := []float32{r.Float32(), r.Float32(), r.Float32()}
			mustUpsert(f, f.tenant(), "c", at("same", v...), at("opposite", -v[0], -v[1], -v[2]))
			got := mustSearch(f, f.tenant(), "c", nearest(2, v...))
			if got[0].ID != "same" || got[0].Score > 1 || got[0].Score < 1-1e-12 || got[1].Score < -1 || got[1].Score > -1+1e-12 {
				f.Fatalf("the cosines of %v with itself and its opposite are %+v", v, got)
			}
		}
	})
}

// TestV3TiesAreOrderedByID, wherever the cut goes through them, and in whichever
// order the documents were written.
func TestV3TiesAreOrderedByID(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for _, metric := range []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean} {
			name := string(metric)
			mustEnsure(f, tenant, name, 2, metric)
			ids := slices.Clone(nastyIDs)
			shuffle := rand.New(rand.NewPCG(3, 4))
			shuffle.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			for i, id := range ids {
				y := float32(1)
				if i%2 == 0 {
					y = -1 // another vector with the same score
				}
				mustUpsert(f, tenant, name, at(id, 1, y))
			}
			mustUpsert(f, tenant, name, at("zz best", 2, 0), at("zz worst", -3, 0), at("  best", 2, 0))
			must(f, "deleting one", tenant.Vectors.Delete(f.ctx, name, ids[5], ids[11]))
			mustUpsert(f, tenant, name, at(ids[11], 1, 1), at(ids[5], 1, -1))
			want := append([]string{"  best", "zz best"}, nastyIDs...)
			want = append(want, "zz worst")
			for _, limit := range []int{1, 2, 3, 4, 10, len(nastyIDs) + 1, len(nastyIDs) + 2, len(nastyIDs) + 3, 1000} {
				mustFind(f, fmt.Sprintf("%s, the best %d", metric, limit), tenant, name, nearest(limit, 2, 0), want[:min(limit, len(want))]...)
			}
		}
	})
}

// randomDocs are reproducible documents with near ties and exact ties.
func randomDocs(r *rand.Rand, n, dimension int) []enact.Document {
	docs := make([]enact.Document, n)
	for i := range docs {
		v := make([]float32, dimension)
		for j := range v {
			v[j] = float32(r.NormFloat64())
		}
		if i > 0 && r.IntN(4) == 0 {
			copy(v, docs[r.IntN(i)].Embedding)
			if r.IntN(2) == 0 {
				j := r.IntN(dimension)
				v[j] = math.Nextafter32(v[j], 9) // as near as can be
			}
		}
		docs[i] = enact.Document{ID: fmt.Sprintf("%x", r.Uint32()), Embedding: v, Metadata: fmt.Appendf(nil, `{"n":%d,"m":%d}`, i%100, i%7)}
	}
	return docs
}

// ranking is what a search must find, the slow way.
func ranking(metric enact.Metric, docs map[string]enact.Document, q enact.Query, matches func(enact.Document) bool) []enact.Match {
	var all []enact.Match
	for _, d := range docs {
		score := driver.Score(metric, q.Embedding, d.Embedding)
		if matches(d) && (q.MinScore == nil || score >= *q.MinScore) {
			all = append(all, enact.Match{Document: enact.Document{ID: d.ID}, Score: score})
		}
	}
	slices.SortFunc(all, func(a, b enact.Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	return all[:min(q.Limit, len(all))]
}

// TestV3LargeCollectionsAreRankedExactly compares with the slow way, while the
// collection changes.
func TestV3LargeCollectionsAreRankedExactly(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		for i, metric := range []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean} {
			r := rand.New(rand.NewPCG(5, uint64(i)))
			const dimension = 384
			mustEnsure(f, handles[0], string(metric), dimension, metric)
			docs := map[string]enact.Document{}
			add := func(n int) {
				batch := randomDocs(r, n, dimension)
				for _, d := range batch {
					docs[d.ID] = d
				}
				mustUpsert(f, handles[r.IntN(2)], string(metric), batch...)
			}
			remove := func(n int) {
				var ids []string
				for id := range docs {
					if len(ids) == n {
						break
					}
					ids = append(ids, id)
					delete(docs, id)
				}
				must(f, "deleting documents", handles[r.IntN(2)].Vectors.Delete(f.ctx, string(metric), ids...))
			}
			add(720)
			for round := range 4 {
				switch round {
				case 1:
					add(20)
				case 2:
					remove(30)
				case 3:
					remove(300)
				}
				q := enact.Query{Embedding: randomDocs(r, 1, dimension)[0].Embedding, Limit: []int{1, 10, 100, 5000}[round]}
				if round >= 2 {
					q.Embedding = docs[slices.Sorted(keysIn(docs))[round]].Embedding
				}
				for _, tenant := range handles {
					mustEqual(f, fmt.Sprintf("%s, round %d", metric, round), mustSearch(f, tenant, string(metric), q), ranking(metric, docs, q, func(enact.Document) bool { return true }))
					filtered := q
					filtered.Filter = enact.And(enact.Lt("n", enact.Int(30)), enact.Ne("m", enact.Int(3)))
					mustEqual(f, fmt.Sprintf("%s filtered, round %d", metric, round), mustSearch(f, tenant, string(metric), filtered), ranking(metric, docs, q, func(d enact.Document) bool {
						var metadata struct{ N, M int }
						must(f, "reading metadata", json.Unmarshal(d.Metadata, &metadata))
						return metadata.N < 30 && metadata.M != 3
					}))
				}
			}
		}
	})
}

func keysIn[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// TestV3NearTiesAreRankedExactly has documents whose scores differ by less than a
// float32 can tell, so that an engine that computes in float32 picks wrong ones.
func TestV3NearTiesAreRankedExactly(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for i, metric := range []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean} {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			const dimension = 33 // no multiple of what processors take at once
			mustEnsure(f, f.tenant(), string(metric), dimension, metric)
			base := randomDocs(r, 1, dimension)[0].Embedding
			docs := map[string]enact.Document{}
			for n := range 150 {
				v := slices.Clone(base)
				j := r.IntN(dimension)
				v[j] = math.Nextafter32(v[j], float32(r.IntN(3)-1)*1e9)
				docs[fmt.Sprint(n)] = at(fmt.Sprint(n), v...)
				mustUpsert(f, f.tenant(), string(metric), docs[fmt.Sprint(n)])
			}
			for _, limit := range []int{1, 2, 5, 20, 75} {
				q := nearest(limit, randomDocs(r, 1, dimension)[0].Embedding...)
				mustEqual(f, fmt.Sprintf("%s, the best %d of near ties", metric, limit), mustSearch(f, f.tenant(), string(metric), q), ranking(metric, docs, q, func(enact.Document) bool { return true }))
			}
		}
	})
}

// filterDocs are documents by ID, which all have the same embedding.
var filterDocs = map[string]string{
	"missing":     `{}`,
	"other key":   `{"F":1,"ff":1," f":1,"f ":1}`,
	"null":        `{"f":null}`,
	"true":        `{"f":true}`,
	"false":       `{"f":false}`,
	"0":           `{"f":0}`,
	"-0.0":        `{"f":-0.0}`,
	"1":           `{"f":1}`,
	"1.0":         `{"f":1.0}`,
	"10e-1":       `{"f":10e-1}`,
	"1.5":         `{"f":1.5}`,
	"-3":          `{"f":-3}`,
	"2^53":        `{"f":9007199254740992}`,
	"2^53 float":  `{"f":9007199254740992.0}`,
	"2^53+1":      `{"f":9007199254740993}`,
	"2^63-1":      `{"f":9223372036854775807}`,
	"2^63":        `{"f":9223372036854775808}`,
	"-2^63":       `{"f":-9223372036854775808}`,
	"1e400":       `{"f":1e400}`,
	"-1e400":      `{"f":-1e400}`,
	"s empty":     `{"f":""}`,
	"s 1":         `{"f":"1"}`,
	"s a":         `{"f":"a"}`,
	"s a escaped": `{"f":"\u0061"}`,
	"s A":         `{"f":"A"}`,
	"s b":         `{"f":"b"}`,
	"s true":      `{"f":"true"}`,
	"s null":      `{"f":"null"}`,
	"s nfc":       `{"f":"é"}`,
	"s nfd":       `{"f":"e\u0301"}`,
	"s NUL":       `{"f":"a\u0000b"}`,
	"s emoji":     `{"f":"\ud83d\ude00"}`,
	"s U+FFFF":    `{"f":"\uffff"}`,
	"list":        `{"f":[1,"a",null,true]}`,
	"list 0 2":    `{"f":[0,2]}`,
	"list same":   `{"f":[7,7,7.0]}`,
	"empty list":  `{"f":[]}`,
	"nested list": `{"f":[[1],["a"],{"f":1}]}`,
	"mixed list":  `{"f":[[1],2]}`,
	"object":      `{"f":{"f":1}}`,
	"twice":       `{"f":1,"f":8}`,
	"spaced":      " { \"f\" :\n\t 9 } ",
}

// TestV4FilterTruthTable: each filter selects exactly these documents, and its
// negation exactly the others.
func TestV4FilterTruthTable(t *testing.T) {
	numbers := []string{"-0.0", "-1e400", "-2^63", "-3", "0", "1", "1.0", "1.5", "10e-1", "1e400", "2^53", "2^53 float", "2^53+1", "2^63", "2^63-1", "list", "list 0 2", "list same", "mixed list", "spaced", "twice"}
	strs := []string{"list", "s 1", "s A", "s NUL", "s U+FFFF", "s a", "s a escaped", "s b", "s emoji", "s empty", "s nfc", "s nfd", "s null", "s true"}
	without := func(all []string, ids ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(ids, id) })
	}
	inf := math.Inf(1)
	table := []struct {
		filter enact.Filter
		want   []string
	}{
		{enact.Exists("f"), without(slices.Sorted(keysIn(filterDocs)), "missing", "other key")},
		{enact.Exists("F"), []string{"other key"}},
		{enact.Exists("f "), []string{"other key"}},
		{enact.Exists("nowhere"), nil},
		{enact.Exists(""), nil},

		{enact.Eq("f", enact.Null()), []string{"list", "null"}},
		{enact.Eq("f", enact.Bool(true)), []string{"list", "true"}},
		{enact.Eq("f", enact.Bool(false)), []string{"false"}},
		{enact.Eq("f", enact.Int(0)), []string{"-0.0", "0", "list 0 2"}},
		{enact.Eq("f", enact.Float(math.Copysign(0, -1))), []string{"-0.0", "0", "list 0 2"}},
		{enact.Eq("f", enact.Int(1)), []string{"1", "1.0", "10e-1", "list"}},
		{enact.Eq("f", enact.Float(1)), []string{"1", "1.0", "10e-1", "list"}},
		{enact.Eq("f", enact.Float(1.5)), []string{"1.5"}},
		{enact.Eq("f", enact.Int(2)), []string{"list 0 2", "mixed list"}},
		{enact.Eq("f", enact.Int(7)), []string{"list same"}},
		{enact.Eq("f", enact.Int(8)), []string{"twice"}},
		{enact.Eq("f", enact.Int(9)), []string{"spaced"}},
		{enact.Eq("f", enact.Int(1<<53)), []string{"2^53", "2^53 float"}},
		{enact.Eq("f", enact.Float(1<<53)), []string{"2^53", "2^53 float"}},
		{enact.Eq("f", enact.Int(1<<53+1)), []string{"2^53+1"}},
		{enact.Eq("f", enact.Int(math.MaxInt64)), []string{"2^63-1"}},
		{enact.Eq("f", enact.Float(1<<63)), []string{"2^63"}},
		{enact.Eq("f", enact.Int(math.MinInt64)), []string{"-2^63"}},
		{enact.Eq("f", enact.Float(-1<<63)), []string{"-2^63"}},
		{enact.Eq("f", enact.Float(inf)), []string{"1e400"}},
		{enact.Eq("f", enact.Float(-inf)), []string{"-1e400"}},
		{enact.Eq("f", enact.String("")), []string{"s empty"}},
		{enact.Eq("f", enact.String("1")), []string{"s 1"}},
		{enact.Eq("f", enact.String("a")), []string{"list", "s a", "s a escaped"}},
		{enact.Eq("f", enact.String("A")), []string{"s A"}},
		{enact.Eq("f", enact.String("true")), []string{"s true"}},
		{enact.Eq("f", enact.String("null")), []string{"s null"}},
		{enact.Eq("f", enact.String("é")), []string{"s nfc"}},
		{enact.Eq("f", enact.String("e\u0301")), []string{"s nfd"}},
		{enact.Eq("f", enact.String("a\x00b")), []string{"s NUL"}},
		{enact.Eq("f", enact.String("\U0001F600")), []string{"s emoji"}},
		{enact.Eq("f", enact.String("' OR 1=1 --")), nil},

		{enact.Lt("f", enact.Int(1)), []string{"-0.0", "-1e400", "-2^63", "-3", "0", "list 0 2"}},
		{enact.Lte("f", enact.Int(1)), []string{"-0.0", "-1e400", "-2^63", "-3", "0", "1", "1.0", "10e-1", "list", "list 0 2"}},
		{enact.Lt("f", enact.Float(1.25)), []string{"-0.0", "-1e400", "-2^63", "-3", "0", "1", "1.0", "10e-1", "list", "list 0 2"}},
		{enact.Gt("f", enact.Int(1)), without(numbers, "-0.0", "-1e400", "-2^63", "-3", "0", "1", "1.0", "10e-1", "list")},
		{enact.Gte("f", enact.Float(1)), without(numbers, "-0.0", "-1e400", "-2^63", "-3", "0")},
		{enact.Gt("f", enact.Int(1<<53)), []string{"1e400", "2^53+1", "2^63", "2^63-1"}},
		{enact.Gt("f", enact.Float(1<<53)), []string{"1e400", "2^53+1", "2^63", "2^63-1"}},
		{enact.Gte("f", enact.Int(1<<53+1)), []string{"1e400", "2^53+1", "2^63", "2^63-1"}},
		{enact.Lt("f", enact.Int(1<<53+1)), without(numbers, "1e400", "2^53+1", "2^63", "2^63-1")},
		{enact.Gt("f", enact.Int(math.MaxInt64)), []string{"1e400", "2^63"}},
		{enact.Gte("f", enact.Float(1<<63)), []string{"1e400", "2^63"}},
		{enact.Lt("f", enact.Float(1<<63)), without(numbers, "1e400", "2^63")},
		{enact.Gt("f", enact.Float(1<<63)), []string{"1e400"}},
		{enact.Lt("f", enact.Float(-1<<63)), []string{"-1e400"}},
		{enact.Lte("f", enact.Int(math.MinInt64)), []string{"-1e400", "-2^63"}},
		{enact.Lt("f", enact.Float(inf)), without(numbers, "1e400")},
		{enact.Lte("f", enact.Float(inf)), numbers},
		{enact.Gt("f", enact.Float(inf)), nil},
		{enact.Gte("f", enact.Float(-inf)), numbers},
		{enact.Gt("f", enact.Float(-inf)), without(numbers, "-1e400")},
		{enact.Lt("f", enact.Float(math.SmallestNonzeroFloat64)), []string{"-0.0", "-1e400", "-2^63", "-3", "0", "list 0 2"}},

		{enact.Gte("f", enact.String("")), strs},
		{enact.Gt("f", enact.String("")), without(strs, "s empty")},
		{enact.Lt("f", enact.String("")), nil},
		{enact.Lt("f", enact.String("a")), []string{"s 1", "s A", "s empty"}},
		{enact.Lte("f", enact.String("a")), []string{"list", "s 1", "s A", "s a", "s a escaped", "s empty"}},
		{enact.Gt("f", enact.String("a")), without(strs, "list", "s 1", "s A", "s a", "s a escaped", "s empty")},
		{enact.Lt("f", enact.String("b")), []string{"list", "s 1", "s A", "s NUL", "s a", "s a escaped", "s empty"}},
		{enact.Gt("f", enact.String("z")), []string{"s U+FFFF", "s emoji", "s nfc"}},
		{enact.Gt("f", enact.String("\uffff")), []string{"s emoji"}}, // by UTF-8, not by UTF-16
		{enact.Gte("f", enact.String("1")), without(strs, "s empty")},

		{enact.In("f"), nil},
		{enact.In("f", enact.Int(1)), []string{"1", "1.0", "10e-1", "list"}},
		{enact.In("f", enact.Null(), enact.Bool(false), enact.Float(2), enact.Int(2), enact.String("b"), enact.String("2")), []string{"false", "list", "list 0 2", "mixed list", "null", "s b"}},
		{enact.In("nowhere", enact.Null()), nil},

		{enact.Filter{}, slices.Sorted(keysIn(filterDocs))},
		{enact.And(), slices.Sorted(keysIn(filterDocs))},
		{enact.Or(), nil},
		{enact.And(enact.Filter{}), slices.Sorted(keysIn(filterDocs))},
		{enact.Or(enact.Filter{}, enact.In("f")), slices.Sorted(keysIn(filterDocs))},
		{enact.And(enact.Eq("f", enact.Int(1)), enact.Eq("f", enact.String("a"))), []string{"list"}},
		{enact.And(enact.Gte("f", enact.Int(1)), enact.Lte("f", enact.Int(1))), []string{"1", "1.0", "10e-1", "list", "list 0 2"}},
		{enact.And(enact.Gt("f", enact.Int(1)), enact.Lt("f", enact.Int(1))), []string{"list 0 2"}}, // an element for each
		{enact.Or(enact.Eq("f", enact.Null()), enact.Eq("f", enact.Bool(true))), []string{"list", "null", "true"}},
		{enact.And(enact.Exists("f"), enact.Not(enact.Gte("f", enact.Float(-inf))), enact.Not(enact.Gte("f", enact.String("")))), []string{"empty list", "false", "nested list", "null", "object", "true"}},
		{enact.And(enact.Or(enact.Eq("f", enact.Int(1)), enact.Eq("f", enact.Int(2))), enact.Not(enact.Or(enact.Eq("f", enact.Int(0)), enact.Eq("f", enact.Null())))), []string{"1", "1.0", "10e-1", "mixed list"}},
	}
	for _, row := range table {
		slices.Sort(row.want)
	}
	onEach(t, sharedBackends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		var docs []enact.Document
		for _, id := range slices.Sorted(keysIn(filterDocs)) {
			docs = append(docs, enact.Document{ID: id, Metadata: json.RawMessage(filterDocs[id]), Embedding: []float32{1}})
		}
		mustUpsert(f, f.tenant(), "c", docs...)
		all := idsOf(docs, func(d enact.Document) string { return d.ID })
		find := func(filter enact.Filter) []string {
			return idsOf(mustSearch(f, f.tenant(), "c", enact.Query{Embedding: []float32{1}, Limit: 1000, Filter: filter}), matchID)
		}
		for round := range 2 {
			for _, row := range table {
				others := without(all, row.want...)
				negation := enact.Not(row.filter)
				for _, c := range []struct {
					filter enact.Filter
					want   []string
				}{
					{row.filter, row.want}, {negation, others}, {enact.And(row.filter, enact.Not(negation)), row.want}, {enact.Or(row.filter, negation), all},
				} {
					if round == 1 && c.filter.Op != row.filter.Op {
						continue
					}
					if got := find(c.filter); !slices.Equal(got, c.want) {
						f.Errorf("%s selected\n\t%q\nand should have selected\n\t%q", shorten(c.filter), got, c.want)
					}
				}
				if row.filter.Op == driver.OpEq {
					if got := find(enact.Ne(row.filter.Key, row.filter.Values[0])); !slices.Equal(got, others) {
						f.Errorf("Ne(%q, %v) selected\n\t%q\nand should have selected what Eq does not,\n\t%q", row.filter.Key, row.filter.Values[0], got, others)
					}
				}
			}
			if f.Failed() || round == 1 {
				return
			}
			f.reopen()
			mustUpsert(f, f.tenant(), "c", docs...) // replaced by the same
		}
	})
}

// TestV4KeysAreLiteral: what looks like a path, a wildcard or code is a name.
func TestV4KeysAreLiteral(t *testing.T) {
	keys := slices.Concat(nastyIDs, []string{"", "a.b", "a", "b", "$", "$.a", "$.a.b", "a[0]", "a[*]", "*", "a\"b", `a\"b`, "a\x00b", "a\x00", "value", "key", "document", "\u0000", strings.Repeat("k", 3000), "f'); DELETE FROM documents; --"})
	slices.Sort(keys)
	keys = slices.Compact(keys)
	onEach(t, everyBackend, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		var docs []enact.Document
		for i, key := range keys {
			metadata, err := json.Marshal(map[string]any{key: i, "all": true, "nested": map[string]any{key: i}})
			must(f, "writing metadata", err)
			docs = append(docs, enact.Document{ID: fmt.Sprintf("%03d", i), Metadata: metadata, Embedding: []float32{1}})
		}
		docs = append(docs, enact.Document{ID: "paths", Metadata: []byte(`{"a":{"b":1,"c":[1]}}`), Embedding: []float32{1}})
		mustUpsert(f, f.tenant(), "c", docs...)
		for i, key := range keys {
			q := nearest(1000, 1)
			q.Filter = enact.Eq(key, enact.Int(int64(i)))
			mustFind(f, fmt.Sprintf("the filter %q = %d", key, i), f.tenant(), "c", q, fmt.Sprintf("%03d", i))
			want := []string{fmt.Sprintf("%03d", i)}
			if key == "a" {
				want = append(want, "paths")
			}
			q.Filter = enact.Exists(key)
			mustFind(f, fmt.Sprintf("what has %q", key), f.tenant(), "c", q, want...)
		}
		mustCount(f, f.tenant(), "c", uint64(len(docs)))
	})
}

// TestV4LargeFilters are as many conditions, as many values and as deep as allowed.
func TestV4LargeFilters(t *testing.T) {
	var eqs, nes, exists []enact.Filter
	var values []enact.Value
	for i := range 999 {
		if i < 499 {
			eqs = append(eqs, enact.Eq("n", enact.Int(int64(2*i))))
			nes = append(nes, enact.Ne("n", enact.Int(int64(2*i))))
		}
		exists = append(exists, enact.Exists(fmt.Sprint("key ", i)))
		switch i % 3 {
		case 0:
			values = append(values, enact.Int(int64(i)))
		case 1:
			values = append(values, enact.Float(float64(i)))
		default:
			values = append(values, enact.String(fmt.Sprint(i)))
		}
	}
	deep := enact.Eq("n", enact.Int(7))
	wide := enact.Eq("n", enact.Int(7))
	for range 30 {
		deep = enact.Not(deep)
		wide = enact.And(enact.Or(wide, enact.Eq("n", enact.Int(-1))), enact.Exists("n"))
		if depthOf(wide) > driver.MaxFilterDepth-2 {
			wide = wide.Filters[0].Filters[0]
		}
	}
	number := func(n int) string { return fmt.Sprintf("%03d", n) }
	var even, odd, notThird []string
	for n := range 60 {
		if n%2 == 0 {
			even = append(even, number(n))
		} else {
			odd = append(odd, number(n))
		}
		if n%3 != 2 {
			notThird = append(notThird, number(n))
		}
	}
	cases := []struct {
		name   string
		filter enact.Filter
		want   []string
	}{
		{"any of 499 equal", enact.Or(eqs...), even},
		{"none of 499 equal", enact.And(nes...), odd},
		{"one of 999 values", enact.In("n", values...), notThird},
		{"any of 999 fields", enact.Or(exists...), nil},
		{"31 levels of negation", deep, []string{"007"}},
		{"32 levels of negation", enact.Not(deep), slices.DeleteFunc(slices.Concat(even, odd), func(id string) bool { return id == "007" })},
		{"deep and wide", wide, []string{"007"}},
	}
	for _, c := range cases {
		slices.Sort(c.want)
	}
	onEach(t, sharedBackends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		var docs []enact.Document
		for n := range 60 {
			docs = append(docs, enact.Document{ID: number(n), Metadata: fmt.Appendf(nil, `{"n":%d}`, n), Embedding: []float32{1}})
		}
		mustUpsert(f, f.tenant(), "c", docs...)
		for _, c := range cases {
			q := nearest(1000, 1)
			q.Filter = c.filter
			mustFind(f, c.name, f.tenant(), "c", q, c.want...)
		}
	})
}

func depthOf(f enact.Filter) int {
	deepest := 0
	for _, inner := range f.Filters {
		deepest = max(deepest, depthOf(inner))
	}
	return 1 + deepest
}

func TestV4BadFilters(t *testing.T) {
	tooDeep := enact.Exists("f")
	for range driver.MaxFilterDepth {
		tooDeep = enact.Not(tooDeep)
	}
	cases := []struct {
		name   string
		filter enact.Filter
		want   error
	}{
		{"an unknown operator", enact.Filter{Op: "like", Key: "f", Values: []enact.Value{enact.String("x")}}, enact.ErrInvalid},
		{"an unknown operator inside", enact.And(enact.Not(enact.Filter{Op: "Eq", Key: "f", Values: []enact.Value{enact.Int(1)}})), enact.ErrInvalid},
		{"no value", enact.Filter{Op: driver.OpEq, Key: "f"}, enact.ErrInvalid},
		{"two values", enact.Filter{Op: driver.OpLt, Key: "f", Values: []enact.Value{enact.Int(1), enact.Int(2)}}, enact.ErrInvalid},
		{"a value for Exists", enact.Filter{Op: driver.OpExists, Key: "f", Values: []enact.Value{enact.Int(1)}}, enact.ErrInvalid},
		{"a negation of nothing", enact.Filter{Op: driver.OpNot}, enact.ErrInvalid},
		{"a negation of two", enact.Filter{Op: driver.OpNot, Filters: []enact.Filter{{}, {}}}, enact.ErrInvalid},
		{"filters inside a comparison", enact.Filter{Op: driver.OpEq, Key: "f", Values: []enact.Value{enact.Int(1)}, Filters: []enact.Filter{{}}}, enact.ErrInvalid},
		{"a key without an operator", enact.Filter{Key: "f"}, enact.ErrInvalid},
		{"a key for And", enact.Filter{Op: driver.OpAnd, Key: "f"}, enact.ErrInvalid},
		{"a key in invalid UTF-8", enact.Exists("\xff"), enact.ErrInvalid},
		{"a value in invalid UTF-8", enact.Eq("f", enact.String("\xff")), enact.ErrInvalid},
		{"not a number", enact.Eq("f", enact.Float(math.NaN())), enact.ErrInvalid},
		{"not a number among values", enact.In("f", enact.Int(1), enact.Float(math.NaN())), enact.ErrInvalid},
		{"less than null", enact.Lt("f", enact.Null()), enact.ErrInvalid},
		{"at least true", enact.Gte("f", enact.Bool(true)), enact.ErrInvalid},
		{"too many conditions", enact.And(slices.Repeat([]enact.Filter{enact.Exists("f")}, driver.MaxFilterNodes)...), enact.ErrTooLarge},
		{"too many values", enact.In("f", slices.Repeat([]enact.Value{enact.Int(1)}, driver.MaxFilterNodes)...), enact.ErrTooLarge},
		{"too many levels", tooDeep, enact.ErrTooLarge},
	}
	onEach(t, everyBackend, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		mustUpsert(f, f.tenant(), "c", at("a", 1))
		for _, c := range cases {
			q := nearest(1, 1)
			q.Filter = c.filter
			_, err := f.tenant().Vectors.Search(f.ctx, "c", q)
			mustFail(f, "searching with "+c.name, err, c.want)
		}
	})
}

// TestV5FilteredSearchIsFull: the documents that match are the farthest ones, and
// few among many.
func TestV5FilteredSearchIsFull(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for _, metric := range []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean} {
			name := string(metric)
			mustEnsure(f, f.tenant(), name, 2, metric)
			var docs []enact.Document
			for i := range 420 {
				doc := enact.Document{ID: fmt.Sprintf("near %04d", i), Metadata: []byte(`{"kind":"near"}`), Embedding: []float32{1, float32(i) / 1e4}}
				if i%70 == 0 {
					doc = enact.Document{ID: fmt.Sprintf("far %04d", i), Metadata: []byte(`{"kind":["far"]}`), Embedding: []float32{-1, float32(i+1) / 1e4}}
				}
				docs = append(docs, doc)
			}
			mustUpsert(f, f.tenant(), name, docs...)
			for _, limit := range []int{1, 5, 6, 7, 1000} {
				q := nearest(limit, 1, 0)
				q.Filter = enact.Eq("kind", enact.String("far"))
				if got, want := len(mustSearch(f, f.tenant(), name, q)), min(limit, 6); got != want {
					f.Errorf("%s: 6 documents match, %d were asked for, and %d came", metric, limit, got)
				}
			}
		}
	})
}

func TestV6MinScoreAndLimit(t *testing.T) {
	score := func(s float64) *float64 { return &s }
	onEach(t, everyBackend, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		mustUpsert(f, f.tenant(), "c", at("-2", -2), at("-1", -1), at("0", 0), at("1", 1), at("2", 2), at("2 again", 2))
		for _, c := range []struct {
			min   *float64
			limit int
			want  []string
		}{
			{nil, 100, []string{"2", "2 again", "1", "0", "-1", "-2"}},
			{score(math.Inf(-1)), 100, []string{"2", "2 again", "1", "0", "-1", "-2"}},
			{score(0), 100, []string{"2", "2 again", "1", "0"}},
			{score(math.Copysign(0, -1)), 100, []string{"2", "2 again", "1", "0"}},
			{score(math.SmallestNonzeroFloat64), 100, []string{"2", "2 again", "1"}},
			{score(2), 100, []string{"2", "2 again"}},
			{score(math.Nextafter(2, 3)), 100, nil},
			{score(-1), 4, []string{"2", "2 again", "1", "0"}},
			{score(1), 1, []string{"2"}},
			{score(math.Inf(1)), 100, nil},
			{nil, 1, []string{"2"}},
			{nil, 2, []string{"2", "2 again"}},
			{nil, driver.MaxResults, []string{"2", "2 again", "1", "0", "-1", "-2"}},
		} {
			q := nearest(c.limit, 1)
			q.MinScore = c.min
			doing := fmt.Sprintf("a search for %d without a minimum", c.limit)
			if c.min != nil {
				doing = fmt.Sprintf("a search for %d with a minimum of %v", c.limit, *c.min)
			}
			mustFind(f, doing, f.tenant(), "c", q, c.want...)
		}
		q := nearest(1, 1)
		q.MinScore = score(math.NaN())
		_, err := f.tenant().Vectors.Search(f.ctx, "c", q)
		mustFail(f, "searching with a minimum that is no number", err, enact.ErrInvalid)
	})
}

func TestV6BadQueries(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	onEach(t, everyBackend, func(f *fixture) {
		for _, metric := range []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean} {
			mustEnsure(f, f.tenant(), string(metric), 2, metric)
			mustUpsert(f, f.tenant(), string(metric), at("a", 1, 1))
			bad := [][]float32{nil, {1}, {1, 2, 3}, {nan, 1}, {1, inf}}
			if metric == enact.Cosine {
				bad = append(bad, []float32{0, 0})
			}
			for _, embedding := range bad {
				_, err := f.tenant().Vectors.Search(f.ctx, string(metric), nearest(1, embedding...))
				mustFail(f, fmt.Sprintf("searching by %s for %v", metric, embedding), err, enact.ErrInvalid)
			}
		}
	})
}

func TestV6OnlyTheFieldsAskedForComeBack(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 2, enact.Dot)
		doc := enact.Document{ID: "a", Content: "content", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2}}
		mustUpsert(f, f.tenant(), "c", doc)
		for bits := range 8 {
			q := nearest(1, 1, 1)
			q.Fields = enact.Fields{Content: bits&1 != 0, Metadata: bits&2 != 0, Embedding: bits&4 != 0}
			want := enact.Match{Document: enact.Document{ID: "a"}, Score: 3}
			if q.Fields.Content {
				want.Content = doc.Content
			}
			if q.Fields.Metadata {
				want.Metadata = doc.Metadata
			}
			if q.Fields.Embedding {
				want.Embedding = doc.Embedding
			}
			for _, filter := range []enact.Filter{{}, enact.Exists("a")} {
				q.Filter = filter
				mustEqual(f, fmt.Sprintf("the match with %+v", q.Fields), mustSearch(f, f.tenant(), "c", q), []enact.Match{want})
			}
		}
	})
}

func TestV7DocumentsComeBackAsTheyWere(t *testing.T) {
	metadata := map[string]string{
		"empty":    `{}`,
		"nested":   `{"a":{"b":[1,2,{"c":null}],"":false},"é":"e\u0301"}`,
		"numbers":  `{"big":9007199254740993,"huge":123456789012345678901234567890,"e":1e400,"z":-0.0,"f":0.1}`,
		"spaced":   " {\n\t\"a\" : 1 } ",
		"escapes":  `{"a":"\u0000\u2028<&>\"\\\/\ud83d\ude00"}`,
		"sql":      `{"'; DROP TABLE documents; --":"' OR '1'='1"}`,
		"like one": `{"id":"x","content":"y","embedding":[1]}`,
	}
	onEach(t, sharedBackends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 3, enact.Dot)
		docs := map[string]enact.Document{}
		for name, m := range metadata {
			docs["metadata "+name] = enact.Document{ID: "metadata " + name, Metadata: json.RawMessage(m)}
		}
		for name, content := range anyBytes {
			docs["content "+name] = enact.Document{ID: "content " + name, Content: string(content), Metadata: []byte("{}")}
		}
		for _, id := range nastyIDs {
			docs[id] = enact.Document{ID: id, Content: id, Metadata: []byte("{}")}
		}
		i := 0
		for id, doc := range docs {
			doc.Embedding = [][]float32{{1, 2, 3}, {0.1, -0.1, math.SmallestNonzeroFloat32}, {math.MaxFloat32, -math.MaxFloat32, float32(math.Copysign(0, -1))}, {16777217, 1e-40, 1.0 / 3}}[i%4]
			docs[id] = doc
			i++
			mustUpsert(f, f.tenant(), "c", doc)
		}
		check := func(got, want enact.Document) {
			f.Helper()
			mustEqual(f, fmt.Sprintf("the metadata of %q as JSON", want.ID), asJSON(f, got.Metadata), asJSON(f, want.Metadata))
			got.Metadata, want.Metadata = nil, nil
			mustEqual(f, fmt.Sprintf("the bits of the embedding of %q", want.ID), idsOf(got.Embedding, math.Float32bits), idsOf(want.Embedding, math.Float32bits))
			mustEqual(f, fmt.Sprintf("document %q", want.ID), got, want)
		}
		f.reopen()
		for id, want := range docs {
			got, err := f.tenant().Vectors.Get(f.ctx, "c", id)
			must(f, fmt.Sprintf("getting document %q", id), err)
			check(got, want)
		}
		matches := mustSearch(f, f.tenant(), "c", enact.Query{Embedding: []float32{1, 1, 1}, Limit: 1000, Fields: enact.Fields{Content: true, Metadata: true, Embedding: true}})
		mustEqual(f, "the number of documents found", len(matches), len(docs))
		for _, m := range matches {
			check(m.Document, docs[m.ID])
		}
	})
}

// asJSON is a value that is equal for equal JSON.
func asJSON(t testing.TB, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	must(t, fmt.Sprintf("reading %q", raw), dec.Decode(&v))
	return v
}

func TestV7Delete(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustEnsure(f, tenant, "c", 1, enact.Dot)
		mustEnsure(f, tenant, "C", 1, enact.Dot)
		for i, id := range []string{"a", "A", "a ", "b", "c"} {
			mustUpsert(f, tenant, "c", enact.Document{ID: id, Metadata: []byte(`{"x":1}`), Embedding: []float32{float32(-i)}})
			mustUpsert(f, tenant, "C", at(id, 1))
		}
		filtered := nearest(9, 1)
		filtered.Filter = enact.Eq("x", enact.Int(1))
		check := func(doing string, want ...string) {
			f.Helper()
			mustCount(f, tenant, "c", uint64(len(want)))
			mustFind(f, "a search after "+doing, tenant, "c", nearest(9, 1), want...)
			mustFind(f, "a filtered search after "+doing, tenant, "c", filtered, want...)
		}
		check("nothing", "a", "A", "a ", "b", "c")
		must(f, "deleting what is missing", tenant.Vectors.Delete(f.ctx, "c", "unknown", "B"))
		check("deleting what is missing", "a", "A", "a ", "b", "c")
		mustFail(f, "deleting with a bad ID behind a good one", tenant.Vectors.Delete(f.ctx, "c", "a", ""), enact.ErrInvalid)
		check("a deletion that was refused", "a", "A", "a ", "b", "c")
		must(f, "deleting one, twice in one call, and a missing one", tenant.Vectors.Delete(f.ctx, "c", "a", "unknown", "a", "b"))
		check("a deletion", "A", "a ", "c")
		for _, id := range []string{"a", "b"} {
			_, err := tenant.Vectors.Get(f.ctx, "c", id)
			mustFail(f, "getting a deleted document", err, enact.ErrNotFound)
		}
		f.reopen()
		tenant = f.tenant()
		check("reopening", "A", "a ", "c")
		must(f, "deleting again", tenant.Vectors.Delete(f.ctx, "c", "a"))
		mustUpsert(f, tenant, "c", enact.Document{ID: "a", Metadata: []byte(`{"x":1.0}`), Embedding: []float32{-9}})
		check("upserting a deleted document", "A", "a ", "c", "a")
		mustCount(f, tenant, "C", 5)
	})
}

// TestV7SeenByOtherHandles: what one handle writes the other finds, though it has
// searched before.
func TestV7SeenByOtherHandles(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		writer, reader := f.tenant(), f.open().Tenant("acme")
		mustEnsure(f, writer, "c", 2, enact.Dot)
		q := nearest(9, 1, 0)
		filtered := q
		filtered.Filter = enact.Eq("kind", enact.String("new"))
		check := func(doing string, all, matching []string) {
			f.Helper()
			for _, tenant := range []*enact.Tenant{reader, writer} {
				mustFind(f, "a search after "+doing, tenant, "c", q, all...)
				mustFind(f, "a filtered search after "+doing, tenant, "c", filtered, matching...)
			}
		}
		check("nothing", nil, nil)
		mustUpsert(f, writer, "c", at("a", 3, 0), at("b", 2, 0), at("c", 1, 0))
		check("an upsert", []string{"a", "b", "c"}, nil)
		mustUpsert(f, writer, "c", enact.Document{ID: "c", Metadata: []byte(`{"kind":"new"}`), Embedding: []float32{9, 0}})
		check("a replacement", []string{"c", "a", "b"}, []string{"c"})
		mustUpsert(f, reader, "c", enact.Document{ID: "c", Metadata: []byte(`{"kind":"newer"}`), Embedding: []float32{9, 0}})
		check("a replacement of metadata only, by the reader", []string{"c", "a", "b"}, nil)
		must(f, "deleting", writer.Vectors.Delete(f.ctx, "c", "a"))
		check("a deletion", []string{"c", "b"}, nil)
		must(f, "deleting", writer.Vectors.Delete(f.ctx, "c", "c"))
		mustUpsert(f, writer, "c", at("d", 5, 0)) // in the place that has become free
		check("a deletion and an upsert", []string{"d", "b"}, nil)
		must(f, "deleting", writer.Vectors.Delete(f.ctx, "c", "b", "d"))
		check("deleting all", nil, nil)
		mustUpsert(f, writer, "c", at("a", 1, 0), at("b", 2, 0))
		check("another upsert", []string{"b", "a"}, nil)

		must(f, "deleting the collection", writer.Vectors.DeleteCollection(f.ctx, "c"))
		for _, tenant := range []*enact.Tenant{reader, writer} {
			_, err := tenant.Vectors.Search(f.ctx, "c", q)
			mustFail(f, "searching a deleted collection", err, enact.ErrNotFound)
		}
		mustEnsure(f, writer, "c", 3, enact.Euclidean)
		for _, tenant := range []*enact.Tenant{reader, writer} {
			_, err := tenant.Vectors.Search(f.ctx, "c", q)
			mustFail(f, "searching with the old dimension", err, enact.ErrInvalid)
			mustFind(f, "searching the new collection", tenant, "c", nearest(9, 1, 0, 0))
		}
		mustUpsert(f, writer, "c", at("a", 5, 5, 5), at("z", 1, 0, 0))
		for _, tenant := range []*enact.Tenant{reader, writer} {
			mustFind(f, "searching the new collection after an upsert", tenant, "c", nearest(9, 1, 0, 0), "z", "a")
		}
		must(f, "deleting the collection", reader.Vectors.DeleteCollection(f.ctx, "c"))
		mustEnsure(f, reader, "c", 3, enact.Euclidean)
		for _, tenant := range []*enact.Tenant{reader, writer} {
			mustFind(f, "searching the collection made again as it was", tenant, "c", nearest(9, 1, 0, 0))
			mustCount(f, tenant, "c", 0)
		}
	})
}

// TestV7ReaderThatFellBehind searches again after more writes and deletions than
// any list of changes may hold.
func TestV7ReaderThatFellBehind(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		writer, reader := f.tenant(), f.open().Tenant("acme")
		mustEnsure(f, writer, "c", 1, enact.Dot)
		docs := func(label string, n int) (docs []enact.Document, ids []string) {
			for i := range n {
				ids = append(ids, fmt.Sprintf("%s %03d", label, i))
				docs = append(docs, at(ids[i], float32(n-i)))
			}
			return docs, ids
		}
		check := func(doing string, want []string) {
			f.Helper()
			for _, tenant := range []*enact.Tenant{reader, writer} {
				mustFind(f, "a search after "+doing, tenant, "c", nearest(1000, 1), want...)
			}
			mustCount(f, reader, "c", uint64(len(want)))
		}
		many, ids := docs("many", 700)
		mustUpsert(f, writer, "c", many...)
		check("an upsert", ids)
		for _, n := range []int{256, 257, 100} { // at, above and below what is listed of one deletion
			must(f, "deleting many at once", writer.Vectors.Delete(f.ctx, "c", ids[:n]...))
			ids = ids[n:]
			check(fmt.Sprintf("deleting %d at once", n), ids)
		}
		for i := range 140 { // more versions than are listed
			must(f, "deleting one", writer.Vectors.Delete(f.ctx, "c", fmt.Sprintf("many %03d", 699-i%60)))
			mustUpsert(f, writer, "c", at(fmt.Sprintf("many %03d", 699-i%60), float32(1+i%60)))
		}
		check("140 deletions and upserts", ids)
		must(f, "deleting one", writer.Vectors.Delete(f.ctx, "c", ids[3]))
		check("one deletion", slices.Delete(slices.Clone(ids), 3, 4))
	})
}

// TestV7SearchWhileOthersWrite: every search is true of one moment. A pair of
// documents is always written together.
func TestV7SearchWhileOthersWrite(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		mustEnsure(f, handles[0], "c", 1, enact.Dot)
		const rounds = 40
		errs := make([]error, 4)
		pair := func(n int) []enact.Document {
			metadata := fmt.Appendf(nil, `{"n":%d}`, n)
			return []enact.Document{{ID: "a", Metadata: metadata, Embedding: []float32{float32(n)}}, {ID: "b", Metadata: metadata, Embedding: []float32{float32(n)}}}
		}
		mustUpsert(f, handles[0], "c", pair(0)...)
		atOnce(4, func(w int) {
			store := handles[w%2].Vectors
			for n := range rounds {
				if w < 2 {
					errs[w] = store.Upsert(f.ctx, "c", pair(2*n+w)...)
				} else {
					errs[w] = searchPair(f, store)
				}
				if errs[w] != nil {
					return
				}
			}
		})
		must(f, "writing and searching at once", errors.Join(errs...))
	})
}

func searchPair(f *fixture, store *enact.VectorStore) error {
	result, err := store.Search(f.ctx, "c", enact.Query{Embedding: []float32{1}, Limit: 9, Fields: enact.Fields{Metadata: true, Embedding: true}, Filter: enact.Gte("n", enact.Int(0))})
	if err != nil {
		return err
	}
	m := result.Matches
	if len(m) != 2 || m[0].ID != "a" || m[1].ID != "b" || m[0].Score != m[1].Score || string(m[0].Metadata) != string(m[1].Metadata) ||
		string(m[0].Metadata) != fmt.Sprintf(`{"n":%d}`, int(m[0].Score)) || float64(m[0].Embedding[0]) != m[0].Score {
		return fmt.Errorf("a search came back as %+v; both documents, and all their fields, should be of one write", m)
	}
	return nil
}
