package drivertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

// What checks of messages do all the time, and how they compare.

// longAgo is a creation time that no clock of a store shows.
var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 789_012_000, time.UTC)

// fullMessage has a value in every field that the creator states but the time.
func fullMessage(thread driver.ThreadID, id, parent driver.MessageID) driver.Message {
	return driver.Message{
		ID: id, Thread: thread, Parent: parent, Execution: "run", Role: "assistant",
		Content: []byte("content\x00\xff"), Parts: []byte(` [ {"type" : "text"} ]`), Details: []byte(`{"b":1,"a":9007199254740993}`),
	}
}

// plainMessage is m with nil for every field that is empty.
func plainMessage(m driver.Message) driver.Message {
	m.Content, m.Parts, m.Details = orNil(m.Content), orNil(m.Parts), orNil(m.Details)
	return m
}

func plainThread(th driver.Thread) driver.Thread {
	th.Metadata = orNil(th.Metadata)
	return th
}

func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func equalMessage(t *trial, did string, got, want driver.Message) {
	equal(t, did, plainMessage(got), plainMessage(want))
}

func equalThread(t *trial, did string, got, want driver.Thread) {
	equal(t, did, plainThread(got), plainThread(want))
}

// equalMessages compares what a listing returned with the messages as they were stored.
func equalMessages(t *trial, did string, got, want []driver.Message) {
	equal(t, did+": the IDs", idsOf(got, messageID), idsOf(want, messageID))
	for i := range got {
		equalMessage(t, did, got[i], want[i])
	}
}

func equalThreads(t *trial, did string, got, want []driver.Thread) {
	equal(t, did+": the IDs", idsOf(got, threadID), idsOf(want, threadID))
	for i := range got {
		equalThread(t, did, got[i], want[i])
	}
}

// haveMessages ends the check unless a listing is these messages, forwards and
// turned round, in pages of every size.
func (t *trial) haveMessages(did string, s driver.MessageStore, q driver.MessageQuery, want ...driver.MessageID) {
	listsIDs(t, did+", forwards", messagesIn(s, q), messageID, want...)
	want = slices.Clone(want)
	slices.Reverse(want)
	q.Backward = true
	listsIDs(t, did+", backwards", messagesIn(s, q), messageID, want...)
}

// allMessages lists forwards in large pages.
func (t *trial) allMessages(s driver.MessageStore, q driver.MessageQuery) []driver.Message {
	return walk(t, "ListMessages", 100, messagesIn(s, q))
}

// liveMessage returns a message that is not deleted, keptMessage any.
func (t *trial) liveMessage(s driver.MessageStore, id driver.MessageID) driver.Message {
	return t.getMessage(s, id, false)
}

func (t *trial) keptMessage(s driver.MessageStore, id driver.MessageID) driver.Message {
	return t.getMessage(s, id, true)
}

func (t *trial) getMessage(s driver.MessageStore, id driver.MessageID, includeDeleted bool) driver.Message {
	m, err := s.GetMessage(t.ctx, id, includeDeleted)
	t.ok(fmt.Sprintf("GetMessage %q, deleted ones included: %v", id, includeDeleted), err)
	return m
}

// liveThread returns a thread that is not deleted, keptThread any.
func (t *trial) liveThread(s driver.MessageStore, id driver.ThreadID) driver.Thread {
	return t.getThread(s, id, false)
}

func (t *trial) keptThread(s driver.MessageStore, id driver.ThreadID) driver.Thread {
	return t.getThread(s, id, true)
}

func (t *trial) getThread(s driver.MessageStore, id driver.ThreadID, includeDeleted bool) driver.Thread {
	th, err := s.GetThread(t.ctx, id, includeDeleted)
	t.ok(fmt.Sprintf("GetThread %q, deleted ones included: %v", id, includeDeleted), err)
	return th
}

func (t *trial) editMessage(s driver.MessageStore, edit driver.Message) driver.Message {
	stored, err := s.UpdateMessage(t.ctx, edit)
	t.ok(fmt.Sprintf("UpdateMessage %q from version %d", edit.ID, edit.Version), err)
	return stored
}

func (t *trial) editThread(s driver.MessageStore, edit driver.Thread) driver.Thread {
	stored, err := s.UpdateThread(t.ctx, edit)
	t.ok(fmt.Sprintf("UpdateThread %q from version %d", edit.ID, edit.Version), err)
	return stored
}

func (t *trial) dropMessage(s driver.MessageStore, id driver.MessageID) {
	t.ok(fmt.Sprintf("DeleteMessage %q", id), s.DeleteMessage(t.ctx, id))
}

func (t *trial) dropThread(s driver.MessageStore, id driver.ThreadID) {
	t.ok(fmt.Sprintf("DeleteThread %q", id), s.DeleteThread(t.ctx, id))
}

// bothMessageStores returns the store through the first handle and through another.
func (t *trial) bothMessageStores() []driver.MessageStore {
	return []driver.MessageStore{t.Messages, t.open().Tenant(tenantID).Messages}
}

// stampedNow ends the check unless a time that the store gave is the present, as
// stores keep it.
func (t *trial) stampedNow(did string, at, begin time.Time) {
	if at.Location() != time.UTC || at != driver.Timestamp(at) {
		t.fatal(did, fmt.Sprint("the time ", at), "a time in UTC, in whole microseconds")
	}
	off := t.target.resolution() + time.Second
	if at.Before(begin.Add(-off)) || at.After(time.Now().Add(off)) {
		t.fatal(did, fmt.Sprintf("the time %v; it is now %v", at, time.Now().UTC()), "the time of the call by the store's clock")
	}
}

// clockPasses waits until the store stamps a time later than at. It makes threads
// of user "clock".
func (t *trial) clockPasses(s driver.MessageStore, at time.Time) {
	n := 0
	t.until("waiting for the store's clock", 2*t.target.resolution()+t.patience(), "a clock that goes on", func() (string, bool) {
		n++
		th := t.createThread(s, driver.Thread{ID: driver.ThreadID(fmt.Sprint("clock ", at.UnixMicro(), " ", n)), User: "clock"})
		return fmt.Sprintf("UpdatedAt is %v in a new thread and was %v before", th.UpdatedAt, at), th.UpdatedAt.After(at)
	})
}
