package drivertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventFaithfulChecks = []check{
	{
		rule: "E8", name: "payloads", role: driver.RoleEvents, run: faithfulEventPayloads,
		why: "an output that comes back changed makes a replay take another way, or a hash not match",
	},
	{
		rule: "E8", name: "ids-and-types", role: driver.RoleEvents, run: faithfulEventIDs,
		why: "an event that comes back as another cannot be repeated, decoded or referred to",
	},
	{
		rule: "E8", name: "times", role: driver.RoleEvents, run: faithfulEventTimes,
		why: "when something happened is part of what happened, wherever and whenever that was",
	},
	{
		rule: "E8", name: "stamps", role: driver.RoleEvents, run: stampsOfEvents,
		why: "an event without a time gets the store's, once; a reader must not see another each time",
	},
}

// historiesComeBack ends the check unless histories are what was appended, at this handle,
// at another, and after reopening.
func (t *trial) historiesComeBack(want map[driver.ExecutionID][]driver.Event) {
	other := t.open()
	for id, events := range want {
		t.historyIs(t.Events, id, events...)
		t.historyIs(other.Tenant(tenantID).Events, id, events...)
	}
	t.shutDown(other)
	t.reopen()
	for id, events := range want {
		t.historyIs(t.Events, id, events...)
		// Only what is the same, to the byte, can be repeated.
		t.appendGives(t.Events, id, driver.ExpectLast(0), uint64(len(events)), events...)
	}
}

func faithfulEventPayloads(t *trial) {
	want := map[driver.ExecutionID][]driver.Event{}
	var names []string
	for name := range nastyBytes {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		e := driver.Event{ID: driver.EventID(name), Type: fmt.Sprint("type ", i%3), Payload: nastyBytes[name]}
		want["batch"] = append(want["batch"], e)
		want["backwards"] = append([]driver.Event{e}, want["backwards"]...)
		if len(e.Payload) < 1<<10 {
			want["single"] = append(want["single"], e)
			t.append(t.Events, "single", e)
		}
	}
	t.append(t.Events, "batch", want["batch"]...)
	t.append(t.Events, "backwards", want["backwards"]...)
	for _, events := range [][]driver.StoredEvent{t.load(t.Events, "batch", 0), t.load(t.Events, "single", 0)} {
		for _, e := range events {
			if want := nastyBytes[string(e.ID)]; len(e.Payload) != len(want) {
				t.fatal(fmt.Sprintf("the payload that is %s", e.ID), fmt.Sprintf("%d bytes", len(e.Payload)), fmt.Sprintf("%d bytes", len(want)))
			}
		}
	}
	t.historiesComeBack(want)
}

func faithfulEventIDs(t *trial) {
	want := map[driver.ExecutionID][]driver.Event{}
	n := len(nastyIDs)
	for i, id := range nastyIDs {
		e := driver.Event{ID: driver.EventID(id), Type: nastyIDs[n-1-i], Payload: []byte(id)}
		want["in one batch"] = append(want["in one batch"], e)
		t.append(t.Events, "one by one", e)
		want["one by one"] = append(want["one by one"], e)
	}
	slices.Reverse(want["in one batch"])
	t.append(t.Events, "in one batch", want["in one batch"]...)
	for _, id := range []driver.ExecutionID{"\U0001F600", nastyLong, "a' OR '1'='1", "a\n"} {
		want[id] = []driver.Event{{ID: driver.EventID(id), Type: string(id), Payload: []byte(id)}}
		t.append(t.Events, id, want[id]...)
	}
	t.historiesComeBack(want)
}

