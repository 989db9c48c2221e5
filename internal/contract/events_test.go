package contract_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// fact is an event of a type that only its bytes describe.
func fact(payload string) enact.Custom {
	return enact.Custom{Type: "fact", Data: []byte(payload)}
}

// named is a fact with an ID.
func named(id, payload string) enact.Identified {
	return enact.Identified{ID: enact.EventID(id), Data: fact(payload)}
}

// facts are n facts whose payloads begin with label and count from first.
func facts(label string, first, n int) []enact.EventData {
	events := make([]enact.EventData, n)
	for i := range events {
		events[i] = fact(fmt.Sprintf("%s %d", label, first+i))
	}
	return events
}

func mustAppend(t testing.TB, tenant *enact.Tenant, execution enact.ExecutionID, events ...enact.EventData) uint64 {
	t.Helper()
	last, err := tenant.Events.Append(t.Context(), execution, enact.ExpectAny(), events...)
	must(t, fmt.Sprintf("appending %d events to %q", len(events), execution), err)
	return last
}

// loaded reads the events after a sequence and makes sure that they follow one
// another.
func loaded(t testing.TB, tenant *enact.Tenant, execution enact.ExecutionID, after uint64) []enact.Event {
	t.Helper()
	var events []enact.Event
	for e, err := range tenant.Events.Load(t.Context(), execution, after) {
		must(t, fmt.Sprintf("loading %q after %d", execution, after), err)
		if want := after + uint64(len(events)) + 1; e.Sequence != want {
			t.Fatalf("loading %q after %d: sequence %d came where %d belongs", execution, after, e.Sequence, want)
		}
		events = append(events, e)
	}
	return events
}

// payloads are those of events, as text.
func payloads(events []enact.Event) []string {
	return idsOf(events, func(e enact.Event) string { return string(e.Payload) })
}

// mustHold fails the test unless the execution's history is these payloads.
func mustHold(t testing.TB, tenant *enact.Tenant, execution enact.ExecutionID, want ...string) {
	t.Helper()
	got := payloads(loaded(t, tenant, execution, 0))
	if !slices.Equal(got, want) {
		t.Fatalf("the history of %q is %q; it should be %q", execution, got, want)
	}
	last, err := tenant.Events.LatestSequence(t.Context(), execution)
	must(t, "LatestSequence", err)
	if last != uint64(len(want)) {
		t.Fatalf("LatestSequence of %q is %d, its history has %d events", execution, last, len(want))
	}
}

func TestE1AppendedEventsAreThereAfterReopening(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		for i := range 5 {
			mustAppend(f, f.tenant(), "run", facts("batch", 3*i, 3)...)
		}
		before := loaded(f, f.tenant(), "run", 0)
		f.reopen()
		mustEqual(f, "the history after reopening", loaded(f, f.tenant(), "run", 0), before)
		if last := mustAppend(f, f.tenant(), "run", fact("later")); last != 16 {
			f.Errorf("the append after reopening returned sequence %d; it should have returned 16", last)
		}
	})
}

func TestE2OrderedFromOnePerExecution(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		var want [2][]string
		for i, n := range []int{1, 3, 1, 2, 7, 1} {
			for x, run := range []enact.ExecutionID{"run", "Run"} {
				events := facts(string(run), len(want[x]), n+x)
				for _, e := range events {
					want[x] = append(want[x], string(e.(enact.Custom).Data))
				}
				if last := mustAppend(f, tenant, run, events...); last != uint64(len(want[x])) {
					f.Fatalf("append %d of %d events to %q returned sequence %d; it should have returned %d", i, n+x, run, last, len(want[x]))
				}
			}
		}
		mustHold(f, tenant, "run", want[0]...)
		mustHold(f, tenant, "Run", want[1]...)
		mustHold(f, tenant, "unknown")
	})
}

// stamp marks an event with its writer, its batch, its place there and the size
// of the batch, so that a reader can tell whole batches from parts.
func stamp(writer, batch, place, size int) enact.Custom {
	var data []byte
	for _, n := range []int{writer, batch, place, size} {
		data = binary.BigEndian.AppendUint32(data, uint32(n))
	}
	return enact.Custom{Type: "stamped", Data: data}
}

// wholeBatches returns what is wrong with stamped events: batches that are not
// whole, not contiguous, or, within a writer, not in order.
func wholeBatches(events []enact.Event) error {
	next := map[int]int{}
	for i := 0; i < len(events); {
		writer, batch, _, size := readStamp(events[i])
		if batch != next[writer] {
			return fmt.Errorf("event %d is of batch %d of writer %d, whose batch %d has not been seen", i+1, batch, writer, next[writer])
		}
		next[writer]++
		for place := range size {
			if i == len(events) {
				return fmt.Errorf("the history ends after %d of the %d events of batch %d of writer %d", place, size, batch, writer)
			}
			if w, b, p, s := readStamp(events[i]); w != writer || b != batch || p != place || s != size {
				return fmt.Errorf("event %d should be event %d of %d of batch %d of writer %d; it is event %d of %d of batch %d of writer %d", i+1, place, size, batch, writer, p, s, b, w)
			}
			i++
		}
	}
	return nil
}

