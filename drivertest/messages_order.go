package drivertest

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

var positionChecks = []check{
	{rule: "M2", name: "position-not-time", role: driver.RoleMessages, run: positionNotTime,
		why: "an answer is shown above its question when clocks differ or times are equal"},
	{rule: "M2", name: "positions-grow", role: driver.RoleMessages, run: positionsGrow,
		why: "two messages in one place, or a new one among the old, and a reader who goes on from a place misses one"},
	{rule: "M2", name: "long-thread", role: driver.RoleMessages, run: longThread,
		why: "a conversation that has grown comes back cut, or with its tenth message before its second"},
	{rule: "M2", name: "many-writers", role: driver.RoleMessages, run: manyMessageWriters,
		why: "people and agents who write at once find their messages in an order that nobody saw"},
	{rule: "M2", name: "readers-meet-writers", role: driver.RoleMessages, run: readersMeetWriters,
		why: "who reads while others write never sees a message that slipped in behind them"},
}

func positionNotTime(t *trial) {
	stores := t.bothMessageStores()
	for _, thread := range []driver.ThreadID{"t", "T", "u"} {
		t.thread(t.Messages, thread)
	}
	want := map[driver.ThreadID][]driver.MessageID{}
	last := map[driver.ThreadID]uint64{}
	for i := range 24 {
		m := said([]driver.ThreadID{"t", "T", "u", "t"}[i%4], driver.MessageID(fmt.Sprintf("%02d", i*7%24)))
		m.Execution, m.Position = "run", uint64(100-i) // which is the store's
		switch {
		case i < 12:
			m.CreatedAt = longAgo
		case i < 20:
			m.CreatedAt = longAgo.Add(-time.Duration(i) * time.Hour)
		}
		stored := t.createMessage(stores[i/2%2], m)
		if stored.Position <= last[m.Thread] {
			t.fatal(fmt.Sprintf("CreateMessage, the %d. one, through two handles in turn", i+1), fmt.Sprintf("position %d after position %d", stored.Position, last[m.Thread]), "a position that grows along the thread")
		}
		last[m.Thread] = stored.Position
		want[m.Thread] = append(want[m.Thread], m.ID)
	}
	for _, s := range stores {
		for thread, ids := range want {
			t.haveMessages(fmt.Sprintf("the messages of thread %q", thread), s, driver.MessageQuery{Thread: thread}, ids...)
		}
		t.haveMessages("the messages of the execution", s, driver.MessageQuery{Execution: "run"}, slices.Concat(want["T"], want["t"], want["u"])...)
	}
}

// positionsGrow makes the end of the thread go away in every way that there is, and
// looks where the next message goes.
func positionsGrow(t *trial) {
	restart := t.takeTurns()
	t.thread(t.Messages, "t")
	var all, live []driver.MessageID
	last := uint64(0)
	add := func() driver.Message {
		stored := t.say(t.Messages, "t", driver.MessageID(fmt.Sprintf("m%02d", 99-len(all))))
		if stored.Position <= last {
			t.fatal(fmt.Sprintf("CreateMessage after %d others, of which %d are deleted", len(all), len(all)-len(live)), fmt.Sprintf("position %d after %d", stored.Position, last), "a position that grows along the thread")
		}
		last = stored.Position
		all, live = append(all, stored.ID), append(live, stored.ID)
		return stored
	}
	look := func(when string) {
		t.haveMessages("the messages "+when, t.Messages, driver.MessageQuery{Thread: "t"}, live...)
		t.haveMessages("the messages with deleted ones "+when, t.Messages, driver.MessageQuery{Thread: "t", IncludeDeleted: true}, all...)
	}
	for range 4 {
		add()
	}
	for _, id := range []driver.MessageID{all[3], all[0]} {
		t.dropMessage(t.Messages, id)
		live = slices.DeleteFunc(live, func(other driver.MessageID) bool { return other == id })
	}
	add()
	look("after the first and the last were deleted")
	first := t.liveMessage(t.Messages, live[0])
	first.Content = []byte("edited")
	if edited := t.editMessage(t.Messages, first); edited.Position != first.Position {
		t.fatal("UpdateMessage", fmt.Sprintf("position %d", edited.Position), fmt.Sprintf("position %d, as before", first.Position))
	}
	if again := t.createMessage(t.Messages, said("t", all[4])); again.Position != last {
		t.fatal("CreateMessage of a message that is there", fmt.Sprintf("position %d", again.Position), fmt.Sprintf("position %d, as before", last))
	}
	add()
	restart()
	add()
	look("after reopening")
	for _, id := range live {
		t.dropMessage(t.Messages, id)
	}
	live = nil
	restart()
	added := add()
	look("after all others were deleted")
	equalMessage(t, "the message that was added then", t.liveMessage(t.Messages, added.ID), added)
}

