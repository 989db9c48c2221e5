package drivertest

import (
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

// tableDocs are the metadata of documents, by ID.
var tableDocs = map[string]string{
	"missing":     `{}`,
	"other key":   `{"F":1,"ff":1," f":1,"f ":1,"":1,"g":{"f":1}}`,
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
	"0.1":         `{"f":0.1}`,
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
	"s a space":   `{"f":"a "}`,
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
	"escaped key": `{"\u0066":11}`,
	"spaced":      " { \"f\" :\n\t 9 } ",
}

type tableRow struct {
	filter driver.Filter
	want   []string
}

// filterRows is what each filter selects of tableDocs.
func filterRows() []tableRow {
	var (
		all       = idsOf(fields(tableDocs), func(d driver.Document) string { return d.ID })
		numbers   = []string{"-0.0", "-1e400", "-2^63", "-3", "0", "0.1", "1", "1.0", "1.5", "10e-1", "1e400", "2^53", "2^53 float", "2^53+1", "2^63", "2^63-1", "escaped key", "list", "list 0 2", "list same", "mixed list", "spaced", "twice"}
		strs      = []string{"list", "s 1", "s A", "s NUL", "s U+FFFF", "s a", "s a escaped", "s a space", "s b", "s emoji", "s empty", "s nfc", "s nfd", "s null", "s true"}
		notAbove0 = []string{"-0.0", "-1e400", "-2^63", "-3", "0", "list 0 2"}
		ones      = []string{"1", "1.0", "10e-1", "list"}
		below1    = append([]string{"0.1"}, notAbove0...)
		upTo1     = append(ones[:4:4], below1...)
		above2p53 = []string{"1e400", "2^53+1", "2^63", "2^63-1"}
		without   = func(all []string, ids ...string) []string {
			return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(ids, id) })
		}
		eq  = driver.Eq
		num = driver.Int
		flt = driver.Float
		str = driver.String
		inf = math.Inf(1)
	)
	return []tableRow{
		{driver.Exists("f"), without(all, "missing", "other key")},
		{driver.Exists("F"), []string{"other key"}},
		{driver.Exists("f "), []string{"other key"}},
		{driver.Exists(""), []string{"other key"}},
		{driver.Exists("nowhere"), nil},
		{eq("nowhere", driver.Null()), nil},
		{eq("", num(1)), []string{"other key"}},
		{eq("g.f", num(1)), nil},
		{driver.Exists("g"), []string{"other key"}},

		{eq("f", driver.Null()), []string{"list", "null"}},
		{eq("f", driver.Bool(true)), []string{"list", "true"}},
		{eq("f", driver.Bool(false)), []string{"false"}},
		{eq("f", num(0)), []string{"-0.0", "0", "list 0 2"}},
		{eq("f", flt(math.Copysign(0, -1))), []string{"-0.0", "0", "list 0 2"}},
		{eq("f", num(1)), ones},
		{eq("f", flt(1)), ones},
		{eq("f", flt(1.5)), []string{"1.5"}},
		{eq("f", flt(0.1)), []string{"0.1"}},
		{eq("f", flt(float64(float32(0.1)))), nil},
		{eq("f", num(2)), []string{"list 0 2", "mixed list"}},
		{eq("f", num(7)), []string{"list same"}},
		{eq("f", num(8)), []string{"twice"}},
		{eq("f", num(9)), []string{"spaced"}},
		{eq("f", num(11)), []string{"escaped key"}},
		{eq("f", num(1<<53)), []string{"2^53", "2^53 float"}},
		{eq("f", flt(1<<53)), []string{"2^53", "2^53 float"}},
		{eq("f", num(1<<53+1)), []string{"2^53+1"}},
		{eq("f", num(math.MaxInt64)), []string{"2^63-1"}},
		{eq("f", flt(1<<63)), []string{"2^63"}},
		{eq("f", num(math.MinInt64)), []string{"-2^63"}},
		{eq("f", flt(-1<<63)), []string{"-2^63"}},
		{eq("f", flt(inf)), []string{"1e400"}},
		{eq("f", flt(-inf)), []string{"-1e400"}},
		{eq("f", str("")), []string{"s empty"}},
		{eq("f", str("1")), []string{"s 1"}},
		{eq("f", str("a")), []string{"list", "s a", "s a escaped"}},
		{eq("f", str("a ")), []string{"s a space"}},
		{eq("f", str("A")), []string{"s A"}},
		{eq("f", str("true")), []string{"s true"}},
		{eq("f", str("null")), []string{"s null"}},
		{eq("f", str("é")), []string{"s nfc"}},
		{eq("f", str("e\u0301")), []string{"s nfd"}},
		{eq("f", str("a\x00b")), []string{"s NUL"}},
		{eq("f", str("\U0001F600")), []string{"s emoji"}},
		{eq("f", str(`[1,"a",null,true]`)), nil},
		{eq("f", str(`{"f":1}`)), nil},
		{eq("f", str("[]")), nil},

		{driver.Lt("f", num(1)), below1},
		{driver.Lte("f", num(1)), upTo1},
		{driver.Lt("f", flt(1.25)), upTo1},
		{driver.Gt("f", num(1)), without(numbers, without(upTo1, "list 0 2")...)},
		{driver.Gte("f", flt(1)), without(numbers, without(below1, "list 0 2")...)},
		{driver.Gt("f", flt(0.5)), without(numbers, without(below1, "list 0 2")...)},
		{driver.Gt("f", num(1<<53)), above2p53},
		{driver.Gt("f", flt(1<<53)), above2p53},
		{driver.Gte("f", num(1<<53+1)), above2p53},
		{driver.Lt("f", num(1<<53+1)), without(numbers, above2p53...)},
		{driver.Gt("f", num(math.MaxInt64)), []string{"1e400", "2^63"}},
		{driver.Gte("f", flt(1<<63)), []string{"1e400", "2^63"}},
		{driver.Lt("f", flt(1<<63)), without(numbers, "1e400", "2^63")},
		{driver.Gt("f", flt(1<<63)), []string{"1e400"}},
		{driver.Lt("f", flt(-1<<63)), []string{"-1e400"}},
		{driver.Lte("f", num(math.MinInt64)), []string{"-1e400", "-2^63"}},
		{driver.Lt("f", flt(inf)), without(numbers, "1e400")},
		{driver.Lte("f", flt(inf)), numbers},
		{driver.Gt("f", flt(inf)), nil},
		{driver.Gte("f", flt(-inf)), numbers},
		{driver.Gt("f", flt(-inf)), without(numbers, "-1e400")},
		{driver.Lt("f", flt(math.SmallestNonzeroFloat64)), notAbove0},
		{driver.Gt("F", num(0)), []string{"other key"}},
		{driver.Lt("nowhere", num(0)), nil},

		{driver.Gte("f", str("")), strs},
		{driver.Gt("f", str("")), without(strs, "s empty")},
		{driver.Lt("f", str("")), nil},
		{driver.Lt("f", str("a")), []string{"s 1", "s A", "s empty"}},
		{driver.Lte("f", str("a")), []string{"list", "s 1", "s A", "s a", "s a escaped", "s empty"}},
		{driver.Gt("f", str("a")), without(strs, "list", "s 1", "s A", "s a", "s a escaped", "s empty")},
		{driver.Lt("f", str("b")), []string{"list", "s 1", "s A", "s NUL", "s a", "s a escaped", "s a space", "s empty"}},
		{driver.Gt("f", str("z")), []string{"s U+FFFF", "s emoji", "s nfc"}},
		{driver.Gt("f", str("\uffff")), []string{"s emoji"}}, // in UTF-16 it would come before
		{driver.Gte("f", str("1")), without(strs, "s empty")},

		{driver.In("f"), nil},
		{driver.In("f", num(1)), ones},
		{driver.In("f", num(0), num(1)), append([]string{"-0.0", "0", "list 0 2"}, ones...)},
		{driver.In("f", driver.Null(), driver.Bool(false), flt(2), num(2), str("b"), str("2")), []string{"false", "list", "list 0 2", "mixed list", "null", "s b"}},
		{driver.In("f", flt(inf), num(1<<53+1), num(1<<53+1)), []string{"1e400", "2^53+1"}},
		{driver.In("nowhere", driver.Null()), nil},
		{driver.In("nowhere"), nil},

		{driver.Filter{}, all},
		{driver.And(), all},
		{driver.Or(), nil},
		{driver.And(driver.Filter{}), all},
		{driver.Or(driver.Filter{}, driver.In("f")), all},
		{driver.And(driver.Or(), driver.Exists("f")), nil},
		{driver.Or(driver.And(), driver.Exists("nowhere")), all},
		{driver.And(eq("f", num(1)), eq("f", str("a"))), []string{"list"}},
		{driver.And(driver.Gte("f", num(1)), driver.Lte("f", num(1))), append([]string{"list 0 2"}, ones...)}, // an element for each
		{driver.And(driver.Gt("f", num(1)), driver.Lt("f", num(1))), []string{"list 0 2"}},
		{driver.Or(eq("f", driver.Null()), eq("f", driver.Bool(true))), []string{"list", "null", "true"}},
		{driver.And(driver.Exists("f"), driver.Not(driver.Gte("f", flt(-inf))), driver.Not(driver.Gte("f", str("")))), []string{"empty list", "false", "nested list", "null", "object", "true"}},
		{driver.And(driver.Or(eq("f", num(1)), eq("f", num(2))), driver.Not(driver.Or(eq("f", num(0)), eq("f", driver.Null())))), []string{"1", "1.0", "10e-1", "mixed list"}},
		{driver.And(driver.Not(eq("f", driver.Null())), driver.Not(driver.Exists("f"))), []string{"missing", "other key"}},
	}
}

