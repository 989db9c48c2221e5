package drivertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

var filterChecks = []check{
	{rule: "V4", name: "truth-table", why: "a filter would select other documents on this driver, and who may see what is often decided by one", role: driver.RoleVectors, run: filterTable},
	{rule: "V4", name: "literal-keys", why: "a field could not be asked for because of its name, or its name would be run as code", role: driver.RoleVectors, run: literalKeys},
	{rule: "V4", name: "literal-values", why: "a value from a stranger would be taken for a pattern or for code", role: driver.RoleVectors, run: literalValues},
	{rule: "V4", name: "large", why: "a filter that is allowed would be refused or cut", role: driver.RoleVectors, run: largeFilters},
	{rule: "V4", name: "combined", why: "a filter would select other documents on this driver as soon as it is combined with another one", role: driver.RoleVectors, run: combinedFilters},
}

// selects returns the documents of a collection that a filter selects; all of them
// have the same embedding of one dimension. ok is false where the driver says that
// it cannot apply this filter, which it may.
func (t *trial) selects(s driver.VectorStore, collection string, filter driver.Filter) (ids []string, ok bool) {
	result, err := s.Search(t.ctx, collection, driver.Query{Embedding: []float32{1}, Limit: 1000, Filter: filter})
	if errors.Is(err, driver.ErrUnsupported) {
		return nil, false
	}
	t.ok("Search with the filter "+describeFilter(filter), err)
	return idsOf(result.Matches, matchID), true
}

// mustSelect ends the check unless a filter selects these documents. It counts
// the filters that the driver could apply.
func (t *trial) mustSelect(s driver.VectorStore, collection string, applied *int, filter driver.Filter, want []string) {
	got, ok := t.selects(s, collection, filter)
	if !ok {
		return
	}
	*applied++
	if !slices.Equal(got, want) {
		t.fatal(fmt.Sprintf("Search with the filter %s: %s", describeFilter(filter), describeFaults(got, want)), shorten(got), shorten(want))
	}
}

// describeFaults says what is missing and what is too much.
func describeFaults(got, want []string) string {
	minus := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
	}
	missing, extra := minus(want, got), minus(got, want)
	if len(missing)+len(extra) == 0 {
		return "in the wrong order, or twice"
	}
	return fmt.Sprintf("missing %s, too many %s", shorten(missing), shorten(extra))
}

// applied ends the check when the driver could apply almost no filter.
func (t *trial) applied(n, all int) {
	if n < (all+9)/10 {
		t.fatal(fmt.Sprintf("searching with %d filters", all), fmt.Sprintf("all but %d are unsupported", n), "a driver that applies filters")
	}
}

// describeFilter is a filter, more or less as it is written in Go.
func describeFilter(f driver.Filter) string {
	text := filterText(f)
	if len(text) > 600 {
		text = strings.ToValidUTF8(text[:600], "") + "…"
	}
	return text
}

func filterText(f driver.Filter) string {
	var parts []string
	switch f.Op {
	case driver.OpAll:
		return "no filter"
	case driver.OpAnd, driver.OpOr, driver.OpNot:
	default:
		parts = append(parts, fmt.Sprintf("%q", f.Key))
	}
	for _, v := range f.Values {
		parts = append(parts, v.String())
	}
	for _, inner := range f.Filters {
		parts = append(parts, filterText(inner))
	}
	return string(f.Op) + "(" + strings.Join(parts, ", ") + ")"
}

// fields returns documents whose metadata are these, by ID.
func fields(metadata map[string]string) []driver.Document {
	var docs []driver.Document
	for id, m := range metadata {
		docs = append(docs, driver.Document{ID: id, Metadata: []byte(m), Embedding: []float32{1}})
	}
	slices.SortFunc(docs, func(a, b driver.Document) int { return strings.Compare(a.ID, b.ID) })
	return docs
}
