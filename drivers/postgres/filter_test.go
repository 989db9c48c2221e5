package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// The values and keys that random metadata and filters are made of: equal ones,
// neighbours, and what would be code if it were not data.
var (
	someStrings = []string{"", "a", "b", "A", "\x00", "\x00\x00", "\x01", "\x01\x01", "\x02", "a\x00", "a\x01", "\x00a", "\"", `\`, `\"`, `\u0000`, "'", "$", "$.a", "@", "*", "[*]", "? (@ == 1)", "a.b", "\n", "\t\r\b\f\v", "\x1f", "\x7f", "\u0080", "\u2028", "é", "e\u0301", "\uffff", "\ufffd", "\U0001F600", "true", "null", "1", strings.Repeat("x", 3000)}
	someFloats  = []float64{0, math.Copysign(0, -1), 0.1, 0.1 + 0.2, 0.3, 1, 1.5, -1.5, 1e-7, 1e5, 1e21, 1e22, 123456789.125, 5e-324, 2.2250738585072014e-308, math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1), 1 << 53, 1<<53 - 1, 1<<53 + 2, 1 << 62, 1 << 63, -1 << 63, 1 << 64, 4503599627370496.5, 9007199254740991}
	someInts    = []int64{0, 1, -1, 2, 100000, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, -1<<53 - 1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, 4503599627370496, 4503599627370497}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func someValue(r *rand.Rand, ordered bool) driver.Value {
	kinds := 6
	if ordered {
		kinds = 4
	}
	switch r.IntN(kinds) {
	case 0:
		return driver.String(pick(r, someStrings))
	case 1:
		return driver.Float(pick(r, someFloats))
	case 2:
		return driver.Int(pick(r, someInts))
	case 3:
		return driver.Float(math.Trunc(r.NormFloat64()*10) / 8)
	case 4:
		return driver.Bool(r.IntN(2) == 0)
	}
	return driver.Null()
}

// asJSON writes a value as a program would, an infinity as what is read as one.
func asJSON(v driver.Value) string {
	switch {
	case v.Kind() == driver.KindFloat && math.IsInf(v.AsFloat(), 1):
		return "1e999"
	case v.Kind() == driver.KindFloat && math.IsInf(v.AsFloat(), -1):
		return "-1e999"
	case v.Kind() == driver.KindString:
		text, _ := json.Marshal(v.AsString())
		return string(text)
	}
	return v.String()
}

func someMetadata(r *rand.Rand) string {
	var fields []string
	for range r.IntN(5) {
		var field string
		switch r.IntN(6) {
		case 0:
			field = pick(r, []string{"[]", "{}", "[[]]", `[{"n":1}]`, `{"n":[1],"s":["a"]}`, "[null]", "[[1],2]"})
		case 1:
			var elements []string
			for range r.IntN(4) {
				elements = append(elements, asJSON(someValue(r, false)))
			}
			field = "[" + strings.Join(elements, " , ") + "]"
		default:
			field = asJSON(someValue(r, false))
		}
		key, _ := json.Marshal(someStrings[r.IntN(8)])
		fields = append(fields, string(key)+":"+field)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func someFilter(r *rand.Rand, levels int) driver.Filter {
	key := someStrings[r.IntN(8)]
	kinds := 12
	if levels == 1 {
		kinds = 8
	}
	var inner []driver.Filter
	switch kind := r.IntN(kinds); kind {
	case 0:
		return driver.Eq(key, someValue(r, false))
	case 1:
		return driver.Ne(key, someValue(r, false))
	case 2:
		return driver.Exists(key)
	case 3:
		values := make([]driver.Value, r.IntN(6))
		for i := range values {
			values[i] = someValue(r, false)
		}
		return driver.In(key, values...)
	case 8:
		return driver.Not(someFilter(r, levels-1))
	case 9, 10:
		for range r.IntN(4) {
			inner = append(inner, someFilter(r, levels-1))
		}
		return []func(...driver.Filter) driver.Filter{driver.And, driver.Or}[kind-9](inner...)
	case 11:
		return driver.Filter{}
	default:
		return []func(string, driver.Value) driver.Filter{driver.Lt, driver.Lte, driver.Gt, driver.Gte}[kind-4](key, someValue(r, true))
	}
}

// TestFilterAsReference compares what the server makes of random filters and
// documents with driver.Filter.Match.
func TestFilterAsReference(t *testing.T) {
	for name, dsn := range map[string]func(testing.TB) string{
		"PostgreSQL": func(tb testing.TB) string { return newDSN(tb) },
		"PGlite":     func(tb testing.TB) string { return usePGlite(tb).dsn(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			defer func() {
				if t.Failed() {
					t.Log("seed", seed)
				}
			}()
			r := rand.New(rand.NewPCG(seed, 0))
			conn := session(t, dsn(t))
			metadata := make([]map[string]json.RawMessage, 2000)
			texts, stored := make([]string, len(metadata)), make([]string, len(metadata))
			for i := range metadata {
				texts[i] = someMetadata(r)
				var err error
				metadata[i], err = driver.ParseMetadata([]byte(texts[i]))
				testkit.Check(t, err)
				stored[i], err = attributesOf([]byte(texts[i]))
				testkit.Check(t, err)
			}
			execute(t, conn, "CREATE TEMPORARY TABLE documents (i int, attributes jsonb)")
			_, err := conn.Exec(t.Context(), "INSERT INTO documents SELECT i - 1, attributes::jsonb FROM unnest($1::text[]) WITH ORDINALITY AS u (attributes, i)", stored)
			testkit.Check(t, err)
			for range 400 {
				f := someFilter(r, 1+r.IntN(5))
				testkit.Check(t, f.Validate())
				path := jsonPath(f)
				rows, err := conn.Query(t.Context(), "SELECT i, attributes @@ $1::jsonpath FROM documents", path)
				testkit.Check(t, err)
				var i int
				var got *bool
				_, err = pgx.ForEachRow(rows, []any{&i, &got}, func() error {
					if got == nil || *got != f.Match(metadata[i]) {
						return fmt.Errorf("%s with the path %s: server %v, reference %v", texts[i], path, got, f.Match(metadata[i]))
					}
					return nil
				})
				testkit.Check(t, err)
			}
		})
	}
}

// TestDecimals: the order of floats and integers is that of the decimals for them.
func TestDecimals(t *testing.T) {
	var values []driver.Value
	for _, f := range someFloats {
		for _, g := range []float64{f, math.Nextafter(f, math.Inf(1)), math.Nextafter(f, math.Inf(-1)), -f} {
			values = append(values, driver.Float(g))
		}
	}
	for _, i := range someInts {
		values = append(values, driver.Int(i), driver.Int(i^1))
	}
	literals := make([]string, len(values))
	for i, v := range values {
		_, literals[i] = scalar(v)
	}
	conn := session(t, newDSN(t))
	rows, err := conn.Query(t.Context(), `SELECT (a.i - 1)::int, (b.i - 1)::int, CASE WHEN a.x < b.x THEN -1 WHEN a.x = b.x THEN 0 ELSE 1 END
		FROM unnest($1::numeric[]) WITH ORDINALITY AS a (x, i), unnest($1::numeric[]) WITH ORDINALITY AS b (x, i)`, pgx.QueryExecModeExec, literals)
	testkit.Check(t, err)
	var i, j, order int
	_, err = pgx.ForEachRow(rows, []any{&i, &j, &order}, func() error {
		if want, _ := values[i].Compare(values[j]); order != want {
			return fmt.Errorf("%v, written %s, and %v, written %s: order %d, want %d", values[i], literals[i], values[j], literals[j], order, want)
		}
		return nil
	})
	testkit.Check(t, err)
}

// TestQuoted: what is quoted is a literal of JSON that keeps the order of strings.
func TestQuoted(t *testing.T) {
	escape := strings.NewReplacer("\x00", "\x01\x01", "\x01", "\x01\x02")
	for _, s := range someStrings {
		var got string
		testkit.Check(t, json.Unmarshal([]byte(quoted(s)), &got))
		if got != escape.Replace(s) {
			t.Errorf("quoted(%q) is %s", s, quoted(s))
		}
		for _, other := range someStrings {
			if a, b := strings.Compare(s, other), strings.Compare(escape.Replace(s), escape.Replace(other)); a != b {
				t.Errorf("%q and %q: order %d, escaped %d", s, other, a, b)
			}
		}
	}
}

func session(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	c, err := parseDSN(dsn)
	testkit.Check(tb, err)
	conn, err := pgx.ConnectConfig(tb.Context(), c.config.ConnConfig)
	testkit.Check(tb, err)
	tb.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(tb testing.TB, conn *pgx.Conn, statement string) {
	tb.Helper()
	_, err := conn.Exec(tb.Context(), statement)
	testkit.Check(tb, err)
}
