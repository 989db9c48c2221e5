package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventChecks = slices.Concat(eventWritingChecks, eventContestChecks, eventRepeatChecks, eventReadingChecks, eventStreamChecks, eventMemoryChecks, eventFaithfulChecks, executionChecks, eventSizeChecks, appendEachChecks)

var eventWritingChecks = []check{
	{
		rule: "E2", name: "sequences-from-one", role: driver.RoleEvents, run: sequencesFromOne,
		why: "whoever rebuilds an execution counts on events 1, 2, 3 and on the sequence that the writer was told",
	},
	{
		rule: "E2", name: "failures-leave-no-gap", role: driver.RoleEvents, run: failuresLeaveNoGap,
		why: "a number that a failed append has used up is an event that readers wait for in vain",
	},
	{
		rule: "E3", name: "refused-batch-leaves-nothing", role: driver.RoleEvents, run: refusedBatchLeavesNothing,
		why: "half of a batch is a step that began and never ended",
	},
	{
		rule: "E3", name: "cancelled-batch", role: driver.RoleEvents, run: cancelledBatch,
		why: "a caller who gives up must not leave half of a batch in the log",
	},
	{
		rule: "E4", name: "nothing-changes-the-log", role: driver.RoleEvents, run: nothingChangesTheLog,
		why: "the log is the source of truth: what it once said it must always say",
	},
	{
		rule: "E4", name: "old-events-stay", role: driver.RoleEvents, run: oldEventsStay,
		why: "a store that trims long histories loses the beginning of every long execution",
	},
}

// describing says what an append was about.
func describing(id driver.ExecutionID, expect driver.Expectation, events []driver.Event) string {
	text := fmt.Sprintf("Append of %d events, the first with ID %q, to execution %q", len(events), events[0].ID, id)
	if last, stated := expect.Last(); stated {
		text += fmt.Sprintf(", expecting %d", last)
	}
	return text
}

// appendGives ends the check unless an append succeeds with this sequence.
func (t *trial) appendGives(s driver.EventStore, id driver.ExecutionID, expect driver.Expectation, want uint64, events ...driver.Event) {
	last, err := s.Append(t.ctx, id, expect, events)
	t.ok(describing(id, expect, events), err)
	equal(t, describing(id, expect, events)+": the sequence", last, want)
}

// appendConflicts ends the check unless an append is this conflict.
func (t *trial) appendConflicts(s driver.EventStore, id driver.ExecutionID, expect driver.Expectation, want driver.ConflictError, events ...driver.Event) {
	last, err := s.Append(t.ctx, id, expect, events)
	t.conflict(describing(id, expect, events), err, namingAny(err, want, events))
	equal(t, describing(id, expect, events)+": the sequence beside the error", last, 0)
}

// namingAny is want, a conflict over a known ID, with whichever event of the batch the
// driver has named.
func namingAny(err error, want driver.ConflictError, events []driver.Event) driver.ConflictError {
	var got *driver.ConflictError
	if want.Event != "" && errors.As(err, &got) && slices.ContainsFunc(events, func(e driver.Event) bool { return e.ID == got.Event }) {
		want.Event = got.Event
	}
	return want
}

// historyIs ends the check unless an execution's history is these events, in content
// and in number, whichever way one asks. Times that were left to the store are not
// compared.
func (t *trial) historyIs(s driver.EventStore, id driver.ExecutionID, want ...driver.Event) {
	got := t.load(s, id, 0)
	equal(t, fmt.Sprintf("the event IDs of execution %q", id), eventIDs(got), idsOfEvents(want))
	for i, e := range got {
		t.isEvent(fmt.Sprintf("event %d of execution %q", i+1, id), e, want[i], uint64(i+1))
	}
	equal(t, fmt.Sprintf("LatestSequence of execution %q", id), t.latest(s, id), uint64(len(want)))
}

// isEvent ends the check unless a stored event is what was appended.
func (t *trial) isEvent(what string, got driver.StoredEvent, want driver.Event, sequence uint64) {
	if want.Time.IsZero() {
		want.Time = got.Time
	}
	want.Payload, got.Payload = notNil(want.Payload), notNil(got.Payload)
	equal(t, what, got, driver.StoredEvent{Event: want, Sequence: sequence})
}

// executions lists all executions of a store that has few.
func (t *trial) executions(s driver.EventStore) []driver.ExecutionInfo {
	return walk(t, "ListExecutions", driver.MaxPageLimit, s.ListExecutions)
}

