// Package load is the random load of a soak: workers that call all roles of a store,
// tell the model what they do and what comes of it, and have it judge what they read.
package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Journal keeps what happened to a store, and the first thing that was broken in it.
type Journal struct {
	Calls, Refused, Open, Lost, Checks atomic.Int64

	late  atomic.Int64 // nanoseconds
	store string
	stop  context.CancelCauseFunc
	once  sync.Once
}

// NewJournal is an empty journal; stop ends the soak when something is broken.
func NewJournal(store string, stop context.CancelCauseFunc) *Journal {
	return &Journal{store: store, stop: stop}
}

// Late is how long after its deadline a call ended at most.
func (j *Journal) Late() time.Duration { return time.Duration(j.late.Load()) }

func (j *Journal) ended(took, timeout time.Duration) {
	for {
		most := j.late.Load()
		if late := int64(took - timeout); late <= most || j.late.CompareAndSwap(most, late) {
			return
		}
	}
}

// Judge takes the verdict on one thing: an error breaks the soak.
func (j *Journal) Judge(verdict error) {
	j.Checks.Add(1)
	if verdict != nil {
		j.once.Do(func() { j.stop(fmt.Errorf("%s: %w", j.store, verdict)) })
	}
}
