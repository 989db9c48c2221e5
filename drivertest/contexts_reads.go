package drivertest

import (
	"context"
	"fmt"

	"github.com/enactdev/enact/driver"
)

// question is a read with an answer of any type.
type question struct {
	name string
	ask  func(context.Context) (any, error)
}

func asking[T any](name string, ask func(context.Context) (T, error)) question {
	return question{name, func(ctx context.Context) (any, error) { return ask(ctx) }}
}

// pagesOf asks a listing of at least n entries for its first page, and the next.
func pagesOf[T any](t *trial, name string, n int, list lister[T]) []question {
	type answer struct {
		Items []T
		Next  driver.Cursor
	}
	page := func(page driver.Page) func(context.Context) (answer, error) {
		return func(ctx context.Context) (answer, error) {
			items, next, err := list(ctx, page)
			return answer{items, next}, err
		}
	}
	first := driver.Page{Limit: n/2 + 1}
	_, next, err := list(t.ctx, first)
	t.ok(name, err)
	return []question{
		asking(name, page(first)),
		asking(name+", the second page", page(driver.Page{Limit: first.Limit, Cursor: next})),
	}
}

// questions stores n of everything and returns reads of it.
func questions(t *trial, s driver.Stores, n int) (all []question) {
	if s.Events != nil {
		all = append(all, t.eventQuestions(s.Events, n)...)
	}
	if s.State != nil {
		for i := range n {
			t.set(s.State, fmt.Sprint("key ", i), "x")
			t.save(s.State, snapshot(fmt.Sprint("run ", i), 1, "x"))
		}
		all = append(all,
			asking("Get", func(ctx context.Context) (driver.Entry, error) { return s.State.Get(ctx, "key 1") }),
			asking("LoadSnapshot", func(ctx context.Context) (driver.Snapshot, error) { return s.State.LoadSnapshot(ctx, "run 1") }))
		all = append(all, pagesOf(t, "List", n, keysOf(s.State, "k"))...)
		all = append(all, pagesOf(t, "ListSnapshots", n, s.State.ListSnapshots)...)
	}
	if s.Messages != nil {
		t.thread(s.Messages, "t")
		for i := range n {
			t.thread(s.Messages, driver.ThreadID(fmt.Sprint("thread ", i)))
			m := said("t", driver.MessageID(fmt.Sprint("message ", i)))
			m.Execution = "run"
			t.createMessage(s.Messages, m)
		}
		all = append(all,
			asking("GetThread", func(ctx context.Context) (driver.Thread, error) { return s.Messages.GetThread(ctx, "t", false) }),
			asking("GetMessage", func(ctx context.Context) (driver.Message, error) {
				return s.Messages.GetMessage(ctx, "message 1", false)
			}))
		all = append(all, pagesOf(t, "ListThreads", n, threadsOf(s.Messages, driver.ThreadQuery{User: "ann"}))...)
		all = append(all, pagesOf(t, "ListMessages of a thread", n, messagesIn(s.Messages, driver.MessageQuery{Thread: "t", Backward: true}))...)
		all = append(all, pagesOf(t, "ListMessages of an execution", n, messagesIn(s.Messages, driver.MessageQuery{Execution: "run"}))...)
	}
	if s.Vectors != nil {
		all = append(all, t.vectorQuestions(s.Vectors, n)...)
	}
	return all
}

func (t *trial) eventQuestions(s driver.EventStore, n int) []question {
	for i := range n {
		t.append(s, driver.ExecutionID(fmt.Sprint("run ", i)), event("e"))
	}
	t.append(s, "run", eventsNamed("e", 1, n)...)
	return append(pagesOf(t, "ListExecutions", n, s.ListExecutions),
		asking("Load", func(ctx context.Context) (events []driver.StoredEvent, failed error) {
			for e, err := range s.Load(ctx, "run", 1) {
				if err == nil {
					events = append(events, e)
				}
				failed = err
			}
			return events, failed
		}),
		asking("LatestSequence", func(ctx context.Context) (uint64, error) { return s.LatestSequence(ctx, "run") }))
}

func (t *trial) vectorQuestions(s driver.VectorStore, n int) []question {
	var docs []driver.Document
	for i := range n {
		t.ok("EnsureCollection", s.EnsureCollection(t.ctx, driver.Collection{Name: fmt.Sprint("c ", i), Dimension: 2, Metric: driver.Dot}))
		docs = append(docs, driver.Document{ID: fmt.Sprint("doc ", i), Content: "x", Metadata: []byte(`{"a":1}`), Embedding: []float32{float32(i), 1}})
	}
	t.upsert(s, "c 1", docs...)
	search := func(name string, filter driver.Filter) question {
		return asking(name, func(ctx context.Context) ([]driver.Match, error) {
			q := nearest(n, 1, 1)
			q.Filter, q.Fields = filter, driver.Fields{Content: true, Metadata: true, Embedding: true}
			result, err := s.Search(ctx, "c 1", q)
			return result.Matches, err
		})
	}
	return append(pagesOf(t, "ListCollections", n, s.ListCollections),
		asking("GetCollection", func(ctx context.Context) (driver.CollectionInfo, error) { return s.GetCollection(ctx, "c 1") }),
		asking("Get of a document", func(ctx context.Context) (driver.Document, error) { return s.Get(ctx, "c 1", "doc 1") }),
		search("Search", driver.Filter{}),
		search("Search with a filter", driver.Gte("a", driver.Int(1))))
}

// readsCancelled cancels every read at each look at its context: it answers in
// full or with the context's error.
func readsCancelled(t *trial) {
	all := questions(t, t.Stores, 30)
	for _, q := range all {
		want, err := q.ask(t.ctx)
		t.ok(q.name, err)
		ask := func(ctx context.Context) error {
			_, err := q.ask(ctx)
			return err
		}
		for _, look := range t.someLooks(t.countLooks(q.name, ask)) {
			ctx := newCancelledAtLook(t.ctx, look)
			got, err := q.ask(ctx)
			ctx.cancel()
			did := fmt.Sprintf("%s, cancelled at the %d. look at its context", q.name, look+1)
			if err != nil {
				t.fails(did, err, context.Canceled)
			} else {
				equal(t, did+", without an error", got, want)
			}
		}
	}
	for _, q := range all {
		ctx, cancel := context.WithTimeout(t.ctx, t.patience())
		_, err := q.ask(ctx)
		cancel()
		t.ok(q.name+" after reads that were cancelled", err)
	}
}