// longThread has more messages than a default page, and positions of one to three digits.
func longThread(t *trial) {
	const n = driver.DefaultPageLimit + 30
	t.thread(t.Messages, "t")
	var want []driver.Message
	for i := range n {
		m := said("t", driver.MessageID(fmt.Sprint(n-i)))
		m.Execution = "run"
		want = append(want, t.createMessage(t.Messages, m))
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	for _, q := range []driver.MessageQuery{{Thread: "t"}, {Execution: "run"}, {Thread: "t", IncludeDeleted: true}} {
		for _, limit := range []int{7, driver.DefaultPageLimit, n - 1, n, n + 1, driver.MaxPageLimit} {
			did := fmt.Sprintf("%d messages in pages of %d", n, limit)
			q.Backward = false
			equalMessages(t, did, walk(t, did, limit, messagesIn(t.Messages, q)), want)
			q.Backward = true
			equalMessages(t, did+", backwards", walk(t, did+", backwards", limit, messagesIn(t.Messages, q)), backwards)
		}
	}
}

// sent is a message that was stored, and when by a clock that all writers share.
type sent struct {
	driver.Message
	begun, done int64
}

func manyMessageWriters(t *trial) {
	const writers = 6
	stores := t.bothMessageStores()
	t.thread(t.Messages, "t")
	var clock atomic.Int64
	by := make([][]sent, writers)
	t.together(writers, func(w int) {
		for i := range t.rounds(10, 30) {
			m := sent{begun: clock.Add(1)}
			stored, err := stores[(w+i/3)%2].CreateMessage(t.shaken(), said("t", driver.MessageID(fmt.Sprintf("%d-%02d", w, i))))
			t.ok("CreateMessage while others do", err)
			m.Message, m.done = stored, clock.Add(1)
			by[w] = append(by[w], m)
		}
	})
	all := slices.Concat(by...)
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(a.Position, b.Position) })
	latest := all[0]
	for i, m := range all {
		if i > 0 && m.Position == all[i-1].Position {
			t.fatal("CreateMessage by many at once", fmt.Sprintf("messages %q and %q both in position %d", all[i-1].ID, m.ID, m.Position), "a position of its own for each")
		}
		if m.done < latest.begun {
			t.fatal("CreateMessage by many at once", fmt.Sprintf("message %q in position %d, and %q in position %d", m.ID, m.Position, latest.ID, latest.Position),
				fmt.Sprintf("%q first: it was acknowledged before %q was begun", m.ID, latest.ID))
		}
		if m.begun > latest.begun {
			latest = m
		}
	}
	want := make([]driver.Message, len(all))
	for i, m := range all {
		want[i] = m.Message
	}
	for _, s := range stores {
		for _, limit := range []int{1, 7, len(want)} {
			equalMessages(t, "the messages that many have written", walk(t, "ListMessages", limit, messagesIn(s, driver.MessageQuery{Thread: "t"})), want)
		}
	}
}

// readersMeetWriters: what a reader has seen is, at any time, the beginning of what
// the thread becomes, with all that had been acknowledged when the reader began.
func readersMeetWriters(t *trial) {
	const writers, readers = 4, 2
	type reading struct {
		atLeast int
		seen    []driver.Message
	}
	stores := t.bothMessageStores()
	t.thread(t.Messages, "t")
	t.say(t.Messages, "t", "first")
	var acknowledged, writing atomic.Int64
	acknowledged.Store(1)
	writing.Store(writers)
	readings := make([][]reading, writers+readers)
	read := func(i, limit int, q driver.MessageQuery) {
		atLeast := int(acknowledged.Load())
		seen := walk(t, "ListMessages while others write", limit, messagesIn(stores[len(readings[i])%2], q))
		if q.Backward {
			slices.Reverse(seen)
		}
		readings[i] = append(readings[i], reading{atLeast, seen})
	}
	t.together(writers+readers, func(i int) {
		if i >= writers {
			for n := 0; writing.Load() > 0 && n < 30; n++ {
				read(i, []int{5, 2, 13, 3}[n%4], driver.MessageQuery{Thread: "t", Backward: n%4 == i%4, IncludeDeleted: n%3 == 0})
			}
			return
		}
		defer writing.Add(-1)
		for n := range t.rounds(10, 30) {
			_, err := stores[i%2].CreateMessage(t.shaken(), said("t", driver.MessageID(fmt.Sprintf("%d-%02d", i, n))))
			t.ok("CreateMessage while others read", err)
			acknowledged.Add(1)
			read(i, 500, driver.MessageQuery{Thread: "t"})
		}
	})
	final := t.allMessages(t.Messages, driver.MessageQuery{Thread: "t"})
	equal(t, "the number of messages", len(final), int(acknowledged.Load()))
	for _, r := range slices.Concat(readings...) {
		if len(r.seen) < r.atLeast {
			t.fatal("ListMessages while others write", fmt.Sprintf("%d messages", len(r.seen)), fmt.Sprintf("at least %d, which were acknowledged before", r.atLeast))
		}
		equalMessages(t, "what a reader saw while others wrote, against the beginning of the thread in the end", r.seen, final[:min(len(r.seen), len(final))])
	}
}
