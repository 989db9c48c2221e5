package sqlite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// metadataOf returns metadata with every kind of field, or none.
func metadataOf(r *rand.Rand) []byte {
	return []byte([]string{
		`{}`, fmt.Sprintf(`{"n":%d}`, r.IntN(20)), fmt.Sprintf(`{"n":%d.5,"s":"%c"}`, r.IntN(20), 'a'+r.IntN(5)), `{"n":3.0}`, `{"n":9007199254740993}`, `{"n":9007199254740992.0}`, `{"n":1e400}`,
		`{"n":-9223372036854775808}`, `{"n":9223372036854775807}`, `{"n":-0.0}`, `{"n":[3,3.0,3]}`,
		`{"n":null,"s":"é"}`, `{"n":true}`, `{"n":false,"s":""}`, `{"n":[1,7,"b",null,[3]],"s":["a","c"]}`, `{"n":{},"s":[]}`, `{"n":"3","s":"b\u0000"}`,
	}[r.IntN(17)])
}

// filtersOnManyRows select many rows, few and none.
func filtersOnManyRows() []driver.Filter {
	n := func(i int64) driver.Value { return driver.Int(i) }
	filters := []driver.Filter{
		driver.Gte("n", n(0)), driver.Lt("n", n(12)), driver.Lte("n", driver.Float(3)), driver.Gt("n", n(9007199254740992)), driver.Eq("n", n(3)), driver.Eq("n", driver.Float(9007199254740992)),
		driver.Ne("n", n(3)), driver.Ne("s", driver.String("a")), driver.Exists("n"), driver.Exists("s"), driver.Exists("other"), driver.Not(driver.Exists("s")),
		driver.In("n", n(1), n(2), driver.String("b"), driver.Null(), driver.Bool(true)), driver.In("n"), driver.Eq("n", driver.Null()), driver.Eq("n", driver.Bool(false)),
		driver.Lt("n", n(math.MinInt64)), driver.Lte("n", n(math.MinInt64)), driver.Gt("n", n(math.MinInt64)), driver.Gt("n", n(math.MaxInt64)), driver.Lt("n", n(math.MaxInt64)), driver.Gte("n", n(math.MaxInt64)),
		driver.Gte("s", driver.String("")), driver.Lt("s", driver.String("c")), driver.And(), driver.Or(),
	}
	for _, f := range slices.Clone(filters) {
		filters = append(filters, driver.Not(driver.Not(f))) // which no index answers
	}
	return append(filters,
		driver.In("s", driver.String("a"), driver.String("c")), driver.And(driver.Eq("s", driver.String("b")), driver.Gte("n", n(10))),
		driver.And(driver.Exists("other"), driver.Exists("n")),
		driver.And(driver.Gte("n", n(0)), driver.Not(driver.Eq("s", driver.String("a")))),
		driver.Or(driver.Eq("n", n(7)), driver.Ne("s", driver.String("b")), driver.And(driver.Exists("n"), driver.Lt("n", n(5)))),
	)
}

// TestColumnsSelectWhatFiltersSelect: where the index would find many rows, copies of
// the fields are looked through, and these follow every write.
func TestColumnsSelectWhatFiltersSelect(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b, other := open(t, dsnFor(path)), open(t, dsnFor(path))
	s, writer := b.Tenant("t").Vectors, other.Tenant("t").Vectors // as another process would
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 2, Metric: driver.Dot}))
	r := rand.New(rand.NewPCG(1, 2))
	stored := map[string]driver.Document{}
	upsert := func(from, to int) {
		var docs []driver.Document
		for i := from; i < to; i++ {
			d := driver.Document{ID: fmt.Sprint(i), Metadata: metadataOf(r), Embedding: []float32{1, float32(i)}}
			docs, stored[d.ID] = append(docs, d), d
		}
		testkit.Check(t, writer.Upsert(t.Context(), "c", docs))
	}
	check := func(when string) {
		t.Helper()
		for _, f := range filtersOnManyRows() {
			var want, got []string
			for id, d := range stored {
				fields, err := driver.ParseMetadata(d.Metadata)
				testkit.Check(t, err)
				if f.Match(fields) {
					want = append(want, id)
				}
			}
			result, err := s.Search(t.Context(), "c", driver.Query{Embedding: []float32{1, 1}, Limit: driver.MaxResults, Filter: f})
			testkit.Check(t, err)
			for _, m := range result.Matches {
				got = append(got, m.ID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: the filter %+v selects %d documents, want %d", when, f, len(got), len(want))
			}
		}
	}
	upsert(0, 5*indexedRows)
	for range 2 {
		testkit.Must(s.Search(t.Context(), "c", driver.Query{Embedding: []float32{1, 1}, Limit: 1, Filter: driver.Eq("s", driver.String("é"))}))(t)
	}
	if columns := b.matrices.byKey[1].columns; columns != nil {
		t.Errorf("%d columns were made for a filter that the index answers", len(columns))
	}
	check("at first")
	if columns := b.matrices.byKey[1].columns; !columns.have([]string{"n", "s"}) {
		t.Errorf("the columns are %v; the filters should have needed n and s", len(columns))
	}
	upsert(100, 300) // with other metadata
	check("after replacing")
	var gone []string
	for i := 0; i < 5*indexedRows; i += 3 {
		gone = append(gone, fmt.Sprint(i))
		delete(stored, fmt.Sprint(i))
	}
	testkit.Check(t, writer.Delete(t.Context(), "c", gone))
	check("after deleting")
	upsert(5*indexedRows, 6*indexedRows)
	check("after adding")
	if columns := b.matrices.byKey[1].columns; !columns.have([]string{"n", "s"}) {
		t.Error("the columns are gone; they should have followed the writes")
	}
}

