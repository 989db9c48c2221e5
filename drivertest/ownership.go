package drivertest

import (
	"fmt"
	"reflect"

	"github.com/enactdev/enact/driver"
)

const (
	whyArguments = "callers reuse their buffers, and would change what was stored"
	whyResults   = "a caller that changes what it got would change it for everyone"
)

var ownershipChecks = []check{
	{rule: "B8", name: "events-given", role: driver.RoleEvents, run: eventsGiven, why: whyArguments},
	{rule: "B8", name: "state-given", role: driver.RoleState, run: stateGiven, why: whyArguments},
	{rule: "B8", name: "messages-given", role: driver.RoleMessages, run: messagesGiven, why: whyArguments},
	{rule: "B8", name: "documents-given", role: driver.RoleVectors, run: documentsGiven, why: whyArguments},
	{rule: "B8", name: "events-returned", role: driver.RoleEvents, run: eventsReturned, why: whyResults},
	{rule: "B8", name: "state-returned", role: driver.RoleState, run: stateReturned, why: whyResults},
	{rule: "B8", name: "messages-returned", role: driver.RoleMessages, run: messagesReturned, why: whyResults},
	{rule: "B8", name: "documents-returned", role: driver.RoleVectors, run: documentsReturned, why: whyResults},
}

// roomy returns a copy of b with spare capacity, as buffers have that are reused.
func roomy(text string) []byte { return append(make([]byte, 0, len(text)+16), text...) }

// picture is what a tenant has as text, which no slice that is shared with the
// store can change afterwards.
func (t *trial) picture() string { return show(reflect.ValueOf(contentsOf(t, t.Stores))) }

// unchanged ends the check unless the store has what before shows.
func (t *trial) unchanged(after, before string) {
	equal(t, "what is stored after "+after, t.picture(), before)
}

func eventsGiven(t *trial) {
	for _, n := range []int{1, 3} {
		events := make([]driver.Event, n)
		var want []string
		for i := range events {
			want = append(want, fmt.Sprintf("payload %d of %d", i, n))
			events[i] = driver.Event{ID: driver.EventID(want[i]), Type: "fact", Payload: roomy(want[i])}
		}
		t.append(t.Events, "run", events...)
		for i, e := range events {
			if string(e.Payload) != want[i] || string(e.ID) != want[i] || !e.Time.IsZero() {
				t.fatal("Append changed an event that it was given", shorten(e), want[i])
			}
		}
		before := t.picture()
		for i := range events {
			scribble(events[i].Payload)
			events[i] = driver.Event{ID: "scribbled"}
		}
		t.unchanged("scribbling on the events that were given to Append", before)
	}
}

func stateGiven(t *trial) {
	value := roomy("value")
	_, err := t.State.Set(t.ctx, "key", value, driver.SetOptions{})
	t.ok("Set", err)
	data := roomy("data")
	t.save(t.State, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "run", Sequence: 1}, Data: data})
	equal(t, "the value after it was given to Set", string(value), "value")
	equal(t, "the data after it was given to SaveSnapshot", string(data), "data")
	before := t.picture()
	scribble(value)
	scribble(data)
	t.unchanged("scribbling on the value and the snapshot that were given", before)
}

func roomyThread() driver.Thread {
	return driver.Thread{ID: "t", User: "ann", Metadata: roomy("metadata")}
}

func roomyMessage() driver.Message {
	return driver.Message{ID: "m", Thread: "t", Role: "user", Content: roomy("content"), Parts: roomy("parts"), Details: roomy("details")}
}

func scribbleMessage(m driver.Message) {
	scribble(m.Content)
	scribble(m.Parts)
	scribble(m.Details)
}