func faithfulEventTimes(t *trial) {
	date := func(year int, month time.Month, day, hour, minute, second, micro int) time.Time {
		return time.Date(year, month, day, hour, minute, second, micro*1000, time.UTC)
	}
	times := []time.Time{
		date(2024, 2, 29, 23, 59, 59, 999999), date(2024, 1, 2, 3, 4, 5, 678901), date(2024, 1, 2, 3, 4, 5, 1), date(2024, 1, 2, 3, 4, 5, 0),
		date(1970, 1, 1, 0, 0, 0, 0), date(1970, 1, 1, 0, 0, 0, 1), date(1969, 12, 31, 23, 59, 59, 999999), date(1969, 12, 31, 23, 59, 59, 0),
		date(1, 1, 1, 0, 0, 0, 1), date(1, 1, 1, 0, 0, 1, 0), date(9999, 12, 31, 23, 59, 59, 999999), date(9999, 1, 1, 0, 0, 0, 7),
		date(1582, 10, 10, 12, 0, 0, 5), date(1600, 2, 29, 0, 0, 0, 0), date(1677, 9, 20, 0, 0, 0, 123456), date(2262, 4, 12, 0, 0, 0, 654321),
		date(2038, 1, 19, 3, 14, 8, 0), date(1901, 12, 13, 20, 45, 51, 0), date(2106, 2, 7, 6, 28, 16, 999), date(1899, 12, 31, 23, 59, 59, 500000),
		date(2016, 12, 31, 23, 59, 59, 999999), date(2023, 3, 26, 2, 30, 0, 0), date(2023, 11, 5, 1, 30, 0, 250000), date(100, 1, 1, 0, 0, 0, 10),
		date(1, 1, 2, 0, 0, 0, 0), date(1000, 6, 15, 4, 5, 6, 70), date(4713, 7, 8, 9, 10, 11, 120000), date(1900, 1, 1, 0, 0, 0, 0),
	}
	first, last := date(1, 1, 1, 0, 0, 1, 0).Unix(), date(9999, 12, 31, 23, 59, 59, 0).Unix()
	for i := range 200 {
		seconds := first + t.rand.Int64N(last-first)
		if i%2 == 0 {
			seconds = 1.7e9 + t.rand.Int64N(1e8)
		}
		times = append(times, time.Unix(seconds, t.rand.Int64N(1e6)*1000).UTC())
	}
	want := map[driver.ExecutionID][]driver.Event{}
	for i, at := range times {
		e := driver.Event{ID: driver.EventID(fmt.Sprint(i)), Type: "t", Payload: []byte(at.String()), Time: at}
		want["batch"] = append(want["batch"], e)
		if i < 28 {
			want["single"] = append(want["single"], e)
			t.append(t.Events, "single", e)
		}
	}
	t.append(t.Events, "batch", want["batch"]...)
	t.historiesComeBack(want)
}

// stampsOfEvents mixes events with a time and without in one batch.
func stampsOfEvents(t *trial) {
	slack := t.target.resolution() + time.Second
	far := time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	begin := time.Now().Add(-slack)
	var given []driver.Event
	for i, n := range []int{1, 4, 1, 2} {
		events := batchOf(fmt.Sprint(i), n)
		if n == 4 {
			events[1].Time, events[3].Time = far, far.Add(time.Hour)
		}
		given = append(given, events...)
		t.append(t.Events, "run", events...)
	}
	end := time.Now().Add(slack)
	before := t.load(t.Events, "run", 0)
	for i, e := range before {
		if !given[i].Time.IsZero() {
			equal(t, fmt.Sprintf("the time of event %d, which had one", i+1), e.Time, given[i].Time)
			continue
		}
		if e.Time.Before(begin) || e.Time.After(end) || e.Time.Location() != time.UTC || e.Time != driver.Timestamp(e.Time) {
			t.fatal(fmt.Sprintf("the time of event %d, which had none", i+1), e.Time.Format(time.RFC3339Nano), fmt.Sprintf("a whole microsecond, in UTC, from %v to %v", begin.UTC(), end.UTC()))
		}
	}
	t.sleep(2 * time.Millisecond)
	equal(t, "the events, loaded again", t.load(t.Events, "run", 0), before)
	equal(t, "the events, loaded at another handle", t.load(t.open().Tenant(tenantID).Events, "run", 0), before)
	for i, e := range before {
		if i > 0 {
			equal(t, "the events, loaded from there on", t.load(t.Events, "run", uint64(i)), before[i:])
		}
		again := given[i]
		t.appendGives(t.Events, "run", driver.ExpectLast(0), uint64(i+1), again)
		again.Time = e.Time
		t.appendGives(t.Events, "run", driver.ExpectLast(0), uint64(i+1), again)
	}
	equal(t, "the events after repeating them, with and without their times", t.load(t.Events, "run", 0), before)
}
