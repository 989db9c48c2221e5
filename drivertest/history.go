package drivertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

var historyChecks = []check{
	{
		rule: "E2", name: "concurrent-appends", role: driver.RoleEvents, run: concurrentAppends,
		why: "a writer who is told a place where its events are not, or whose events go astray, cannot be recovered",
	},
	{
		rule: "E5", name: "concurrent-expectations", role: driver.RoleEvents, run: concurrentExpectations,
		why: "a writer who is told a sequence that never was loads, and does not understand what it finds",
	},
	{
		rule: "E6", name: "concurrent-retries", role: driver.RoleEvents, run: concurrentRetries,
		why: "retries of many writers meet, and each must find its own first time",
	},
}

// ledger is what several writers and readers of one execution have done and been
// told. The log in the end is what really happened, in its order; verify holds the
// one against the other.
type ledger struct {
	t         *trial
	execution driver.ExecutionID
	stores    [2]driver.EventStore
	clock     atomic.Int64 // one tick for each call and each return

	mu        sync.Mutex
	writes    []written
	sightings []sighting
}

// written is an append that succeeded, or failed over an expectation.
type written struct {
	did       string
	call, ret int64
	events    []driver.Event
	last      uint64 // 0: refused
}

// sighting is that somebody was told a length of the log.
type sighting struct {
	did       string
	call, ret int64
	length    uint64
	from      uint64   // of what was loaded
	loaded    []string // the event IDs; nil if there was no loading
}

func newLedger(t *trial, execution driver.ExecutionID, stores [2]driver.EventStore) *ledger {
	return &ledger{t: t, execution: execution, stores: stores}
}

func (l *ledger) sees(s sighting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sightings = append(l.sightings, s)
}

