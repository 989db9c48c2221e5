package drivertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/enactdev/enact/driver"
)

// contents is everything that a tenant has in every role that is offered, in one
// form: two that hold the same are deeply equal. Threads are those of some users.
type contents struct {
	Executions  []driver.ExecutionInfo
	Events      []history
	Keys        []driver.Entry
	Snapshots   []driver.Snapshot
	Threads     []driver.Thread
	Messages    []driver.Message
	Collections []driver.CollectionInfo
	Documents   []documents
}

// history is the events of an execution.
type history struct {
	Execution driver.ExecutionID
	Events    []driver.StoredEvent
}

// documents are those of a collection, by ID.
type documents struct {
	Collection string
	Documents  []driver.Document
}

// contentsOf reads everything, in a store that nobody changes meanwhile. Without
// users it takes the threads of "ann".
func contentsOf(t *trial, s driver.Stores, users ...driver.UserID) (c contents) {
	if s.Events != nil {
		c.readEvents(t, s.Events)
	}
	if s.State != nil {
		c.readState(t, s.State)
	}
	if s.Messages != nil {
		if len(users) == 0 {
			users = []driver.UserID{"ann"}
		}
		c.readMessages(t, s.Messages, users)
	}
	if s.Vectors != nil {
		t.settle()
		c.readVectors(t, s.Vectors)
	}
	return c
}

func (c *contents) readEvents(t *trial, s driver.EventStore) {
	c.Executions = walk(t, "ListExecutions", driver.MaxPageLimit, s.ListExecutions)
	for _, x := range c.Executions {
		events := t.load(s, x.ID, 0)
		for i := range events {
			events[i].Payload = notNil(events[i].Payload)
		}
		c.Events = append(c.Events, history{x.ID, events})
	}
}

func (c *contents) readState(t *trial, s driver.StateStore) {
	for _, info := range walk(t, "List", driver.MaxPageLimit, keysOf(s, "")) {
		entry := t.get(s, info.Key)
		equal(t, fmt.Sprintf("key %q in the list", info.Key), info, entry.EntryInfo)
		c.Keys = append(c.Keys, entry)
	}
	for _, info := range walk(t, "ListSnapshots", driver.MaxPageLimit, s.ListSnapshots) {
		snapshot, err := s.LoadSnapshot(t.ctx, info.Execution)
		t.ok(fmt.Sprintf("LoadSnapshot of execution %q", info.Execution), err)
		equal(t, fmt.Sprintf("the snapshot of execution %q in the list", info.Execution), info, snapshot.SnapshotInfo)
		snapshot.Data = notNil(snapshot.Data)
		c.Snapshots = append(c.Snapshots, snapshot)
	}
}

func (c *contents) readMessages(t *trial, s driver.MessageStore, users []driver.UserID) {
	for _, user := range users {
		threads := walk(t, fmt.Sprintf("ListThreads of user %q", user), driver.MaxPageLimit, threadsOf(s, driver.ThreadQuery{User: user, IncludeDeleted: true}))
		for _, thread := range threads {
			thread.Metadata = notNil(thread.Metadata)
			c.Threads = append(c.Threads, thread)
			q := driver.MessageQuery{Thread: thread.ID, IncludeDeleted: true}
			for _, m := range walk(t, fmt.Sprintf("ListMessages of thread %q", thread.ID), driver.MaxPageLimit, messagesIn(s, q)) {
				m.Content, m.Parts, m.Details = notNil(m.Content), notNil(m.Parts), notNil(m.Details)
				c.Messages = append(c.Messages, m)
			}
		}
	}
}

func (c *contents) readVectors(t *trial, s driver.VectorStore) {
	c.Collections = walk(t, "ListCollections", driver.MaxPageLimit, s.ListCollections)
	for _, info := range c.Collections {
		found := documents{Collection: info.Name}
		for _, match := range t.search(s, info.Name, driver.Query{
			Embedding: slices.Repeat([]float32{1}, info.Dimension), Limit: driver.MaxResults,
			Fields: driver.Fields{Content: true, Metadata: true, Embedding: true},
		}) {
			match.Document.Metadata = canonical(match.Document.Metadata)
			found.Documents = append(found.Documents, match.Document)
		}
		slices.SortFunc(found.Documents, func(a, b driver.Document) int { return cmp.Compare(a.ID, b.ID) })
		if n := uint64(len(found.Documents)); n != info.Count {
			t.fatal(fmt.Sprintf("the count of collection %q", info.Name), fmt.Sprint(info.Count), fmt.Sprintf("%d, as many as a search finds", n))
		}
		c.Documents = append(c.Documents, found)
	}
}

// sameContents ends the check unless two contents are the same, and says which
// part differs.
func (t *trial) sameContents(after string, got, want contents) {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		equal(t, g.Type().Field(i).Name+" after "+after, g.Field(i).Interface(), w.Field(i).Interface())
	}
}

