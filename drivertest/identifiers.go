package drivertest

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

const whyIdentifiers = "two things whose names look alike would overwrite one another"

var identifierChecks = []check{
	{rule: "B5", name: "byte-by-byte", run: identifiersByteByByte, why: whyIdentifiers},
	{rule: "B5", name: "tenants-byte-by-byte", run: tenantsByteByByte, why: "two customers whose names look alike would see one another's data"},
	{rule: "B5", name: "event-ids-byte-by-byte", role: driver.RoleEvents, run: eventIDsByteByByte, why: "an event would be taken for the repetition of another and lost"},
	{rule: "B5", name: "users-byte-by-byte", role: driver.RoleMessages, run: usersByteByByte, why: "two users whose names look alike would see one another's threads"},
	{rule: "B5", name: "documents-byte-by-byte", role: driver.RoleVectors, run: documentsByteByByte, why: whyIdentifiers},
}

// identifiersByteByByte uses every awkward identifier at once in every role, and
// then takes every second away.
func identifiersByteByByte(t *trial) {
	for _, id := range nastyIDs {
		everything(t, t.Stores, id, "label")
	}
	t.hasOnly("a tenant with awkward identifiers", t.open().Tenant(tenantID), "label", nastyIDs...)
	for i := 0; i < len(nastyIDs); i += 2 {
		id := nastyIDs[i]
		if t.State != nil {
			t.ok(fmt.Sprintf("Delete of key %q", id), t.State.Delete(t.ctx, id, driver.Precondition{}))
			t.ok(fmt.Sprintf("DeleteSnapshot of %q", id), t.State.DeleteSnapshot(t.ctx, driver.ExecutionID(id)))
		}
		if t.Messages != nil {
			t.ok(fmt.Sprintf("DeleteMessage %q", id), t.Messages.DeleteMessage(t.ctx, driver.MessageID(id)))
		}
		if t.Vectors != nil {
			t.ok(fmt.Sprintf("DeleteCollection %q", id), t.Vectors.DeleteCollection(t.ctx, id))
		}
	}
	t.settle()
	for i, id := range nastyIDs {
		after := func(what string, err error) {
			did := fmt.Sprintf("getting %s %q, of which every second was deleted (this one: %t)", what, id, i%2 == 0)
			if i%2 == 0 {
				t.fails(did, err, driver.ErrNotFound)
			} else {
				t.ok(did, err)
			}
		}
		if t.State != nil {
			_, err := t.State.Get(t.ctx, id)
			after("key", err)
			_, err = t.State.LoadSnapshot(t.ctx, driver.ExecutionID(id))
			after("snapshot", err)
		}
		if t.Messages != nil {
			_, err := t.Messages.GetMessage(t.ctx, driver.MessageID(id), false)
			after("message", err)
		}
		if t.Vectors != nil {
			_, err := t.Vectors.Get(t.ctx, id, id)
			after("document", err)
		}
	}
}

// tenantsByteByByte stores one thing for each awkward tenant.
func tenantsByteByByte(t *trial) {
	for _, id := range nastyIDs {
		storeLabel(t, t.backend.Tenant(driver.TenantID(id)), "of "+id)
	}
	for _, id := range nastyIDs {
		checkLabel(t, t.backend.Tenant(driver.TenantID(id)), fmt.Sprintf("tenant %q", id), "of "+id)
	}
}

// storeLabel stores a label in the first role that is offered.
func storeLabel(t *trial, s driver.Stores, label string) {
	switch {
	case s.Events != nil:
		t.append(s.Events, "run", driver.Event{ID: "e", Type: "fact", Payload: []byte(label)})
	case s.State != nil:
		t.set(s.State, "key", label)
	case s.Messages != nil:
		t.createThread(s.Messages, driver.Thread{ID: "thread", User: "ann", Title: label})
	case s.Vectors != nil:
		t.collection(s.Vectors, "c", 1, driver.Dot)
		t.upsert(s.Vectors, "c", driver.Document{ID: "d", Content: label, Metadata: []byte("{}"), Embedding: []float32{1}})
	}
}

