package drivertest

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

// What checks do to a store all the time, and that must not fail.

// event returns an event whose ID is its payload too.
func event(id string) driver.Event {
	return driver.Event{ID: driver.EventID(id), Type: "fact", Payload: []byte(id)}
}

// eventsNamed returns n events whose IDs are prefix and a number from from on.
func eventsNamed(prefix string, from, n int) []driver.Event {
	events := make([]driver.Event, n)
	for i := range events {
		events[i] = event(fmt.Sprint(prefix, from+i))
	}
	return events
}

// append appends events that nobody contests.
func (t *trial) append(s driver.EventStore, id driver.ExecutionID, events ...driver.Event) (last uint64) {
	last, err := s.Append(t.ctx, id, driver.Expectation{}, events)
	t.ok(fmt.Sprintf("Append of %d events to execution %q", len(events), id), err)
	return last
}

// load returns the events after a sequence, which must be without a gap.
func (t *trial) load(s driver.EventStore, id driver.ExecutionID, after uint64) []driver.StoredEvent {
	var events []driver.StoredEvent
	for e, err := range s.Load(t.ctx, id, after) {
		t.ok(fmt.Sprintf("Load of execution %q after %d", id, after), err)
		if want := after + uint64(len(events)) + 1; e.Sequence != want {
			t.fatal(fmt.Sprintf("Load of execution %q after %d", id, after), fmt.Sprintf("sequence %d after %d events", e.Sequence, len(events)), fmt.Sprintf("sequence %d", want))
		}
		events = append(events, e)
	}
	return events
}

// eventIDs lists the IDs of a history.
func eventIDs(events []driver.StoredEvent) []string {
	return idsOf(events, func(e driver.StoredEvent) string { return string(e.ID) })
}

// idsOfEvents lists the IDs of events to be appended.
func idsOfEvents(events []driver.Event) []string {
	return idsOf(events, func(e driver.Event) string { return string(e.ID) })
}

// latest returns the last sequence.
func (t *trial) latest(s driver.EventStore, id driver.ExecutionID) uint64 {
	last, err := s.LatestSequence(t.ctx, id)
	t.ok(fmt.Sprintf("LatestSequence of execution %q", id), err)
	return last
}

// set stores a value without conditions.
func (t *trial) set(s driver.StateStore, key, value string) (version uint64) {
	version, err := s.Set(t.ctx, key, []byte(value), driver.SetOptions{})
	t.ok(fmt.Sprintf("Set of key %q", key), err)
	return version
}

// get returns what is under a key.
func (t *trial) get(s driver.StateStore, key string) driver.Entry {
	entry, err := s.Get(t.ctx, key)
	t.ok(fmt.Sprintf("Get of key %q", key), err)
	return entry
}

// snapshot returns a snapshot to save.
func snapshot(execution string, sequence uint64, data string) driver.Snapshot {
	return driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: driver.ExecutionID(execution), Sequence: sequence}, Data: []byte(data)}
}

// save saves a snapshot.
func (t *trial) save(s driver.StateStore, snapshot driver.Snapshot) {
	t.ok(fmt.Sprintf("SaveSnapshot of execution %q at %d", snapshot.Execution, snapshot.Sequence), s.SaveSnapshot(t.ctx, snapshot))
}

// thread creates a thread of user "ann".
func (t *trial) thread(s driver.MessageStore, id driver.ThreadID) driver.Thread {
	return t.createThread(s, driver.Thread{ID: id, User: "ann", Title: string(id)})
}

func (t *trial) createThread(s driver.MessageStore, thread driver.Thread) driver.Thread {
	stored, err := s.CreateThread(t.ctx, thread)
	t.ok(fmt.Sprintf("CreateThread %q", thread.ID), err)
	return stored
}

// say creates a message whose content is its ID.
func (t *trial) say(s driver.MessageStore, thread driver.ThreadID, id driver.MessageID) driver.Message {
	return t.createMessage(s, said(thread, id))
}

func said(thread driver.ThreadID, id driver.MessageID) driver.Message {
	return driver.Message{ID: id, Thread: thread, Role: "user", Content: []byte(id)}
}

func (t *trial) createMessage(s driver.MessageStore, m driver.Message) driver.Message {
	stored, err := s.CreateMessage(t.ctx, m)
	t.ok(fmt.Sprintf("CreateMessage %q in thread %q", m.ID, m.Thread), err)
	return stored
}

// collection makes sure of a collection.
func (t *trial) collection(s driver.VectorStore, name string, dimension int, metric driver.Metric) {
	t.ok(fmt.Sprintf("EnsureCollection %q", name), s.EnsureCollection(t.ctx, driver.Collection{Name: name, Dimension: dimension, Metric: metric}))
	t.settle()
}

// doc returns a document without content and metadata.
func doc(id string, embedding ...float32) driver.Document {
	return driver.Document{ID: id, Metadata: []byte("{}"), Embedding: embedding}
}

// upsert stores documents and waits until they must be seen.
func (t *trial) upsert(s driver.VectorStore, collection string, docs ...driver.Document) {
	t.ok(fmt.Sprintf("Upsert of %d documents into collection %q", len(docs), collection), s.Upsert(t.ctx, collection, docs))
	t.settle()
}

// search returns the matches of a query.
func (t *trial) search(s driver.VectorStore, collection string, q driver.Query) []driver.Match {
	result, err := s.Search(t.ctx, collection, q)
	t.ok(fmt.Sprintf("Search in collection %q", collection), err)
	return result.Matches
}

// nearest asks for documents by an embedding, without their fields.
func nearest(limit int, embedding ...float32) driver.Query {
	return driver.Query{Embedding: embedding, Limit: limit}
}
