package main

// row is a line of the report.
type row struct {
	Point int    `json:"point"`
	What  string `json:"what"`
	Unit  string `json:"unit,omitempty"`
	Same  string `json:"same,omitempty"`
	// Ours and Other hold medians; without Other nothing is compared.
	Ours  side  `json:"ours,omitzero"`
	Other *side `json:"other,omitempty"`
	// Ratio is of the rounds' ratios, or of their differences where the goal is
	// one.
	Ratio   *spread `json:"ratio,omitempty"`
	Rounds  int     `json:"rounds,omitempty"`
	Goal    string  `json:"goal,omitempty"`
	Reached *bool   `json:"reached,omitempty"`
	// Skipped says why nothing was measured.
	Skipped string `json:"skipped,omitempty"`
	Note    string `json:"note,omitempty"`

	goal goal
}

// side is one side of a comparison.
type side struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// setGoal judges the ratio, which is there.
func (r *row) setGoal(g goal) {
	r.goal = g
	if g.kind == noGoal {
		return
	}
	reached := g.reached(r.Ratio.Median)
	r.Goal, r.Reached = g.String(), &reached
}

// skipped is a row for what cannot be measured here.
func skipped(point int, what, why string) row {
	return row{Point: point, What: what, Skipped: why}
}