// checkLabel ends the check unless the label is all that is there.
func checkLabel(t *trial, s driver.Stores, where, label string) {
	did := "what there is in " + where
	switch {
	case s.Events != nil:
		equal(t, did, idsOf(t.load(s.Events, "run", 0), func(e driver.StoredEvent) string { return string(e.Payload) }), []string{label})
	case s.State != nil:
		equal(t, did, string(t.get(s.State, "key").Value), label)
		listsIDs(t, did, keysOf(s.State, ""), keyOf, "key")
	case s.Messages != nil:
		threads := walk(t, did, 9, threadsOf(s.Messages, driver.ThreadQuery{User: "ann"}))
		equal(t, did, idsOf(threads, func(th driver.Thread) string { return th.Title }), []string{label})
	case s.Vectors != nil:
		matches := t.search(s.Vectors, "c", driver.Query{Embedding: []float32{1}, Limit: 9, Fields: driver.Fields{Content: true}})
		equal(t, did, idsOf(matches, func(m driver.Match) string { return m.Content }), []string{label})
	}
}

func eventIDsByteByByte(t *trial) {
	var events []driver.Event
	for _, id := range nastyIDs {
		events = append(events, driver.Event{ID: driver.EventID(id), Type: id, Payload: []byte("same")})
	}
	half := len(events) / 2
	equal(t, "the last sequence of a batch with awkward event IDs", t.append(t.Events, "run", events[:half]...), uint64(half))
	for i, e := range events[half:] {
		equal(t, fmt.Sprintf("the sequence of event %q", e.ID), t.append(t.Events, "run", e), uint64(half+i+1))
	}
	for i, e := range events {
		equal(t, fmt.Sprintf("the sequence of event %q, appended again", e.ID), t.append(t.Events, "run", e), uint64(i+1))
	}
	equal(t, "the events with awkward IDs and types", untimed(t.load(t.Events, "run", 0)), events)
}

func usersByteByByte(t *trial) {
	for i, id := range nastyIDs {
		t.createThread(t.Messages, driver.Thread{ID: driver.ThreadID(fmt.Sprint("of user ", i)), User: driver.UserID(id)})
	}
	for i, id := range nastyIDs {
		threads := walk(t, fmt.Sprintf("ListThreads of user %q", id), 2, threadsOf(t.Messages, driver.ThreadQuery{User: driver.UserID(id)}))
		equal(t, fmt.Sprintf("the threads of user %q", id), idsOf(threads, threadID), []driver.ThreadID{driver.ThreadID(fmt.Sprint("of user ", i))})
	}
}

func documentsByteByByte(t *trial) {
	t.collection(t.Vectors, "c", 1, driver.Dot)
	var docs []driver.Document
	for _, id := range nastyIDs {
		docs = append(docs, driver.Document{ID: id, Content: "content of " + id, Metadata: []byte("{}"), Embedding: []float32{1}})
	}
	t.upsert(t.Vectors, "c", docs...)
	matches := t.search(t.Vectors, "c", driver.Query{Embedding: []float32{1}, Limit: len(docs) + 1, Fields: driver.Fields{Content: true}})
	equal(t, "the documents with awkward IDs that a search finds, in byte order", idsOf(matches, matchID), nastyIDs)
	for _, m := range matches {
		equal(t, fmt.Sprintf("the content of document %q", m.ID), m.Content, "content of "+m.ID)
	}
	t.ok("Delete", t.Vectors.Delete(t.ctx, "c", nastyIDs[:len(nastyIDs)/2]))
	t.settle()
	matches = t.search(t.Vectors, "c", nearest(len(docs), 1))
	equal(t, "the documents after half of them were deleted", idsOf(matches, matchID), nastyIDs[len(nastyIDs)/2:])
}
