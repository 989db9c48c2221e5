//go:build !amd64

package sqlite

import "math"

// dot and distance score in float32, four sums at a time so that the additions
// do not wait for one another. Both slices have the same length.
func dot(a, b []float32) float32 {
	var s [4]float32
	b = b[:len(a)]
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		s[0] += a[0] * b[0]
		s[1] += a[1] * b[1]
		s[2] += a[2] * b[2]
		s[3] += a[3] * b[3]
	}
	for i := range a {
		s[0] += a[i] * b[i]
	}
	return s[0] + s[1] + s[2] + s[3]
}

func distance(a, b []float32) float32 {
	var s [4]float32
	b = b[:len(a)]
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		for i := range s {
			d := a[i] - b[i]
			s[i] += d * d
		}
	}
	for i := range a {
		d := a[i] - b[i]
		s[0] += d * d
	}
	return float32(math.Sqrt(float64(s[0] + s[1] + s[2] + s[3])))
}