func readStamp(e enact.Event) (writer, batch, place, size int) {
	read := func(i int) int { return int(binary.BigEndian.Uint32(e.Payload[4*i:])) }
	return read(0), read(1), read(2), read(3)
}

// TestE2E3WritersInEachOthersWay has writers without expectation at two handles,
// and readers that must never see a gap or half a batch.
func TestE2E3WritersInEachOthersWay(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, batches = 6, 12
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		var stop atomic.Bool
		var readers sync.WaitGroup
		seen := make([]error, 2)
		for r := range seen {
			readers.Go(func() {
				for last := 0; !stop.Load() && seen[r] == nil; {
					last, seen[r] = readOnce(f.ctx, handles[r], last)
				}
			})
		}
		failed := make([]error, writers)
		lasts := make([][]uint64, writers)
		atOnce(writers, func(w int) {
			for b := range batches {
				size := 1 + (w+b)%5
				var events []enact.EventData
				for place := range size {
					events = append(events, stamp(w, b, place, size))
				}
				last, err := handles[w%2].Events.Append(f.ctx, "run", enact.ExpectAny(), events...)
				if err != nil {
					failed[w] = err
					return
				}
				lasts[w] = append(lasts[w], last)
			}
		})
		stop.Store(true)
		readers.Wait()
		must(f, "appending from many goroutines", errors.Join(failed...))
		must(f, "reading meanwhile", errors.Join(seen...))
		events := loaded(f, handles[1], "run", 0)
		must(f, "looking for whole batches", wholeBatches(events))
		for w := range writers {
			for b, last := range lasts[w] {
				if last == 0 || last > uint64(len(events)) {
					f.Fatalf("writer %d was told that its batch %d ends at %d of %d", w, b, last, len(events))
				}
				if writer, batch, place, size := readStamp(events[last-1]); writer != w || batch != b || place != size-1 {
					f.Errorf("writer %d was told that its batch %d ends at %d, where event %d of %d of batch %d of writer %d is", w, b, last, place, size, batch, writer)
				}
			}
		}
		if n := len(slices.Concat(lasts...)); n != writers*batches {
			f.Errorf("%d batches were written; it should have been %d", n, writers*batches)
		}
	})
}

// readOnce reads all that there is, of which there must be no less than before.
func readOnce(ctx context.Context, tenant *enact.Tenant, before int) (int, error) {
	var events []enact.Event
	for e, err := range tenant.Events.Load(ctx, "run", 0) {
		if err != nil {
			return 0, err
		}
		if e.Sequence != uint64(len(events)+1) {
			return 0, fmt.Errorf("sequence %d came where %d belongs", e.Sequence, len(events)+1)
		}
		events = append(events, e)
	}
	if len(events) < before {
		return 0, fmt.Errorf("%d events were there, and now %d are", before, len(events))
	}
	return len(events), wholeBatches(events)
}

// TestE5ExactlyOneWriterWins lets many writers at two handles expect the same
// last sequence, again and again.
func TestE5ExactlyOneWriterWins(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds, size = 8, 60, 3
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		var want []string
		for round := range rounds {
			expected := uint64(size * round)
			lasts, errs := make([]uint64, writers), make([]error, writers)
			atOnce(writers, func(w int) {
				lasts[w], errs[w] = handles[w%2].Events.Append(f.ctx, "run", enact.ExpectLast(expected), facts(fmt.Sprintf("round %d writer %d", round, w), 0, size)...)
			})
			winner := -1
			for w, err := range errs {
				if err != nil {
					mustConflict(f, fmt.Sprintf("round %d, writer %d, expecting %d", round, w, expected), err, enact.ConflictError{Expected: expected, Actual: expected + size})
					continue
				}
				if winner >= 0 {
					f.Fatalf("round %d: both writer %d and writer %d expected %d and won", round, winner, w, expected)
				}
				if winner = w; lasts[w] != expected+size {
					f.Fatalf("round %d: the winner was told sequence %d; it should have been %d", round, lasts[w], expected+size)
				}
			}
			if winner < 0 {
				f.Fatalf("round %d: all %d writers lost: %v", round, writers, errors.Join(errs...))
			}
			for i := range size {
				want = append(want, fmt.Sprintf("round %d writer %d %d", round, winner, i))
			}
		}
		mustHold(f, handles[0], "run", want...)
		mustHold(f, handles[1], "run", want...)
	})
}

// TestE5TheFirstEventHasOneWriter races for executions that do not exist yet.
func TestE5TheFirstEventHasOneWriter(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds = 6, 25
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		for round := range rounds {
			run := enact.ExecutionID(fmt.Sprintf("run %d", round))
			errs := make([]error, writers)
			atOnce(writers, func(w int) {
				_, errs[w] = handles[w%2].Events.Append(f.ctx, run, enact.ExpectLast(0), fact(fmt.Sprint(w)))
			})
			won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
			if won < 0 {
				f.Fatalf("round %d: nobody won: %v", round, errors.Join(errs...))
			}
			for w, err := range errs {
				if w != won {
					mustConflict(f, fmt.Sprintf("round %d, writer %d beside winner %d", round, w, won), err, enact.ConflictError{Expected: 0, Actual: 1})
				}
			}
			mustHold(f, handles[round%2], run, fmt.Sprint(won))
		}
	})
}

