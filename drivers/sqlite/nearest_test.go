package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

var metrics = []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean}

// shape makes vectors of a kind that is hard for a float32 to score. All vectors of
// a set are made by the same call, so that they have something to do with one
// another.
type shape func(r *rand.Rand, dimension int) func() []float32

// each makes a vector a component at a time.
func each(component func(r *rand.Rand) float64) shape {
	return func(r *rand.Rand, dimension int) func() []float32 {
		return func() []float32 {
			v := make([]float32, dimension)
			for i := range v {
				v[i] = finite(component(r))
			}
			return v
		}
	}
}

// finite is the nearest component that a collection accepts.
func finite(x float64) float32 {
	return float32(max(-math.MaxFloat32, min(math.MaxFloat32, x)))
}

// scaled makes vectors of very different lengths.
func scaled(least, greatest float64) shape {
	return func(r *rand.Rand, dimension int) func() []float32 {
		return func() []float32 {
			scale := math.Pow(10, least+r.Float64()*(greatest-least))
			v := make([]float32, dimension)
			for i := range v {
				v[i] = finite(r.NormFloat64() * scale)
			}
			return v
		}
	}
}

// copies makes vectors out of a few, the same or nearly.
func copies(few int, change func(r *rand.Rand, v []float32)) shape {
	return func(r *rand.Rand, dimension int) func() []float32 {
		originals := make([][]float32, few)
		for i := range originals {
			originals[i] = each((*rand.Rand).NormFloat64)(r, dimension)()
		}
		return func() []float32 {
			v := slices.Clone(originals[r.IntN(few)])
			change(r, v)
			return v
		}
	}
}

var shapes = map[string]shape{
	"ordinary":         each((*rand.Rand).NormFloat64),
	"whole numbers":    each(func(r *rand.Rand) float64 { return float64(r.IntN(5) - 2) }),
	"mostly zero":      each(func(r *rand.Rand) float64 { return float64(r.IntN(2)*r.IntN(2)) * r.NormFloat64() }),
	"huge":             each(func(r *rand.Rand) float64 { return r.NormFloat64() * 1e30 }),
	"greatest":         each(func(r *rand.Rand) float64 { return r.NormFloat64() * math.MaxFloat32 }),
	"tiny":             each(func(r *rand.Rand) float64 { return r.NormFloat64() * 1e-30 }),
	"below normal":     each(func(r *rand.Rand) float64 { return r.NormFloat64() * 1e-42 }),
	"least":            each(func(r *rand.Rand) float64 { return float64(r.IntN(7)-3) * math.SmallestNonzeroFloat32 }),
	"mixed components": each(func(r *rand.Rand) float64 { return r.NormFloat64() * math.Pow(10, float64(r.IntN(76)-38)) }),
	"mixed lengths":    scaled(-38, 38),
	"short and long":   scaled(-3, 3),
	"at the bounds":    scaled(-15.2, -14.8), // of what is pre-selected by cosine
	"at both bounds":   scaled(14.8, 15.2),
	"duplicates":       copies(3, func(r *rand.Rand, v []float32) {}),
	"scaled copies": copies(3, func(r *rand.Rand, v []float32) {
		scale := math.Pow(10, float64(r.IntN(9)-4))
		for i := range v {
			v[i] = finite(float64(v[i]) * scale)
		}
	}),
	"near ties": copies(2, func(r *rand.Rand, v []float32) {
		v[r.IntN(len(v))] += float32(r.NormFloat64() * 1e-7)
	}),
	"nearest ties": copies(2, func(r *rand.Rand, v []float32) {
		at := r.IntN(len(v))
		v[at] = math.Nextafter32(v[at], float32(r.IntN(3)-1))
	}),
	"cancelling": func(r *rand.Rand, dimension int) func() []float32 {
		return func() []float32 { // large products whose sum is next to nothing
			v := make([]float32, dimension)
			for i := range v {
				v[i] = float32(1e6 * float64(1-2*(i%2)))
			}
			v[r.IntN(dimension)] += float32(r.NormFloat64())
			return v
		}
	},
	"opposites": copies(2, func(r *rand.Rand, v []float32) {
		if r.IntN(2) == 0 {
			for i := range v {
				v[i] = -v[i]
			}
		}
	}),
	"one in a crowd of zeros": func(r *rand.Rand, dimension int) func() []float32 {
		return func() []float32 {
			v := make([]float32, dimension)
			if r.IntN(20) == 0 {
				v[r.IntN(dimension)] = float32(r.NormFloat64())
			}
			return v
		}
	},
}

