package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventRepeatChecks = []check{
	{
		rule: "E6", name: "repeated", role: driver.RoleEvents, run: repeatedAppends,
		why: "a caller who was not told that an append succeeded repeats it, and the history must not show it twice",
	},
	{
		rule: "E6", name: "known-for-ever", role: driver.RoleEvents, run: knownForEver,
		why: "a driver that forgets IDs after a while stores a late retry again",
	},
	{
		rule: "E6", name: "known-and-new", role: driver.RoleEvents, run: knownAndNew,
		why: "a batch that is partly known is a mistake, and storing the rest of it hides the mistake in the log",
	},
	{
		rule: "E6", name: "ids-belong-to-an-execution", role: driver.RoleEvents, run: idsBelongToAnExecution,
		why: "an engine that numbers its events in each execution would lose those of the second",
	},
	{
		rule: "E6", name: "failed-appends-use-up-no-ids", role: driver.RoleEvents, run: failedAppendsUseUpNoIDs,
		why: "a writer who lost, loaded and tries again with the same events would believe them stored",
	},
	{
		rule: "E6", name: "same-append-at-once", role: driver.RoleEvents, run: sameAppendAtOnce,
		why: "a retry often overtakes the call that it repeats",
	},
	{
		rule: "E6", name: "other-content-at-once", role: driver.RoleEvents, run: otherContentAtOnce,
		why: "one of two writers that use an ID for two things would believe its event stored",
	},
}

// repeatedAppend is an append to the history a, b | c, d of repeatedAppends.
type repeatedAppend struct {
	name   string
	expect driver.Expectation
	events []driver.Event
	last   uint64         // 0: a conflict
	taken  driver.EventID // of the conflict
}

// times of events that state one.
var (
	statedTime = time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	laterTime  = statedTime.Add(time.Microsecond)
)

func repeatsOf(a, b, c, d driver.Event) []repeatedAppend {
	none, e := driver.Expectation{}, driver.Event{ID: "e", Type: "t", Payload: []byte("5")}
	at := func(e driver.Event, t time.Time) driver.Event { e.Time = t; return e }
	saying := func(e driver.Event, payload string) driver.Event { e.Payload = []byte(payload); return e }
	typed := func(e driver.Event, name string) driver.Event { e.Type = name; return e }
	all := func(events ...driver.Event) []driver.Event { return events }
	return []repeatedAppend{
		{"the whole, expecting nothing", none, all(a, b, c, d), 4, ""},
		{"the whole, expecting what was right the first time", driver.ExpectLast(0), all(a, b, c, d), 4, ""},
		{"the whole, expecting what is right now", driver.ExpectLast(4), all(a, b, c, d), 4, ""},
		{"the whole, expecting nonsense", driver.ExpectLast(99), all(a, b, c, d), 4, ""},
		{"the first batch", driver.ExpectLast(0), all(a, b), 2, ""},
		{"the second batch", driver.ExpectLast(2), all(c, d), 4, ""},
		{"across the batches", driver.ExpectLast(1), all(b, c), 3, ""},
		{"the first", driver.ExpectLast(0), all(a), 1, ""},
		{"one from the middle", none, all(b), 2, ""},
		{"all but the first", none, all(b, c, d), 4, ""},
		{"a time that is left to the store", none, all(at(d, time.Time{})), 4, ""},
		{"empty for nil", none, all(b, saying(c, "")), 3, ""},
		{"reordered", none, all(b, a), 0, "a"},
		{"reordered at the end", driver.ExpectLast(0), all(a, b, d, c), 0, "d"},
		{"with a gap", none, all(a, c), 0, "c"},
		{"known before new", none, all(d, e), 0, "e"},
		{"known before new, with the right expectation", driver.ExpectLast(4), all(d, e), 0, "e"},
		{"all known and a new one, with the first expectation", driver.ExpectLast(0), all(a, b, c, d, e), 0, "e"},
		{"new before known", driver.ExpectLast(4), all(e, a), 0, "e"},
		{"new before known, expecting nothing", none, all(e, d), 0, "e"},
		{"other payload", none, all(saying(a, "one")), 0, "a"},
		{"other payload of the same length", driver.ExpectLast(4), all(saying(a, "2")), 0, "a"},
		{"longer payload", none, all(saying(b, string(b.Payload)+" ")), 0, "b"},
		{"shorter payload", none, all(saying(b, string(b.Payload[:32]))), 0, "b"},
		{"other payload at its very end", none, all(saying(b, string(b.Payload[1:])+"3")), 0, "b"},
		{"empty payload", driver.ExpectLast(4), all(saying(a, "")), 0, "a"},
		{"payload where it was empty", none, all(saying(c, "\x00")), 0, "c"},
		{"other type", none, all(typed(a, "T")), 0, "a"},
		{"type with a space", driver.ExpectLast(0), all(typed(a, "t ")), 0, "a"},
		{"other time", none, all(at(d, laterTime)), 0, "d"},
		{"other time in the same second", driver.ExpectLast(3), all(at(d, statedTime.Truncate(time.Second))), 0, "d"},
		{"a time where the store had stamped", driver.ExpectLast(0), all(at(a, statedTime)), 0, "a"},
		{"other content in the middle of a batch", driver.ExpectLast(0), all(a, saying(b, "two"), c), 0, "b"},
		{"other content at the end of a batch", driver.ExpectLast(0), all(a, b, c, saying(d, "four")), 0, "d"},
		{"other content, with an old expectation", driver.ExpectLast(3), all(saying(d, "four")), 0, "d"},
	}
}