func messagesGiven(t *trial) {
	th, m := roomyThread(), roomyMessage()
	t.createThread(t.Messages, th)
	t.createMessage(t.Messages, m)
	equal(t, "the thread after it was given to CreateThread", th, roomyThread())
	equal(t, "the message after it was given to CreateMessage", m, roomyMessage())
	before := t.picture()
	scribble(th.Metadata)
	scribbleMessage(m)
	t.unchanged("scribbling on what was given to CreateThread and CreateMessage", before)

	th, m = t.edited()
	before = t.picture()
	scribble(th.Metadata)
	scribbleMessage(m)
	t.unchanged("scribbling on what was given to UpdateThread and UpdateMessage", before)
}

// edited updates the thread and the message and returns what it gave.
func (t *trial) edited() (driver.Thread, driver.Message) {
	th, err := t.Messages.GetThread(t.ctx, "t", false)
	t.ok("GetThread", err)
	m, err := t.Messages.GetMessage(t.ctx, "m", false)
	t.ok("GetMessage", err)
	th.Metadata = roomy("new metadata")
	m.Content, m.Parts, m.Details = roomy("new content"), roomy("new parts"), roomy("new details")
	_, err = t.Messages.UpdateThread(t.ctx, th)
	t.ok("UpdateThread", err)
	_, err = t.Messages.UpdateMessage(t.ctx, m)
	t.ok("UpdateMessage", err)
	equal(t, "the metadata after it was given to UpdateThread", string(th.Metadata), "new metadata")
	equal(t, "the content after it was given to UpdateMessage", string(m.Content)+string(m.Parts)+string(m.Details), "new contentnew partsnew details")
	return th, m
}

func givenDocuments() []driver.Document {
	return []driver.Document{
		{ID: "b", Content: "x", Metadata: roomy(`{"n":[1,2]}`), Embedding: append(make([]float32, 0, 4), 3, 4)},
		{ID: "a", Content: "y", Metadata: roomy(`{"n":[2]}`), Embedding: append(make([]float32, 0, 4), 30, 40)},
	}
}

func scribbleDocument(d driver.Document) {
	scribble(d.Metadata)
	for i := range d.Embedding {
		d.Embedding[i] = -99
	}
}

func documentsGiven(t *trial) {
	for _, metric := range []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean} {
		c := string(metric)
		t.collection(t.Vectors, c, 2, metric)
		docs := givenDocuments()
		t.upsert(t.Vectors, c, docs...)
		equal(t, "the documents after they were given to Upsert", docs, givenDocuments())
		before := t.picture()
		for i, d := range docs {
			scribbleDocument(d)
			docs[i] = driver.Document{}
		}
		t.unchanged("scribbling on the documents that were given to Upsert", before)

		query := func() driver.Query {
			least := -100.0
			return driver.Query{
				Embedding: []float32{30, 40}, Limit: 5, MinScore: &least,
				Filter: driver.And(driver.In("n", driver.Int(2), driver.Int(1), driver.Float(2)), driver.Not(driver.Ne("n", driver.Int(2)))),
			}
		}
		q := query()
		if found := t.search(t.Vectors, c, q); len(found) != 2 {
			t.fatal("Search", shorten(found), "both documents")
		}
		equal(t, "the query after it was given to Search", q, query())
	}
	ids := []string{"b", "c", "a"}
	t.ok("Delete", t.Vectors.Delete(t.ctx, "dot", ids))
	equal(t, "the IDs after they were given to Delete", ids, []string{"b", "c", "a"})
}

func eventsReturned(t *trial) {
	t.append(t.Events, "run", eventsNamed("event ", 0, 5)...)
	before := t.picture()
	for range 2 {
		for e, err := range t.Events.Load(t.ctx, "run", 0) {
			t.ok("Load", err)
			scribble(e.Payload)
		}
		list, _, err := t.Events.ListExecutions(t.ctx, driver.Page{Limit: 5})
		t.ok("ListExecutions", err)
		clear(list)
		t.unchanged("scribbling on loaded events and listed executions", before)
	}
	var kept []driver.StoredEvent
	for e, err := range t.Events.Load(t.ctx, "run", 0) {
		t.ok("Load", err)
		kept = append(kept, e)
	}
	for i, e := range kept {
		equal(t, "the payload of a loaded event after those behind it were loaded", string(e.Payload), fmt.Sprint("event ", i))
	}
}

