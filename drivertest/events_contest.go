package drivertest

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/enactdev/enact/driver"
)

var eventContestChecks = []check{
	{
		rule: "E5", name: "one-winner", role: driver.RoleEvents, run: oneWriterWins,
		why: "two writers that both won have interleaved two histories, and neither knows",
	},
	{
		rule: "E5", name: "first-event-has-one-winner", role: driver.RoleEvents, run: firstEventHasOneWinner,
		why: "two engines that both start an execution both run it",
	},
	{
		rule: "E5", name: "any-other-number-is-refused", role: driver.RoleEvents, run: anyOtherNumberIsRefused,
		why: "a writer with a wrong idea of the history must be told, and leave nothing behind",
	},
}

// nastyLong is as long as an identifier may be.
var nastyLong = driver.ExecutionID(strings.Repeat("x", driver.MaxIDBytes-1) + "y")

// contestAppend lets n writers at two handles append with one expectation, each its own
// batch, and returns the winner's number. The others must have been told where the
// log is now.
func (t *trial) contestAppend(stores [2]driver.EventStore, id driver.ExecutionID, expected uint64, n int, of func(writer int) []driver.Event) (winner int) {
	lasts, errs := make([]uint64, n), make([]error, n)
	t.together(n, func(w int) {
		lasts[w], errs[w] = stores[w%2].Append(t.shaken(), id, driver.ExpectLast(expected), of(w))
	})
	winner = -1
	for w, err := range errs {
		if err != nil {
			continue
		}
		if winner >= 0 {
			t.fatal(fmt.Sprintf("%d writers append to execution %q, expecting %d", n, id, expected), fmt.Sprintf("writers %d and %d both won, with sequences %d and %d", winner, w, lasts[winner], lasts[w]), "one winner")
		}
		winner = w
	}
	if winner < 0 {
		t.fatal(fmt.Sprintf("%d writers append to execution %q, expecting %d", n, id, expected), fmt.Sprintf("nobody won: %v", errors.Join(errs...)), "one winner")
	}
	last := expected + uint64(len(of(winner)))
	equal(t, "the winner's sequence", lasts[winner], last)
	for w, err := range errs {
		if w != winner {
			t.conflict(fmt.Sprintf("writer %d beside the winner, writer %d", w, winner), err, driver.ConflictError{Expected: expected, Actual: last})
		}
	}
	return winner
}

// twoEventStores returns the tenant's events at two handles.
func (t *trial) twoEventStores() [2]driver.EventStore {
	return [2]driver.EventStore{t.Events, t.open().Tenant(tenantID).Events}
}

func oneWriterWins(t *trial) {
	stores := t.twoEventStores()
	var want []driver.Event
	for round := range t.rounds(12, 60) {
		of := func(w int) []driver.Event { return batchOf(fmt.Sprintf("round %d writer %d", round, w), 1+round%3) }
		winner := t.contestAppend(stores, "run", uint64(len(want)), 5, of)
		want = append(want, of(winner)...)
	}
	t.historyIs(stores[0], "run", want...)
	t.historyIs(stores[1], "run", want...)
}

func firstEventHasOneWinner(t *trial) {
	stores := t.twoEventStores()
	for round := range t.rounds(12, 60) {
		id := driver.ExecutionID(fmt.Sprint("run ", round))
		of := func(w int) []driver.Event { return batchOf(fmt.Sprintf("writer %d", w), 2) }
		winner := t.contestAppend(stores, id, 0, 4, of)
		t.historyIs(stores[round%2], id, of(winner)...)
	}
}

func anyOtherNumberIsRefused(t *trial) {
	const n = 5
	kept := batchOf("kept", n)
	wrong := []uint64{1, 2, 4, 6, 7, 255, 256 + n, 1<<16 + n, 1<<31 + n, 1<<32 - 1, 1 << 32, 1<<32 + n, 1<<53 + n, 1<<63 - 1, 1 << 63, 1<<63 + n, math.MaxUint64 - 1, math.MaxUint64}
	t.append(t.Events, "beside", batchOf("kept", n+1)...)
	for _, expected := range append(wrong, n) {
		t.appendConflicts(t.Events, "run", driver.ExpectLast(expected), driver.ConflictError{Expected: expected}, batchOf("lost", 2)...)
	}
	t.historyIs(t.Events, "run")
	equal(t, "the executions that have events", idsOf(t.executions(t.Events), executionOf), []driver.ExecutionID{"beside"})
	t.appendGives(t.Events, "run", driver.ExpectLast(0), 2, kept[:2]...)
	t.appendGives(t.Events, "run", driver.ExpectLast(2), n, kept[2:]...)
	before := t.executions(t.Events)
	for i, expected := range append(wrong, 0) {
		// The same IDs each time: a failed append does not use them up.
		t.appendConflicts(t.Events, "run", driver.ExpectLast(expected), driver.ConflictError{Expected: expected, Actual: n}, batchOf("lost", 1+i%3)...)
	}
	equal(t, "the executions after appends that were refused", t.executions(t.Events), before)
	t.historyIs(t.Events, "run", kept...)
	t.appendGives(t.Events, "run", driver.ExpectLast(n), n+3, batchOf("lost", 3)...)
	t.appendGives(t.Events, "run", driver.Expectation{}, n+4, event("unexpected"))
	t.appendConflicts(t.Events, "run", driver.ExpectLast(n+3), driver.ConflictError{Expected: n + 3, Actual: n + 4}, event("late"))
}
