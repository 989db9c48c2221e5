package main

import "slices"

// median returns the middle of values, of an even number the mean of the two in
// the middle, and 0 of none. It leaves values as they are.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// quantile returns the least of sorted, which is not empty, that is no less than a
// share q of them.
func quantile[T any](sorted []T, q float64) T {
	at := int(q * float64(len(sorted)))
	return sorted[min(at, len(sorted)-1)]
}

// spread says how far ratios of rounds lie apart.
type spread struct{ Median, Low, High float64 }

// compare combines what two sides have measured in the same rounds. A round's two
// figures stand next to each other in time, so what slows the machine down for a
// while is in both.
func compare(ours, other []float64, combine func(a, b float64) float64) spread {
	rounds := make([]float64, min(len(ours), len(other)))
	for i := range rounds {
		rounds[i] = combine(ours[i], other[i])
	}
	if len(rounds) == 0 {
		return spread{}
	}
	return spread{median(rounds), slices.Min(rounds), slices.Max(rounds)}
}

func quotient(a, b float64) float64   { return a / b }
func difference(a, b float64) float64 { return a - b }
