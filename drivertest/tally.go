package drivertest

import "sync/atomic"

// tally orders what happens in several goroutines.
type tally struct{ n atomic.Int64 }

// next is greater than every number that was returned before.
func (t *tally) next() int64 { return t.n.Add(1) }
