package drivertest

import (
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var softDeletionChecks = []check{
	{rule: "M3", name: "deleted-message", role: driver.RoleMessages, run: deletedMessage,
		why: "what somebody took back is shown again, or what an audit asks for is gone"},
	{rule: "M3", name: "messages-of-a-deleted-thread", role: driver.RoleMessages, run: messagesOfADeletedThread,
		why: "what was said in a deleted conversation shows by another way in, or is gone for who asks for it"},
	{rule: "M3", name: "first-deletion-counts", role: driver.RoleMessages, run: firstDeletionCounts,
		why: "a repeated request fails, or says that it was deleted later than it was"},
	{rule: "M3", name: "deletions-at-once", role: driver.RoleMessages, run: deletionsAtOnce,
		why: "the time of a deletion that somebody has read changes behind them"},
	{rule: "M3", name: "store-assigns", role: driver.RoleMessages, run: storeAssigns,
		why: "a copy of a deleted message comes into being deleted, or in a place that another one has"},
}

// deletedAs ends the check unless m is before, deleted between begin and now. Whether
// deletion counts as an update is not written.
func (t *trial) deletedAs(did string, m, before driver.Message, begin time.Time) {
	t.stampedNow(did+": DeletedAt", m.DeletedAt, begin)
	before.DeletedAt = m.DeletedAt
	if m.UpdatedAt.Equal(m.DeletedAt) {
		before.UpdatedAt = m.UpdatedAt
	}
	equalMessage(t, did, m, before)
}

func (t *trial) threadDeletedAs(did string, th, before driver.Thread, begin time.Time) {
	t.stampedNow(did+": DeletedAt", th.DeletedAt, begin)
	before.DeletedAt = th.DeletedAt
	if th.UpdatedAt.Equal(th.DeletedAt) {
		before.UpdatedAt = th.UpdatedAt
	}
	equalThread(t, did, th, before)
}

func deletedMessage(t *trial) {
	restart := t.takeTurns()
	t.thread(t.Messages, "t")
	want := []driver.Message{}
	for _, id := range []driver.MessageID{"a", "b", "c"} {
		m := fullMessage("t", id, "")
		m.CreatedAt = longAgo
		want = append(want, t.createMessage(t.Messages, m))
	}
	begin := time.Now()
	t.dropMessage(t.Messages, "b")
	kept := t.keptMessage(t.Messages, "b")
	t.deletedAs("a deleted message", kept, want[1], begin)
	want[1] = kept
	for range 2 {
		s := t.Messages
		_, err := s.GetMessage(t.ctx, "b", false)
		t.fails("GetMessage of a deleted message", err, driver.ErrNotFound)
		edit := kept
		edit.Content = []byte("edited")
		for _, deletedAt := range []time.Time{kept.DeletedAt, {}} {
			edit.DeletedAt = deletedAt
			_, err = s.UpdateMessage(t.ctx, edit)
			t.fails("UpdateMessage of a deleted message", err, driver.ErrNotFound)
		}
		for _, q := range []driver.MessageQuery{{Thread: "t"}, {Execution: "run"}} {
			t.haveMessages("the messages that are not deleted", s, q, "a", "c")
			q.IncludeDeleted = true
			t.haveMessages("the messages with deleted ones", s, q, "a", "b", "c")
			equalMessages(t, "the messages with deleted ones", t.allMessages(s, q), want)
		}
		for _, m := range []driver.Message{want[0], want[2]} {
			equalMessage(t, "another message, with deleted ones", t.keptMessage(s, m.ID), m)
			equalMessage(t, "another message", t.liveMessage(s, m.ID), m)
		}
		equalMessage(t, "the deleted message after an edit that was refused", t.keptMessage(s, "b"), kept)
		restart()
	}
}

func messagesOfADeletedThread(t *trial) {
	restart := t.takeTurns()
	s := t.Messages
	for _, id := range []driver.ThreadID{"a", "t", "u"} {
		t.createThread(s, driver.Thread{ID: id, User: "ann", Title: "title\x00", Metadata: []byte("metadata\xff"), CreatedAt: longAgo})
	}
	live := t.createMessage(s, fullMessage("t", "live", ""))
	dropped := t.createMessage(s, fullMessage("t", "dropped", "live"))
	t.createMessage(s, fullMessage("u", "beside", ""))
	t.createMessage(s, fullMessage("a", "before", ""))
	begin := time.Now()
	t.dropMessage(s, "dropped")
	kept := t.keptMessage(s, "dropped")
	t.deletedAs("a deleted message", kept, dropped, begin)
	before := t.liveThread(s, "t")
	beside := t.liveThread(s, "u")
	begin = time.Now()
	t.dropThread(s, "t")
	deleted := t.keptThread(s, "t")
	t.threadDeletedAs("a deleted thread", deleted, before, begin)
	for range 2 {
		s = t.Messages
		_, err := s.GetThread(t.ctx, "t", false)
		t.fails("GetThread of a deleted thread", err, driver.ErrNotFound)
		edit := deleted
		edit.Title = "edited"
		_, err = s.UpdateThread(t.ctx, edit)
		t.fails("UpdateThread of a deleted thread", err, driver.ErrNotFound)
		for _, m := range []driver.Message{live, kept} {
			_, err := s.GetMessage(t.ctx, m.ID, false)
			t.fails("GetMessage of a deleted thread's message "+string(m.ID), err, driver.ErrNotFound)
			m.Content = []byte("edited")
			_, err = s.UpdateMessage(t.ctx, m)
			t.fails("UpdateMessage of a deleted thread's message "+string(m.ID), err, driver.ErrNotFound)
		}
		_, _, err = s.ListMessages(t.ctx, driver.MessageQuery{Thread: "t", Backward: true, Page: driver.Page{Limit: 5}})
		t.fails("ListMessages of a deleted thread", err, driver.ErrNotFound)
		t.haveMessages("the execution's messages", s, driver.MessageQuery{Execution: "run"}, "before", "beside")

		equalThread(t, "the deleted thread", t.keptThread(s, "t"), deleted)
		equalMessage(t, "a message of a deleted thread, which is not deleted itself", t.keptMessage(s, "live"), live)
		equalMessage(t, "a deleted message of a deleted thread", t.keptMessage(s, "dropped"), kept)
		equalMessages(t, "the deleted thread's messages", t.allMessages(s, driver.MessageQuery{Thread: "t", IncludeDeleted: true}), []driver.Message{live, kept})
		t.haveMessages("the deleted thread", s, driver.MessageQuery{Thread: "t", IncludeDeleted: true}, "live", "dropped")
		t.haveMessages("the execution's messages with deleted ones", s, driver.MessageQuery{Execution: "run", IncludeDeleted: true}, "before", "live", "dropped", "beside")
		listsIDs(t, "the threads", threadsOf(s, driver.ThreadQuery{User: "ann"}), threadID, "a", "u")
		equalThread(t, "the thread beside", t.liveThread(s, "u"), beside)
		restart()
	}
}

// firstDeletionCounts deletes again after the store's clock has gone on, and a
// message of a deleted thread too, which is hidden and not unknown.
func firstDeletionCounts(t *trial) {
	restart := t.takeTurns()
	s := t.Messages
	t.thread(s, "t")
	t.thread(s, "u")
	for _, m := range []driver.Message{said("t", "m"), said("t", "n"), said("u", "o")} {
		t.createMessage(s, m)
	}
	t.fails("DeleteMessage of an unknown message", s.DeleteMessage(t.ctx, "M"), driver.ErrNotFound)
	t.fails("DeleteThread of an unknown thread", s.DeleteThread(t.ctx, "T"), driver.ErrNotFound)
	t.dropMessage(s, "m")
	message := t.keptMessage(s, "m")
	t.clockPasses(s, message.DeletedAt)
	t.dropMessage(s, "m")
	equalMessage(t, "a message that was deleted again", t.keptMessage(s, "m"), message)
	t.dropThread(s, "u")
	thread := t.keptThread(s, "u")
	t.clockPasses(s, thread.DeletedAt)
	t.dropThread(s, "u")
	equalThread(t, "a thread that was deleted again", t.keptThread(s, "u"), thread)

	before := t.keptMessage(s, "o")
	begin := time.Now()
	t.dropMessage(s, "o")
	t.deletedAs("a message that was deleted after its thread", t.keptMessage(s, "o"), before, begin)
	restart()
	s = t.Messages
	t.dropMessage(s, "m")
	t.dropThread(s, "u")
	equalMessage(t, "a message that was deleted again after reopening", t.keptMessage(s, "m"), message)
	equal(t, "when a thread was deleted that was deleted again after reopening", t.keptThread(s, "u").DeletedAt, thread.DeletedAt)
	t.dropThread(s, "t")
	equalMessage(t, "a deleted message whose thread was deleted later", t.keptMessage(s, "m"), message)
	t.dropMessage(s, "m")
	equalMessage(t, "a message that was deleted again after its thread", t.keptMessage(s, "m"), message)
	for _, id := range []driver.MessageID{"m", "o"} {
		_, err := s.GetMessage(t.ctx, id, false)
		t.fails("GetMessage of a deleted message", err, driver.ErrNotFound)
	}
}

// deletionsAtOnce: whatever time somebody reads after a deletion stays.
func deletionsAtOnce(t *trial) {
	const deleters = 4
	stores := t.bothMessageStores()
	for round := range t.rounds(8, 40) {
		thread, message := driver.ThreadID(fmt.Sprint("t", round)), driver.MessageID(fmt.Sprint("m", round))
		t.thread(t.Messages, thread)
		t.say(t.Messages, thread, message)
		times := make([]time.Time, deleters)
		t.together(deleters, func(i int) {
			s := stores[i%2]
			t.ok("DeleteMessage while others do", s.DeleteMessage(t.shaken(), message))
			times[i] = t.keptMessage(s, message).DeletedAt
		})
		for _, at := range times {
			equal(t, "when a message was deleted by many at once", at, t.keptMessage(t.Messages, message).DeletedAt)
		}
		t.together(deleters, func(i int) {
			s := stores[i%2]
			t.ok("DeleteThread while others do", s.DeleteThread(t.shaken(), thread))
			times[i] = t.keptThread(s, thread).DeletedAt
		})
		for _, at := range times {
			equal(t, "when a thread was deleted by many at once", at, t.keptThread(t.Messages, thread).DeletedAt)
		}
	}
}

// storeAssigns creates what somebody copied from what had been edited and deleted,
// and edits it with wrong values in the fields that are the store's.
func storeAssigns(t *trial) {
	t.takeTurns()
	s, begin := t.Messages, time.Now()
	thread := t.createThread(s, driver.Thread{ID: "t", User: "ann", Title: "title", UpdatedAt: longAgo, DeletedAt: longAgo, Version: 7})
	t.stampedNow("UpdatedAt of a new thread", thread.UpdatedAt, begin)
	t.stampedNow("CreatedAt of a new thread", thread.CreatedAt, begin)
	equalThread(t, "a thread created with UpdatedAt, DeletedAt and Version", thread, driver.Thread{ID: "t", User: "ann", Title: "title", CreatedAt: thread.CreatedAt, UpdatedAt: thread.UpdatedAt, Version: 1})
	equalThread(t, "the thread", t.liveThread(s, "t"), thread)

	first := t.say(s, "t", "first")
	given := fullMessage("t", "m", "first")
	want := given
	given.UpdatedAt, given.DeletedAt, given.Version, given.Position = longAgo, longAgo, 7, 1<<40
	m := t.createMessage(s, given)
	t.stampedNow("UpdatedAt of a new message", m.UpdatedAt, begin)
	t.stampedNow("CreatedAt of a new message", m.CreatedAt, begin)
	want.CreatedAt, want.UpdatedAt, want.Version, want.Position = m.CreatedAt, m.UpdatedAt, 1, m.Position
	equalMessage(t, "a message created with UpdatedAt, DeletedAt and Version", m, want)
	equalMessage(t, "the message", t.liveMessage(s, "m"), m)
	given.ID, given.Position = "n", first.Position
	n := t.createMessage(s, given)
	if m.Position == 1<<40 || first.Position >= m.Position || m.Position >= n.Position {
		t.fatal("CreateMessage with a position", fmt.Sprintf("positions %d, %d, %d", first.Position, m.Position, n.Position), "positions that the store assigns and that grow")
	}
	t.haveMessages("the messages", s, driver.MessageQuery{Thread: "t"}, "first", "m", "n")

	begin = time.Now()
	m.Position, m.UpdatedAt, m.DeletedAt = n.Position, longAgo, longAgo
	edited := t.editMessage(s, m)
	t.stampedNow("UpdatedAt of an edited message", edited.UpdatedAt, begin)
	want.UpdatedAt, want.Version = edited.UpdatedAt, 2
	equalMessage(t, "a message edited with Position, UpdatedAt and DeletedAt", edited, want)
	equalMessage(t, "the edited message", t.liveMessage(s, "m"), want)
	thread.UpdatedAt, thread.DeletedAt = longAgo, longAgo
	thread = t.editThread(s, thread)
	t.stampedNow("UpdatedAt of an edited thread", thread.UpdatedAt, begin)
	equalThread(t, "a thread edited with UpdatedAt and DeletedAt", thread, driver.Thread{ID: "t", User: "ann", Title: "title", CreatedAt: thread.CreatedAt, UpdatedAt: thread.UpdatedAt, Version: 2})
	equalThread(t, "the edited thread", t.liveThread(s, "t"), thread)
	t.haveMessages("the messages after edits", s, driver.MessageQuery{Thread: "t"}, "first", "m", "n")
}
