package sqlite

import (
	"math/rand/v2"
	"testing"

	"github.com/enactdev/enact/driver"
)

// BenchmarkNearest compares the exact top 10 of 50,000 × 384 with a plain loop
// that only adds up the products of the same rows:
//
//	go test ./drivers/sqlite -run '^$' -bench Nearest
func BenchmarkNearest(b *testing.B) {
	const rows, dimension = 50_000, 384
	r := rand.New(rand.NewPCG(1, 2))
	m := newMatrix(dimension)
	random := func() []float32 {
		v := make([]float32, dimension)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v
	}
	for key := range int64(rows) {
		m.put(key, packEmbedding(random()))
	}
	query := random()
	for _, metric := range []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean} {
		b.Run(string(metric), func(b *testing.B) {
			for b.Loop() {
				if _, err := m.nearest(b.Context(), metric, driver.Query{Embedding: query, Limit: 10}, candidates{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("plain loop", func(b *testing.B) {
		var sink float32
		for b.Loop() {
			for place := range int32(rows) {
				row := m.row(place)
				var sum float32
				for i, x := range query {
					sum += x * row[i]
				}
				sink += sum
			}
		}
		_ = sink
	})
}