// everything stores something under id in every role that is offered, all of it
// marked with label, which is not empty.
func everything(t *trial, s driver.Stores, id, label string) {
	if s.Events != nil {
		t.append(s.Events, driver.ExecutionID(id),
			driver.Event{ID: driver.EventID(id), Type: "fact", Payload: []byte(label)},
			driver.Event{ID: "another event", Type: "fact", Payload: []byte(label)})
	}
	if s.State != nil {
		t.set(s.State, id, label)
		t.save(s.State, snapshot(id, 1, label))
	}
	if s.Messages != nil {
		t.createThread(s.Messages, driver.Thread{ID: driver.ThreadID(id), User: "ann", Title: label})
		m := said(driver.ThreadID(id), driver.MessageID(id))
		m.Execution, m.Content = "run", []byte(label)
		t.createMessage(s.Messages, m)
	}
	if s.Vectors != nil {
		t.ok(fmt.Sprintf("EnsureCollection %q", id), s.Vectors.EnsureCollection(t.ctx, driver.Collection{Name: id, Dimension: 1, Metric: driver.Dot}))
		t.ok(fmt.Sprintf("Upsert into collection %q", id), s.Vectors.Upsert(t.ctx, id, []driver.Document{markedDocument(id, label)}))
	}
}

func markedDocument(id, label string) driver.Document {
	return driver.Document{ID: id, Content: label, Metadata: json.RawMessage(`{"a":1}`), Embedding: []float32{float32(len(label))}}
}

// hasOnly ends the check unless a tenant has exactly what everything stored under
// these ids with this label.
func (t *trial) hasOnly(where string, s driver.Stores, label string, ids ...string) {
	ids = notNone(slices.Sorted(slices.Values(ids)))
	c := contentsOf(t, s)
	part := func(what string) string { return fmt.Sprintf("the %s of %s", what, where) }
	if s.Events != nil {
		equal(t, part("executions"), idsOf(c.Executions, func(x driver.ExecutionInfo) string { return string(x.ID) }), ids)
		for i, id := range ids {
			want := []driver.Event{{ID: driver.EventID(id), Type: "fact", Payload: []byte(label)}, {ID: "another event", Type: "fact", Payload: []byte(label)}}
			equal(t, part(fmt.Sprintf("events of execution %q", id)), untimed(c.Events[i].Events), want)
		}
	}
	if s.State != nil {
		equal(t, part("keys"), idsOf(c.Keys, func(e driver.Entry) string { return e.Key }), ids)
		equal(t, part("snapshots"), idsOf(c.Snapshots, func(s driver.Snapshot) string { return string(s.Execution) }), ids)
		for i, id := range ids {
			equal(t, part(fmt.Sprintf("value of key %q", id)), string(c.Keys[i].Value), label)
			equal(t, part(fmt.Sprintf("snapshot of execution %q", id)), c.Snapshots[i], snapshot(id, 1, label))
		}
	}
	if s.Messages != nil {
		t.hasOnlyThreads(part, s.Messages, c, label, ids)
	}
	if s.Vectors != nil {
		equal(t, part("collections"), idsOf(c.Collections, collectionName), ids)
		for i, id := range ids {
			marked := markedDocument(id, label)
			marked.Metadata = canonical(marked.Metadata)
			equal(t, part(fmt.Sprintf("documents of collection %q", id)), c.Documents[i].Documents, []driver.Document{marked})
		}
	}
}

func (t *trial) hasOnlyThreads(part func(string) string, s driver.MessageStore, c contents, label string, ids []string) {
	text := func(id, of, label string) string { return fmt.Sprintf("%q of %q, which says %q", id, of, label) }
	threads := idsOf(c.Threads, func(th driver.Thread) string { return text(string(th.ID), string(th.User), th.Title) })
	messages := idsOf(c.Messages, func(m driver.Message) string { return text(string(m.ID), string(m.Thread), string(m.Content)) })
	slices.Sort(threads)
	slices.Sort(messages)
	var wantThreads, wantMessages []string
	for _, id := range ids {
		wantThreads = append(wantThreads, text(id, "ann", label))
		wantMessages = append(wantMessages, text(id, id, label))
	}
	slices.Sort(wantThreads)
	slices.Sort(wantMessages)
	equal(t, part("threads"), threads, notNone(wantThreads))
	equal(t, part("messages"), messages, notNone(wantMessages))
	of := walk(t, part("messages of an execution"), driver.MaxPageLimit, messagesIn(s, driver.MessageQuery{Execution: "run"}))
	equal(t, part("messages of an execution"), idsOf(of, func(m driver.Message) string { return string(m.ID) }), ids)
}

func notNone[T any](items []T) []T { return append([]T{}, items...) }

// untimed are events without their sequences and times.
func untimed(stored []driver.StoredEvent) []driver.Event {
	events := make([]driver.Event, len(stored))
	for i, e := range stored {
		events[i] = driver.Event{ID: e.ID, Type: e.Type, Payload: e.Payload}
	}
	return events
}
