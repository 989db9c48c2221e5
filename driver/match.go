package driver

import "encoding/json"

// Match reports whether a document with this metadata, as [ParseMetadata] returns
// it, is selected. It is the reference for engines that evaluate filters
// themselves. f must be valid.
func (f Filter) Match(metadata map[string]json.RawMessage) bool {
	switch f.Op {
	case OpAll:
		return true
	case OpAnd:
		for _, inner := range f.Filters {
			if !inner.Match(metadata) {
				return false
			}
		}
		return true
	case OpOr:
		for _, inner := range f.Filters {
			if inner.Match(metadata) {
				return true
			}
		}
		return false
	case OpNot:
		return !f.Filters[0].Match(metadata)
	}
	field, there := metadata[f.Key]
	return f.MatchField(ScalarsOf(field), there)
}

// MatchField is Match for a condition on one field, that is with any operator but
// All, And, Or and Not, whose values are known: those of [ScalarsOf] if the field
// is there.
func (f Filter) MatchField(values []Value, there bool) bool {
	switch {
	case f.Op == OpNe:
		return !Eq(f.Key, f.Values[0]).MatchField(values, there)
	case f.Op == OpExists:
		return there
	}
	for _, got := range values {
		for _, want := range f.Values {
			if order, ok := got.Compare(want); ok && f.Op.holds(order) {
				return true
			}
		}
	}
	return false
}

// holds reports whether a comparison with this outcome satisfies the operator.
func (op FilterOp) holds(order int) bool {
	switch op {
	case OpEq, OpIn:
		return order == 0
	case OpLt:
		return order < 0
	case OpLte:
		return order <= 0
	case OpGt:
		return order > 0
	case OpGte:
		return order >= 0
	}
	return false
}
