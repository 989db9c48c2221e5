package postgres

import (
	"github.com/enactdev/enact/driver"
)

// jsonPath writes a filter as a predicate on attributes, for the operator @@. It is
// bound to a statement as one value, and never part of the statement's text. On
// attributes it is true or false, never unknown.
func jsonPath(f driver.Filter) string {
	switch f.Op {
	case driver.OpAnd:
		return combined(" && ", f.Filters, always)
	case driver.OpOr:
		return combined(" || ", f.Filters, never)
	case driver.OpNot:
		return "(!" + jsonPath(f.Filters[0]) + ")"
	case driver.OpNe:
		return "(!" + comparison(f.Key, "==", f.Values[0]) + ")"
	case driver.OpExists:
		return "(exists($." + quoted(f.Key) + "))"
	case driver.OpIn:
		terms := make([]string, len(f.Values))
		for i, v := range f.Values {
			terms[i] = comparison(f.Key, "==", v)
		}
		return joined(" || ", terms, never)
	case driver.OpEq:
		return comparison(f.Key, "==", f.Values[0])
	case driver.OpLt:
		return comparison(f.Key, "<", f.Values[0])
	case driver.OpLte:
		return comparison(f.Key, "<=", f.Values[0])
	case driver.OpGt:
		return comparison(f.Key, ">", f.Values[0])
	case driver.OpGte:
		return comparison(f.Key, ">=", f.Values[0])
	}
	return always
}

const (
	always = "(1 == 1)"
	never  = "(1 == 0)"
)

// comparison is true when one of the scalars of the value's kind compares so.
func comparison(key, operator string, v driver.Value) string {
	kind, literal := scalar(v)
	return "($." + quoted(key) + "." + quoted(kind) + "[*] " + operator + " " + literal + ")"
}

func combined(operator string, filters []driver.Filter, none string) string {
	terms := make([]string, len(filters))
	for i, f := range filters {
		terms[i] = jsonPath(f)
	}
	return joined(operator, terms, none)
}

// joined joins terms by an operator, as a tree, since the server's stack grows with
// the depth of a path.
func joined(operator string, terms []string, none string) string {
	switch len(terms) {
	case 0:
		return none
	case 1:
		return terms[0]
	}
	half := len(terms) / 2
	return "(" + joined(operator, terms[:half], none) + operator + joined(operator, terms[half:], none) + ")"
}
