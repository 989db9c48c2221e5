package drivertest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

// literalKeys asks for fields whose names look like paths, wildcards or code.
func literalKeys(t *trial) {
	keys := slices.Concat(nastyIDs, []string{
		"", "b", "$", "$.a", "$.a.b", "a[0]", "a[*]", "a.0", "a\"b", `a\"b`, "a\x00b", "a\x00", "\x00", "value", "key", "document", "id", "content", "metadata", "embedding", "score",
		strings.Repeat("k", 3000), "f'); DELETE FROM documents; --", "a->>'b'", "@>", "{a,b}", "#", "length", "__proto__", "\u2028", "<b>", "&", "k]", "[k",
	})
	slices.Sort(keys)
	keys = slices.Compact(keys)
	number := func(i int) string { return fmt.Sprintf("%03d", i) }
	var docs []driver.Document
	for i, key := range keys {
		metadata, err := json.Marshal(map[string]any{key: i, "all": true, "nested": map[string]any{key: i}})
		t.ok("writing metadata", err)
		docs = append(docs, driver.Document{ID: number(i), Metadata: metadata, Embedding: []float32{1}})
	}
	docs = append(docs, driver.Document{ID: "paths", Metadata: []byte(`{"a":{"b":1,"c":[1]},"nested":[{"a":1}]}`), Embedding: []float32{1}})
	t.collection(t.Vectors, "c", 1, driver.Dot)
	t.upsert(t.Vectors, "c", docs...)
	applied := 0
	for i, key := range keys {
		want := []string{number(i)}
		t.mustSelect(t.Vectors, "c", &applied, driver.Eq(key, driver.Int(int64(i))), want)
		if key == "a" {
			want = append(want, "paths")
		}
		if i%2 == 0 || key == "a" {
			t.mustSelect(t.Vectors, "c", &applied, driver.Exists(key), want)
		}
		if i%5 == 0 {
			t.mustSelect(t.Vectors, "c", &applied, driver.And(driver.Gte(key, driver.Int(int64(i))), driver.Ne(key, driver.Int(-1)), driver.In(key, driver.Int(int64(i)), driver.Null())), []string{number(i)})
		}
	}
	t.applied(applied, len(keys))
	info, err := t.Vectors.GetCollection(t.ctx, "c")
	t.ok("GetCollection", err)
	equal(t, "the count after searching by awkward keys", info.Count, uint64(len(docs)))
}

// literalValues asks for strings that look like patterns or code.
func literalValues(t *trial) {
	values := slices.Concat(nastyIDs, []string{"", "a\x00", "\x00", "nobody", "a%", "%a%", "a*", "^a", ".*", strings.Repeat("y", 3000), strings.Repeat("y", 3000) + "z", "x') OR 1=1; --", "[1]", `{"a":1}`, "undefined", "1.00", "01", "TRUE", "a b c", "new york", "New York", "york"})
	slices.Sort(values)
	values = slices.Compact(values)
	number := func(i int) string { return fmt.Sprintf("%03d", i) }
	var docs []driver.Document
	for i, value := range values {
		metadata, err := json.Marshal(map[string]any{"f": value, "l": []any{value}, "o": map[string]any{"f": value}})
		t.ok("writing metadata", err)
		docs = append(docs, driver.Document{ID: number(i), Content: value, Metadata: metadata, Embedding: []float32{1}})
	}
	t.collection(t.Vectors, "c", 1, driver.Dot)
	t.upsert(t.Vectors, "c", docs...)
	all := idsOf(docs, func(d driver.Document) string { return d.ID })
	applied := 0
	for i, value := range values {
		v := driver.String(value)
		t.mustSelect(t.Vectors, "c", &applied, driver.Eq("f", v), all[i:i+1])
		if i%8 == 0 {
			t.mustSelect(t.Vectors, "c", &applied, driver.Eq("l", v), all[i:i+1])
			t.mustSelect(t.Vectors, "c", &applied, driver.In("f", v, driver.String("nowhere")), all[i:i+1])
			t.mustSelect(t.Vectors, "c", &applied, driver.Lt("f", v), all[:i])
			t.mustSelect(t.Vectors, "c", &applied, driver.Gte("f", v), all[i:])
			t.mustSelect(t.Vectors, "c", &applied, driver.Ne("f", v), slices.Concat(all[:i], all[i+1:]))
			t.mustSelect(t.Vectors, "c", &applied, driver.Eq("o", v), nil)
		}
	}
	t.applied(applied, len(values))
}