func repeatedAppends(t *trial) {
	stores := t.twoEventStores()
	a, b := driver.Event{ID: "a", Type: "t", Payload: []byte("1")}, driver.Event{ID: "b", Type: "t", Payload: bytes.Repeat([]byte("2"), 5000)}
	c, d := driver.Event{ID: "c", Type: "t"}, driver.Event{ID: "d", Type: "t", Payload: []byte("4"), Time: statedTime}
	t.append(t.Events, "run", a, b)
	t.append(t.Events, "run", c, d)
	before, listed := t.load(t.Events, "run", 0), t.executions(t.Events)
	for round := range 3 {
		for i, r := range repeatsOf(a, b, c, d) {
			store := stores[(round+i)%2]
			last, err := store.Append(t.ctx, "run", r.expect, r.events)
			if r.last != 0 {
				t.ok("repeating "+r.name, err)
				equal(t, "the sequence of repeating "+r.name, last, r.last)
			} else {
				t.conflict("repeating "+r.name, err, namingAny(err, driver.ConflictError{Event: r.taken, Actual: 4}, r.events))
			}
			equal(t, "the history after repeating "+r.name, t.load(store, "run", 0), before)
		}
		equal(t, "the executions after all repeats", t.executions(stores[round%2]), listed)
		if round == 1 {
			t.reopen()
			stores[0] = t.Events
		}
	}
}

func knownForEver(t *trial) {
	const size, n = 500, 3000
	var want []driver.Event
	for i := range n / size {
		want = append(want, batchOf(fmt.Sprint(i), size)...)
		t.append(t.Events, "run", want[len(want)-size:]...)
	}
	for _, store := range t.twoEventStores() {
		t.appendGives(store, "run", driver.ExpectLast(0), size, want[:size]...)
		t.appendGives(store, "run", driver.ExpectLast(math.MaxUint64), 1, want[0])
		t.appendGives(store, "run", driver.Expectation{}, size+3, want[size-2:size+3]...)
		t.appendGives(store, "run", driver.ExpectLast(n), n-1, want[n-2])
		changed := want[0]
		changed.Payload = []byte("other")
		t.appendConflicts(store, "run", driver.ExpectLast(n), driver.ConflictError{Event: changed.ID, Actual: n}, changed)
		t.appendConflicts(store, "run", driver.ExpectLast(n), driver.ConflictError{Event: "new", Actual: n}, event("new"), want[0])
	}
	t.historyIs(t.Events, "run", want...)
}

// knownAndNew has batches of which any one event is known.
func knownAndNew(t *trial) {
	known := batchOf("known", 3)
	t.append(t.Events, "run", known...)
	before := t.load(t.Events, "run", 0)
	for _, size := range []int{2, 5, 40} {
		for _, place := range []int{0, 1, size / 2, size - 1} {
			events := batchOf(fmt.Sprint("new ", size), size)
			events[place] = known[1]
			taken := events[0].ID
			if place == 0 {
				taken = events[1].ID
			}
			for _, expect := range []driver.Expectation{{}, driver.ExpectLast(3), driver.ExpectLast(0)} {
				t.appendConflicts(t.Events, "run", expect, driver.ConflictError{Event: taken, Actual: 3}, events...)
			}
			equal(t, fmt.Sprintf("the history after %d events of which that at %d is known", size, place), t.load(t.Events, "run", 0), before)
		}
	}
	fresh := batchOf("new 5", 5)
	t.appendGives(t.Events, "run", driver.ExpectLast(3), 8, fresh...)
	t.appendConflicts(t.Events, "run", driver.Expectation{}, driver.ConflictError{Event: "new", Actual: 8}, fresh[3], fresh[4], event("new"))
	t.historyIs(t.Events, "run", slices.Concat(known, fresh)...)
}

