package weaviate

import (
	"slices"

	"github.com/enactdev/enact/driver"
)

// condition is a filter as Weaviate applies it: documents that have one of the tokens,
// or none of them, or for which all, or one, of several conditions hold.
type condition struct {
	operator   string
	tokens     []string
	conditions []condition
}

// Weaviate's operators.
const (
	containsAny  = "ContainsAny"
	containsNone = "ContainsNone"
	and          = "And"
	or           = "Or"
)

var (
	always = condition{operator: containsNone}
	never  = condition{operator: containsAny}
)

func anyOf(tokens ...string) condition { return condition{operator: containsAny, tokens: tokens} }

func (c condition) isAlways() bool { return c.operator == containsNone && len(c.tokens) == 0 }
func (c condition) isNever() bool  { return c.operator == containsAny && len(c.tokens) == 0 }

// atLeast returns a condition that holds for every document that a filter selects, and
// few others.
func atLeast(f driver.Filter) condition {
	if f.Op == driver.OpAll {
		return always
	}
	t := translation{tokens: mostAsked}
	return joined(or, []condition{t.translate(f, true), anyOf(tokenMany)})
}

// translation writes a filter as a condition. tokens is how many more the condition
// may have before ranges are written as the fields that can be in them.
type translation struct{ tokens int }

// mostAsked bounds the tokens of ranges in one condition.
const mostAsked = 5000

// translate returns a condition that holds for all documents that a filter selects, or
// if more is false, for none that it does not select.
func (t *translation) translate(f driver.Filter, more bool) condition {
	switch f.Op {
	case driver.OpAnd, driver.OpOr:
		inner := make([]condition, len(f.Filters))
		for i, g := range f.Filters {
			inner[i] = t.translate(g, more)
		}
		if f.Op == driver.OpAnd {
			return joined(and, inner)
		}
		return joined(or, inner)
	case driver.OpNot:
		return negated(t.translate(f.Filters[0], !more))
	case driver.OpNe:
		return negated(anyOf(equalsToken(f.Key, f.Values[0])))
	case driver.OpExists:
		return anyOf(token(factExists, f.Key))
	case driver.OpEq, driver.OpIn:
		tokens := make([]string, len(f.Values))
		for i, v := range f.Values {
			tokens[i] = equalsToken(f.Key, v)
		}
		return anyOf(unique(tokens)...)
	case driver.OpLt, driver.OpLte, driver.OpGt, driver.OpGte:
		tokens := rangeTokens(f, more)
		if t.tokens -= len(tokens); t.tokens >= 0 {
			return anyOf(tokens...)
		}
		if more {
			return anyOf(token(factExists, f.Key))
		}
		return never
	}
	return always
}

// rangeTokens returns the tokens of which a document has one if it has a value in a
// range, or if more is false, only if it has.
func rangeTokens(f driver.Filter, more bool) (tokens []string) {
	fact, text, ok := sortable(f.Values[0])
	if !ok {
		return nil
	}
	half := func(i int) byte { return text[i/2] >> (4 - 4*(i%2)) & 15 }
	digits := min(2*len(text), longestBeginning)
	whole := fact == factNumber || 2*len(text) < longestBeginning
	greater := f.Op == driver.OpGt || f.Op == driver.OpGte
	// Values that differ from text in half byte i, and are on the right side there.
	for i := range digits {
		from, to := byte(0), half(i) // from ≤ other < to
		if greater {
			from, to = half(i)+1, 16
		}
		for other := from; other < to; other++ {
			begin := beginning(text, i+1)
			if i%2 == 0 {
				begin[len(begin)-1] = other << 4
			} else {
				begin[len(begin)-1] = begin[len(begin)-1]&0xf0 | other
			}
			tokens = append(tokens, token(fact, f.Key, begin...))
		}
	}
	if greater && whole {
		// Values that begin with text and go on.
		for other := range byte(16) {
			tokens = append(tokens, token(fact, f.Key, append(append([]byte{byte(digits + 1)}, text...), other<<4)...))
		}
	}
	if !greater {
		// Values that text begins with.
		for n := range min(len(text), longestBeginning/2+1) {
			tokens = append(tokens, token(factEquals, f.Key, append([]byte{fact}, text[:n]...)...))
		}
	}
	if f.Op == driver.OpLte || f.Op == driver.OpGte {
		tokens = append(tokens, equalsToken(f.Key, f.Values[0]))
	}
	if more && !whole {
		// Values that are like text as far as there are tokens.
		tokens = append(tokens, token(fact, f.Key, beginning(text, longestBeginning)...))
	}
	return tokens
}

func negated(c condition) condition {
	switch c.operator {
	case containsAny:
		return condition{operator: containsNone, tokens: c.tokens}
	case containsNone:
		return condition{operator: containsAny, tokens: c.tokens}
	}
	inner := make([]condition, len(c.conditions))
	for i, d := range c.conditions {
		inner[i] = negated(d)
	}
	if c.operator == and {
		return joined(or, inner)
	}
	return joined(and, inner)
}

// joined joins conditions by And or Or, as shallow as it can.
func joined(operator string, conditions []condition) condition {
	neutral, decisive, mergeable := condition.isAlways, condition.isNever, containsNone
	if operator == or {
		neutral, decisive, mergeable = condition.isNever, condition.isAlways, containsAny
	}
	merged := condition{operator: mergeable} // without tokens it is the neutral one
	kept := condition{operator: operator}
	for i := 0; i < len(conditions); i++ {
		switch c := conditions[i]; {
		case neutral(c):
		case decisive(c):
			return c
		case c.operator == operator:
			conditions = slices.Insert(slices.Clone(conditions), i+1, c.conditions...)
		case c.operator == mergeable:
			merged.tokens = append(merged.tokens, c.tokens...)
		default:
			kept.conditions = append(kept.conditions, c)
		}
	}
	merged.tokens = unique(merged.tokens)
	switch {
	case len(kept.conditions) == 0:
		return merged
	case len(merged.tokens) > 0:
		kept.conditions = append(kept.conditions, merged)
	}
	if len(kept.conditions) == 1 {
		return kept.conditions[0]
	}
	return kept
}

func unique(tokens []string) []string {
	slices.Sort(tokens)
	return slices.Compact(tokens)
}
