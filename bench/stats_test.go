package main

import (
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}, {[]float64{1, 1, 1, 1000, 1}, 1},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("median has changed %v to %v", before, c.values)
		}
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i)
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := quantile(hundred, q); got != want {
			t.Errorf("quantile %v of 0 to 99 is %d, want %d", q, got, want)
		}
	}
}

// The ratio is of what stands next to each other: the two sides here change alike,
// and the ratio of their medians would say otherwise.
func TestCompareTakesRoundsApart(t *testing.T) {
	ours, other := []float64{10, 1000, 30}, []float64{20, 500, 60}
	if got, want := compare(ours, other, quotient), (spread{0.5, 0.5, 2}); got != want {
		t.Errorf("the ratio is %v, want %v", got, want)
	}
	if got, want := compare(ours, other, difference), (spread{-10, -30, 500}); got != want {
		t.Errorf("the difference is %v, want %v", got, want)
	}
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal        goal
		good, bad   float64
		text        string
		whole, half float64
	}{
		{atLeast(0.9), 0.9, 0.8999, "≥ 0.9 ×", 0.9, 0.45},
		{atMost(1.5), 1.5, 1.5001, "≤ 1.5 ×", 1.5, 3},
		{atMostMore(12), 12, 12.5, "≤ +12", 12, 24},
	} {
		if !c.goal.reached(c.good) || c.goal.reached(c.bad) || c.goal.String() != c.text {
			t.Errorf("the goal %v is reached by %v: %t, by %v: %t; want the first only", c.goal, c.good, c.goal.reached(c.good), c.bad, c.goal.reached(c.bad))
		}
		if whole, half := c.goal.attained(c.whole), c.goal.attained(c.half); whole != 1 || half != 0.5 {
			t.Errorf("of the goal %v, %v and %v are %v and %v, want all and a half", c.goal, c.whole, c.half, whole, half)
		}
	}
	if got := atMostMore(12).combine(20, 15); got != 5 {
		t.Errorf("20 is %v more than 15, want 5", got)
	}
}
