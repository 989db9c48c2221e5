package sqlite

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

// ranked is a row of a matrix with its score.
type ranked struct {
	place int32
	score float64
}

// nearest returns the rows with the highest scores, best first: at least limit of
// them, if so many reach minScore, and more only if they score as the last one
// does.
//
// A first pass scores every row in float32, on all processors, and with a bound on
// its error keeps those that may be among the best. A second pass scores these as
// driver.Score does, so the answer is exact.
func (m *matrix) nearest(ctx context.Context, metric driver.Metric, q driver.Query, among candidates) ([]ranked, error) {
	p := newPreselection(metric, q.Embedding)
	survivors, err := m.preselect(ctx, p, q, among)
	if err != nil {
		return nil, err
	}
	best := make([]ranked, 0, len(survivors))
	for i, place := range survivors {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		score := driver.Score(metric, q.Embedding, m.row(place))
		if q.MinScore == nil || score >= *q.MinScore {
			best = append(best, ranked{place, score})
		}
	}
	slices.SortFunc(best, func(a, b ranked) int {
		if a.score > b.score {
			return -1
		}
		if a.score < b.score {
			return 1
		}
		return 0
	})
	end := min(q.Limit, len(best))
	for end < len(best) && best[end].score == best[end-1].score {
		end++
	}
	return best[:end], nil
}

// checkEvery is how many rows are scored between two looks at the context.
const checkEvery = 1024

// preselection scores rows in float32. The error of a score a of a row of length n
// is at most fixed + perNorm·n + perScore·|a|.
//
// The bounds are those of a sum of d products in any order, d·u/(1-d·u) with
// u = 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1),
// with a few roundings more for what stands around the sum, and what may be lost
// when a product is too small for a float32.
type preselection struct {
	metric                   driver.Metric
	query                    []float32
	fixed, perNorm, perScore float64
}

func newPreselection(metric driver.Metric, query []float32) preselection {
	const (
		u    = 1.0 / (1 << 24)
		tiny = 1.2e-38 // the least normal float32
	)
	d := float64(len(query) + 16)
	sum := d * u / (1 - d*u)
	p := preselection{metric: metric, query: query}
	switch metric {
	case driver.Cosine:
		length := norm(query)
		p.query = make([]float32, len(query))
		for i, x := range query {
			p.query[i] = float32(float64(x) / length)
		}
		p.fixed = 1.001*sum + d*tiny/leastNorm
	case driver.Dot:
		p.perNorm = 1.001 * sum * norm(query)
		p.fixed = d * tiny
	case driver.Euclidean:
		p.perScore = 1.001 * sum
		p.fixed = math.Sqrt(d * tiny)
	}
	return p
}

// Rows shorter or longer than this are not pre-selected by cosine, since products
// could leave the range of float32.
const leastNorm, greatestNorm = 1e-15, 1e15

// score returns a lower and an upper bound of the row's score.
func (p *preselection) score(row []float32, length float32) (low, high float64) {
	var a float32
	switch p.metric {
	case driver.Cosine:
		if length < leastNorm || length > greatestNorm {
			return math.Inf(-1), math.Inf(1)
		}
		a = dot(p.query, row) / length
	case driver.Dot:
		a = dot(p.query, row)
	case driver.Euclidean:
		a = -distance(p.query, row)
	}
	score := float64(a)
	slack := p.fixed + p.perNorm*float64(length) + p.perScore*math.Abs(score)
	low, high = score-slack, score+slack
	if math.IsNaN(low) || math.IsNaN(high) || math.IsInf(score, 0) {
		return math.Inf(-1), math.Inf(1)
	}
	return low, high
}

// parallelFloats is how much there must be to score before it is worth the
// trouble to use another processor.
const parallelFloats = 1 << 17

// hopeful is a row that may be among the best, with the upper bound of its score.
type hopeful struct {
	place int32
	high  float64
}

// preselect returns the rows that may be among the best.
func (m *matrix) preselect(ctx context.Context, p preselection, q driver.Query, among candidates) ([]int32, error) {
	n := among.count(m)
	workers := max(1, min(runtime.GOMAXPROCS(0), n*m.dimension/parallelFloats))
	lows, rows := make([]leastHeap, workers), make([][]hopeful, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { lows[w], rows[w] = m.bound(ctx, p, q, among, n*w/workers, n*(w+1)/workers) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := lows[0]
	for _, kept := range lows[1:] {
		for _, low := range kept.values {
			all.add(low)
		}
	}
	threshold := all.least()
	if q.MinScore != nil {
		threshold = max(threshold, *q.MinScore)
	}
	var survivors []int32
	for _, row := range slices.Concat(rows...) {
		if row.high >= threshold {
			survivors = append(survivors, row.place)
		}
	}
	return survivors, nil
}

// The memory of a row is asked for while a row so many places before it is scored:
// its beginning or, where rows are not beside one another, up to so many bytes.
const (
	rowsAhead     = 8
	prefetchBytes = 4096
)

// bound scores a part of the candidates. It returns the highest lower bounds, and the
// rows whose upper bounds were not below these.
func (m *matrix) bound(ctx context.Context, p preselection, q driver.Query, among candidates, from, to int) (leastHeap, []hopeful) {
	lows := leastHeap{limit: q.Limit}
	var rows []hopeful
	var buffer [checkEvery]int32
	ahead := 1
	if among.scattered() {
		ahead = min(4*m.dimension, prefetchBytes)
	}
	for ; from < to && ctx.Err() == nil; from += checkEvery {
		places := among.some(buffer[:0], from, min(from+checkEvery, to))
		for i, place := range places {
			if i+rowsAhead < len(places) {
				prefetch(&m.row(places[i+rowsAhead])[0], ahead)
			}
			if low, high := p.score(m.row(place), m.norms[place]); high >= lows.least() {
				lows.add(low)
				rows = append(rows, hopeful{place, high})
			}
		}
	}
	return lows, rows
}