// largeFilters has as many conditions, as many values and as many levels as are
// allowed.
func largeFilters(t *trial) {
	var eqs, nes, exists []driver.Filter
	var values []driver.Value
	for i := range driver.MaxFilterNodes - 1 {
		if i < driver.MaxFilterNodes/2-1 {
			eqs = append(eqs, driver.Eq("n", driver.Int(int64(2*i))))
			nes = append(nes, driver.Ne("n", driver.Int(int64(2*i))))
		}
		exists = append(exists, driver.Exists(fmt.Sprint("key ", i)))
		switch i % 3 {
		case 0:
			values = append(values, driver.Int(int64(i)))
		case 1:
			values = append(values, driver.Float(float64(i)))
		default:
			values = append(values, driver.String(fmt.Sprint(i)))
		}
	}
	slices.Reverse(eqs)
	slices.Reverse(values)
	deep, mixed := driver.Eq("n", driver.Int(7)), driver.Eq("n", driver.Int(7))
	for range driver.MaxFilterDepth - 1 {
		deep = driver.Not(deep)
	}
	for i := range driver.MaxFilterDepth - 1 {
		if i%2 == 0 {
			mixed = driver.Or(driver.Eq("n", driver.Int(-1)), mixed)
		} else {
			mixed = driver.And(mixed, driver.Exists("n"))
		}
	}
	number := func(n int) string { return fmt.Sprintf("%03d", n) }
	metadata := map[string]string{}
	var even, odd, notThird, but7 []string
	for n := range 60 {
		metadata[number(n)] = fmt.Sprintf(`{"n":%d}`, n)
		if n%2 == 0 {
			even = append(even, number(n))
		} else {
			odd = append(odd, number(n))
		}
		if n%3 != 2 {
			notThird = append(notThird, number(n))
		}
		if n != 7 {
			but7 = append(but7, number(n))
		}
	}
	metadata["last"] = `{"key 998":null}`
	t.collection(t.Vectors, "c", 1, driver.Dot)
	t.upsert(t.Vectors, "c", fields(metadata)...)
	applied := 0
	for _, row := range []tableRow{
		{driver.Or(eqs...), even}, {driver.And(nes...), append(odd[:len(odd):len(odd)], "last")}, {driver.In("n", values...), notThird},
		{driver.Or(exists...), []string{"last"}}, {deep, append(but7[:len(but7):len(but7)], "last")}, {deep.Filters[0], []string{"007"}}, {mixed, []string{"007"}},
	} {
		if err := row.filter.Validate(); err != nil {
			t.fatal("making a filter for this check", err.Error(), "a valid one")
		}
		t.mustSelect(t.Vectors, "c", &applied, row.filter, row.want)
	}
}

// filterKeys, filterTexts and filterValues are what random documents and filters
// are made of: values that are equal, or nearly.
var (
	filterKeys  = []string{"a", "b", "a.b", "", `"`, "é"}
	filterTexts = []string{
		"0", "-0", "-0.0", "1", "1.0", "1e0", "10e-1", "0.1", "0.10000000000000001", "0.30000000000000004", "0.3", "1E5", "100000", "1e22", "-1.5",
		"9007199254740992", "9007199254740993", "9007199254740992.0", "9007199254740993.0", "9007199254740994", "-9007199254740993",
		"9223372036854775807", "9223372036854775806", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400", "-1e400", "1e-400", "5e-324", "1e308",
		"null", "true", "false", `""`, `"a"`, `"\u0061"`, `"A"`, `"b"`, `"a\u0000"`, `"1"`, `"1.0"`, `"true"`, `"é"`, `"\u00e9"`, `"e\u0301"`, `"\ud83d\ude00"`, `"\uffff"`, `"null"`,
		`"` + strings.Repeat("x", 300) + `a"`, `"` + strings.Repeat("x", 300) + `b"`,
		"{}", `{"a":1}`, `{"a":{"b":1},"b":1}`, "[]", "[[1]]", `[{"a":1}]`, "[null]", "[true,false]", `[1,"1"]`, "[ 0.1 , 0.3 ]", `["a","b"]`, "[9007199254740993]", "[[],1.0]", `["b",-1.5,null]`,
	}
	filterValues = []driver.Value{
		driver.Null(), driver.Bool(true), driver.Bool(false), driver.Int(0), driver.Float(0), driver.Float(math.Copysign(0, -1)), driver.Int(1), driver.Float(1), driver.Float(0.1), driver.Float(0.3), driver.Float(0.1 + 0.2), driver.Int(100000), driver.Float(1e5), driver.Float(1e22), driver.Float(-1.5),
		driver.Int(1 << 53), driver.Int(1<<53 + 1), driver.Int(-1<<53 - 1), driver.Float(1 << 53), driver.Float(1<<53 + 2), driver.Int(math.MaxInt64), driver.Int(math.MaxInt64 - 1), driver.Int(math.MinInt64), driver.Float(1 << 63), driver.Float(-1 << 63), driver.Float(1 << 64),
		driver.Float(math.Inf(1)), driver.Float(math.Inf(-1)), driver.Float(5e-324), driver.Float(math.MaxFloat64),
		driver.String(""), driver.String("a"), driver.String("A"), driver.String("b"), driver.String("a\x00"), driver.String("1"), driver.String("1.0"), driver.String("true"), driver.String("é"), driver.String("e\u0301"), driver.String("\U0001F600"), driver.String("\uffff"), driver.String("null"), driver.String("[]"),
		driver.String(strings.Repeat("x", 300) + "a"), driver.String(strings.Repeat("x", 300) + "b"), driver.String(strings.Repeat("x", 300)),
	}
)

func oneOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// randomMetadata has any of the keys, sometimes twice.
func randomMetadata(r *rand.Rand) string {
	var parts []string
	for range r.IntN(5) {
		key, _ := json.Marshal(oneOf(r, filterKeys))
		parts = append(parts, string(key)+oneOf(r, []string{":", " : ", "\t:\n"})+oneOf(r, filterTexts))
	}
	return "{" + strings.Join(parts, oneOf(r, []string{",", " , "})) + "}"
}

// randomFilter is valid and has at most so many levels.
func randomFilter(r *rand.Rand, levels int) driver.Filter {
	key := oneOf(r, filterKeys)
	kind := r.IntN(14)
	if levels == 1 {
		kind %= 9
	}
	inner := make([]driver.Filter, r.IntN(4))
	if kind >= 9 {
		for i := range inner {
			inner[i] = randomFilter(r, levels-1)
		}
	}
	switch kind {
	case 0, 1:
		return driver.Eq(key, oneOf(r, filterValues))
	case 2:
		return driver.Ne(key, oneOf(r, filterValues))
	case 3:
		return driver.Exists(key)
	case 4:
		values := make([]driver.Value, r.IntN(5))
		for i := range values {
			values[i] = oneOf(r, filterValues)
		}
		return driver.In(key, values...)
	case 9, 10:
		return driver.And(inner...)
	case 11, 12:
		return driver.Or(inner...)
	case 13:
		return driver.Not(randomFilter(r, levels-1))
	}
	ordered := oneOf(r, filterValues)
	for ordered.Kind() == driver.KindNull || ordered.Kind() == driver.KindBool {
		ordered = oneOf(r, filterValues)
	}
	return []func(string, driver.Value) driver.Filter{driver.Lt, driver.Lte, driver.Gt, driver.Gte}[kind-5](key, ordered)
}

// combinedFilters compares random filters on random documents with the reference.
func combinedFilters(t *trial) {
	c := t.shelf("c", 1, driver.Dot)
	metadata := map[string]string{}
	for i := range 60 {
		metadata[fmt.Sprintf("%03d", i)] = randomMetadata(t.rand)
	}
	for i, text := range filterTexts {
		metadata[fmt.Sprintf("each %03d", i)] = `{"a":` + text + `}`
	}
	docs := fields(metadata)
	c.put(t, t.Vectors, docs...)
	parsed := map[string]map[string]json.RawMessage{}
	for _, d := range docs {
		m, err := driver.ParseMetadata(d.Metadata)
		t.ok("making metadata for this check", err)
		parsed[d.ID] = m
	}
	try := func(applied *int, filter driver.Filter) {
		if err := filter.Validate(); err != nil {
			t.fatal("making a filter for this check", err.Error(), "a valid one")
		}
		var want []string
		for _, d := range docs {
			if filter.Match(parsed[d.ID]) {
				want = append(want, d.ID)
			}
		}
		t.mustSelect(t.Vectors, c.Name, applied, filter, want)
	}
	applied, n := 0, 0
	for i := range t.rounds(80, 150) {
		n++
		try(&applied, randomFilter(t.rand, 1+i%5))
	}
	t.applied(applied, n)
}