// acceptable makes a vector that a collection of this metric takes.
func acceptable(metric driver.Metric, v []float32) []float32 {
	if metric == driver.Cosine && !slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) {
		v[0] = 1
	}
	return v
}

// sample is a matrix, what is in it, and a query.
type sample struct {
	*matrix
	metric driver.Metric
	rows   [][]float32
	query  []float32
}

func newSample(r *rand.Rand, metric driver.Metric, make shape, dimension, rows int) sample {
	s := sample{matrix: newMatrix(dimension), metric: metric}
	next := make(r, dimension)
	for key := range int64(rows) {
		v := acceptable(metric, next())
		s.rows = append(s.rows, v)
		s.put(key, packEmbedding(v))
	}
	s.query = acceptable(metric, next())
	switch r.IntN(4) {
	case 0: // one that is there
		s.query = s.rows[r.IntN(rows)]
	case 1: // of another kind
		s.query = acceptable(metric, shapes["ordinary"](r, dimension)())
	}
	return s
}

// scores are all rows with their scores by the reference, best first.
func (s sample) scores(subset []int32) []ranked {
	all := make([]ranked, 0, len(s.rows))
	if subset == nil {
		for place := range int32(len(s.rows)) {
			subset = append(subset, place)
		}
	}
	for _, place := range subset {
		all = append(all, ranked{place, driver.Score(s.metric, s.query, s.rows[place])})
	}
	sortRanked(all)
	return all
}

func sortRanked(all []ranked) {
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.place, b.place))
	})
}

// want is what nearest must return, by brute force: the limit best, and all that
// score as the last of them does.
func want(all []ranked, limit int, minScore *float64) []ranked {
	end := 0
	for end < len(all) && (minScore == nil || all[end].score >= *minScore) && (end < limit || all[end].score == all[limit-1].score) {
		end++
	}
	return all[:end]
}

func (s sample) check(t *testing.T, subset []int32, all []ranked, limit int, minScore *float64) {
	t.Helper()
	got, err := s.nearest(t.Context(), s.metric, driver.Query{Embedding: s.query, Limit: limit, MinScore: minScore}, candidates{listed: subset})
	testkit.Check(t, err)
	if !slices.IsSortedFunc(got, func(a, b ranked) int { return cmp.Compare(b.score, a.score) }) {
		t.Fatalf("%s: the scores are not in order: %v (V3)", s.metric, got)
	}
	sortRanked(got)
	want := want(all, limit, minScore)
	if slices.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.Fatalf("%s of %d rows of dimension %d, %d in the subset, limit %d, minimum %v: %d rows came back and %d should have; the first difference is at %d: got %v, want %v (V3, V5)",
		s.metric, len(s.rows), s.dimension, len(subset), limit, show(minScore), len(got), len(want), at, from(got, at), from(want, at))
}

func show(minScore *float64) string {
	if minScore == nil {
		return "none"
	}
	return fmt.Sprint(*minScore)
}

func from(all []ranked, at int) []ranked { return all[at:min(at+3, len(all))] }

// limitsAround are limits of which some cut through rows that score the same.
func limitsAround(r *rand.Rand, all []ranked) []int {
	limits := []int{1, 1 + r.IntN(len(all)), len(all), len(all) + 1, driver.MaxResults}
	for at := 1; at < len(all); at++ {
		if all[at].score == all[at-1].score { // the beginning of a tie
			return append(limits, at, at+1, max(1, at-1))
		}
	}
	return limits
}

// minScoresAround are minimum scores that are just reached, and just not.
func minScoresAround(r *rand.Rand, all []ranked) []*float64 {
	exact := all[r.IntN(len(all))].score
	above, below := math.Nextafter(exact, math.Inf(1)), math.Nextafter(exact, math.Inf(-1))
	lowest, highest := math.Inf(-1), math.Inf(1)
	return []*float64{nil, &exact, &above, &below, &all[0].score, &lowest, &highest}
}