func idsBelongToAnExecution(t *trial) {
	stores := t.twoEventStores()
	// Whichever separator a driver joins the two with, others make the same key.
	runs := []driver.ExecutionID{"run", "Run", "run ", "é", "e\u0301", nastyLong, nastyLong[:254], "a", "ab", "a/b", "a:b", "a|b", "a.b", "a-b", "a_b", "a b", "a\x1fb", "a%2Fb"}
	ids := []string{"id", "Id", "run", "bid", "b/id", "b:id", "b|id", "b.id", "b-id", "b_id", "b id", "b\x1fid", "b%2Fid"}
	events := func(run int) []driver.Event {
		all := make([]driver.Event, len(ids))
		for i, id := range ids {
			all[i] = driver.Event{ID: driver.EventID(id), Type: "t", Payload: fmt.Appendf(nil, "%s of %d", id, run)}
		}
		return all
	}
	for i, run := range runs {
		t.append(stores[i%2], run, event("first"))
		t.appendGives(stores[i%2], run, driver.ExpectLast(1), 1+uint64(len(ids)), events(i)...)
	}
	for i, run := range runs {
		t.appendGives(stores[i%2], run, driver.ExpectLast(1), 1+uint64(len(ids)), events(i)...)
		t.appendConflicts(stores[i%2], run, driver.Expectation{}, driver.ConflictError{Event: "id", Actual: 1 + uint64(len(ids))}, events(i + 1)[0])
		t.historyIs(stores[i%2], run, append([]driver.Event{event("first")}, events(i)...)...)
	}
	for i, id := range []string{"ID", "id ", " id", "id\n", "iD", "RUN", "\u0131d", "é", "e\u0301", "É"} {
		t.appendGives(stores[i%2], "run", driver.ExpectLast(uint64(1+len(ids)+i)), uint64(2+len(ids)+i), event(id))
	}
	beside := t.backend.Tenant("other").Events
	t.appendGives(beside, "run", driver.ExpectLast(0), uint64(len(ids)), events(7)...)
	t.historyIs(beside, "run", events(7)...)
}

func failedAppendsUseUpNoIDs(t *trial) {
	stores := t.twoEventStores()
	var want []driver.Event
	for i := range 6 {
		mine, theirs := batchOf(fmt.Sprint("mine ", i), 3), batchOf(fmt.Sprint("theirs ", i), 1+i%2)
		seen := uint64(len(want))
		t.appendGives(stores[1], "run", driver.ExpectLast(seen), seen+uint64(len(theirs)), theirs...)
		actual := seen + uint64(len(theirs))
		for range 2 {
			t.appendConflicts(stores[0], "run", driver.ExpectLast(seen), driver.ConflictError{Expected: seen, Actual: actual}, mine...)
		}
		mine[1].Payload = fmt.Append(nil, "rewritten after ", actual)
		t.appendGives(stores[i%2], "run", driver.ExpectLast(actual), actual+3, mine...)
		want = slices.Concat(want, theirs, mine)
	}
	t.historyIs(stores[0], "run", want...)
}

func sameAppendAtOnce(t *trial) {
	stores := t.twoEventStores()
	const writers = 5
	var want []driver.Event
	for round := range t.rounds(12, 60) {
		expected := uint64(len(want))
		events := batchOf(fmt.Sprint("round ", round), 1+round%3)
		want = append(want, events...)
		lasts, errs := make([]uint64, writers), make([]error, writers)
		t.together(writers, func(w int) {
			expect := driver.Expectation{}
			if w != round%writers {
				expect = driver.ExpectLast(expected)
			}
			lasts[w], errs[w] = stores[w%2].Append(t.shaken(), "run", expect, events)
		})
		t.ok(fmt.Sprintf("the same append of %d events from %d goroutines", len(events), writers), errors.Join(errs...))
		equal(t, "the sequences that they were told", lasts, slices.Repeat([]uint64{uint64(len(want))}, writers))
	}
	t.historyIs(stores[0], "run", want...)
	t.historyIs(stores[1], "run", want...)
}

// otherContentAtOnce has writers who use the same ID for different things.
func otherContentAtOnce(t *trial) {
	stores := t.twoEventStores()
	const writers = 4
	for round := range t.rounds(10, 50) {
		id := driver.ExecutionID(fmt.Sprint("run ", round%4))
		before := t.load(t.Events, id, 0)
		of := func(w int) []driver.Event {
			shared := driver.Event{ID: driver.EventID(fmt.Sprint("shared ", round)), Type: "t", Payload: fmt.Append(nil, w)}
			return append(batchOf(fmt.Sprintf("round %d writer %d", round, w), w%2), shared)
		}
		lasts, errs := make([]uint64, writers), make([]error, writers)
		t.together(writers, func(w int) {
			lasts[w], errs[w] = stores[w%2].Append(t.shaken(), id, driver.Expectation{}, of(w))
		})
		winner := slices.Index(errs, nil)
		if winner < 0 {
			t.fatal("writers append one ID with different payloads", fmt.Sprintf("nobody won: %v", errors.Join(errs...)), "one winner")
		}
		last := uint64(len(before) + len(of(winner)))
		equal(t, "the winner's sequence", lasts[winner], last)
		for w, err := range errs {
			if w != winner {
				t.conflict(fmt.Sprintf("writer %d appends an ID that writer %d has taken", w, winner), err, namingAny(err, driver.ConflictError{Event: of(w)[0].ID, Actual: last}, of(w)))
			}
		}
		equal(t, "the IDs behind those that were there before", eventIDs(t.load(stores[round%2], id, uint64(len(before)))), idsOfEvents(of(winner)))
	}
}
