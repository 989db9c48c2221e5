package drivertest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventStreamChecks = []check{
	{
		rule: "E7", name: "loop-body-calls-the-store", role: driver.RoleEvents, run: loopBodyCallsTheStore,
		why: "an engine that reacts to what it reads would wait for itself for ever",
	},
	{
		rule: "E7", name: "side-by-side", role: driver.RoleEvents, run: streamsSideBySide,
		why: "whoever merges several executions reads them in turns, and must not get the events of one in another",
	},
	{
		rule: "E7", name: "leaving-early", role: driver.RoleEvents, run: leavingEarly,
		why: "a reader that has found what it wanted must not keep a lock or a connection",
	},
	{
		rule: "E7", name: "appending-while-loading", role: driver.RoleEvents, run: appendingWhileLoading,
		why: "events that come in the middle of a reading must not shift those that were there",
	},
	{
		rule: "E7", name: "whole-batches-while-writing", role: driver.RoleEvents, run: wholeBatchesWhileWriting,
		why: "a reader beside writers would act on half of what happened",
	},
}

// loopBodyCallsTheStore reads, writes and loads inside loops, deeper than pools of
// connections usually are.
func loopBodyCallsTheStore(t *trial) {
	const depth = 12
	other := t.open().Tenant(tenantID)
	t.append(t.Events, "run", batchOf("event", 3)...)
	var dive func(level int)
	dive = func(level int) {
		for e, err := range t.Events.Load(t.ctx, "run", 0) {
			t.ok(fmt.Sprintf("Load at depth %d", level), err)
			if e.Sequence != 2 {
				continue
			}
			equal(t, "LatestSequence in a loop body", t.latest(t.Events, "run"), uint64(2+level))
			t.append(t.Events, "copy", event(fmt.Sprint(level)))
			t.append(other.Events, "run", event(fmt.Sprint("from the loop ", level)))
			equal(t, "the number of executions that a loop body lists", len(t.executions(t.Events)), 2)
			t.ok("HealthCheck in a loop body", t.backend.HealthCheck(t.ctx))
			t.callOthers(level)
			if level < depth {
				dive(level + 1)
			}
		}
	}
	t.endsInTime("a loop body that calls the store", func() { dive(1) })
	t.historyIs(t.Events, "copy", eventsNamed("", 1, depth)...)
	t.historyIs(t.Events, "run", append(batchOf("event", 3), eventsNamed("from the loop ", 1, depth)...)...)
}

// callOthers writes to the roles beside the events.
func (t *trial) callOthers(level int) {
	if t.offers(driver.RoleState) {
		t.set(t.State, "level", fmt.Sprint(level))
	}
	if t.offers(driver.RoleMessages) {
		t.thread(t.Messages, driver.ThreadID(fmt.Sprint(level)))
	}
	if t.offers(driver.RoleVectors) {
		t.ok("EnsureCollection in a loop body", t.Vectors.EnsureCollection(t.ctx, driver.Collection{Name: "c", Dimension: 1, Metric: driver.Dot}))
	}
}

// streamsSideBySide reads several histories in turns, one of them twice.
func streamsSideBySide(t *trial) {
	const n = 400
	ids := []driver.ExecutionID{"a", "b", "a", "c"}
	for i, id := range ids[1:] {
		t.append(t.Events, id, batchOf("of "+string(id), n-50*i)...)
	}
	var got [4][]driver.StoredEvent
	var nexts [4]func() (driver.StoredEvent, error, bool)
	for i, id := range ids {
		next, stop := iter.Pull2(t.Events.Load(t.ctx, id, 0))
		defer stop()
		nexts[i] = next
	}
	for left := len(ids); left > 0; {
		left = 0
		for i, next := range nexts {
			e, err, ok := next()
			t.ok("Load beside others", err)
			if ok {
				got[i] = append(got[i], e)
				left++
			}
		}
	}
	for i, id := range ids {
		want := map[driver.ExecutionID]int{"a": n - 50, "b": n, "c": n - 100}[id]
		equal(t, fmt.Sprintf("the number of events in reading %d, of execution %q", i, id), len(got[i]), want)
		for j, e := range batchOf("of "+string(id), want) {
			t.isEvent(fmt.Sprintf("event %d in reading %d, of execution %q", j+1, i, id), got[i][j], e, uint64(j+1))
		}
	}
}

// leavingEarly leaves loops in every way there is, many more times than there can
// be connections, and writes to the same execution and others after each.
func leavingEarly(t *trial) {
	const n = 600
	stores := t.twoEventStores()
	t.append(t.Events, "run", batchOf("event", n)...)
	ways := []func(stream iter.Seq2[driver.StoredEvent, error], at uint64){
		func(stream iter.Seq2[driver.StoredEvent, error], at uint64) {
			for e := range stream {
				if e.Sequence == at {
					break
				}
			}
		},
		func(stream iter.Seq2[driver.StoredEvent, error], at uint64) {
			defer func() { recover() }()
			for e := range stream {
				if e.Sequence == at {
					panic("the loop body's")
				}
			}
		},
		func(stream iter.Seq2[driver.StoredEvent, error], at uint64) {
			next, stop := iter.Pull2(stream)
			defer stop()
			for e, _, ok := next(); ok && e.Sequence < at; {
				e, _, ok = next()
			}
		},
		func(stream iter.Seq2[driver.StoredEvent, error], at uint64) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for e := range stream {
					if e.Sequence == at {
						runtime.Goexit()
					}
				}
			}()
			<-ended
		},
	}
	const times = 48
	t.endsInTime("leaving loops early and writing", func() {
		for i := range times {
			at := []uint64{1, 2, 3, n / 2, n - 1, n}[i%6]
			ways[i%len(ways)](stores[i%2].Load(t.ctx, "run", 0), at)
			t.append(stores[i/2%2], []driver.ExecutionID{"run", "other"}[i%2], event(fmt.Sprint("later ", i)))
		}
	})
	equal(t, "the number of events", len(t.load(t.Events, "run", 0)), n+times/2)
	equal(t, "LatestSequence of the other execution", t.latest(t.Events, "other"), times/2)
	t.reopen() // Shutdown waits for what is in flight
}