// someOf picks rows, in order.
func someOf(r *rand.Rand, rows int) []int32 {
	subset := []int32{}
	share := r.Float64()
	for place := range int32(rows) {
		if r.Float64() < share {
			subset = append(subset, place)
		}
	}
	return subset
}

// seeded is a source of random numbers that a failure can be repeated with.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestNearestIsBruteForce compares the two passes of nearest with scoring every row
// by the reference and sorting.
func TestNearestIsBruteForce(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			for _, metric := range metrics {
				for _, dimension := range []int{1, 2, 3, 1 + r.IntN(16), 1 + r.IntN(64), 1 + r.IntN(300)} {
					s := newSample(r, metric, shape, dimension, 1+r.IntN(120))
					for _, subset := range [][]int32{nil, someOf(r, len(s.rows)), {}} {
						all := s.scores(subset)
						if len(all) == 0 {
							s.check(t, subset, all, 1, nil)
							continue
						}
						for _, limit := range limitsAround(r, all) {
							for _, minScore := range minScoresAround(r, all) {
								s.check(t, subset, all, limit, minScore)
							}
						}
					}
				}
			}
		})
	}
}

// TestNearestOnManyProcessors has so many rows that they are shared out.
func TestNearestOnManyProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(7))
	r := seeded(t)
	for _, name := range []string{"ordinary", "duplicates", "near ties", "whole numbers", "mixed lengths"} {
		t.Run(name, func(t *testing.T) {
			metric := metrics[r.IntN(len(metrics))]
			const dimension = 200
			s := newSample(r, metric, shapes[name], dimension, 4201) // which cannot be shared out evenly
			if r.IntN(2) == 0 {
				s.query = s.rows[len(s.rows)-1] // the last one must not be forgotten
			}
			if workers := len(s.rows) * dimension / parallelFloats; workers < 5 {
				t.Fatalf("the rows are shared out among %d, too few to show anything", workers)
			}
			for _, subset := range [][]int32{nil, someOf(r, len(s.rows))} {
				all := s.scores(subset)
				if len(all) == 0 {
					continue
				}
				for _, limit := range []int{1, 2, 10, 500, len(all)} {
					s.check(t, subset, all, limit, nil)
					s.check(t, subset, all, limit, &all[min(limit, len(all))/2].score)
				}
			}
		})
	}
}

// TestNearestSelects: the first pass leaves little to the second, else it would be
// of no use.
func TestNearestSelects(t *testing.T) {
	r := seeded(t)
	for _, metric := range metrics {
		s := newSample(r, metric, shapes["ordinary"], 100, 2000)
		q := driver.Query{Embedding: s.query, Limit: 10}
		survivors, err := s.preselect(t.Context(), newPreselection(metric, s.query), q, candidates{})
		testkit.Check(t, err)
		if len(survivors) > 20 {
			t.Errorf("%s: of 2000 rows %d are scored again to find the best 10, want at most 20", metric, len(survivors))
		}
	}
}

// TestNearestEndsWithItsContext, in both passes.
func TestNearestEndsWithItsContext(t *testing.T) {
	s := newSample(seeded(t), driver.Dot, shapes["ordinary"], 8, 100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.nearest(ctx, s.metric, driver.Query{Embedding: s.query, Limit: 1}, candidates{})
	testkit.WantError(t, "nearest with a context that is done", err, context.Canceled)
}

// TestBoundsEncloseTheScore: what the first pass says about a row is true, else the
// answer would not be exact.
func TestBoundsEncloseTheScore(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			for _, metric := range metrics {
				for range 25 {
					s := newSample(r, metric, shape, 1+r.IntN(300), 20)
					p := newPreselection(metric, s.query)
					for place, row := range s.rows {
						low, high := p.score(s.row(int32(place)), s.norms[place])
						if score := driver.Score(metric, s.query, row); !(low <= score && score <= high) {
							t.Fatalf("%s, dimension %d: the bounds %v and %v do not enclose the score %v of %v and %v", metric, s.dimension, low, high, score, s.query, row)
						}
					}
				}
			}
		})
	}
}

