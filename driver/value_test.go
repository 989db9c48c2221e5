package driver

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// V4: integers and floats compare by exact value.
func TestV4NumbersCompareExactly(t *testing.T) {
	ints := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -(1<<53 + 1), math.MaxInt64 - 1}
	floats := []float64{0, math.Copysign(0, -1), 0.5, -0.5, 1, -1, 1 << 53, -(1 << 53), 1 << 63, -(1 << 63), 1e300, -1e300, math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		i := int64(r.Uint64()) >> r.IntN(64)
		ints = append(ints, i)
		floats = append(floats, float64(i), math.Nextafter(float64(i), math.Inf(1)))
	}
	values := func() (all []Value) {
		for _, i := range ints[:200] {
			all = append(all, Int(i))
		}
		for _, f := range floats[:200] {
			all = append(all, Float(f))
		}
		return all
	}()
	exact := func(v Value) *big.Float {
		if v.Kind() == KindInt {
			return new(big.Float).SetInt64(v.AsInt())
		}
		return new(big.Float).SetFloat64(v.AsFloat())
	}
	for _, v := range values {
		for _, w := range values {
			if got, ok := v.Compare(w); !ok || got != exact(v).Cmp(exact(w)) {
				t.Fatalf("%v compared with %v is %d, %t; it should be %d", v, w, got, ok, exact(v).Cmp(exact(w)))
			}
		}
	}
	for i := range ints {
		v, w := Int(ints[i]), Float(floats[i])
		if got, _ := v.Compare(w); got != exact(v).Cmp(exact(w)) {
			t.Fatalf("%v compared with %v is %d", v, w, got)
		}
	}
}

// V4: values of different types are neither equal nor ordered.
func TestV4TypesDoNotMix(t *testing.T) {
	values := []Value{Null(), Bool(false), Bool(true), Int(0), Int(1), String(""), String("0"), String("1"), String("true"), String("null")}
	for i, v := range values {
		for j, w := range values {
			_, comparable := v.Compare(w)
			sameType := v.Kind() == w.Kind() && (v.Kind() == KindInt || v.Kind() == KindString)
			if comparable != (sameType || i == j) || v.Equal(w) != (i == j) {
				t.Errorf("%v and %v: comparable %t, equal %t", v, w, comparable, v.Equal(w))
			}
		}
	}
}

func TestScalarsOf(t *testing.T) {
	for field, want := range map[string][]Value{
		`null`: {Null()}, `true`: {Bool(true)}, `false`: {Bool(false)}, `1`: {Int(1)}, `-0`: {Int(0)}, `1.0`: {Float(1)}, `1e2`: {Float(100)},
		`9223372036854775807`: {Int(math.MaxInt64)}, `9223372036854775808`: {Float(1 << 63)}, `1e400`: {Float(math.Inf(1))}, `-1e400`: {Float(math.Inf(-1))},
		`"a\u0000é"`: {String("a\x00é")}, `"\ud800"`: {String("\ufffd")}, `[]`: {}, `[1, "a" , null]`: {Int(1), String("a"), Null()},
		`[[1], {"a": 2}, 3]`: {Int(3)}, `{}`: nil, `{"a":1}`: nil, ` 7 `: {Int(7)},
	} {
		if got := ScalarsOf(json.RawMessage(field)); len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
			t.Errorf("%s offers %v; it should offer %v", field, got, want)
		}
	}
}

