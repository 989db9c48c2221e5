package sqlite

import "github.com/viterin/vek/vek32"

// dot and distance score in float32, with AVX2 and FMA where the processor has
// them. Both slices have the same length, which is not 0.
func dot(a, b []float32) float32      { return vek32.Dot(a, b) }
func distance(a, b []float32) float32 { return vek32.Distance(a, b) }