// filterTable tries each filter, its negation and both together.
func filterTable(t *trial) {
	t.collection(t.Vectors, "c", 1, driver.Dot)
	docs := fields(tableDocs)
	all := idsOf(docs, func(d driver.Document) string { return d.ID })
	for i := 0; i < len(docs); i += 15 {
		t.upsert(t.Vectors, "c", docs[i:min(i+15, len(docs))]...)
	}
	rows, applied := filterRows(), 0
	for round, s := range t.twoViews() {
		for i, row := range rows {
			slices.Sort(row.want)
			t.mustSelect(s, "c", &applied, row.filter, row.want)
			if round > 0 {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(row.want, id) })
			negation := driver.Not(row.filter)
			t.mustSelect(s, "c", &applied, negation, others)
			switch i % 3 {
			case 0:
				t.mustSelect(s, "c", &applied, driver.Not(negation), row.want)
			case 1:
				t.mustSelect(s, "c", &applied, driver.And(driver.Exists("f"), row.filter, negation), nil)
			default:
				t.mustSelect(s, "c", &applied, driver.Or(row.filter, negation), all)
			}
			if row.filter.Op == driver.OpEq {
				ne := driver.Ne(row.filter.Key, row.filter.Values[0])
				t.mustSelect(s, "c", &applied, ne, others)
			}
		}
		t.upsert(s, "c", docs...) // replaced by the same
	}
	t.applied(applied, 4*len(rows))
}