func stateReturned(t *trial) {
	t.set(t.State, "key", "value")
	t.set(t.State, "more", "value")
	t.save(t.State, snapshot("run", 1, "data"))
	before := t.picture()
	for range 2 {
		scribble(t.get(t.State, "key").Value)
		s, err := t.State.LoadSnapshot(t.ctx, "run")
		t.ok("LoadSnapshot", err)
		scribble(s.Data)
		list, _, err := t.State.List(t.ctx, "", driver.Page{Limit: 5})
		t.ok("List", err)
		clear(list)
		snapshots, _, err := t.State.ListSnapshots(t.ctx, driver.Page{Limit: 5})
		t.ok("ListSnapshots", err)
		clear(snapshots)
		t.unchanged("scribbling on what Get, List, LoadSnapshot and ListSnapshots returned", before)
	}
	first, second := t.get(t.State, "key"), t.get(t.State, "more")
	scribble(first.Value)
	equal(t, "a value after another was scribbled on", string(second.Value), "value")
}

func messagesReturned(t *trial) {
	th := t.createThread(t.Messages, roomyThread())
	m := t.createMessage(t.Messages, roomyMessage())
	before := t.picture()
	scribble(th.Metadata)
	scribbleMessage(m)
	t.unchanged("scribbling on what CreateThread and CreateMessage returned", before)
	th, m = t.createThread(t.Messages, roomyThread()), t.createMessage(t.Messages, roomyMessage())
	scribble(th.Metadata)
	scribbleMessage(m)
	t.unchanged("scribbling on what they returned when called again", before)

	for range 2 {
		th, err := t.Messages.GetThread(t.ctx, "t", false)
		t.ok("GetThread", err)
		scribble(th.Metadata)
		m, err := t.Messages.GetMessage(t.ctx, "m", false)
		t.ok("GetMessage", err)
		scribbleMessage(m)
		threads, _, err := t.Messages.ListThreads(t.ctx, driver.ThreadQuery{User: "ann", Page: driver.Page{Limit: 5}})
		t.ok("ListThreads", err)
		for _, th := range threads {
			scribble(th.Metadata)
		}
		for _, q := range []driver.MessageQuery{{Thread: "t"}, {Thread: "t", Backward: true}} {
			for _, m := range walk(t, "ListMessages", 5, messagesIn(t.Messages, q)) {
				scribbleMessage(m)
			}
		}
		t.unchanged("scribbling on what getting and listing returned", before)
	}

	th.Version, th.Metadata = 1, []byte("new")
	m.Version, m.Content = 1, []byte("new")
	th, err := t.Messages.UpdateThread(t.ctx, th)
	t.ok("UpdateThread", err)
	m, err = t.Messages.UpdateMessage(t.ctx, m)
	t.ok("UpdateMessage", err)
	before = t.picture()
	scribble(th.Metadata)
	scribbleMessage(m)
	t.unchanged("scribbling on what UpdateThread and UpdateMessage returned", before)
}

func documentsReturned(t *trial) {
	t.collection(t.Vectors, "c", 2, driver.Cosine)
	t.upsert(t.Vectors, "c", givenDocuments()...)
	before := t.picture()
	for range 2 {
		d, err := t.Vectors.Get(t.ctx, "c", "a")
		t.ok("Get", err)
		scribbleDocument(d)
		q := nearest(5, 3, 4)
		q.Fields = driver.Fields{Content: true, Metadata: true, Embedding: true}
		for _, m := range t.search(t.Vectors, "c", q) {
			scribbleDocument(m.Document)
		}
		list, _, err := t.Vectors.ListCollections(t.ctx, driver.Page{Limit: 5})
		t.ok("ListCollections", err)
		clear(list)
		t.unchanged("scribbling on what Get, Search and ListCollections returned", before)
	}
}