// TestReadersMakeNoColumns: who has the matrix for reading only must come again.
func TestReadersMakeNoColumns(t *testing.T) {
	t.Parallel()
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t").Vectors
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 1, Metric: driver.Dot}))
	testkit.Check(t, s.Upsert(t.Context(), "c", []driver.Document{{ID: "one", Metadata: []byte(`{}`), Embedding: []float32{1}}}))
	testkit.Must(s.Search(t.Context(), "c", driver.Query{Embedding: []float32{1}, Limit: 1}))(t)
	m := b.matrices.byKey[1]
	for _, mayChange := range []bool{false, true} {
		testkit.Check(t, b.reading(t.Context(), func(c *conn) error {
			_, done, err := m.selected(t.Context(), c, 1, driver.Ne("x", driver.Null()), mayChange)
			if done != mayChange || (m.columns != nil) != mayChange {
				t.Errorf("may the matrix change: %v; the filter was answered: %v; there are columns: %v", mayChange, done, m.columns != nil)
			}
			return err
		}))
	}
}

// TestFilteredSearchSeesOneMoment: while another handle replaces all documents at
// once, a filter that needs columns selects all of them or none.
func TestFilteredSearchSeesOneMoment(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	s, writer := open(t, dsnFor(path)).Tenant("t").Vectors, open(t, dsnFor(path)).Tenant("t").Vectors
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 2, Metric: driver.Dot}))
	const versions = 40
	docs := make([]driver.Document, 2*indexedRows)
	upsert := func(version int) error {
		for i := range docs {
			docs[i] = driver.Document{ID: fmt.Sprint(i), Metadata: fmt.Appendf(nil, `{"version":%d}`, version), Embedding: []float32{1, float32(i)}}
		}
		return writer.Upsert(t.Context(), "c", docs)
	}
	testkit.Check(t, upsert(0))
	var latest atomic.Int64 // that was written for certain
	var searchers sync.WaitGroup
	for range 3 {
		searchers.Go(func() {
			for version := int64(0); version < versions-1; version = latest.Load() {
				for _, f := range []driver.Filter{driver.Eq("version", driver.Int(version)), driver.Gt("version", driver.Int(version)), driver.Ne("version", driver.Int(version))} {
					result, err := s.Search(t.Context(), "c", driver.Query{Embedding: []float32{1, 1}, Limit: driver.MaxResults, Filter: f})
					if err != nil {
						t.Error(err)
						return
					}
					if n := len(result.Matches); n != 0 && n != len(docs) {
						t.Errorf("version %s %v selects %d documents of %d, which never was so", f.Op, version, n, len(docs))
					}
				}
			}
		})
	}
	for version := range versions {
		testkit.Check(t, upsert(version))
		latest.Store(int64(version))
	}
	testkit.Within(t, "searching", searchers.Wait)
}

// TestColumnsAreBounded: fields with long texts, many of them, and texts that change
// all the time take no more memory than there is for them, and are filtered by all
// the same.
func TestColumnsAreBounded(t *testing.T) {
	t.Parallel()
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t").Vectors
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 2, Metric: driver.Dot}))
	docs := make([]driver.Document, 2*indexedRows)
	const fields = 6 // of a quarter of the memory
	upsert := func(round int) {
		text := func(document, field, of int) string {
			return fmt.Sprintf("%d of %d, %d: %s", field, document, round, strings.Repeat("x", columnsBytes/of/len(docs)))
		}
		for i := range docs {
			metadata := fmt.Appendf(nil, `{"large":"%s"`, text(i, fields, 1))
			for field := range fields {
				metadata = fmt.Appendf(metadata, `,"%d":"%s"`, field, text(i, field, 4))
			}
			docs[i] = driver.Document{ID: fmt.Sprint(i), Metadata: append(metadata, '}'), Embedding: []float32{1, float32(i)}}
		}
		testkit.Check(t, s.Upsert(t.Context(), "c", docs))
	}
	check := func(f driver.Filter, want int) {
		t.Helper()
		result, err := s.Search(t.Context(), "c", driver.Query{Embedding: []float32{1, 1}, Limit: driver.MaxResults, Filter: f})
		testkit.Check(t, err)
		if len(result.Matches) != want {
			t.Errorf("a filter on %v selects %d documents, want %d", fieldsOf(f), len(result.Matches), want)
		}
		m := b.matrices.byKey[1]
		if n := m.columns.bytes(); n > m.columnsBudget() {
			t.Errorf("after a filter on %v the columns take %d bytes, want at most %d", fieldsOf(f), n, m.columnsBudget())
		}
	}
	for round := range 5 {
		upsert(round)
		check(driver.Gte("large", driver.String("")), len(docs))
		if column, known := b.matrices.byKey[1].columns["large"]; column != nil || !known {
			t.Error("the large field is copied, or it is forgotten that it is too large")
		}
		for field := range fields {
			check(driver.Lt(fmt.Sprint(field), driver.String("~")), len(docs))
			check(driver.And(driver.Ne(fmt.Sprint(field), driver.Null()), driver.Exists("large")), len(docs))
		}
		check(driver.Ne("other", driver.Null()), len(docs))
	}
}
