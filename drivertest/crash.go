package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var crashChecks = []check{
	{
		rule: "E1", name: "restarted", role: driver.RoleEvents, needs: needsRestart, run: restarted,
		why: "an execution that is continued after a restart must find all that it had done, and nothing else",
	},
	{
		rule: "E1", name: "killed", role: driver.RoleEvents, needs: needsRestart, run: killedWhileWriting,
		why: "an acknowledged event that a crash takes back is a step that is done twice",
	},
	{
		rule: "V2", name: "killed", role: driver.RoleVectors, needs: needsRestart, run: vectorsKilled,
		why: "a document that was acknowledged would be missing from every search after a crash",
	},
	{
		rule: "B7", name: "killed-beside", role: driver.RoleEvents, needs: needsRestart, run: killedBeside,
		why: "one service that crashes would take locks or data of the others with it",
	},
	{
		rule: "E6", name: "repeated-after-restart", role: driver.RoleEvents, needs: needsRestart, run: repeatedAfterRestart,
		why: "a retry often comes from a process that was started after the first try",
	},
	{
		rule: "E6", name: "cancelled-and-repeated", role: driver.RoleEvents, run: cancelledAndRepeated,
		why: "a caller whose append ended with an error cannot know whether it was done, and must be able to find out by repeating it",
	},
	{
		rule: "B7", name: "two-processes", role: driver.RoleEvents, needs: needsRestart, run: twoProcesses,
		why: "a lock within one process does not keep another from the same place in the log",
	},
}

// parts are what a child process can play.
var parts = map[string]part{
	"write until killed": writeUntilKilled,
	"contend":            contend,

	"append each until killed": appendEachUntilKilled,
}

func restarted(t *trial) {
	want := map[driver.ExecutionID][]driver.Event{}
	for round := range 3 {
		for i, id := range []driver.ExecutionID{"run", "Run", "日本語", nastyLong} {
			events := batchOf(fmt.Sprint("round ", round), 1+(round+i)%4)
			events[0].Payload = nastyBytes["every byte"]
			if i%2 == 0 {
				events[0].Time = time.Date(1+3000*round, 2, 3, 4, 5, 6, 7000, time.UTC)
			}
			before := uint64(len(want[id]))
			want[id] = append(want[id], events...)
			expect := driver.ExpectLast(before)
			if round%2 == 1 {
				expect = driver.Expectation{}
			}
			t.appendGives(t.Events, id, expect, before+uint64(len(events)), events...)
		}
		if round%2 == 1 {
			t.reopen() // with nothing between the writes and the end
		} else {
			stored, listed := t.load(t.Events, "run", 0), t.executions(t.Events)
			t.reopen()
			equal(t, "the executions after a restart", t.executions(t.Events), listed)
			equal(t, "a history after a restart", t.load(t.Events, "run", 0), stored)
		}
		for id, events := range want {
			t.historyIs(t.Events, id, events...)
			t.appendConflicts(t.Events, id, driver.ExpectLast(0), driver.ConflictError{Actual: uint64(len(events))}, event("late"))
		}
	}
}

func repeatedAfterRestart(t *trial) {
	ids := []string{"plain", "01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-774B-BCCE-B302099A8057", "a ", "a"}
	var events []driver.Event
	for _, id := range ids {
		events = append(events, event(id))
	}
	n := uint64(len(events))
	t.append(t.Events, "run", events...)
	t.append(t.Events, "run", event("behind"))
	for range 2 {
		t.reopen()
		t.appendGives(t.Events, "run", driver.ExpectLast(0), n, events...)
		t.appendGives(t.Events, "run", driver.ExpectLast(1), 3, events[1:3]...)
		t.appendGives(t.Events, "run", driver.ExpectLast(n), n+1, event("behind"))
		for _, e := range events {
			e.Payload = []byte("other")
			t.appendConflicts(t.Events, "run", driver.Expectation{}, driver.ConflictError{Event: e.ID, Actual: n + 1}, e)
		}
		t.appendConflicts(t.Events, "run", driver.ExpectLast(n+1), driver.ConflictError{Event: "new", Actual: n + 1}, events[0], event("new"))
	}
	t.historyIs(t.Events, "run", append(slices.Clone(events), event("behind"))...)
}

// cancelledAndRepeated cancels an append in each place where the driver minds,
// lets somebody else append or not, and repeats it.
func cancelledAndRepeated(t *trial) {
	stores := t.twoEventStores()
	for _, between := range []bool{false, true} {
		for look := range 40 {
			id := driver.ExecutionID(fmt.Sprintf("look %d, somebody appends in between: %t", look, between))
			if minded := t.cancelAndRepeat(stores, id, look, between); !minded {
				break
			}
		}
	}
}

func (t *trial) cancelAndRepeat(stores [2]driver.EventStore, id driver.ExecutionID, look int, between bool) (minded bool) {
	const seen = 2
	want, events := batchOf("known", seen), batchOf("cancelled", 1+look%5)
	end := seen + uint64(len(events))
	t.append(t.Events, id, want...)
	ctx := newCancelledAtLook(t.ctx, look)
	did := fmt.Sprintf("%s, cancelled at look %d,", describing(id, driver.ExpectLast(seen), events), look)
	last, err := stores[look%2].Append(ctx, id, driver.ExpectLast(seen), events)
	minded = ctx.Context.Err() != nil
	ctx.cancel()
	applied := t.latest(stores[0], id) > seen
	switch {
	case err == nil:
		equal(t, did+" which returned no error", last, end)
		equal(t, did+" which returned no error: whether it is in the log", applied, true)
	case errors.Is(err, driver.ErrUnavailable) && applied:
		t.fatal(did, fmt.Sprintf("%q, and it is in the log", err), "driver.ErrUnavailable only where it was certainly not applied")
	default:
		t.fails(did, err, context.Canceled)
	}
	if applied {
		want = append(want, events...)
	}
	if between {
		want = append(want, event("between"))
		t.append(stores[1], id, event("between"))
	}
	switch repeat := stores[look/2%2]; {
	case applied:
		t.appendGives(repeat, id, driver.ExpectLast(seen), end, events...)
	case between:
		t.appendConflicts(repeat, id, driver.ExpectLast(seen), driver.ConflictError{Expected: seen, Actual: seen + 1}, events...)
	default:
		want = append(want, events...)
		t.appendGives(repeat, id, driver.ExpectLast(seen), end, events...)
	}
	t.historyIs(stores[1], id, want...)
	return minded
}
