package drivertest

import (
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

var messageChecks = slices.Concat(
	belongingChecks, positionChecks, messagePagingChecks, softDeletionChecks,
	linkageChecks, editChecks, faithfulMessageChecks, createAgainChecks,
)

var belongingChecks = []check{
	{rule: "M1", name: "unknown-thread", role: driver.RoleMessages, run: unknownThread,
		why: "a message that is filed under a thread that nobody made is lost to everyone"},
	{rule: "M1", name: "deleted-thread", role: driver.RoleMessages, run: deletedThreadTakesNothing,
		why: "what is written into a deleted thread is acknowledged and never seen"},
	{rule: "M1", name: "one-thread-for-ever", role: driver.RoleMessages, run: oneThreadForEver,
		why: "a message that changes its thread shows a conversation to those who are not in it"},
}

func unknownThread(t *trial) {
	t.takeTurns()
	s := t.Messages
	t.thread(t.backend.Tenant("other").Messages, "Of another tenant")
	t.thread(s, "there")
	for _, id := range []driver.ThreadID{"unknown", "There", "there ", "Of another tenant", "th", "%"} {
		m := fullMessage(id, "m", "")
		_, err := s.CreateMessage(t.ctx, m)
		t.fails("CreateMessage in a thread that is unknown", err, driver.ErrNotFound)
		_, err = s.GetMessage(t.ctx, "m", true)
		t.fails("GetMessage of a message that was refused", err, driver.ErrNotFound)
		t.fails("DeleteMessage of a message that was refused", s.DeleteMessage(t.ctx, "m"), driver.ErrNotFound)
		m.Version, m.CreatedAt = 1, longAgo
		_, err = s.UpdateMessage(t.ctx, m)
		t.fails("UpdateMessage of a message that was refused", err, driver.ErrNotFound)

		for _, includeDeleted := range []bool{false, true} {
			_, err = s.GetThread(t.ctx, id, includeDeleted)
			t.fails("GetThread of a thread that is unknown", err, driver.ErrNotFound)
			for _, backward := range []bool{false, true} {
				q := driver.MessageQuery{Thread: id, Backward: backward, IncludeDeleted: includeDeleted, Page: driver.Page{Limit: 10}}
				_, _, err = s.ListMessages(t.ctx, q)
				t.fails("ListMessages of a thread that is unknown", err, driver.ErrNotFound)
			}
		}
		t.fails("DeleteThread of a thread that is unknown", s.DeleteThread(t.ctx, id), driver.ErrNotFound)
		_, err = s.UpdateThread(t.ctx, driver.Thread{ID: id, User: "ann", CreatedAt: longAgo, Version: 1})
		t.fails("UpdateThread of a thread that is unknown", err, driver.ErrNotFound)
	}
	lists(t, "the messages of the execution that was refused", messagesIn(s, driver.MessageQuery{Execution: "run", IncludeDeleted: true}), nil)
	t.say(s, "there", "m")
	t.haveMessages("the thread that is there", s, driver.MessageQuery{Thread: "there"}, "m")
	t.thread(s, "unknown")
	t.haveMessages("the thread that was unknown", s, driver.MessageQuery{Thread: "unknown", IncludeDeleted: true})
	listsIDs(t, "the threads", threadsOf(s, driver.ThreadQuery{User: "ann", IncludeDeleted: true}), threadID, "unknown", "there")
}

// deletedThreadTakesNothing: neither through the handle that deleted it, nor through
// one that has used it before.
func deletedThreadTakesNothing(t *trial) {
	stores := t.bothMessageStores()
	t.thread(stores[0], "t")
	before := t.say(stores[0], "t", "before")
	t.say(stores[1], "t", "and again")
	_, cursor, err := stores[0].ListMessages(t.ctx, driver.MessageQuery{Thread: "t", Page: driver.Page{Limit: 1}})
	t.ok("ListMessages", err)
	t.dropThread(stores[0], "t")
	for i, s := range stores {
		id := driver.MessageID(fmt.Sprint("after ", i))
		_, err = s.CreateMessage(t.ctx, said("t", id))
		t.fails("CreateMessage in a deleted thread", err, driver.ErrNotFound)
		_, err = s.GetMessage(t.ctx, id, true)
		t.fails("GetMessage of a message that was refused", err, driver.ErrNotFound)
		for _, page := range []driver.Page{{Limit: 1}, {Limit: 1, Cursor: cursor}} {
			_, _, err = s.ListMessages(t.ctx, driver.MessageQuery{Thread: "t", Page: page})
			t.fails("ListMessages of a deleted thread", err, driver.ErrNotFound)
		}
		edit := before
		edit.Content = []byte("edited")
		_, err = s.UpdateMessage(t.ctx, edit)
		t.fails("UpdateMessage in a deleted thread", err, driver.ErrNotFound)
		equalMessage(t, "the message of a deleted thread that could not be edited", t.keptMessage(s, "before"), before)
		t.haveMessages("the deleted thread", s, driver.MessageQuery{Thread: "t", IncludeDeleted: true}, "before", "and again")
	}
}

func oneThreadForEver(t *trial) {
	t.takeTurns()
	s := t.Messages
	for _, id := range []driver.ThreadID{"one", "two", "One"} {
		t.thread(s, id)
	}
	stored := t.createMessage(s, fullMessage("one", "m", ""))
	moved := func(when string) {
		for _, thread := range []driver.ThreadID{"two", "One"} {
			_, err := s.CreateMessage(t.ctx, fullMessage(thread, "m", ""))
			t.fails("CreateMessage in another thread of an ID that is taken by a message "+when, err, driver.ErrExists)
			t.haveMessages("the other thread", s, driver.MessageQuery{Thread: thread, IncludeDeleted: true})
		}
		t.haveMessages("its own thread", s, driver.MessageQuery{Thread: "one", IncludeDeleted: true}, "m")
		t.haveMessages("the execution", s, driver.MessageQuery{Execution: "run", IncludeDeleted: true}, "m")
	}
	moved("as it was created")
	for _, thread := range []driver.ThreadID{"two", "One", "unknown"} {
		edit := stored
		edit.Thread = thread
		_, err := s.UpdateMessage(t.ctx, edit)
		t.fails("UpdateMessage that moves a message to thread "+string(thread), err, driver.ErrInvalid)
	}
	equalMessage(t, "a message that could not be moved", t.liveMessage(s, "m"), stored)
	t.dropMessage(s, "m")
	moved("that is deleted")
	t.dropThread(s, "one")
	moved("of a deleted thread")
}