// batchOf is n events of one writer, whose payloads differ from their IDs.
func batchOf(name string, n int) []driver.Event {
	events := make([]driver.Event, n)
	for i := range events {
		events[i] = driver.Event{ID: driver.EventID(fmt.Sprintf("%s.%d", name, i)), Type: "of-" + name, Payload: fmt.Appendf(nil, "%d of %d of %s", i, n, name)}
	}
	return events
}

func sequencesFromOne(t *trial) {
	ids := []driver.ExecutionID{"run", "Run", "run ", "ru_", "ru%", "run/1", "run:1", "r", "日本語", nastyLong}
	other := t.open().Tenant(tenantID).Events
	want := map[driver.ExecutionID][]driver.Event{}
	for i, n := range []int{1, 3, 2, 11, 1} {
		for j, id := range ids {
			store, reader := t.Events, other
			if (i+j)%2 == 1 {
				store, reader = other, t.Events
			}
			events := batchOf(fmt.Sprintf("%d-%d", i, j), n+j%2)
			want[id] = append(want[id], events...)
			equal(t, fmt.Sprintf("the sequence of append %d to execution %q", i, id), t.append(store, id, events...), uint64(len(want[id])))
			equal(t, "LatestSequence at another handle", t.latest(reader, id), uint64(len(want[id])))
			equal(t, "LatestSequence at the handle that appended", t.latest(store, id), uint64(len(want[id])))
		}
	}
	for _, id := range ids {
		t.historyIs(t.Events, id, want[id]...)
		t.historyIs(other, id, want[id]...)
	}
	t.historyIs(t.Events, "unknown")
}

func failuresLeaveNoGap(t *trial) {
	var want []driver.Event
	for i := range 12 {
		first := batchOf(fmt.Sprint("kept ", i), 1+i%3)
		t.appendConflicts(t.Events, "run", driver.ExpectLast(uint64(len(want))+5), driver.ConflictError{Expected: uint64(len(want)) + 5, Actual: uint64(len(want))}, batchOf("lost", 4)...)
		if i > 0 {
			t.appendConflicts(t.Events, "run", driver.Expectation{}, driver.ConflictError{Event: "new", Actual: uint64(len(want))}, event("new"), want[0])
		}
		ctx, cancel := context.WithCancel(t.ctx)
		cancel()
		_, err := t.Events.Append(ctx, "run", driver.Expectation{}, batchOf("cancelled", 3))
		t.fails("Append with a cancelled context", err, context.Canceled)
		want = append(want, first...)
		t.appendGives(t.Events, "run", driver.ExpectLast(uint64(len(want)-len(first))), uint64(len(want)), first...)
	}
	t.historyIs(t.Events, "run", want...)
}

func refusedBatchLeavesNothing(t *trial) {
	known := batchOf("known", 3)
	t.append(t.Events, "run", known...)
	before, listed := t.load(t.Events, "run", 0), t.executions(t.Events)
	changed := known[1]
	changed.Payload = []byte("other")
	for _, size := range []int{1, 2, 60, 700} {
		fresh := batchOf(fmt.Sprint("fresh ", size), size)
		for _, expect := range []driver.Expectation{{}, driver.ExpectLast(3), driver.ExpectLast(1)} {
			for _, last := range []driver.Event{known[1], changed} {
				t.appendConflicts(t.Events, "run", expect, driver.ConflictError{Event: fresh[0].ID, Actual: 3}, append(slices.Clip(fresh), last)...)
				equal(t, "LatestSequence after a refused batch", t.latest(t.Events, "run"), 3)
			}
		}
		t.appendConflicts(t.Events, "run", driver.ExpectLast(2), driver.ConflictError{Expected: 2, Actual: 3}, fresh...)
		t.appendConflicts(t.Events, "new", driver.ExpectLast(1), driver.ConflictError{Expected: 1}, fresh...)
		equal(t, "the history after refused batches", t.load(t.Events, "run", 0), before)
		t.historyIs(t.Events, "new")
		equal(t, "the executions after refused batches", t.executions(t.Events), listed)
	}
	fresh := batchOf("fresh 60", 60)
	t.appendGives(t.Events, "run", driver.ExpectLast(3), 63, fresh...)
	t.appendGives(t.Events, "new", driver.ExpectLast(0), 60, fresh...)
	t.historyIs(t.Events, "run", slices.Concat(known, fresh)...)
}