// append appends events and remembers what came of it: the last sequence, or with
// ok false what the conflict said it was.
func (l *ledger) append(store driver.EventStore, expect driver.Expectation, events []driver.Event) (last uint64, ok bool) {
	w := written{did: describing(l.execution, expect, events), events: events, call: l.clock.Add(1)}
	last, err := store.Append(l.t.shaken(), l.execution, expect, events)
	w.ret = l.clock.Add(1)
	expected, stated := expect.Last()
	var conflict *driver.ConflictError
	switch {
	case err == nil:
		w.last = last
	case stated && errors.As(err, &conflict):
		last = conflict.Actual
		l.t.conflict(w.did, err, driver.ConflictError{Expected: expected, Actual: last})
		if last == expected {
			l.t.fatal(w.did, err, "no conflict where the log is as expected")
		}
		l.sees(sighting{did: w.did + ": the conflict", call: w.call, ret: w.ret, length: last})
	default:
		l.t.ok(w.did, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, w)
	return last, err == nil
}

// look reads in one of the three ways.
func (l *ledger) look(r *rand.Rand, store driver.EventStore, near uint64) uint64 {
	s := sighting{did: "LatestSequence", call: l.clock.Add(1)}
	switch r.IntN(3) {
	case 0:
		s.length = l.t.latest(store, l.execution)
	case 1:
		s.from = near - min(near, uint64(r.IntN(4)))
		s.did = fmt.Sprintf("Load after %d", s.from)
		s.loaded = eventIDs(l.t.load(store, l.execution, s.from))
		if s.loaded == nil {
			s.loaded = []string{}
		}
		s.length = s.from + uint64(len(s.loaded))
	case 2:
		s.did = "ListExecutions"
		for _, x := range l.t.executions(store) {
			if x.ID == l.execution {
				s.length = x.LastSequence
			}
		}
	}
	s.ret = l.clock.Add(1)
	l.sees(s)
	return s.length
}

// taken appends a known ID with other content, which must fail.
func (l *ledger) taken(store driver.EventStore, known driver.Event, expect driver.Expectation) {
	known.Payload = append(notNil(known.Payload), '!')
	s := sighting{did: "Append of a known ID with other content", call: l.clock.Add(1)}
	_, err := store.Append(l.t.shaken(), l.execution, expect, []driver.Event{known})
	s.ret = l.clock.Add(1)
	l.t.fails(s.did, err, driver.ErrConflict)
	var conflict *driver.ConflictError
	if !errors.As(err, &conflict) || conflict.Event != known.ID {
		l.t.fatal(s.did, err, fmt.Sprintf("a *driver.ConflictError over event %q", known.ID))
	}
	s.length = conflict.Actual
	l.sees(s)
}

// play lets writers at two handles do what script says, each with its own random
// numbers, in a new execution each round, and verifies what came of it.
func (t *trial) playHistories(least, most, writers int, script func(l *ledger, w int, r *rand.Rand, store driver.EventStore)) {
	stores := t.twoEventStores()
	for round := range t.rounds(least, most) {
		l := newLedger(t, driver.ExecutionID(fmt.Sprint("round ", round)), stores)
		seeds := make([]uint64, writers)
		for w := range seeds {
			seeds[w] = t.rand.Uint64()
		}
		t.together(writers, func(w int) {
			script(l, w, rand.New(rand.NewPCG(seeds[w], 0)), stores[w%2])
		})
		l.verify(t.load(stores[round%2], l.execution, 0))
	}
}

func concurrentAppends(t *trial) {
	t.playHistories(2, 12, 5, func(l *ledger, w int, r *rand.Rand, store driver.EventStore) {
		for i := range 8 {
			near, _ := l.append(store, driver.Expectation{}, batchOf(fmt.Sprintf("%d-%d", w, i), 1+r.IntN(4)))
			if r.IntN(3) == 0 {
				l.look(r, l.stores[r.IntN(2)], near)
			}
		}
	})
}

func concurrentExpectations(t *trial) {
	t.playHistories(2, 12, 5, func(l *ledger, w int, r *rand.Rand, store driver.EventStore) {
		near := uint64(0)
		for i := range 5 {
			if r.IntN(3) == 0 {
				near = l.look(r, l.stores[r.IntN(2)], near)
			}
			events := batchOf(fmt.Sprintf("%d-%d", w, i), 1+r.IntN(3))
			for attempt := range 3 {
				expect := driver.ExpectLast(near)
				if attempt == 2 && r.IntN(2) == 0 {
					expect = driver.Expectation{}
				}
				var ok bool
				if near, ok = l.append(store, expect, events); ok {
					break
				}
			}
		}
	})
}

func concurrentRetries(t *trial) {
	t.playHistories(2, 12, 4, func(l *ledger, w int, r *rand.Rand, store driver.EventStore) {
		near := uint64(0)
		var done []driver.Event // of this writer
		for i := range 5 {
			// Every other batch is one that all writers append.
			events := batchOf(fmt.Sprintf("%d-%d", w, i), 1+r.IntN(3))
			if i%2 == 0 {
				events = batchOf(fmt.Sprintf("shared-%d", i), 1+i%3)
			}
			expect := driver.ExpectLast(near)
			for {
				last, ok := l.append(store, expect, events)
				near = last
				if ok {
					break
				}
				expect = []driver.Expectation{{}, driver.ExpectLast(near)}[r.IntN(2)]
			}
			if i%2 == 1 {
				done = append(done, events...)
			}
			again := l.stores[r.IntN(2)]
			l.append(again, []driver.Expectation{{}, driver.ExpectLast(0), driver.ExpectLast(near)}[r.IntN(3)], events)
			part := events[r.IntN(len(events)):]
			l.append(again, driver.ExpectLast(uint64(r.IntN(9))), part)
			if len(done) > 0 && r.IntN(2) == 0 {
				l.taken(again, done[r.IntN(len(done))], []driver.Expectation{{}, driver.ExpectLast(near)}[r.IntN(2)])
			}
			near = l.look(r, again, near)
		}
	})
}
