// Package model is what a soak knows about a store: every write with what came of
// it, so that whatever is read can be judged. Nothing in it touches a store.
package model

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Fate is what came of a write.
type Fate int

// The fates. A write begins as Unknown and may stay so: its process was killed, or
// its error left open whether it was applied.
const (
	Unknown Fate = iota
	Acknowledged
	Refused // it was certainly not applied
)

// Broken says which rule of the contract was broken, and how. It is an error.
type Broken struct{ Rule, What string }

// Error implements error.
func (b *Broken) Error() string { return b.Rule + " is broken: " + b.What }

func broken(rule, format string, args ...any) error {
	return &Broken{rule, fmt.Sprintf(format, args...)}
}

// Moment is a place in the order of what the soak was told.
type Moment int64

var ticks atomic.Int64

// Now is later than everything before it.
func Now() Moment { return Moment(ticks.Add(1)) }

// write is what all writes have in common.
type write struct {
	began Moment
	fate  Fate
	// told is when its fate was; zero while it is unknown.
	told Moment
}

// end gives a write its fate. A refusal cannot undo that an earlier attempt of the
// same write may have been applied; final says that it can, because the write no
// longer could succeed.
func (w *write) end(fate Fate, earlierUnknown, final bool) {
	if fate == Refused && earlierUnknown && !final {
		fate = Unknown
	}
	w.fate = fate
	if fate != Unknown {
		w.told = Now()
	}
}

// surely: it was acknowledged before a moment.
func (w *write) surely(before Moment) bool { return w.fate == Acknowledged && w.told < before }

// Span is when a read took place.
type Span struct {
	// From and To are in the order of what the soak was told.
	From, To Moment
	// Began and Ended are by the clock, for what expires.
	Began, Ended time.Time
}
