package drivertest

import (
	"slices"
	"sync"
)

// deviations are those that a target declares, and what became of them.
type deviations struct {
	mu    sync.Mutex
	known []Deviation
	// ran and failed count the checks of each.
	ran, failed []int
}

func newDeviations(known []Deviation) *deviations {
	return &deviations{known: known, ran: make([]int, len(known)), failed: make([]int, len(known))}
}

// covers notes how a check went and returns the deviation that is about it.
func (d *deviations) covers(c *check, failed bool) *Deviation {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, k := range d.known {
		if k.Rule == c.rule && (k.Check == "" || k.Check == c.name) {
			d.ran[i]++
			if failed {
				d.failed[i]++
			}
			return &d.known[i]
		}
	}
	return nil
}

// stale returns the deviations of which every check passes.
func (d *deviations) stale() []Deviation {
	d.mu.Lock()
	defer d.mu.Unlock()
	var stale []Deviation
	for i, k := range d.known {
		if d.ran[i] > 0 && d.failed[i] == 0 {
			stale = append(stale, k)
		}
	}
	return stale
}

// unknown returns the deviations that name no check of the suite.
func (d *deviations) unknown() []Deviation {
	return slices.DeleteFunc(slices.Clone(d.known), func(k Deviation) bool {
		return slices.ContainsFunc(checks, func(c check) bool { return c.rule == k.Rule && (k.Check == "" || k.Check == c.name) })
	})
}

// String is how a deviation is called.
func (d Deviation) String() string {
	if d.Check == "" {
		return d.Rule
	}
	return d.Rule + "/" + d.Check
}