func TestFilterValidate(t *testing.T) {
	deep := Exists("k")
	for range MaxFilterDepth {
		deep = Not(deep)
	}
	wide := make([]Value, MaxFilterNodes)
	for name, test := range map[string]struct {
		filter Filter
		want   error
	}{
		"all":                {Filter{}, nil},
		"empty key":          {Eq("", Int(1)), nil},
		"any key":            {Exists("a\x00'\"]."), nil},
		"empty in":           {In("k"), nil},
		"empty and":          {And(), nil},
		"unknown operator":   {Filter{Op: "like", Key: "k"}, ErrInvalid},
		"no value":           {Filter{Op: OpEq, Key: "k"}, ErrInvalid},
		"two values":         {Filter{Op: OpLt, Key: "k", Values: []Value{Int(1), Int(2)}}, ErrInvalid},
		"not of nothing":     {Filter{Op: OpNot}, ErrInvalid},
		"not of two":         {Filter{Op: OpNot, Filters: []Filter{{}, {}}}, ErrInvalid},
		"and with key":       {Filter{Op: OpAnd, Key: "k"}, ErrInvalid},
		"and with value":     {Filter{Op: OpAnd, Values: []Value{Null()}}, ErrInvalid},
		"eq with filter":     {Filter{Op: OpEq, Key: "k", Values: []Value{Null()}, Filters: []Filter{{}}}, ErrInvalid},
		"all with key":       {Filter{Key: "k"}, ErrInvalid},
		"NaN":                {Eq("k", Float(math.NaN())), ErrInvalid},
		"infinity":           {Lt("k", Float(math.Inf(1))), nil},
		"less than null":     {Lt("k", Null()), ErrInvalid},
		"less than true":     {Gte("k", Bool(true)), ErrInvalid},
		"invalid UTF-8":      {Eq("k", String("\xff")), ErrInvalid},
		"invalid key":        {Exists("\xff"), ErrInvalid},
		"bad one inside":     {And(Exists("a"), Or(Not(Lt("k", Null())))), ErrInvalid},
		"too deep":           {deep, ErrTooLarge},
		"too many":           {In("k", wide...), ErrTooLarge},
		"as many as allowed": {In("k", wide[1:]...), nil},
	} {
		err := test.filter.Validate()
		if (test.want == nil) != (err == nil) || !errors.Is(err, test.want) {
			t.Errorf("%s: error %v; it should be %v", name, err, test.want)
		}
	}
}

// B5: what an identifier is.
func TestB5ValidateID(t *testing.T) {
	for id, ok := range map[string]bool{
		"a": true, strings.Repeat("a", 255): true, strings.Repeat("é", 127): true, " ": true, "a/b": true, "\n": true, "\U0001f600": true, "cafe\u0301": true,
		"": false, strings.Repeat("a", 256): false, strings.Repeat("é", 128): false, "a\x00": false, "\xff": false, "a\xc3": false, "\xed\xa0\x80": false,
	} {
		err := ValidateID("thing", id)
		if (err == nil) != ok || (err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "thing") || strings.Contains(err.Error(), "\n"))) {
			t.Errorf("%.40q: error %v; valid should be %t", id, err, ok)
		}
	}
}

// V3: golden scores, computed by hand.
func TestV3Score(t *testing.T) {
	for _, test := range []struct {
		metric Metric
		a, b   []float32
		want   float64
	}{
		{Cosine, []float32{1, 0}, []float32{1, 1}, math.Sqrt2 / 2},
		{Cosine, []float32{3, 4}, []float32{-3, -4}, -1},
		{Cosine, []float32{1e-30, 0}, []float32{1e30, 0}, 1},
		{Dot, []float32{1, 2, 3}, []float32{4, -5, 6}, 12},
		{Dot, []float32{1e20}, []float32{1e20}, float64(float32(1e20)) * float64(float32(1e20))},
		{Euclidean, []float32{1, 2}, []float32{4, 6}, -5},
		{Euclidean, []float32{1, 2}, []float32{1, 2}, 0},
	} {
		if got := Score(test.metric, test.a, test.b); math.Abs(got-test.want) > 1e-15*math.Abs(test.want) || math.Signbit(got) != math.Signbit(test.want) {
			t.Errorf("%s of %v and %v is %v; it should be %v", test.metric, test.a, test.b, got, test.want)
		}
	}
}
