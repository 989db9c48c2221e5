package zoo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/enactdev/enact/driver"
)

type metadata = map[string]json.RawMessage

// matcher evaluates filters, with some parts replaced.
type matcher struct {
	// before decides a filter, if ok.
	before func(m matcher, f driver.Filter, fields metadata) (match, ok bool)
	lookup func(fields metadata, key string) (json.RawMessage, bool)
	// scalars of a field, instead of driver.ScalarsOf.
	scalars func(json.RawMessage) []driver.Value
	compare func(got, want driver.Value) (order int, ok bool)
}

func (m matcher) match(f driver.Filter, fields metadata) bool {
	if m.before != nil {
		if match, ok := m.before(m, f, fields); ok {
			return match
		}
	}
	inner := func(f driver.Filter) bool { return m.match(f, fields) }
	switch f.Op {
	case driver.OpAll:
		return true
	case driver.OpAnd:
		return !slices.ContainsFunc(f.Filters, func(f driver.Filter) bool { return !inner(f) })
	case driver.OpOr:
		return slices.ContainsFunc(f.Filters, inner)
	case driver.OpNot:
		return !inner(f.Filters[0])
	case driver.OpNe:
		return !inner(driver.Eq(f.Key, f.Values[0]))
	}
	field, there := fields[f.Key]
	if m.lookup != nil {
		field, there = m.lookup(fields, f.Key)
	}
	if f.Op == driver.OpExists || !there {
		return there
	}
	scalars, compare := driver.ScalarsOf, driver.Value.Compare
	if m.scalars != nil {
		scalars = m.scalars
	}
	if m.compare != nil {
		compare = m.compare
	}
	for _, got := range scalars(field) {
		for _, want := range f.Values {
			order, ok := compare(got, want)
			if ok && map[driver.FilterOp]bool{driver.OpEq: order == 0, driver.OpIn: order == 0, driver.OpLt: order < 0, driver.OpLte: order <= 0, driver.OpGt: order > 0, driver.OpGte: order >= 0}[f.Op] {
				return true
			}
		}
	}
	return false
}

func number(v driver.Value) (float64, bool) {
	switch v.Kind() {
	case driver.KindInt:
		return float64(v.AsInt()), true
	case driver.KindFloat:
		return v.AsFloat(), true
	}
	return 0, false
}

// filters is a driver that evaluates filters so.
func filters(name, fault string, m matcher) *Broken {
	return &Broken{Name: "filter-" + name, Rule: "V4", Fault: fault, Vectors: ranks(ranking{match: m.match})}
}

// before returns a matcher that decides some filters.
func before(f func(m matcher, f driver.Filter, fields metadata) (match, ok bool)) matcher {
	return matcher{before: f}
}

// comparingAs returns a matcher that compares strings after changing them.
func comparingAs(change func(string) string) matcher {
	return matcher{compare: func(got, want driver.Value) (int, bool) {
		if got.Kind() == driver.KindString && want.Kind() == driver.KindString {
			return cmp.Compare(change(got.AsString()), change(want.AsString())), true
		}
		return got.Compare(want)
	}}
}

// unknown evaluates with three values, as SQL does.
func unknown(f driver.Filter, fields metadata) (match, known bool) {
	switch f.Op {
	case driver.OpNot:
		match, known = unknown(f.Filters[0], fields)
		return !match, known
	case driver.OpAnd, driver.OpOr:
		decisive, sure := f.Op == driver.OpOr, true
		for _, inner := range f.Filters {
			match, known := unknown(inner, fields)
			if known && match == decisive {
				return decisive, true
			}
			sure = sure && known
		}
		return !decisive, sure
	case driver.OpAll, driver.OpExists:
		return f.Match(fields), true
	}
	_, there := fields[f.Key]
	return f.Match(fields), there
}