// checkMatrix compares a matrix with what should be in it.
func checkMatrix(t *testing.T, m *matrix, rows map[int64][]float32) {
	t.Helper()
	if len(m.keys) != len(rows) || len(m.norms) != len(rows) || len(m.places) != len(rows) {
		t.Fatalf("%d keys, %d norms and %d places for %d rows", len(m.keys), len(m.norms), len(m.places), len(rows))
	}
	if want := (len(rows) + 1<<m.shift - 1) >> m.shift; len(m.blocks) != want {
		t.Fatalf("%d blocks for %d rows of %d a block, want %d", len(m.blocks), len(rows), 1<<m.shift, want)
	}
	for key, row := range rows {
		place, there := m.places[key]
		if !there || m.keys[place] != key {
			t.Fatalf("key %d: its place is %d (there: %t), where key %d is", key, place, there, m.keys[place])
		}
		if !slices.Equal(m.row(place), row) || m.norms[place] != float32(norm(row)) {
			t.Fatalf("key %d: the row is %v of length %v, want %v of length %v", key, m.row(place), m.norms[place], row, norm(row))
		}
	}
}

// TestMatrixIsAMap puts and removes rows at random and compares with a map.
func TestMatrixIsAMap(t *testing.T) {
	r := seeded(t)
	for range 20 {
		m := newMatrix(1 + r.IntN(5))
		m.shift = r.IntN(4) // small blocks, so that they come and go
		rows := map[int64][]float32{}
		next := shapes["ordinary"](r, m.dimension)
		growing := 0.5
		for step := range 600 {
			if step%100 == 0 {
				growing = 0.2 + 0.6*r.Float64()
			}
			key := int64(r.IntN(60))
			if r.Float64() < growing {
				rows[key] = next()
				m.put(key, packEmbedding(rows[key]))
			} else {
				delete(rows, key)
				m.remove(key)
			}
			checkMatrix(t, m, rows)
		}
	}
}

// TestBlocksFitTheirRows for every dimension that a collection may have.
func TestBlocksFitTheirRows(t *testing.T) {
	for dimension := 1; dimension <= driver.MaxDimension; dimension++ {
		m := newMatrix(dimension)
		if rows := 1 << m.shift; rows*dimension > max(blockFloats, dimension) || 2*rows*dimension <= blockFloats {
			t.Fatalf("a block has %d rows of dimension %d, which is %d floats, want as near to %d as a power of two comes", rows, dimension, rows*dimension, blockFloats)
		}
	}
}

// TestRefreshIsReadingAnew changes documents at random, brings an old copy up to
// date and compares it with the file.
func TestRefreshIsReadingAnew(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t").Vectors.(vectors)
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: pointsName, Dimension: 2, Metric: driver.Euclidean}))
	m := newMatrix(2)
	for round := range 60 {
		for range r.IntN(12) {
			changeAtRandom(t, r, s, round)
		}
		refreshFrom(t, s, m)
	}
	// As old as can be brought up to date, and older.
	for _, versions := range []int{listedVersions, listedVersions + 1} {
		testkit.Check(t, changeDocuments(t.Context(), s, "put-all", versions+1, 1))
		refreshFrom(t, s, m)
		testkit.Check(t, changeDocuments(t.Context(), s, "delete-each", 0, versions))
		refreshFrom(t, s, m)
	}
}

func changeAtRandom(t *testing.T, r *rand.Rand, s vectors, round int) {
	t.Helper()
	first, n := r.IntN(50), 1+r.IntN(10)
	var err error
	if r.IntN(2) == 0 {
		docs := make([]driver.Document, n)
		for i := range docs {
			docs[i] = point(first+i, round)
		}
		err = s.Upsert(t.Context(), pointsName, docs)
	} else {
		err = changeDocuments(t.Context(), s, "delete", first, first+n)
	}
	testkit.Check(t, err)
}

