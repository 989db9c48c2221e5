package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Kind is the type of a [Value].
type Kind uint8

// The kinds. Numbers are KindInt or KindFloat and compare with one another.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
)

// Value is a scalar in a filter or in a document's metadata. The zero value is
// null. Values are comparable with ==, which, unlike [Value.Equal], tells 1 from
// 1.0.
type Value struct {
	kind Kind
	num  uint64 // the bits of a bool, int or float
	str  string
}

// Null is JSON's null.
func Null() Value { return Value{} }

// Bool is a truth value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Int is an integer.
func Int(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// Float is a floating-point number; NaN is refused by [Filter.Validate].
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// String is a string in UTF-8.
func String(s string) Value { return Value{kind: KindString, str: s} }

// Kind returns the value's type.
func (v Value) Kind() Kind { return v.kind }

// AsBool returns the value of a KindBool.
func (v Value) AsBool() bool { return v.num != 0 }

// AsInt returns the value of a KindInt.
func (v Value) AsInt() int64 { return int64(v.num) }

// AsFloat returns the value of a KindFloat.
func (v Value) AsFloat() float64 { return math.Float64frombits(v.num) }

// AsString returns the value of a KindString.
func (v Value) AsString() string { return v.str }

// String prints the value for errors and logs.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.AsBool())
	case KindInt:
		return strconv.FormatInt(v.AsInt(), 10)
	case KindFloat:
		return strconv.FormatFloat(v.AsFloat(), 'g', -1, 64)
	case KindString:
		return strconv.Quote(v.str)
	}
	return "null"
}

// Compare orders two values of the same type: -1, 0 or 1. ok is false when they
// are of different types, or null or booleans that differ.
func (v Value) Compare(w Value) (order int, ok bool) {
	switch {
	case v.kind == KindInt && w.kind == KindInt:
		return cmp.Compare(v.AsInt(), w.AsInt()), true
	case v.kind == KindFloat && w.kind == KindFloat:
		return cmp.Compare(v.AsFloat(), w.AsFloat()), true
	case v.kind == KindInt && w.kind == KindFloat:
		return compareIntFloat(v.AsInt(), w.AsFloat()), true
	case v.kind == KindFloat && w.kind == KindInt:
		return -compareIntFloat(w.AsInt(), v.AsFloat()), true
	case v.kind != w.kind:
		return 0, false
	case v.kind == KindString:
		return cmp.Compare(v.str, w.str), true
	}
	return 0, v == w
}

// Equal reports whether two values are equal by the rules of [Filter].
func (v Value) Equal(w Value) bool {
	order, ok := v.Compare(w)
	return ok && order == 0
}

// compareIntFloat compares by exact value, where converting i to a float would
// round.
func compareIntFloat(i int64, f float64) int {
	const two63 = 1 << 63
	switch {
	case f >= two63:
		return -1
	case f < -two63:
		return 1
	}
	whole := math.Trunc(f) // fits an int64
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(0, f-whole)
}

func (v Value) validate(op FilterOp) error {
	switch {
	case v.kind == KindFloat && math.IsNaN(v.AsFloat()):
		return errors.New("the value is not a number")
	case v.kind == KindString && !utf8.ValidString(v.str):
		return fmt.Errorf("the value %q is not valid UTF-8", v.str)
	}
	switch op {
	case OpLt, OpLte, OpGt, OpGte:
		if v.kind == KindNull || v.kind == KindBool {
			return fmt.Errorf("%v cannot be ordered; use a number or a string", v)
		}
	}
	return nil
}

// ScalarsOf returns the values that a metadata field offers to a filter: itself
// if it is a scalar, the scalar elements of a list, nothing for an object.
func ScalarsOf(field json.RawMessage) []Value {
	field = bytes.TrimLeft(field, " \t\r\n")
	if len(field) == 0 || field[0] == '{' {
		return nil
	}
	if field[0] != '[' {
		return []Value{scalar(field)}
	}
	var elements []json.RawMessage
	if json.Unmarshal(field, &elements) != nil {
		return nil
	}
	values := make([]Value, 0, len(elements))
	for _, e := range elements {
		if e[0] != '{' && e[0] != '[' {
			values = append(values, scalar(e))
		}
	}
	return values
}

func scalar(raw json.RawMessage) Value {
	switch raw[0] {
	case 'n':
		return Null()
	case 't', 'f':
		return Bool(raw[0] == 't')
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return Null()
		}
		return String(s)
	}
	text := string(bytes.TrimRight(raw, " \t\r\n"))
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(i)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity of the right sign
	return Float(f)
}