var badFilters = []*Broken{
	filters("unknown-is-not-false", "The negation of a comparison with a missing field selects nothing, as in SQL.", before(func(_ matcher, f driver.Filter, fields metadata) (bool, bool) {
		match, known := unknown(f, fields)
		return match && known, true
	})),
	filters("null-does-not-exist", "Exists is false for null.", before(func(m matcher, f driver.Filter, fields metadata) (bool, bool) {
		return false, f.Op == driver.OpExists && string(fields[f.Key]) == "null"
	})),
	filters("numbers-as-float64", "Integers beyond 2⁵³ are rounded before they are compared.", matcher{compare: func(got, want driver.Value) (int, bool) {
		if a, ok := number(got); ok {
			if b, ok := number(want); ok {
				return cmp.Compare(a, b), true
			}
		}
		return got.Compare(want)
	}}),
	filters("strings-as-numbers", "The string 1 equals the number 1.", matcher{compare: func(got, want driver.Value) (int, bool) {
		if got.Kind() == driver.KindString && want.Kind() == driver.KindInt {
			return cmp.Compare(got.AsString(), want.String()), got.AsString() == want.String()
		}
		return got.Compare(want)
	}}),
	filters("long-strings-are-cut", "Of a string 256 bytes are compared.", comparingAs(func(s string) string { return s[:min(len(s), 256)] })),
	filters("orders-by-utf16", "Strings are ordered by their UTF-16.", matcher{compare: func(got, want driver.Value) (int, bool) {
		if got.Kind() == driver.KindString && want.Kind() == driver.KindString {
			return slices.Compare(utf16.Encode([]rune(got.AsString())), utf16.Encode([]rune(want.AsString()))), true
		}
		return got.Compare(want)
	}}),
	filters("percent-is-a-wildcard", "A % in a value matches anything.", matcher{compare: func(got, want driver.Value) (int, bool) {
		if before, after, there := strings.Cut(want.AsString(), "%"); want.Kind() == driver.KindString && got.Kind() == want.Kind() && there {
			if s := got.AsString(); strings.HasPrefix(s, before) && strings.HasSuffix(s, after) && len(s) >= len(before)+len(after) {
				return 0, true
			}
		}
		return got.Compare(want)
	}}),
	filters("lists-are-flattened", "The elements of a list in a list count.", matcher{scalars: flatScalars}),
	filters("ranges-need-one-element", "Two bounds must be met by one element of a list.", before(func(m matcher, f driver.Filter, fields metadata) (bool, bool) {
		if f.Op != driver.OpAnd || len(f.Filters) < 2 || f.Filters[0].Key == "" || slices.ContainsFunc(f.Filters, func(x driver.Filter) bool { return x.Key != f.Filters[0].Key || x.Op == driver.OpExists }) {
			return false, false
		}
		field := bytes.TrimSpace(fields[f.Filters[0].Key])
		var elements []json.RawMessage
		if json.Unmarshal(field, &elements) != nil {
			return false, false
		}
		return slices.ContainsFunc(elements, func(e json.RawMessage) bool { return f.Match(metadata{f.Filters[0].Key: e}) }), true
	})),
	filters("dots-descend", "A key with dots in it names a field inside.", matcher{lookup: func(fields metadata, key string) (json.RawMessage, bool) {
		if field, there := fields[key]; there {
			return field, true
		}
		first, rest, _ := strings.Cut(key, ".")
		inner, _ := driver.ParseMetadata(fields[first])
		field, there := inner[rest]
		return field, there
	}}),
	filters("keys-end-at-quotes", "A key ends at its first quote.", matcher{lookup: func(fields metadata, key string) (json.RawMessage, bool) {
		key, _, _ = strings.Cut(key, `"`)
		field, there := fields[key]
		return field, there
	}}),
	filters("or-of-nothing-is-all", "Or without filters selects everything.", before(func(m matcher, f driver.Filter, fields metadata) (bool, bool) {
		return true, f.Op == driver.OpOr && len(f.Filters) == 0
	})),
	filters("in-of-500", "Of more than 500 values of In the rest is ignored.", before(func(m matcher, f driver.Filter, fields metadata) (bool, bool) {
		if f.Op != driver.OpIn || len(f.Values) <= 500 {
			return false, false
		}
		f.Values = f.Values[:500]
		return m.match(f, fields), true
	})),
	filters("twenty-levels", "What is nested deeper than 20 levels is ignored.", before(func(m matcher, f driver.Filter, fields metadata) (bool, bool) {
		return true, levels(f) == 12 && f.Op != driver.OpExists
	})),
}

func levels(f driver.Filter) int {
	most := 0
	for _, inner := range f.Filters {
		most = max(most, levels(inner))
	}
	return most + 1
}

func flatScalars(field json.RawMessage) []driver.Value {
	values := driver.ScalarsOf(field)
	var elements []json.RawMessage
	json.Unmarshal(field, &elements)
	for _, e := range elements {
		if e[0] == '[' {
			values = append(values, flatScalars(e)...)
		}
	}
	return values
}