func TestE5ExpectationThatFailsLeavesNothing(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for _, expected := range []uint64{1, 2, math.MaxUint32, math.MaxInt64, math.MaxUint64} {
			_, err := tenant.Events.Append(f.ctx, "new", enact.ExpectLast(expected), fact("lost"))
			mustConflict(f, fmt.Sprintf("appending to a new execution, expecting %d", expected), err, enact.ConflictError{Expected: expected})
		}
		mustHold(f, tenant, "new")
		mustAppend(f, tenant, "run", facts("kept", 0, 3)...)
		for _, expected := range []uint64{0, 1, 2, 4, math.MaxUint64} {
			_, err := tenant.Events.Append(f.ctx, "run", enact.ExpectLast(expected), facts("lost", 0, 2)...)
			mustConflict(f, fmt.Sprintf("appending to 3 events, expecting %d", expected), err, enact.ConflictError{Expected: expected, Actual: 3})
		}
		last, err := tenant.Events.Append(f.ctx, "run", enact.ExpectLast(3), fact("kept 3"))
		must(f, "appending with the right expectation", err)
		mustEqual(f, "the sequence", last, uint64(4))
		mustHold(f, tenant, "run", "kept 0", "kept 1", "kept 2", "kept 3")
		list, _, err := tenant.Events.ListExecutions(f.ctx, enact.Page{})
		must(f, "ListExecutions", err)
		mustEqual(f, "the executions that have events", idsOf(list, func(x enact.ExecutionInfo) enact.ExecutionID { return x.ID }), []enact.ExecutionID{"run"})
	})
}

// TestE6RepeatedAppends appends one history and then repeats parts of it.
func TestE6RepeatedAppends(t *testing.T) {
	when := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	other := when.Add(time.Microsecond)
	a, b, c, d := named("a", "1"), named("b", "2"), named("c", ""), enact.Identified{ID: "d", Time: when, Data: fact("4")}
	at := func(e enact.Identified, t time.Time) enact.Identified { e.Time = t; return e }
	repeats := []struct {
		name   string
		expect enact.Expectation
		events []enact.EventData
		last   uint64        // 0: a conflict
		taken  enact.EventID // of the conflict
	}{
		{"the whole, expecting nothing", enact.ExpectAny(), []enact.EventData{a, b, c, d}, 4, ""},
		{"the whole, expecting what was right the first time", enact.ExpectLast(0), []enact.EventData{a, b, c, d}, 4, ""},
		{"the whole, expecting what is right now", enact.ExpectLast(4), []enact.EventData{a, b, c, d}, 4, ""},
		{"the whole, expecting nonsense", enact.ExpectLast(99), []enact.EventData{a, b, c, d}, 4, ""},
		{"the first batch", enact.ExpectLast(0), []enact.EventData{a, b}, 2, ""},
		{"the second batch", enact.ExpectLast(2), []enact.EventData{c, d}, 4, ""},
		{"across the batches", enact.ExpectLast(1), []enact.EventData{b, c}, 3, ""},
		{"one from the middle", enact.ExpectAny(), []enact.EventData{b}, 2, ""},
		{"an explicit time again", enact.ExpectAny(), []enact.EventData{at(d, when.In(time.FixedZone("", 3600)))}, 4, ""},
		{"a time that rounds to the stored one", enact.ExpectAny(), []enact.EventData{at(d, when.Add(999*time.Nanosecond))}, 4, ""},
		{"a time that is left to the store", enact.ExpectAny(), []enact.EventData{at(d, time.Time{})}, 4, ""},
		{"reordered", enact.ExpectAny(), []enact.EventData{b, a}, 0, "a"},
		{"with a gap", enact.ExpectAny(), []enact.EventData{a, c}, 0, "c"},
		{"known before new", enact.ExpectAny(), []enact.EventData{d, named("new", "5")}, 0, "new"},
		{"known before new, with the right expectation", enact.ExpectLast(4), []enact.EventData{d, named("new", "5")}, 0, "new"},
		{"other payload", enact.ExpectAny(), []enact.EventData{named("a", "one")}, 0, "a"},
		{"empty payload", enact.ExpectLast(4), []enact.EventData{named("a", "")}, 0, "a"},
		{"payload where it was empty", enact.ExpectAny(), []enact.EventData{named("c", "\x00")}, 0, "c"},
		{"other type", enact.ExpectAny(), []enact.EventData{enact.Identified{ID: "a", Data: enact.Custom{Type: "Fact", Data: []byte("1")}}}, 0, "a"},
		{"other time", enact.ExpectAny(), []enact.EventData{at(d, other)}, 0, "d"},
		{"a time where the store had stamped", enact.ExpectLast(0), []enact.EventData{at(a, when)}, 0, "a"},
		{"other content in the middle of a batch", enact.ExpectLast(0), []enact.EventData{a, named("b", "two"), c}, 0, "b"},
	}
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustAppend(f, tenant, "run", a, b)
		mustAppend(f, tenant, "run", c, d)
		info := func() []enact.ExecutionInfo {
			list, _, err := tenant.Events.ListExecutions(f.ctx, enact.Page{})
			must(f, "ListExecutions", err)
			return list
		}
		before, history := info(), loaded(f, tenant, "run", 0)
		for _, r := range repeats {
			last, err := tenant.Events.Append(f.ctx, "run", r.expect, r.events...)
			if r.last != 0 {
				must(f, "repeating "+r.name, err)
				mustEqual(f, "the sequence of repeating "+r.name, last, r.last)
			} else {
				mustConflict(f, "repeating "+r.name, err, enact.ConflictError{Event: r.taken, Actual: 4})
			}
			mustEqual(f, "the history after repeating "+r.name, loaded(f, tenant, "run", 0), history)
		}
		mustEqual(f, "the execution after all repeats", info(), before)
	})
}

