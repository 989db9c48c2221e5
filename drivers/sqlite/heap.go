package sqlite

import "math"

// leastHeap keeps the limit greatest values that were added, the least of them
// first.
type leastHeap struct {
	limit  int
	values []float64
}

// least returns the least value kept, minus infinity while there is room for more.
func (h *leastHeap) least() float64 {
	if len(h.values) < h.limit {
		return math.Inf(-1)
	}
	return h.values[0]
}

func (h *leastHeap) add(v float64) {
	if len(h.values) < h.limit {
		h.values = append(h.values, v)
		for i := len(h.values) - 1; i > 0; {
			parent := (i - 1) / 2
			if h.values[parent] <= h.values[i] {
				return
			}
			h.values[parent], h.values[i] = h.values[i], h.values[parent]
			i = parent
		}
		return
	}
	if v <= h.values[0] {
		return
	}
	h.values[0] = v
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h.values) {
			return
		}
		if child+1 < len(h.values) && h.values[child+1] < h.values[child] {
			child++
		}
		if h.values[i] <= h.values[child] {
			return
		}
		h.values[i], h.values[child] = h.values[child], h.values[i]
		i = child
	}
}
