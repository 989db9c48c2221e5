package main

import "fmt"

// goal is what a comparison has to reach; the zero value is none.
type goal struct {
	kind  goalKind
	bound float64
}

type goalKind int

const (
	noGoal goalKind = iota
	ratioAtLeast
	ratioAtMost
	differenceAtMost
)

func atLeast(ratio float64) goal { return goal{ratioAtLeast, ratio} }
func atMost(ratio float64) goal  { return goal{ratioAtMost, ratio} }
func atMostMore(n float64) goal  { return goal{differenceAtMost, n} }

// combine makes one number of a round's two.
func (g goal) combine(ours, other float64) float64 {
	if g.kind == differenceAtMost {
		return difference(ours, other)
	}
	return quotient(ours, other)
}

// reached reports whether a combined number is good enough.
func (g goal) reached(x float64) bool {
	switch g.kind {
	case ratioAtLeast:
		return x >= g.bound
	case ratioAtMost, differenceAtMost:
		return x <= g.bound
	}
	return true
}

// attained is how much of the goal is reached; 1 and more: all of it.
func (g goal) attained(x float64) float64 {
	switch g.kind {
	case ratioAtLeast:
		return x / g.bound
	case ratioAtMost:
		return g.bound / x
	case differenceAtMost:
		return g.bound / max(x, 1)
	}
	return 1
}

// String implements fmt.Stringer.
func (g goal) String() string {
	switch g.kind {
	case ratioAtLeast:
		return fmt.Sprintf("≥ %g ×", g.bound)
	case ratioAtMost:
		return fmt.Sprintf("≤ %g ×", g.bound)
	case differenceAtMost:
		return fmt.Sprintf("≤ +%g", g.bound)
	}
	return "none"
}
