package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
)

// figures are what one measurement has found, by unit.
type figures map[string]float64

// The units of figures.
const (
	perSecond   = "1/s"
	typicalTime = "µs" // the median call
	slowTime    = "ms (p99)"
	milliCall   = "ms"
	bytesEach   = "bytes each"
	mebibytes   = "MiB"
	allocations = "allocations"
)

// contender is one side of comparisons.
type contender struct {
	name    string
	measure func(context.Context) (figures, error)
}

// contest measures contenders in turns, A B A B, and judges pairs of them.
type contest struct {
	// point is the part of the report, by the number of its goals.
	point int
	// same says why both sides promise the same, durability above all.
	same       string
	contenders []contender
	verdicts   []verdict
}

// verdict compares two contenders by a figure. An empty other is a reference that
// is shown by itself.
type verdict struct {
	what, unit  string
	ours, other string
	goal        goal
	note        string
}

// hold runs a contest and returns a row for each verdict.
func hold(ctx context.Context, c contest, rounds int) ([]row, error) {
	measured, err := takeTurns(ctx, c.contenders, rounds)
	if err != nil {
		return nil, fmt.Errorf("point %d: %w", c.point, err)
	}
	rows := make([]row, len(c.verdicts))
	for i, v := range c.verdicts {
		rows[i] = judge(c, v, measured)
	}
	return rows, nil
}

// takeTurns returns what every contender has measured in each round. A round
// before the first warms up and does not count.
func takeTurns(ctx context.Context, contenders []contender, rounds int) (map[string][]figures, error) {
	measured := map[string][]figures{}
	for round := range rounds + 1 {
		for _, c := range contenders {
			runtime.GC() // nobody pays for what another has left behind
			var found figures
			var err error
			pprof.Do(ctx, pprof.Labels("contender", c.name), func(ctx context.Context) { found, err = c.measure(ctx) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				measured[c.name] = append(measured[c.name], found)
			}
		}
	}
	return measured, nil
}

func judge(c contest, v verdict, measured map[string][]figures) row {
	ours := column(measured[v.ours], v.unit)
	r := row{Point: c.point, What: v.what, Unit: v.unit, Same: c.same, Ours: side{v.ours, median(ours)}, Note: v.note, Rounds: len(ours)}
	if v.other == "" {
		return r
	}
	other := column(measured[v.other], v.unit)
	r.Other = &side{v.other, median(other)}
	found := compare(ours, other, v.goal.combine)
	r.Ratio = &found
	r.setGoal(v.goal)
	return r
}

func column(all []figures, unit string) []float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = f[unit]
	}
	return values
}
