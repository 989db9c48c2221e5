package drivertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var executionChecks = []check{
	{
		rule: "E9", name: "executions", role: driver.RoleEvents, run: listsExecutions,
		why: "an execution that is missing from the list is one that nobody recovers",
	},
	{
		rule: "E9", name: "many", role: driver.RoleEvents, run: listsManyExecutions,
		why: "a store that caps its answer, or counts instead of remembering its place, hides executions when there are many",
	},
	{
		rule: "E9", name: "while-others-are-added", role: driver.RoleEvents, run: listsWhileOthersAreAdded,
		why: "who goes through all executions must meet each one that was there once, whatever comes meanwhile",
	},
	{
		rule: "E9", name: "created-and-updated", role: driver.RoleEvents, run: createdAndUpdated,
		why: "whoever looks for executions that are stuck goes by the time of the last append",
	},
}

var eventSizeChecks = []check{
	{
		rule: "E10", name: "largest-event", role: driver.RoleEvents, run: largestEvent,
		why: "the limits hold on every driver, so that data moves between them: what one has stored another must take",
	},
	{
		rule: "E10", name: "most-events", role: driver.RoleEvents, run: mostEvents,
		why: "a batch of the largest size must not be cut, nor refused for the number of an engine's parameters",
	},
	{
		rule: "E10", name: "most-bytes", role: driver.RoleEvents, run: mostBytes,
		why: "an append of the largest size must fit into what the engine takes at once",
	},
}

func listsExecutions(t *trial) {
	lists(t, "executions of a new store", t.Events.ListExecutions, nil)
	slack := t.target.resolution() + time.Second
	begin := time.Now().Add(-slack)
	for i, id := range slices.Backward(nastyIDs) {
		t.append(t.Events, driver.ExecutionID(id), batchOf("x", 1+i%3)...)
	}
	end := time.Now().Add(slack)
	other := t.open().Tenant(tenantID).Events
	want := t.executions(t.Events)
	equal(t, "the executions", idsOf(want, func(x driver.ExecutionInfo) string { return string(x.ID) }), nastyIDs)
	for i, x := range want {
		equal(t, fmt.Sprintf("the last sequence of execution %q", x.ID), x.LastSequence, uint64(1+i%3))
		for _, at := range []time.Time{x.CreatedAt, x.UpdatedAt} {
			if at.Before(begin) || at.After(end) || at.Location() != time.UTC || at != driver.Timestamp(at) {
				t.fatal(fmt.Sprintf("when execution %q was created and updated", x.ID), at.Format(time.RFC3339Nano), fmt.Sprintf("a whole microsecond, in UTC, from %v to %v", begin.UTC(), end.UTC()))
			}
		}
		equal(t, fmt.Sprintf("when execution %q, which had one append, was updated", x.ID), x.UpdatedAt, x.CreatedAt)
	}
	lists(t, "executions", t.Events.ListExecutions, want)
	lists(t, "executions at another handle", other.ListExecutions, want)
	lists(t, "executions of a tenant that has none", t.backend.Tenant("nobody").Events.ListExecutions, nil)
}

func listsManyExecutions(t *trial) {
	const n = 240
	stores := t.twoEventStores()
	var want []driver.ExecutionID
	for i := range n {
		want = append(want, driver.ExecutionID(fmt.Sprintf("run %d", i)))
	}
	t.together(8, func(g int) {
		for i := g; i < n; i += 8 {
			t.append(stores[i%2], want[i], batchOf("x", 1+i%4)...)
		}
	})
	slices.Sort(want)
	for _, limit := range []int{driver.MaxPageLimit, 7, 100, 101, n - 1, n, n + 1} {
		for _, store := range stores {
			got := walk(t, fmt.Sprintf("%d executions", n), limit, store.ListExecutions)
			equal(t, fmt.Sprintf("%d executions in pages of %d", n, limit), idsOf(got, executionOf), want)
			for _, x := range got {
				var i int
				fmt.Sscanf(string(x.ID), "run %d", &i)
				equal(t, fmt.Sprintf("the last sequence of execution %q", x.ID), x.LastSequence, uint64(1+i%4))
			}
		}
	}
}

// listsWhileOthersAreAdded adds executions around every place of a listing.
func listsWhileOthersAreAdded(t *trial) {
	stores := t.twoEventStores()
	const old = 12
	for i := range old {
		t.append(t.Events, driver.ExecutionID(fmt.Sprintf("old %c", 'a'+i)), event("x"))
	}
	for _, limit := range []int{1, 2, 5} {
		seen := map[driver.ExecutionID]int{}
		page := driver.Page{Limit: limit}
		for turn := 0; turn < 60; turn++ {
			items, next, err := stores[turn%2].ListExecutions(t.ctx, page)
			t.ok("ListExecutions", err)
			for _, x := range items {
				seen[x.ID]++
			}
			if turn < 6 {
				for i, place := range []string{"before", "old a", fmt.Sprintf("old %c", 'a'+turn), "zulu"} {
					t.append(stores[i%2], driver.ExecutionID(fmt.Sprintf("%s, turn %d of %d", place, turn, limit)), event("x"))
				}
				t.append(stores[1], "old f", event(fmt.Sprintf("turn %d of %d", turn, limit)))
			}
			if next == "" {
				break
			}
			page.Cursor = next
		}
		for i := range old {
			if id := driver.ExecutionID(fmt.Sprintf("old %c", 'a'+i)); seen[id] == 0 {
				t.fatal(fmt.Sprintf("ListExecutions in pages of %d while others are added", limit), fmt.Sprintf("execution %q is missing", id), "each that was there")
			}
		}
		for id, times := range seen {
			if times != 1 {
				t.fatal(fmt.Sprintf("ListExecutions in pages of %d while others are added", limit), fmt.Sprintf("execution %q comes %d times", id, times), "each once")
			}
		}
	}
}

