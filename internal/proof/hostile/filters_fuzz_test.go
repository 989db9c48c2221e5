package hostile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/proof/stores"
)

// written is a filter as an application might take it from a stranger, as JSON.
type written struct {
	Op      driver.FilterOp   `json:"op"`
	Key     string            `json:"key"`
	Values  []json.RawMessage `json:"values"`
	Filters []written         `json:"filters"`
}

func (w written) filter() enact.Filter {
	f := enact.Filter{Op: w.Op, Key: w.Key}
	for _, raw := range w.Values {
		switch scalars := driver.ScalarsOf(raw); {
		case len(scalars) != 1:
			f.Values = append(f.Values, enact.Float(math.NaN())) // which is refused
		default:
			f.Values = append(f.Values, scalars[0])
		}
	}
	for _, inner := range w.Filters {
		f.Filters = append(f.Filters, inner.filter())
	}
	return f
}

// FuzzFilter searches documents by a filter given as JSON. Both stores in memory find
// what Filter.Match selects, or refuse the filter as it does; Not finds the others.
func FuzzFilter(f *testing.F) {
	for _, metadata := range []string{`{"a":1}`, `{"a":1.0,"b":[1,"x",null],"":{}}`, `{"$.a":"'; --","a":9007199254740993}`, `{"a":null,"a":2}`, `{"a\u0000":"\ud800","é":true}`, `{"a":1e400,"b":-0.0}`, `[]`, `{`, "{\"a\":\"\xff\"}"} {
		for _, filter := range []string{
			`{}`, `{"op":"eq","key":"a","values":[1]}`, `{"op":"ne","key":"a","values":[null]}`, `{"op":"in","key":"b","values":["x",1e400]}`, `{"op":"lt","key":"a","values":[9007199254740992.0]}`,
			`{"op":"gte","key":"a","values":[true]}`, `{"op":"exists","key":""}`, `{"op":"not","filters":[{"op":"or","filters":[]}]}`, `{"op":"and","filters":[{"op":"exists","key":"a"},{"op":"lte","key":"$.a","values":["'; --"]}]}`,
			`{"op":"like","key":"a","values":["%"]}`, `{"op":"eq","key":"a","values":[[1]]}`, `{"op":"eq","key":"a\u0000","values":["\ud800"]}`,
		} {
			f.Add([]byte(filter), []byte(metadata), []byte(`{"a":"x","b":2}`))
		}
	}
	for _, op := range []driver.FilterOp{driver.OpEq, driver.OpNe, driver.OpIn, driver.OpLt, driver.OpLte, driver.OpGt, driver.OpGte} {
		for _, value := range []string{`1`, `1.5`, `"x"`, `"'; --"`, `9007199254740993`} {
			f.Add(fmt.Appendf(nil, `{"op":%q,"key":"a","values":[%s]}`, op, value), []byte(`{"a":[1,"x"]}`), []byte(`{"a":`+value+`}`))
		}
	}
	var open []*enact.VectorStore
	for _, target := range stores.InMemory() {
		open = append(open, target.Open(f, target.DSN(f)).Tenant("acme").Vectors)
	}
	for _, s := range open {
		if err := s.EnsureCollection(f.Context(), enact.Collection{Name: "c", Dimension: 1, Metric: enact.Dot}); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, filterJSON, first, second []byte) {
		var w written
		if dec := json.NewDecoder(bytes.NewReader(filterJSON)); dec.Decode(&w) != nil || !errors.Is(dec.Decode(&struct{}{}), io.EOF) {
			return // no filter
		}
		filter := w.filter()
		valid := filter.Validate()
		if valid != nil && !errors.Is(valid, enact.ErrInvalid) && !errors.Is(valid, enact.ErrTooLarge) {
			t.Fatalf("the filter is refused with %v", valid)
		}
		var want, others string
		var docs []enact.Document
		for i, metadata := range [][]byte{first, second} {
			fields, err := driver.ParseMetadata(metadata)
			if err != nil {
				continue
			}
			doc := enact.Document{ID: fmt.Sprint(i), Metadata: metadata, Embedding: []float32{1}}
			docs = append(docs, doc)
			if valid == nil && filter.Match(fields) {
				want += doc.ID
			} else {
				others += doc.ID
			}
		}
		for i, s := range open {
			if err := s.Delete(t.Context(), "c", "0", "1"); err != nil {
				t.Fatal(err)
			}
			if err := s.Upsert(t.Context(), "c", docs...); err != nil {
				t.Fatal(err)
			}
			found, err := search(t, s, filter)
			switch {
			case valid != nil:
				if err == nil || err.Error() != valid.Error() {
					t.Errorf("store %d answers an invalid filter with %q, error %v; it should be %v", i, found, err, valid)
				}
				continue
			case err != nil || found != want:
				t.Errorf("store %d finds %q, error %v; the filter selects %q", i, found, err, want)
			}
			negated := enact.Not(filter)
			if negated.Validate() != nil {
				continue // too deep
			}
			if found, err := search(t, s, negated); err != nil || found != others {
				t.Errorf("store %d finds %q with Not, error %v; the others are %q", i, found, err, others)
			}
		}
	})
}

func search(t *testing.T, s *enact.VectorStore, filter enact.Filter) (ids string, err error) {
	result, err := s.Search(t.Context(), "c", enact.Query{Embedding: []float32{1}, Limit: 9, Filter: filter})
	for _, m := range result.Matches {
		ids += m.ID
	}
	return ids, err
}
