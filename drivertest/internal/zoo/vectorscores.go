package zoo

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

// scores replaces how documents are scored.
func scores(score func(m driver.Metric, a, b []float32) float64) ranking {
	return ranking{score: score}
}

// sum32 computes in float32.
func sum32(m driver.Metric, a, b []float32) float64 {
	var dot, aa, bb, dd float32
	for i := range a {
		dot += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
		dd += (a[i] - b[i]) * (a[i] - b[i])
	}
	switch m {
	case driver.Cosine:
		return max(-1, min(1, float64(dot)/math.Sqrt(float64(aa)*float64(bb))))
	case driver.Euclidean:
		if dd == 0 {
			return 0
		}
		return -math.Sqrt(float64(dd))
	}
	return float64(dot)
}

// half rounds to the eight bits that a bfloat16 has.
func half(v []float32) []float32 {
	rounded := make([]float32, len(v))
	for i, x := range v {
		rounded[i] = math.Float32frombits((math.Float32bits(x) + 1<<15) &^ (1<<16 - 1))
	}
	return rounded
}

func normal(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := slices.Clone(v)
	for i := range out {
		if sum > 0 {
			out[i] = float32(float64(out[i]) / math.Sqrt(sum))
		}
	}
	return out
}

var badScores = []*Broken{
	{Name: "euclidean-squared", Rule: "V3", Fault: "The score under euclidean is minus the square of the distance.", Vectors: ranks(scores(func(m driver.Metric, a, b []float32) float64 {
		if s := driver.Score(m, a, b); m != driver.Euclidean || s == 0 {
			return s
		} else {
			return -s * s
		}
	}))},
	{Name: "euclidean-minus-zero", Rule: "V3", Fault: "The score of a document at the place of the query is minus zero.", Vectors: ranks(scores(func(m driver.Metric, a, b []float32) float64 {
		if s := driver.Score(m, a, b); m != driver.Euclidean || s != 0 {
			return s
		}
		return math.Copysign(0, -1)
	}))},
	{Name: "float32-overflows", Rule: "V3", Fault: "Sums are in float32 and overflow.", Vectors: ranks(scores(sum32))},
	{Name: "bfloat16-index", Rule: "V3", Fault: "Scores are computed of embeddings with eight bits.", Vectors: ranks(scores(func(m driver.Metric, a, b []float32) float64 { return driver.Score(m, half(a), half(b)) }))},
	{Name: "blocks-of-four", Rule: "V3", Fault: "From eight dimensions on those that fill no block of four are left out.", Vectors: ranks(scores(func(m driver.Metric, a, b []float32) float64 {
		if n := len(a) &^ 3; n >= 8 {
			a, b = a[:n], b[:n]
		}
		return driver.Score(m, a, b)
	}))},
	{Name: "cosine-beyond-one", Rule: "V3", Fault: "The cosine of a vector with itself may be a little more than 1.", Vectors: ranks(scores(func(m driver.Metric, a, b []float32) float64 {
		if m == driver.Cosine {
			return driver.Score(driver.Dot, a, b) / (math.Sqrt(driver.Score(driver.Dot, a, a)) * math.Sqrt(driver.Score(driver.Dot, b, b)))
		}
		return driver.Score(m, a, b)
	}))},
	{Name: "ties-by-collation", Rule: "V3", Fault: "Equal scores are ordered by IDs without regard to case.", Vectors: ranks(ranking{order: func(a, b driver.Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)), cmp.Compare(a.ID, b.ID))
	}})},
	{Name: "ties-are-cut-anyhow", Rule: "V3", Fault: "Where the limit cuts through equal scores those with the last IDs are kept, and come in order.", Vectors: ranks(ranking{choose: func(list []driver.Match, q driver.Query) []driver.Match {
		if len(list) <= q.Limit {
			return list
		}
		slices.SortFunc(list, func(a, b driver.Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.ID, a.ID)) })
		list = list[:q.Limit]
		slices.SortFunc(list, bestFirst)
		return list
	}})},
}