// refreshFrom brings m up to date and compares it with the file.
func refreshFrom(t *testing.T, s vectors, m *matrix) {
	t.Helper()
	rows := map[int64][]float32{}
	testkit.Check(t, s.reading(t.Context(), func(c *conn) error {
		found, err := s.find(c, pointsName)
		if err != nil {
			return err
		}
		if err := m.refresh(t.Context(), c, found); err != nil {
			return err
		}
		if m.version != found.version {
			t.Errorf("a refreshed copy has version %d, the collection %d", m.version, found.version)
		}
		return c.each(t.Context(), "SELECT key, embedding FROM documents WHERE collection = ?", []any{found.key}, func(row scanner) (bool, error) {
			var key int64
			var packed []byte
			err := row.Scan(&key, &packed)
			rows[key] = unpackEmbedding(packed)
			return true, err
		})
	}))
	checkMatrix(t, m, rows)
}

// TestRefreshThatFails leaves nothing half-read: the next one reads everything.
func TestRefreshThatFails(t *testing.T) {
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t").Vectors.(vectors)
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: pointsName, Dimension: 2, Metric: driver.Euclidean}))
	testkit.Check(t, changeDocuments(t.Context(), s, "put-all", 20, 1))
	m := newMatrix(2)
	refreshFrom(t, s, m)
	testkit.Check(t, changeDocuments(t.Context(), s, "delete", 3, 9))
	testkit.Check(t, changeDocuments(t.Context(), s, "put", 3, 2))
	done, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.reading(t.Context(), func(c *conn) error {
		found, err := s.find(c, pointsName)
		testkit.Check(t, err)
		return m.refresh(done, c, found)
	})
	testkit.WantError(t, "refresh with a context that is done", err, context.Canceled)
	if m.version != unread || len(m.keys) != 0 {
		t.Errorf("after a refresh that failed the copy has version %d and %d rows, want none", m.version, len(m.keys))
	}
	refreshFrom(t, s, m)
}

// TestLeastHeapKeepsTheGreatest compares with sorting.
func TestLeastHeapKeepsTheGreatest(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		h := leastHeap{limit: 1 + r.IntN(20)}
		var all []float64
		for range r.IntN(60) {
			v := float64(r.IntN(15))
			if v == 0 {
				v = math.Inf(-1)
			}
			h.add(v)
			all = append(all, v)
			slices.Sort(all)
			want := all[max(0, len(all)-h.limit):]
			got := slices.Sorted(slices.Values(h.values))
			if !slices.Equal(got, want) {
				t.Fatalf("of %v the heap keeps %v, want the greatest %d: %v", all, got, h.limit, want)
			}
			least := math.Inf(-1)
			if len(all) >= h.limit {
				least = want[0]
			}
			if h.least() != least {
				t.Fatalf("with %v in a heap of %d the least is %v, want %v", all, h.limit, h.least(), least)
			}
		}
	}
}

// TestNearestWords finds the ten words that are nearest to each query, among 50,000,
// and compares with the list that was computed elsewhere. Where the lists differ the
// words must be equally near, as far as a float32 can tell.
func TestNearestWords(t *testing.T) {
	t.Parallel()
	const queries = 100
	data, ok := testkit.ReadGloVe(t)
	if !ok {
		return
	}
	m := newMatrix(len(data.Base[0]))
	for _, embedding := range data.Base {
		m.put(int64(len(m.keys)), packEmbedding(embedding))
	}
	if len(m.keys) != 50_000 {
		t.Fatalf("there are %d words, want 50,000", len(m.keys))
	}
	different := 0
	for i, query := range data.Queries[:queries] {
		nearest := data.Nearest[i]
		got, err := m.nearest(t.Context(), driver.Cosine, driver.Query{Embedding: query, Limit: len(nearest)}, candidates{})
		testkit.Check(t, err)
		for j, expected := range nearest {
			if int64(expected) == m.keys[got[j].place] {
				continue
			}
			different++
			if score := driver.Score(driver.Cosine, query, m.row(m.places[int64(expected)])); math.Abs(score-got[j].score) > 1e-6 {
				t.Errorf("query %d: the word at rank %d is %d with score %v, want %d with score %v", i, j+1, m.keys[got[j].place], got[j].score, expected, score)
			}
		}
	}
	t.Logf("%d of %d ranks are ties of float32", different, queries*len(data.Nearest[0]))
}
