package weaviate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// texts are values in metadata, and values those that are compared with them. Many are
// equal, or nearly.
var (
	texts = []string{
		"0", "-0", "-0.0", "1", "1.0", "1e0", "2", "-1", "0.1", "0.10000000000000001", "0.3", "256", "257", "65536", "1E5", "100000", "1e22", "-1.5", "1700000000", "1700000001",
		"9007199254740992", "9007199254740993", "9007199254740994", "-9007199254740993", "9223372036854775807", "9223372036854775806", "9223372036854775808", "-9223372036854775808",
		"18446744073709551616", "1e400", "-1e400", "5e-324", "1e308", "null", "true", "false",
		`""`, `"a"`, `"A"`, `"b"`, `"a\u0000"`, `"aa"`, `"1"`, `"é"`, `"2026-11-23"`, `"2026-11-24"`, `"2026-11-23T10:00"`, `"2026-11-23T11:00"`, `"2026-11-2"`, `"\uffff"`,
		"{}", `{"a":1}`, "[]", `[1,"1"]`, "[0.1,0.3]", `["a","b",[1]]`, "[9007199254740993]", `["2026-11-23T10:00",-1.5,null]`,
	}
	values = func() (all []driver.Value) {
		for _, text := range texts {
			all = append(all, driver.ScalarsOf(json.RawMessage(text))...)
		}
		return append(all, driver.Float(math.Inf(1)), driver.Float(math.Inf(-1)), driver.Float(1<<53), driver.Int(1<<53+2), driver.Float(math.MaxFloat64))
	}()
	keys = []string{"a", "b", "a.b", "", `"`, "é"}
)

func oneOf[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

func randomMetadata(random *rand.Rand) json.RawMessage {
	var fields []string
	for _, key := range keys {
		if random.IntN(3) > 0 {
			name, _ := json.Marshal(key)
			fields = append(fields, string(name)+":"+oneOf(random, texts))
		}
	}
	return json.RawMessage("{" + strings.Join(fields, ",") + "}")
}

// randomFilter has at most so many levels.
func randomFilter(random *rand.Rand, levels int) driver.Filter {
	key := oneOf(random, keys)
	inner := make([]driver.Filter, random.IntN(4))
	for i := range inner {
		if levels > 1 {
			inner[i] = randomFilter(random, levels-1)
		}
	}
	ordered := oneOf(random, values)
	for ordered.Kind() == driver.KindNull || ordered.Kind() == driver.KindBool {
		ordered = oneOf(random, values)
	}
	compare := []func(string, driver.Value) driver.Filter{driver.Lt, driver.Lte, driver.Gt, driver.Gte}
	switch kind := random.IntN(13); {
	case kind == 0:
		return driver.Eq(key, oneOf(random, values))
	case kind == 1:
		return driver.Ne(key, oneOf(random, values))
	case kind == 2:
		return driver.In(key, oneOf(random, values), oneOf(random, values), oneOf(random, values))
	case kind == 3:
		return driver.Exists(key)
	case kind == 4 && levels > 1:
		return driver.Not(randomFilter(random, levels-1))
	case kind < 7 && levels > 1:
		return driver.And(inner...)
	case kind < 9 && levels > 1:
		return driver.Or(inner...)
	}
	return oneOf(random, compare)(key, ordered)
}

// holds applies a condition as Weaviate does.
func (c condition) holds(tokens []string) bool {
	has := func(t string) bool { return slices.Contains(tokens, t) }
	holds := func(inner condition) bool { return inner.holds(tokens) }
	switch c.operator {
	case containsAny:
		return slices.ContainsFunc(c.tokens, has)
	case containsNone:
		return !slices.ContainsFunc(c.tokens, has)
	case or:
		return slices.ContainsFunc(c.conditions, holds)
	}
	return !slices.ContainsFunc(c.conditions, func(inner condition) bool { return !inner.holds(tokens) })
}

// TestConditions: no document that a filter selects is missed by the condition for it,
// and those that it finds too many are strings longer than their tokens.
func TestConditions(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	metadata := make([]json.RawMessage, 150)
	tokens, fields := make([][]string, len(metadata)), make([]map[string]json.RawMessage, len(metadata))
	for i := range metadata {
		metadata[i] = randomMetadata(random)
		var err error
		tokens[i], err = tokensOf(metadata[i])
		testkit.Check(t, err)
		fields[i], err = driver.ParseMetadata(metadata[i])
		testkit.Check(t, err)
	}
	selected, tooMany := 0, 0
	for range 1500 {
		f := randomFilter(random, 1+random.IntN(4))
		c := atLeast(f)
		for i := range metadata {
			want, got := f.Match(fields[i]), c.holds(tokens[i])
			switch {
			case want && !got:
				t.Fatalf("%+v selects %s, and the condition does not", f, metadata[i])
			case want:
				selected++
			case got && !strings.Contains(string(metadata[i]), "2026-11-2"):
				t.Fatalf("%+v does not select %s, and the condition does", f, metadata[i])
			case got:
				tooMany++
			}
		}
	}
	if selected == 0 || tooMany > selected/50 {
		t.Errorf("%d selected and %d too many", selected, tooMany)
	}
}

// TestManyTokens: a document with a great many values is found with any filter.
func TestManyTokens(t *testing.T) {
	var list []string
	for i := range 5000 {
		list = append(list, fmt.Sprint(i))
	}
	tokens, err := tokensOf(json.RawMessage(`{"l":[` + strings.Join(list, ",") + `]}`))
	testkit.Check(t, err)
	if len(tokens) > 2 || !atLeast(driver.Eq("l", driver.Int(4999))).holds(tokens) || !atLeast(driver.Or()).holds(tokens) {
		t.Errorf("tokens %q", tokens)
	}
}