// TestE6NewBeforeKnownWritesNothing: the new event must not stay when the known
// one behind it is found.
func TestE6NewBeforeKnownWritesNothing(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustAppend(f, tenant, "run", named("a", "1"), named("b", "2"))
		for _, expect := range []enact.Expectation{enact.ExpectAny(), enact.ExpectLast(2), enact.ExpectLast(1)} {
			_, err := tenant.Events.Append(f.ctx, "run", expect, named("c", "3"), named("d", "4"), named("b", "2"))
			mustConflict(f, "appending new, new, known", err, enact.ConflictError{Event: "c", Actual: 2})
			mustHold(f, tenant, "run", "1", "2")
		}
		mustEqual(f, "the sequence of the new ones alone", mustAppend(f, tenant, "run", named("c", "3"), named("d", "4")), uint64(4))
		mustHold(f, tenant, "run", "1", "2", "3", "4")
	})
}

func TestE6IDsAreThoseOfTheirExecution(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		for _, tenant := range []enact.TenantID{"acme", "other"} {
			for _, run := range []enact.ExecutionID{"run", "Run", "run "} {
				mustAppend(f, f.rt.Tenant(tenant), run, fact("first"))
				last := mustAppend(f, f.rt.Tenant(tenant), run, named("id", string(run)+string(tenant)))
				mustEqual(f, fmt.Sprintf("the sequence of the same ID in %q of %q", run, tenant), last, uint64(2))
			}
		}
		for _, run := range []enact.ExecutionID{"run", "Run", "run "} {
			mustHold(f, f.tenant(), run, "first", string(run)+"acme")
		}
	})
}

func TestE6RepeatedAfterReopening(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		id := uuid.NewString()
		batch := []enact.EventData{named(id, "1"), named("plain", "2"), named(strings.ToUpper(id), "3")}
		mustAppend(f, f.tenant(), "run", batch...)
		mustAppend(f, f.tenant(), "run", fact("4"))
		f.reopen()
		last, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectLast(0), batch...)
		must(f, "repeating an append after reopening", err)
		mustEqual(f, "its sequence", last, uint64(3))
		_, err = f.tenant().Events.Append(f.ctx, "run", enact.ExpectLast(0), named(id, "other"))
		mustConflict(f, "appending other content after reopening", err, enact.ConflictError{Event: enact.EventID(id), Actual: 4})
		mustHold(f, f.tenant(), "run", "1", "2", "3", "4")
	})
}

// TestE6TheSameAppendAtOnce repeats one append from many goroutines: all are told
// the same sequences, and it is there once.
func TestE6TheSameAppendAtOnce(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds = 6, 25
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		var want []string
		for round := range rounds {
			batch := []enact.EventData{named(fmt.Sprintf("a%d", round), "a"), named(fmt.Sprintf("b%d", round), "b")}
			lasts, errs := make([]uint64, writers), make([]error, writers)
			atOnce(writers, func(w int) {
				expect := enact.ExpectAny()
				if w < writers/2 {
					expect = enact.ExpectLast(uint64(2 * round))
				}
				lasts[w], errs[w] = handles[w%2].Events.Append(f.ctx, "run", expect, batch...)
			})
			must(f, fmt.Sprintf("round %d: the same append from all", round), errors.Join(errs...))
			for w, last := range lasts {
				if last != uint64(2*round+2) {
					f.Fatalf("round %d: writer %d was told sequence %d; it should have been %d", round, w, last, 2*round+2)
				}
			}
			want = append(want, "a", "b")
		}
		mustHold(f, f.tenant(), "run", want...)
	})
}

