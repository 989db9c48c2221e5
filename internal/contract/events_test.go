package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivers/memory"
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

func TestE6EventsGetIDsOfTheirOwn(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
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

// TestE7LeavingTheLoopEarly frees everything: nothing is exhausted or locked.
func TestE7LeavingTheLoopEarly(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
		for i, at := range times {
			mustAppend(f, f.tenant(), "run", enact.Identified{ID: enact.EventID(fmt.Sprint(i)), Time: at.given, Data: fact("x")})
		}
		for i, e := range loaded(f, f.tenant(), "run", 0) {
			mustEqual(f, fmt.Sprintf("the time given as %v", times[i].given), e.Time, times[i].want)
			again := enact.Identified{ID: e.ID, Time: times[i].given, Data: fact("x")}
			mustEqual(f, "the sequence of the same event again", mustAppend(f, f.tenant(), "run", again), e.Sequence)
		}
		for _, year := range []int{0, -1, 10_000} {
			_, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectAny(), enact.Identified{Time: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Data: fact("x")})
			mustFail(f, fmt.Sprintf("appending an event of the year %d", year), err, enact.ErrInvalid)
		}
	})
}

func TestE8TheStoreStampsWhatHasNoTime(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
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
	onEach(t, backends, func(f *fixture) {
		for name, events := range cases {
			_, err := f.tenant().Events.Append(f.ctx, "run", enact.ExpectAny(), events...)
			mustFail(f, "appending a batch with "+name, err, enact.ErrInvalid)
			mustHold(f, f.tenant(), "run")
		}
		mustEqual(f, "the sequence of the good event alone", mustAppend(f, f.tenant(), "run", good), uint64(1))
	})
}

// TestE7WhatDoesNotDecodeEndsTheStream, with an error once and last, and LoadRaw
// still reads it.
func TestE7WhatDoesNotDecodeEndsTheStream(t *testing.T) {
	name := t.Name()
	backend, err := memory.NewConnector(name).Connect(t.Context())
	must(t, "Connect", err)
	defer backend.Shutdown(context.Background())
	events := []driver.Event{{ID: "a", Type: "fact"}, {ID: "b", Type: "StepStarted", Payload: []byte(`{"step":`)}, {ID: "c", Type: "fact"}}
	_, err = backend.Tenant("acme").Events.Append(t.Context(), "run", driver.Expectation{}, events)
	must(t, "appending at the driver", err)
	rt := openAll(t, "memory:"+name)
	defer shutDown(t, rt)
	seen := 0
	var failed error
	for e, err := range rt.Tenant("acme").Events.Load(t.Context(), "run", 0) {
		if failed != nil {
			t.Fatalf("event %d, %v came after the error %v", e.Sequence, err, failed)
		}
		if failed = err; err == nil {
			seen++
		}
	}
	mustEqual(t, "the number of events before the one that does not decode", seen, 1)
	if failed == nil || !strings.Contains(failed.Error(), "event 2") {
		t.Errorf("the stream ended with the error %v; it should name event 2", failed)
	}
	raw := sequencesOf(t, rt.Tenant("acme").Events.LoadRaw(t.Context(), "run", 0), func(e enact.StoredEvent) uint64 { return e.Sequence }, 9)
	mustEqual(t, "the sequences of the raw events", raw, []uint64{1, 2, 3})
}