// appendingWhileLoading appends batches behind what is being read. What the stream
// shows of them must be whole and without a gap.
func appendingWhileLoading(t *trial) {
	stores := t.twoEventStores()
	for _, begin := range []int{1, 63, 520, 1030} {
		id := driver.ExecutionID(fmt.Sprint("from ", begin))
		want := batchOf("event", begin)
		t.append(t.Events, id, want...)
		ends := map[int]bool{begin: true}
		seen := 0
		for e, err := range t.Events.Load(t.ctx, id, 0) {
			t.ok("Load", err)
			if seen == len(want) {
				t.fatal("Load while others append", fmt.Sprintf("event %d with ID %q", e.Sequence, e.ID), fmt.Sprintf("no more than the %d events that were appended", seen))
			}
			t.isEvent(fmt.Sprintf("event %d of a history that grows", seen+1), e, want[seen], uint64(seen+1))
			if seen++; len(ends) < 9 && (seen%100 == 1 || seen == begin) {
				more := batchOf(fmt.Sprint("added at ", seen), 50+len(ends))
				want = append(want, more...)
				ends[len(want)] = true
				equal(t, "the sequence of an append in the loop", t.append(stores[len(ends)%2], id, more...), uint64(len(want)))
			}
		}
		if !ends[seen] || seen < begin {
			t.fatal(fmt.Sprintf("Load of %d events while batches were appended", begin), fmt.Sprintf("%d events, which is in the middle of a batch", seen), "whole batches")
		}
		t.historyIs(stores[1], id, want...)
	}
}

// wholeBatchesWhileWriting has writers of large batches at two handles, and readers
// who must only ever see whole ones, and never fewer than before.
func wholeBatchesWhileWriting(t *trial) {
	stores := t.twoEventStores()
	sizes := []int{1, 7, 130, 40, 300, 3, 60}
	const writers = 3
	ends := func(e driver.StoredEvent) bool {
		var place, size int
		fmt.Sscanf(string(e.Payload), "%d of %d", &place, &size)
		return place == size-1
	}
	// look reads on from where it was, and sometimes all.
	look := func(r int, before uint64) (last uint64) {
		after := before
		if rand.IntN(8) == 0 {
			after = 0
		}
		events := t.load(stores[r%2], "run", after)
		last = after + uint64(len(events))
		if last < before || (len(events) > 0 && !ends(events[len(events)-1])) {
			t.fatal(fmt.Sprintf("Load after %d beside writers of batches", after), fmt.Sprintf("events up to %d, the last of them %s", last, shorten(events[max(len(events), 1)-1:])), fmt.Sprintf("whole batches, and the %d events that were seen before", before))
		}
		told := t.latest(stores[(r+1)%2], "run")
		if told < last {
			t.fatal("LatestSequence after Load", fmt.Sprint(told), fmt.Sprintf("%d or more", last))
		}
		if told > last {
			// What it tells must be there, and the end of a batch.
			events = t.load(stores[r%2], "run", told-1)
			if len(events) == 0 || !ends(events[0]) {
				t.fatal("LatestSequence beside writers of batches", fmt.Sprintf("%d, where Load finds %s", told, shorten(events)), "the last event of a batch")
			}
		}
		return last
	}
	writing := make(chan struct{}, writers)
	t.together(writers+2, func(i int) {
		if i < writers {
			defer func() { writing <- struct{}{} }()
			for b := range sizes {
				t.append(shakenEvents{stores[i%2]}, "run", batchOf(fmt.Sprintf("writer %d batch %d", i, b), sizes[(b+i)%len(sizes)])...)
			}
			return
		}
		for last := uint64(0); len(writing) < writers && !t.failed(); {
			last = look(i, last)
			t.sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		}
	})
	look(0, 0)
	t.areWhole(t.load(stores[1], "run", 0))
}

// areWhole ends the check unless events are whole batches, as batchOf makes them.
func (t *trial) areWhole(events []driver.StoredEvent) {
	for i := 0; i < len(events); {
		var place, size int
		if n, err := fmt.Sscanf(string(events[i].Payload), "%d of %d of", &place, &size); n != 2 || err != nil || place != 0 {
			t.fatal("the history after many writers", fmt.Sprintf("event %d is %q", i+1, events[i].Payload), "the beginning of a batch")
		}
		name := events[i].Type[len("of-"):]
		for j, e := range batchOf(name, size) {
			if i+j == len(events) {
				t.fatal("the history after many writers", fmt.Sprintf("it ends after %d of the %d events of a batch of %s", j, size, name), "whole batches")
			}
			t.isEvent(fmt.Sprintf("event %d, of batch %q", i+j+1, name), events[i+j], e, uint64(i+j+1))
		}
		i += size
	}
}

// shakenEvents shakes the contexts of appends.
type shakenEvents struct{ driver.EventStore }

func (s shakenEvents) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
	return s.EventStore.Append(shaken{ctx}, id, expect, events)
}