func TestE6EventsGetIDsOfTheirOwn(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", fact("same"), fact("same"), enact.Identified{Data: fact("same")})
		mustAppend(f, f.tenant(), "run", fact("same"))
		seen := map[enact.EventID]bool{}
		for _, e := range loaded(f, f.tenant(), "run", 0) {
			if e.ID == "" || seen[e.ID] {
				f.Errorf("event %d got the ID %q, which is empty or another's", e.Sequence, e.ID)
			}
			seen[e.ID] = true
			last, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectLast(0), enact.Identified{ID: e.ID, Data: fact("same")})
			must(f, "repeating an event by the ID that was made for it", err)
			mustEqual(f, "its sequence", last, e.Sequence)
		}
		mustEqual(f, "the number of IDs", len(seen), 4)
	})
}

func TestE7LoadAfter(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		const n = 1100
		mustAppend(f, f.tenant(), "before", facts("before", 0, 3)...)
		mustAppend(f, f.tenant(), "run", facts("event", 1, n)...)
		mustAppend(f, f.tenant(), "runs", facts("behind", 0, 3)...)
		for _, after := range []uint64{0, 1, 2, 511, 512, 513, 1023, 1024, 1025, n - 1, n, n + 1, math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxUint64} {
			want := []string{}
			for i := after + 1; after < n && i <= n; i++ {
				want = append(want, fmt.Sprintf("event %d", i))
			}
			mustEqual(f, fmt.Sprintf("the payloads after %d", after), payloads(loaded(f, f.tenant(), "run", after)), want)
		}
	})
}

// TestE7LongHistory is more than any driver reads in one piece.
func TestE7LongHistory(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const n = 20_000
		for i := 0; i < n; i += driver.MaxBatchEvents {
			mustAppend(f, f.tenant(), "run", facts("event", i+1, driver.MaxBatchEvents)...)
		}
		count := 0
		for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
			must(f, fmt.Sprintf("loading event %d", count+1), err)
			if count++; e.Sequence != uint64(count) || string(e.Payload) != fmt.Sprintf("event %d", count) {
				f.Fatalf("event %d came back with sequence %d and payload %q", count, e.Sequence, e.Payload)
			}
		}
		mustEqual(f, "the number of events", count, n)
	})
}

// TestE7LargeEvents are few events of many bytes, which a driver cuts into pieces
// by size.
func TestE7LargeEvents(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		large := func(i int) []byte { return bytes.Repeat([]byte{byte(i), 0xff, 0}, 200_000) }
		for i := range 7 {
			mustAppend(f, f.tenant(), "run", enact.Custom{Type: "large", Data: large(i)}, fact("small"))
		}
		for i, e := range loaded(f, f.tenant(), "run", 0) {
			want := []byte("small")
			if i%2 == 0 {
				want = large(i / 2)
			}
			if !bytes.Equal(e.Payload, want) {
				f.Errorf("event %d came back with %d bytes; it should have been %d others", i+1, len(e.Payload), len(want))
			}
		}
	})
}

// TestE7TheLoopBodyCallsTheStore reads, writes and loads inside a loop, deeper
// than any pool of connections.
func TestE7TheLoopBodyCallsTheStore(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustAppend(f, tenant, "run", facts("event", 1, 3)...)
		var dive func(depth int)
		dive = func(depth int) {
			for e, err := range tenant.Events.Load(f.ctx, "run", 0) {
				must(f, fmt.Sprintf("loading at depth %d", depth), err)
				if e.Sequence != 2 {
					continue
				}
				mustAppend(f, tenant, "copy", fact(fmt.Sprint(depth)))
				_, err := tenant.State.Set(f.ctx, "depth", fmt.Append(nil, depth))
				must(f, "Set in a loop body", err)
				if depth < 12 {
					dive(depth + 1)
				}
			}
		}
		ended(f, "a loop body that calls the store", inBackground(func() { dive(1) }))
		mustHold(f, tenant, "copy", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12")
	})
}

// TestE7AppendingToWhatIsBeingLoaded: what is appended during the loop comes in
// order or not at all.
func TestE7AppendingToWhatIsBeingLoaded(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 600)...)
		total, seen := 600, 0
		for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
			must(f, "loading", err)
			if seen++; e.Sequence != uint64(seen) || string(e.Payload) != fmt.Sprintf("event %d", seen) {
				f.Fatalf("event %d came back with sequence %d and payload %q", seen, e.Sequence, e.Payload)
			}
			if seen%100 == 1 && total < 1500 {
				mustAppend(f, f.tenant(), "run", facts("event", total+1, 100)...)
				total += 100
			}
		}
		if seen < 600 || seen > total {
			f.Errorf("%d events were loaded; 600 were there at the beginning and %d at the end", seen, total)
		}
		mustEqual(f, "the number of events afterwards", len(loaded(f, f.tenant(), "run", 0)), total)
	})
}

