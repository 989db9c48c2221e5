package zoo

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

var events = slices.Concat(eventWrites, eventRepeats, eventReads, eventStreams, eventForms, eventListings)

type eventFault = func(driver.EventStore, *Place) driver.EventStore

// appending replaces Append.
func appending(f func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error)) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			return f(ctx, s, at, id, expect, events)
		}}
	}
}

// loading replaces Load.
func loading(f func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool)) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		return &anEventStore{EventStore: s, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
			return func(yield func(driver.StoredEvent, error) bool) { f(ctx, s, at, id, after, yield) }
		}}
	}
}

// storing changes each event before it is stored; i is its place in the batch.
func storing(change func(i int, e *driver.Event)) eventFault {
	return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
		events = slices.Clone(events)
		for i := range events {
			change(i, &events[i])
		}
		return s.Append(ctx, id, expect, events)
	})
}

// showing changes each event that is loaded.
func showing(change func(e *driver.StoredEvent)) eventFault {
	return loading(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, after uint64, yield func(driver.StoredEvent, error) bool) {
		for e, err := range s.Load(ctx, id, after) {
			if err == nil {
				change(&e)
			}
			if !yield(e, err) {
				return
			}
		}
	})
}

// yieldHere gives others the time to come in between.
func yieldHere() {
	runtime.Gosched()
	time.Sleep(50 * time.Microsecond)
}

// logOf is a whole history, by event ID.
func logOf(ctx context.Context, s driver.EventStore, id driver.ExecutionID) map[driver.EventID]driver.StoredEvent {
	log := map[driver.EventID]driver.StoredEvent{}
	for e, err := range s.Load(ctx, id, 0) {
		if err == nil {
			log[e.ID] = e
		}
	}
	return log
}

// anyKnown says whether one of the events is in a log.
func anyKnown(log map[driver.EventID]driver.StoredEvent, events []driver.Event) bool {
	return slices.ContainsFunc(events, func(e driver.Event) bool { return log[e.ID].Sequence != 0 })
}

// locked is a value under a lock.
type locked[T any] struct {
	sync.Mutex
	value T
}

// noted is a set of names.
type noted struct {
	mu    sync.Mutex
	names map[string]int
}

// add notes a name and returns how often it has been.
func (n *noted) add(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil {
		n.names = map[string]int{}
	}
	n.names[name]++
	return n.names[name]
}

func (n *noted) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.names[name]
}

// forgetting stores an event whose ID is there again if the driver has forgotten
// it; last is the sequence of the last event.
func forgetting(forgotten func(at *Place, id driver.ExecutionID, last uint64, stored driver.StoredEvent) bool) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		return withoutMarks(appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			return appendAgain(ctx, s, at, id, expect, events, func(e driver.Event) bool {
				stored, known := log[e.ID]
				return known && forgotten(at, id, uint64(len(log)), stored)
			})
		})(s, at), at)
	}
}

const mark = "\x00again"

var withoutMarks = showing(func(e *driver.StoredEvent) {
	id, _, _ := strings.Cut(string(e.ID), mark)
	e.ID = driver.EventID(id)
})

// appendAgain appends events of which those that are forgotten get another ID
// inside.
func appendAgain(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event, forgotten func(driver.Event) bool) (uint64, error) {
	events = slices.Clone(events)
	for i, e := range events {
		if forgotten(e) {
			events[i].ID += driver.EventID(fmt.Sprint(mark, Remember[noted](at.Store, "marks").add("")))
		}
	}
	return s.Append(ctx, id, expect, events)
}