func cancelledBatch(t *trial) {
	const size = 120
	look := 0
	for range t.rounds(8, 80) {
		id, known, events := driver.ExecutionID(fmt.Sprint("look ", look)), batchOf("known", 2), batchOf("cancelled", size)
		t.append(t.Events, id, known...)
		ctx := newCancelledAtLook(t.ctx, look)
		last, err := t.Events.Append(ctx, id, driver.Expectation{}, events)
		minded := ctx.Context.Err() != nil
		ctx.cancel()
		n := t.latest(t.Events, id)
		if n != 2 && n != 2+size {
			t.fatal(fmt.Sprintf("LatestSequence after an append of %d events behind 2, which was cancelled at look %d (error: %v)", size, look, err), fmt.Sprint(n), fmt.Sprintf("2 or %d", 2+size))
		}
		if err != nil {
			t.fails(fmt.Sprintf("Append that was cancelled at look %d", look), err, context.Canceled)
		} else {
			equal(t, "the sequence of an append that was not cancelled in time", last, 2+size)
			equal(t, "LatestSequence after it", n, last)
		}
		t.historyIs(t.Events, id, slices.Concat(known, events)[:n]...)
		if !minded {
			return // it does not look that often
		}
		if look++; look > 6 {
			look += t.rand.IntN(size / 5)
		}
	}
}

// nothingChangesTheLog does what stores offer, under the same names, and compares.
func nothingChangesTheLog(t *trial) {
	when := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
	first := batchOf("first", 4)
	first[2].Time = when
	t.append(t.Events, "run", first...)
	t.append(t.Events, "run", event("later"))
	t.append(t.Events, "other", batchOf("first", 2)...)
	before, listed := t.load(t.Events, "run", 0), t.executions(t.Events)
	unchanged := func(after string) {
		equal(t, "the history after "+after, t.load(t.Events, "run", 0), before)
		equal(t, "the executions after "+after, t.executions(t.Events), listed)
	}
	for _, e := range t.load(t.Events, "run", 0) {
		scribble(e.Payload)
	}
	unchanged("overwriting payloads that were loaded")
	t.appendGives(t.Events, "run", driver.ExpectLast(0), 4, first...)
	unchanged("repeating an append")
	for i := range first {
		for _, change := range changesOf(first[i]) {
			t.appendConflicts(t.Events, "run", driver.ExpectLast(5), driver.ConflictError{Event: first[i].ID, Actual: 5}, change)
			unchanged("appending a known ID with other content")
		}
	}
	t.appendConflicts(t.Events, "run", driver.ExpectLast(2), driver.ConflictError{Expected: 2, Actual: 5}, batchOf("late", 3)...)
	unchanged("appending with an old expectation")
	if t.offers(driver.RoleState) {
		t.save(t.State, snapshot("run", 3, "snapshot"))
		unchanged("saving a snapshot")
		t.save(t.State, snapshot("run", 5, "snapshot"))
		t.save(t.State, snapshot("run", 4, "older"))
		unchanged("saving another")
		t.ok("DeleteSnapshot", t.State.DeleteSnapshot(t.ctx, "run"))
		unchanged("deleting the snapshot")
		t.set(t.State, "run", "value")
		t.ok("Delete", t.State.Delete(t.ctx, "run", driver.Precondition{}))
		unchanged("deleting a key that is called like it")
	}
	if t.offers(driver.RoleMessages) {
		t.thread(t.Messages, "run")
		t.createMessage(t.Messages, driver.Message{ID: "run", Thread: "run", Execution: "run", Role: "user"})
		t.ok("DeleteMessage", t.Messages.DeleteMessage(t.ctx, "run"))
		t.ok("DeleteThread", t.Messages.DeleteThread(t.ctx, "run"))
		unchanged("deleting a thread and the message that the execution made")
	}
	if t.offers(driver.RoleVectors) {
		t.collection(t.Vectors, "run", 1, driver.Dot)
		t.upsert(t.Vectors, "run", doc("run", 1))
		t.ok("DeleteCollection", t.Vectors.DeleteCollection(t.ctx, "run"))
		unchanged("deleting a collection that is called like it")
	}
	t.reopen()
	unchanged("reopening")
}

// changesOf are an event with each of its fields but the ID made otherwise.
func changesOf(e driver.Event) []driver.Event {
	changes := []driver.Event{e, e, e, e, e}
	changes[0].Payload = append(notNil(e.Payload), 0)
	changes[1].Payload = nil
	changes[2].Type += "s"
	changes[3].Type = "OF-FIRST"
	changes[4].Time = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return changes
}

func oldEventsStay(t *trial) {
	const size, n = 250, 5000
	var want []driver.Event
	for i := range n / size {
		events := batchOf(fmt.Sprint(i), size)
		want = append(want, events...)
		t.append(t.Events, "run", events...)
	}
	t.historyIs(t.Events, "run", want...)
	for _, after := range []uint64{0, n - 1} {
		t.isEvent(fmt.Sprintf("the first event after %d", after), t.load(t.Events, "run", after)[0], want[after], after+1)
	}
}