// TestE7LeavingTheLoopEarly frees everything: nothing is exhausted or locked.
func TestE7LeavingTheLoopEarly(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 700)...)
		left := func(at uint64) {
			for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
				must(f, "loading", err)
				if e.Sequence == at {
					break
				}
			}
		}
		ended(f, "leaving loops early and writing", inBackground(func() {
			for i := range 50 {
				left(uint64(1 + 14*i))
				mustAppend(f, f.tenant(), "other", fact(fmt.Sprint(i)))
			}
		}))
		mustEqual(f, "the number of events", len(loaded(f, f.tenant(), "run", 0)), 700)
		ended(f, "Shutdown after loops that were left early", inBackground(func() { shutDown(f.T, f.rt) }))
	})
}

// TestE7LeavingTheLoopByPanic frees everything, too.
func TestE7LeavingTheLoopByPanic(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 3)...)
		for range 10 {
			func() {
				defer func() { recover() }()
				for range f.tenant().Events.Load(f.ctx, "run", 0) {
					panic("the loop body's")
				}
			}()
			mustAppend(f, f.tenant(), "run", fact("later"))
		}
		ended(f, "Shutdown after loops that panicked", inBackground(func() { shutDown(f.T, f.rt) }))
	})
}

// TestE7TheSameStreamTwice: an iterator can be used again, as those of the
// standard library can.
func TestE7TheSameStreamTwice(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 5)...)
		stream, raw := f.tenant().Events.Load(f.ctx, "run", 1), f.tenant().Events.LoadRaw(f.ctx, "run", 1)
		for round := range 3 {
			want := []uint64{2, 3, 4, 5}
			if round == 0 {
				want = want[:2]
			}
			got := sequencesOf(f, stream, func(e enact.Event) uint64 { return e.Sequence }, len(want))
			mustEqual(f, fmt.Sprintf("use %d of what Load returned", round), got, want)
			got = sequencesOf(f, raw, func(e enact.StoredEvent) uint64 { return e.Sequence }, len(want))
			mustEqual(f, fmt.Sprintf("use %d of what LoadRaw returned", round), got, want)
		}
	})
}

// sequencesOf reads up to n events and breaks out of the loop.
func sequencesOf[E any](t testing.TB, stream iter.Seq2[E, error], sequence func(E) uint64, n int) (got []uint64) {
	t.Helper()
	for e, err := range stream {
		must(t, "loading", err)
		if got = append(got, sequence(e)); len(got) == n {
			break
		}
	}
	return got
}

// TestE7RawEventsAreThoseOfTheLog: LoadRaw shows what Load does, undecoded.
func TestE7RawEventsAreThoseOfTheLog(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", named("a", "\xff"), enact.StepStarted{Step: "s"}, fact(""))
		events := loaded(f, f.tenant(), "run", 0)
		i := 0
		for raw, err := range f.tenant().Events.LoadRaw(f.ctx, "run", 0) {
			must(f, "loading raw events", err)
			e := events[i]
			want := enact.StoredEvent{Event: driver.Event{ID: e.ID, Type: e.Data.EventType(), Payload: e.Payload, Time: e.Time}, Sequence: e.Sequence}
			mustEqual(f, fmt.Sprintf("raw event %d", i+1), raw, want)
			i++
		}
		mustEqual(f, "the number of raw events", i, len(events))
	})
}

func TestE8PayloadsComeBackAsTheyWere(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		var events []enact.EventData
		var names []string
		for name, payload := range anyBytes {
			events = append(events, enact.Identified{ID: enact.EventID(name), Data: enact.Custom{Type: name, Data: payload}})
			names = append(names, name)
		}
		mustAppend(f, f.tenant(), "run", events...)
		check := func() {
			for i, e := range loaded(f, f.tenant(), "run", 0) {
				want := notNil(anyBytes[names[i]])
				mustEqual(f, fmt.Sprintf("the payload called %q", names[i]), e.Payload, want)
				mustEqual(f, fmt.Sprintf("the data called %q", names[i]), e.Data, enact.EventData(enact.Custom{Type: names[i], Data: want}))
				mustEqual(f, "the ID", e.ID, enact.EventID(names[i]))
			}
			mustEqual(f, "the number of events", len(loaded(f, f.tenant(), "run", 0)), len(anyBytes))
		}
		check()
		f.reopen()
		check()
	})
}

// TestE8TypedEventsComeBackAsTheyWere has one of each type, with every field set.
func TestE8TypedEventsComeBackAsTheyWere(t *testing.T) {
	raw := []byte(`{"n":9007199254740993,"a":[1,"<&>"]}`)
	events := []enact.EventData{
		enact.ExecutionStarted{Parent: "parent", Metadata: map[string]json.RawMessage{"user": []byte(`"ann"`)}},
		enact.StepStarted{Step: "s", ParentStep: "p", StepType: "t", Name: "n\u0000 é"},
		enact.StepCompleted{Step: "s", Output: raw, Duration: time.Nanosecond},
		enact.StepFailed{Step: "s", Error: "because"},
		enact.ExecutionPaused{Reason: "r"},
		enact.ExecutionResumed{},
		enact.ExecutionCompleted{Output: raw, Duration: time.Hour},
		enact.ExecutionFailed{Error: "because"},
		enact.ExecutionCancelled{Reason: "r"},
		enact.ArtifactStored{Artifact: "a", Step: "s", ContentHash: "h", Size: math.MaxInt64},
		enact.StepDiscovered{Step: "s", DiscoveredBy: "d", SourceType: "t", Reason: "r", Depth: 3},
		enact.ToolCallStarted{Step: "s", Call: "c", Tool: "t", Input: raw},
		enact.ToolCallCompleted{Step: "s", Call: "c", Output: raw},
		enact.CheckpointSaved{Step: "s", Checkpoint: "c", StateHash: "h"},
		enact.GoalEvaluated{Step: "s", Goal: "g", Status: "st", Score: 0.1, Reason: "r"},
	}
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", events...)
		got := loaded(f, f.tenant(), "run", 0)
		mustEqual(f, "the typed events", idsOf(got, func(e enact.Event) enact.EventData { return e.Data }), events)
	})
}

