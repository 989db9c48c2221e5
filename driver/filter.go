package driver

import (
	"unicode/utf8"
)

// Filter selects documents by their metadata. The zero value selects all.
//
// The rules are the same on every driver:
//
//   - Key names a top-level field of the metadata, literally: dots, brackets and
//     quotes mean themselves.
//   - A filter is true or false for a document, never unknown. Not is plain
//     negation, and Ne(k, v) is Not(Eq(k, v)).
//   - A missing field equals nothing and is neither less nor greater than
//     anything. So Eq, In, Lt, Lte, Gt and Gte are false for it, Ne is true.
//   - Exists is true when the field is there, null and empty lists included.
//   - Null equals null only. Eq(k, Null()) is false for a missing field.
//   - Values of different types are neither equal nor ordered. Booleans and null
//     are not ordered.
//   - Integers and floats are one type, number, compared by exact value: 1 equals
//     1.0, and 2⁵³+1 does not equal 2⁵³. A JSON number without fraction and
//     exponent that fits 64 bits with sign is an integer; any other is the
//     nearest float64, infinite when it is out of range.
//   - Strings are compared byte by byte in UTF-8.
//   - A list matches Eq, In, Lt, Lte, Gt and Gte when one of its elements that is
//     not itself a list or an object does. An object matches Exists only.
//   - In without values is false; And without filters is true, Or false.
type Filter struct {
	Op FilterOp
	// Key is used by every operator but And, Or and Not.
	Key string
	// Values: one for Eq, Ne, Lt, Lte, Gt, Gte; any number for In.
	Values []Value
	// Filters: one for Not; any number for And and Or.
	Filters []Filter
}

// FilterOp is the operator of a filter.
type FilterOp string

// The operators. All is the zero value and selects everything.
const (
	OpAll    FilterOp = ""
	OpEq     FilterOp = "eq"
	OpNe     FilterOp = "ne"
	OpIn     FilterOp = "in"
	OpLt     FilterOp = "lt"
	OpLte    FilterOp = "lte"
	OpGt     FilterOp = "gt"
	OpGte    FilterOp = "gte"
	OpExists FilterOp = "exists"
	OpAnd    FilterOp = "and"
	OpOr     FilterOp = "or"
	OpNot    FilterOp = "not"
)

// Eq selects documents whose field equals v.
func Eq(key string, v Value) Filter { return Filter{Op: OpEq, Key: key, Values: []Value{v}} }

// Ne selects documents that Eq does not select.
func Ne(key string, v Value) Filter { return Filter{Op: OpNe, Key: key, Values: []Value{v}} }

// In selects documents whose field equals one of the values.
func In(key string, values ...Value) Filter { return Filter{Op: OpIn, Key: key, Values: values} }

// Lt selects documents whose field is less than v, a number or a string.
func Lt(key string, v Value) Filter { return Filter{Op: OpLt, Key: key, Values: []Value{v}} }

// Lte selects documents whose field is less than v or equal.
func Lte(key string, v Value) Filter { return Filter{Op: OpLte, Key: key, Values: []Value{v}} }

// Gt selects documents whose field is greater than v, a number or a string.
func Gt(key string, v Value) Filter { return Filter{Op: OpGt, Key: key, Values: []Value{v}} }

// Gte selects documents whose field is greater than v or equal.
func Gte(key string, v Value) Filter { return Filter{Op: OpGte, Key: key, Values: []Value{v}} }

// Exists selects documents that have the field.
func Exists(key string) Filter { return Filter{Op: OpExists, Key: key} }

// And selects documents that every filter selects.
func And(filters ...Filter) Filter { return Filter{Op: OpAnd, Filters: filters} }

// Or selects documents that at least one filter selects.
func Or(filters ...Filter) Filter { return Filter{Op: OpOr, Filters: filters} }

// Not selects documents that f does not select.
func Not(f Filter) Filter { return Filter{Op: OpNot, Filters: []Filter{f}} }

// Validate refuses an unknown operator, a wrong number of operands, a value that
// cannot be compared so, and a filter that is too large. The error matches
// [ErrInvalid] or [ErrTooLarge].
func (f Filter) Validate() error {
	nodes := 0
	return f.validate(1, &nodes)
}

func (f Filter) validate(depth int, nodes *int) error {
	*nodes += 1 + len(f.Values)
	if err := ValidateSize("filter", *nodes, MaxFilterNodes, "conditions and values"); err != nil {
		return err
	}
	if err := ValidateSize("filter", depth, MaxFilterDepth, "levels"); err != nil {
		return err
	}
	wantValues, wantFilters, hasKey := 0, 0, true // -1: any number
	switch f.Op {
	case OpEq, OpNe, OpLt, OpLte, OpGt, OpGte:
		wantValues = 1
	case OpIn:
		wantValues = -1
	case OpExists:
	case OpAll:
		hasKey = false
	case OpAnd, OpOr:
		wantFilters, hasKey = -1, false
	case OpNot:
		wantFilters, hasKey = 1, false
	default:
		return Invalidf("filter: unknown operator %q", f.Op)
	}
	if wantValues >= 0 && len(f.Values) != wantValues {
		return Invalidf("filter: operator %q has %d values; it needs %d", f.Op, len(f.Values), wantValues)
	}
	if wantFilters >= 0 && len(f.Filters) != wantFilters {
		return Invalidf("filter: operator %q has %d filters inside; it needs %d", f.Op, len(f.Filters), wantFilters)
	}
	if !hasKey && f.Key != "" {
		return Invalidf("filter: operator %q takes no key", f.Op)
	}
	if !utf8.ValidString(f.Key) {
		return Invalidf("filter: key %q is not valid UTF-8", f.Key)
	}
	for _, v := range f.Values {
		if err := v.validate(f.Op); err != nil {
			return Invalidf("filter on %q: %v", f.Key, err)
		}
	}
	for _, inner := range f.Filters {
		if err := inner.validate(depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}
