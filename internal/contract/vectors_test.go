package contract_test

import (
	"fmt"
	"math"
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

func TestV2TooLarge(t *testing.T) {
	many := make([]enact.Document, driver.MaxBatchDocuments+1)
	ids := make([]string, driver.MaxBatchDocuments+1)
	for i := range many {
		ids[i] = fmt.Sprint(i)
		many[i] = at(ids[i], 1)
	}
	large := enact.Document{ID: "large", Content: strings.Repeat("x", driver.MaxDocumentBytes+1), Embedding: []float32{1}}
	heavy := make([]enact.Document, driver.MaxBatchBytes/driver.MaxDocumentBytes)
	for i := range heavy {
		heavy[i] = enact.Document{ID: fmt.Sprint(i), Content: large.Content[1:], Embedding: []float32{1}}
	}
	onEach(t, backends, func(f *fixture) {
		v := f.tenant().Vectors
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		mustBeTooLarge(f, "upserting too many bytes", v.Upsert(f.ctx, "c", heavy...), enact.TooLargeError{Size: driver.MaxBatchBytes + 4*len(heavy), Limit: driver.MaxBatchBytes, Unit: "bytes"})
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
	onEach(t, backends, func(f *fixture) {
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

func TestV1CollectionExists(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		for _, want := range []bool{false, true} {
			exists, err := f.tenant().Vectors.CollectionExists(f.ctx, "c")
			must(f, "CollectionExists", err)
			mustEqual(f, "whether the collection exists", exists, want)
			mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		}
	})
}

func TestV1BadCollections(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		for _, c := range []enact.Collection{
			{Name: "c", Dimension: 0, Metric: enact.Dot}, {Name: "c", Dimension: -1, Metric: enact.Dot}, {Name: "c", Dimension: driver.MaxDimension + 1, Metric: enact.Dot},
			{Name: "c", Dimension: 2}, {Name: "c", Dimension: 2, Metric: "manhattan"}, {Name: "c", Dimension: 2, Metric: "Cosine"},
		} {
			mustFail(f, fmt.Sprintf("making collection %+v", c), f.tenant().Vectors.EnsureCollection(f.ctx, c), enact.ErrInvalid)
		}
		mustEqual(f, "the number of collections", len(walk(f, "collections", 9, f.tenant().Vectors.ListCollections)), 0)
	})
}

// TestV1NothingToDo: a call without documents still needs the collection.
func TestV1NothingToDo(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		v := f.tenant().Vectors
		mustFail(f, "upserting nothing into an unknown collection", v.Upsert(f.ctx, "c"), enact.ErrNotFound)
		mustFail(f, "deleting nothing from an unknown collection", v.Delete(f.ctx, "c"), enact.ErrNotFound)
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		must(f, "upserting nothing", v.Upsert(f.ctx, "c"))
		must(f, "deleting nothing", v.Delete(f.ctx, "c"))
		mustCount(f, f.tenant(), "c", 0)
	})
}

func TestV2BadBatchesWriteNothing(t *testing.T) {
	bad := map[string][]enact.Document{
		"metadata of another type": {{ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`[]`)}},
		"metadata null":            {{ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`null`)}},
		"broken metadata":          {{ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte(`{"a":`)}},
		"metadata not in UTF-8":    {{ID: "culprit", Embedding: []float32{1, 1}, Metadata: []byte("{\"a\":\"\xff\"}")}},
		"an ID twice":              {at("culprit", 1, 1), at("culprit", 1, 1)},
		"too many dimensions":      {at("culprit", 1, 2, 3)},
	}
	onEach(t, backends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 2, enact.Cosine)
		for name, culprits := range bad {
			err := f.tenant().Vectors.Upsert(f.ctx, "c", append([]enact.Document{at("good", 1, 1)}, culprits...)...)
			mustFail(f, "upserting a batch with "+name, err, enact.ErrInvalid)
			if !strings.Contains(err.Error(), "culprit") {
				f.Errorf("upserting a batch with %s returned %q, which does not name the document", name, err)
			}
			mustCount(f, f.tenant(), "c", 0)
		}
	})
}

// TestV7DocumentsArePassedOn, and empty metadata are {}.
func TestV7DocumentsArePassedOn(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 2, enact.Dot)
		docs := []enact.Document{{ID: "a", Content: "x\x00\xff", Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2}}, at("b", 1, 1)}
		mustUpsert(f, f.tenant(), "c", docs...)
		docs[1].Metadata = []byte("{}")
		for _, want := range docs {
			got, err := f.tenant().Vectors.Get(f.ctx, "c", want.ID)
			must(f, "Get", err)
			mustEqual(f, "the document", got, want)
		}
		least := 2.5
		q := enact.Query{Embedding: []float32{1, 1}, Limit: 9, MinScore: &least, Filter: enact.Exists("a"), Fields: enact.Fields{Content: true, Metadata: true, Embedding: true}}
		mustEqual(f, "what a search finds", mustSearch(f, f.tenant(), "c", q), []enact.Match{{Document: docs[0], Score: 3}})
		q.MinScore, q.Fields = nil, enact.Fields{}
		mustEqual(f, "what a search finds without fields", mustSearch(f, f.tenant(), "c", q), []enact.Match{{Document: enact.Document{ID: "a"}, Score: 3}})
		nan := math.NaN()
		q.MinScore = &nan
		_, err := f.tenant().Vectors.Search(f.ctx, "c", q)
		mustFail(f, "searching with a minimum that is no number", err, enact.ErrInvalid)
	})
}