func TestE8TimesComeBackToTheMicrosecond(t *testing.T) {
	zone := time.FixedZone("", -5*3600-30*60)
	times := []struct{ given, want time.Time }{
		{time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.UTC), time.Date(2024, 1, 2, 3, 4, 5, 678901000, time.UTC)},
		{time.Date(2024, 1, 2, 3, 4, 5, 999999999, zone), time.Date(2024, 1, 2, 8, 34, 5, 999999000, time.UTC)},
		{time.Unix(0, 0), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)},
		{time.Unix(-1, 1), time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
		{time.Date(1969, 12, 31, 23, 59, 59, 999999500, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)},
	}
	onEach(t, sharedBackends, func(f *fixture) {
		for i, at := range times {
			mustAppend(f, f.tenant(), "run", enact.Identified{ID: enact.EventID(fmt.Sprint(i)), Time: at.given, Data: fact("x")})
		}
		f.reopen()
		for i, e := range loaded(f, f.tenant(), "run", 0) {
			mustEqual(f, fmt.Sprintf("the time given as %v", times[i].given), e.Time, times[i].want)
		}
		for _, year := range []int{0, -1, 10_000} {
			_, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectAny(), enact.Identified{Time: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Data: fact("x")})
			mustFail(f, fmt.Sprintf("appending an event of the year %d", year), err, enact.ErrInvalid)
		}
	})
}

func TestE8TheStoreStampsWhatHasNoTime(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		before := driver.Timestamp(time.Now())
		mustAppend(f, f.tenant(), "run", fact("1"), enact.Identified{Data: fact("2")})
		after := time.Now()
		for _, e := range loaded(f, f.tenant(), "run", 0) {
			if e.Time.Before(before) || e.Time.After(after) || e.Time.Location() != time.UTC || e.Time.Nanosecond()%1000 != 0 {
				f.Errorf("event %d is stamped %v; it should be a whole microsecond from %v to %v, in UTC", e.Sequence, e.Time, before, after)
			}
		}
	})
}

func TestE9ListingExecutions(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustList(f, "executions of a new store", tenant.Events.ListExecutions, nil)
		begin := driver.Timestamp(time.Now())
		for i := range slices.Backward(nastyIDs) {
			mustAppend(f, tenant, enact.ExecutionID(nastyIDs[i]), facts("x", 0, 1+i%3)...)
		}
		want := walk(f, "executions", driver.MaxPageLimit, tenant.Events.ListExecutions)
		mustEqual(f, "the listed executions", idsOf(want, func(x enact.ExecutionInfo) string { return string(x.ID) }), nastyIDs)
		for i, x := range want {
			if x.LastSequence != uint64(1+i%3) || x.CreatedAt.Before(begin) || x.CreatedAt.After(time.Now()) || !x.UpdatedAt.Equal(x.CreatedAt) || x.CreatedAt.Location() != time.UTC {
				f.Fatalf("execution %q is listed as %+v; it had one append, of %d events, since %v", x.ID, x, 1+i%3, begin)
			}
		}
		mustList(f, "executions", tenant.Events.ListExecutions, want)
		mustAppend(f, tenant, want[0].ID, fact("more"))
		updated := walk(f, "executions", 2, tenant.Events.ListExecutions)[0]
		if updated.LastSequence != want[0].LastSequence+1 || !updated.CreatedAt.Equal(want[0].CreatedAt) || !updated.UpdatedAt.After(want[0].UpdatedAt) {
			f.Errorf("after another append an execution is listed as %+v; it was %+v", updated, want[0])
		}
	})
}

// TestE9ListingWhileOthersAreAdded shows each execution that was there once.
func TestE9ListingWhileOthersAreAdded(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for i := range 10 {
			mustAppend(f, tenant, enact.ExecutionID(fmt.Sprintf("old %d", i)), fact("x"))
		}
		seen := map[enact.ExecutionID]int{}
		added := 0
		page := enact.Page{Limit: 2}
		for {
			items, next, err := tenant.Events.ListExecutions(f.ctx, page)
			must(f, "ListExecutions", err)
			for _, x := range items {
				seen[x.ID]++
			}
			for _, place := range []string{"before", "old 4x", "zulu"} {
				mustAppend(f, tenant, enact.ExecutionID(fmt.Sprintf("%s %d", place, added)), fact("x"))
			}
			if added++; next == "" || added > 50 {
				break
			}
			page.Cursor = next
		}
		for i := range 10 {
			if id := enact.ExecutionID(fmt.Sprintf("old %d", i)); seen[id] != 1 {
				f.Errorf("execution %q was listed %d times", id, seen[id])
			}
		}
		for id, times := range seen {
			if times != 1 {
				f.Errorf("execution %q was listed %d times", id, times)
			}
		}
	})
}