func createdAndUpdated(t *trial) {
	slack := t.target.resolution() + time.Second
	old := batchOf("old", 2)
	old[0].Time, old[1].Time = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
	begin := time.Now().Add(-slack)
	t.append(t.Events, "run", old...)
	t.append(t.Events, "other", old...)
	first := t.executions(t.Events)
	t.sleep(5*time.Millisecond + min(2*t.target.resolution(), 100*time.Millisecond))
	t.append(t.Events, "run", event("more"))
	second := t.executions(t.Events)
	end := time.Now().Add(slack)
	for _, x := range slices.Concat(first, second) {
		if x.CreatedAt.Before(begin) || x.UpdatedAt.After(end) || x.UpdatedAt.Before(x.CreatedAt) {
			t.fatal("when an execution was created and updated, whose events are of 1999 and 2999", fmt.Sprintf("%v and %v", x.CreatedAt, x.UpdatedAt), "now, by the store's clock")
		}
	}
	equal(t, "the execution that had no second append", second[0], first[0])
	want := first[1]
	want.LastSequence, want.UpdatedAt = 3, second[1].UpdatedAt
	equal(t, "the execution that had one", second[1], want)
	if t.target.resolution() <= time.Millisecond && !second[1].UpdatedAt.After(first[1].UpdatedAt) {
		t.fatal("when an execution was updated", second[1].UpdatedAt, fmt.Sprintf("later than before its second append, which was %v", first[1].UpdatedAt))
	}
	t.appendGives(t.Events, "run", driver.ExpectLast(0), 2, old...)
	t.appendConflicts(t.Events, "run", driver.ExpectLast(1), driver.ConflictError{Expected: 1, Actual: 3}, event("late"))
	t.load(t.Events, "run", 0)
	equal(t, "the executions after a repeated append, one that was refused, and a reading", t.executions(t.Events), second)
}

func largestEvent(t *trial) {
	large := everyByte()
	for len(large) < driver.MaxPayloadBytes {
		large = append(large, large...)
	}
	large[len(large)-1] = 'z'
	events := batchOf("x", 3)
	events[1].Payload = large
	t.appendGives(t.Events, "run", driver.ExpectLast(0), 3, events...)
	t.append(t.Events, "alone", events[1])
	t.isLarge("run", events)
	t.isLarge("alone", events[1:2])
	t.appendGives(t.Events, "run", driver.ExpectLast(0), 3, events...)
	shorter := events[1]
	shorter.Payload = large[:len(large)-1]
	t.appendConflicts(t.Events, "run", driver.Expectation{}, driver.ConflictError{Event: shorter.ID, Actual: 3}, shorter)
}

// isLarge compares a history with large payloads, which a failure need not print.
func (t *trial) isLarge(id driver.ExecutionID, want []driver.Event) {
	n := 0
	for e, err := range t.Events.Load(t.ctx, id, 0) {
		t.ok("Load", err)
		if n == len(want) || e.Sequence != uint64(n+1) || e.ID != want[n].ID || e.Type != want[n].Type || !slices.Equal(e.Payload, want[n].Payload) {
			t.fatal(fmt.Sprintf("event %d of execution %q", n+1, id), fmt.Sprintf("%q at %d with %d bytes", e.ID, e.Sequence, len(e.Payload)), fmt.Sprintf("the %d events that were appended, byte for byte", len(want)))
		}
		n++
	}
	equal(t, fmt.Sprintf("the number of events of execution %q", id), n, len(want))
}

func mostEvents(t *trial) {
	want := batchOf("x", driver.MaxBatchEvents)
	t.append(t.Events, "run", event("first"))
	t.appendGives(t.Events, "run", driver.ExpectLast(1), driver.MaxBatchEvents+1, want...)
	got := t.load(t.Events, "run", 1)
	equal(t, "the IDs of the largest batch", eventIDs(got), idsOfEvents(want))
	for i, e := range got {
		if e.Type != want[i].Type || string(e.Payload) != string(want[i].Payload) {
			t.isEvent(fmt.Sprintf("event %d of the largest batch", i+1), e, want[i], uint64(i+2))
		}
	}
	want[driver.MaxBatchEvents-1].Payload = []byte("other")
	t.appendConflicts(t.Events, "run", driver.Expectation{}, driver.ConflictError{Event: want[driver.MaxBatchEvents-1].ID, Actual: driver.MaxBatchEvents + 1}, want...)
	equal(t, "LatestSequence after the largest batch", t.latest(t.Events, "run"), driver.MaxBatchEvents+1)
}

func mostBytes(t *trial) {
	const n = driver.MaxBatchBytes / driver.MaxPayloadBytes
	large := make([]byte, driver.MaxPayloadBytes+n)
	for i := range large {
		large[i] = byte(i * i >> 8)
	}
	events := batchOf("x", n)
	for i := range events {
		events[i].Payload = large[i : i+driver.MaxPayloadBytes]
	}
	t.appendGives(t.Events, "run", driver.ExpectLast(0), n, events...)
	t.isLarge("run", events)
}