func TestE10TooLargeIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	large := make([]byte, driver.MaxPayloadBytes+1)
	many := facts("x", 0, driver.MaxBatchEvents+1)
	var heavy []enact.EventData
	for range driver.MaxBatchBytes/driver.MaxPayloadBytes + 1 {
		heavy = append(heavy, enact.Custom{Type: "x", Data: large[1:]})
	}
	cases := []struct {
		name   string
		events []enact.EventData
		want   enact.TooLargeError
	}{
		{"a too large event", []enact.EventData{enact.Custom{Type: "x", Data: large}}, enact.TooLargeError{Size: driver.MaxPayloadBytes + 1, Limit: driver.MaxPayloadBytes, Unit: "bytes"}},
		{"a too large event behind good ones", []enact.EventData{fact("good"), fact("good"), enact.Custom{Type: "x", Data: large}}, enact.TooLargeError{Size: driver.MaxPayloadBytes + 1, Limit: driver.MaxPayloadBytes, Unit: "bytes"}},
		{"too many events", many, enact.TooLargeError{Size: driver.MaxBatchEvents + 1, Limit: driver.MaxBatchEvents, Unit: "events"}},
		{"too many bytes in all", heavy, enact.TooLargeError{Size: driver.MaxBatchBytes + driver.MaxPayloadBytes, Limit: driver.MaxBatchBytes, Unit: "bytes"}},
	}
	onEach(t, everyBackend, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", fact("first"))
		for _, c := range cases {
			for _, run := range []enact.ExecutionID{"run", "new"} {
				_, err := f.tenant().Events.Append(f.ctx, run, enact.ExpectAny(), c.events...)
				mustBeTooLarge(f, "appending "+c.name, err, c.want)
			}
		}
		mustHold(f, f.tenant(), "run", "first")
		mustHold(f, f.tenant(), "new")
		mustEqual(f, "the sequence of the largest event", mustAppend(f, f.tenant(), "run", enact.Custom{Type: "x", Data: large[1:]}), uint64(2))
		if got := loaded(f, f.tenant(), "run", 1)[0].Payload; !bytes.Equal(got, large[1:]) {
			f.Errorf("the largest event came back with %d bytes, or with others", len(got))
		}
	})
}

// mustBeTooLarge fails the test unless err is want, whatever the subject.
func mustBeTooLarge(t testing.TB, doing string, err error, want enact.TooLargeError) {
	t.Helper()
	mustFail(t, doing, err, enact.ErrTooLarge)
	var tooLarge *enact.TooLargeError
	if !errors.As(err, &tooLarge) {
		t.Fatalf("%s returned %v; it should have held a *TooLargeError", doing, err)
	}
	got := *tooLarge
	got.Subject = ""
	mustEqual(t, doing+": the error", got, want)
	if !strings.Contains(err.Error(), fmt.Sprint(want.Limit)) {
		t.Errorf("%s: the error %q does not say the limit %d", doing, err, want.Limit)
	}
}

func TestE3BadBatchesWriteNothing(t *testing.T) {
	good := named("good", "1")
	cases := map[string][]enact.EventData{
		"no events":                   nil,
		"an ID twice":                 {good, named("b", "2"), good},
		"an event without data":       {good, nil},
		"an identified event without": {good, enact.Identified{ID: "x"}},
		"an empty type":               {good, enact.Custom{Data: []byte("x")}},
		"a type with NUL":             {good, enact.Custom{Type: "a\x00"}},
		"a too long type":             {good, enact.Custom{Type: strings.Repeat("x", 256)}},
		"a type of a struct's":        {good, enact.Custom{Type: "StepStarted", Data: []byte("{}")}},
		"a bad ID":                    {good, named("\xff", "x")},
		"a too long ID":               {good, named(strings.Repeat("x", 256), "x")},
		"bad JSON in a typed event":   {good, enact.StepCompleted{Step: "s", Output: []byte("{")}},
		"invalid UTF-8 in one":        {good, enact.StepStarted{Step: "\xff"}},
		"a score that is no number":   {good, enact.GoalEvaluated{Score: math.NaN()}},
	}
	onEach(t, everyBackend, func(f *fixture) {
		for name, events := range cases {
			_, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectAny(), events...)
			mustFail(f, "appending a batch with "+name, err, enact.ErrInvalid)
			mustHold(f, f.tenant(), "run")
		}
		mustEqual(f, "the sequence of the good event alone", mustAppend(f, f.tenant(), "run", good), uint64(1))
	})
}
