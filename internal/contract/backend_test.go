package contract_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// contents is everything that a tenant has, for users whose threads are asked for.
type contents struct {
	Executions  []enact.ExecutionInfo
	Events      map[enact.ExecutionID][]enact.Event
	Keys        []enact.Entry
	Snapshots   []enact.Snapshot
	Threads     []enact.Thread
	Messages    []enact.Message
	Collections []enact.CollectionInfo
	Documents   map[string][]enact.Match
}

func contentsOf(t testing.TB, tenant *enact.Tenant, users ...enact.UserID) contents {
	t.Helper()
	ctx := t.Context()
	const limit = driver.MaxPageLimit
	c := contents{Events: map[enact.ExecutionID][]enact.Event{}, Documents: map[string][]enact.Match{}}
	c.Executions = walk(t, "executions", limit, tenant.Events.ListExecutions)
	for _, x := range c.Executions {
		c.Events[x.ID] = loaded(t, tenant, x.ID, 0)
	}
	for _, info := range walk(t, "keys", limit, keysOf(tenant, "")) {
		entry, err := tenant.State.Get(ctx, info.Key)
		must(t, "Get", err)
		mustEqual(t, fmt.Sprintf("key %q as listed", info.Key), info, entry.EntryInfo)
		c.Keys = append(c.Keys, entry)
	}
	for _, info := range walk(t, "snapshots", limit, tenant.State.ListSnapshots) {
		s, err := tenant.State.LoadSnapshot(ctx, info.Execution)
		must(t, "LoadSnapshot", err)
		c.Snapshots = append(c.Snapshots, s)
	}
	for _, user := range users {
		threads := walk(t, "threads", limit, threadsOf(tenant, enact.ThreadQuery{User: user, IncludeDeleted: true}))
		c.Threads = append(c.Threads, threads...)
		for _, th := range threads {
			c.Messages = append(c.Messages, walk(t, "messages", limit, messagesIn(tenant, enact.MessageQuery{Thread: th.ID, IncludeDeleted: true}))...)
		}
	}
	c.Collections = walk(t, "collections", limit, tenant.Vectors.ListCollections)
	for _, info := range c.Collections {
		c.Documents[info.Name] = mustSearch(t, tenant, info.Name, enact.Query{
			Embedding: slices.Repeat([]float32{1}, info.Dimension), Limit: driver.MaxResults,
			Fields: enact.Fields{Content: true, Metadata: true, Embedding: true},
		})
		if n := uint64(len(c.Documents[info.Name])); n != info.Count {
			t.Fatalf("collection %q has a count of %d, and %d documents are found", info.Name, info.Count, n)
		}
	}
	return c
}

// mustBeUnchanged compares contents part by part, for a message that can be read.
func mustBeUnchanged(t testing.TB, doing string, got, want contents) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		mustEqual(t, g.Type().Field(i).Name+" after "+doing, g.Field(i).Interface(), w.Field(i).Interface())
	}
}

// everything stores something under id in every role, all of it marked with label.
func everything(t testing.TB, tenant *enact.Tenant, id, label string) {
	t.Helper()
	mustAppend(t, tenant, enact.ExecutionID(id), enact.Identified{ID: enact.EventID(id), Data: fact(label)}, fact(label))
	mustSet(t, tenant, id, label)
	mustSave(t, tenant, stateAt(enact.ExecutionID(id), 1, label))
	mustCreateThread(t, tenant, enact.Thread{ID: enact.ThreadID(id), User: "ann", Title: label})
	mustCreateMessage(t, tenant, enact.Message{ID: enact.MessageID(id), Thread: enact.ThreadID(id), Execution: "run", Role: "user", Content: label})
	mustEnsure(t, tenant, id, 1, enact.Dot)
	mustUpsert(t, tenant, id, enact.Document{ID: id, Content: label, Metadata: []byte(`{"a":1}`), Embedding: []float32{float32(len(label))}})
}

// storeCall is a call of one method of a store, on a tenant that prepared has
// made ready.
type storeCall struct {
	name string
	run  func(context.Context, *enact.Tenant) error
}

// prepared stores what the calls need and returns them, in an order in which each
// succeeds.
func prepared(t testing.TB, tenant *enact.Tenant) []storeCall {
	t.Helper()
	mustAppend(t, tenant, "run", fact("1"), fact("2"))
	mustSet(t, tenant, "key", "old")
	mustSet(t, tenant, "doomed", "old")
	mustSave(t, tenant, stateAt("run", 1, "old"))
	mustSave(t, tenant, stateAt("doomed", 1, "old"))
	thread := mustCreateThread(t, tenant, enact.Thread{ID: "thread", User: "ann", Title: "old"})
	mustCreateThread(t, tenant, enact.Thread{ID: "doomed", User: "ann"})
	message := mustCreateMessage(t, tenant, said("thread", "message", "old"))
	mustCreateMessage(t, tenant, said("thread", "doomed", "old"))
	mustEnsure(t, tenant, "collection", 2, enact.Dot)
	mustEnsure(t, tenant, "doomed", 2, enact.Dot)
	mustUpsert(t, tenant, "collection", at("old", 1, 2), at("doomed", 1, 2))
	thread.Title, message.Content = "new", "new"

	return []storeCall{
		{"Events.Append", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Events.Append(ctx, "run", enact.ExpectLast(2), fact("3"))
			return err
		}},
		{"Events.Load", func(ctx context.Context, t *enact.Tenant) error { return lastError(t.Events.Load(ctx, "run", 0)) }},
		{"Events.Tail", func(ctx context.Context, t *enact.Tenant) error { return firstError(t.Events.Tail(ctx, "run", 0)) }},
		{"Events.LoadRaw", func(ctx context.Context, t *enact.Tenant) error { return lastError(t.Events.LoadRaw(ctx, "run", 0)) }},
		{"Events.LatestSequence", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Events.LatestSequence(ctx, "run")
			return err
		}},
		{"Events.ListExecutions", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.Events.ListExecutions(ctx, enact.Page{})
			return err
		}},
		{"State.Get", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.State.Get(ctx, "key")
			return err
		}},
		{"State.Set", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.State.Set(ctx, "key", []byte("new"))
			return err
		}},
		{"State.GetMany", func(ctx context.Context, t *enact.Tenant) error {
			results, err := t.State.GetMany(ctx, []string{"key"})
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			return err
		}},
		{"State.SetMany", func(ctx context.Context, t *enact.Tenant) error {
			results, err := t.State.SetMany(ctx, []enact.SetItem{{Key: "key", Value: []byte("new")}})
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			return err
		}},
		{"State.Delete", func(ctx context.Context, t *enact.Tenant) error { return t.State.Delete(ctx, "doomed") }},
		{"State.List", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.State.List(ctx, "", enact.Page{})
			return err
		}},
		{"State.SaveSnapshot", func(ctx context.Context, t *enact.Tenant) error {
			return t.State.SaveSnapshot(ctx, stateAt("run", 2, "new"))
		}},
		{"State.LoadSnapshot", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.State.LoadSnapshot(ctx, "run")
			return err
		}},
		{"State.DeleteSnapshot", func(ctx context.Context, t *enact.Tenant) error { return t.State.DeleteSnapshot(ctx, "doomed") }},
		{"State.ListSnapshots", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.State.ListSnapshots(ctx, enact.Page{})
			return err
		}},
		{"Messages.CreateThread", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.CreateThread(ctx, enact.Thread{ID: "new", User: "ann"})
			return err
		}},
		{"Messages.GetThread", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.GetThread(ctx, "thread")
			return err
		}},
		{"Messages.UpdateThread", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.UpdateThread(ctx, thread)
			return err
		}},
		{"Messages.DeleteThread", func(ctx context.Context, t *enact.Tenant) error { return t.Messages.DeleteThread(ctx, "doomed") }},
		{"Messages.ListThreads", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.Messages.ListThreads(ctx, enact.ThreadQuery{User: "ann"})
			return err
		}},
		{"Messages.CreateMessage", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.CreateMessage(ctx, said("thread", "new", "x"))
			return err
		}},
		{"Messages.GetMessage", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.GetMessage(ctx, "message")
			return err
		}},
		{"Messages.UpdateMessage", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Messages.UpdateMessage(ctx, message)
			return err
		}},
		{"Messages.DeleteMessage", func(ctx context.Context, t *enact.Tenant) error { return t.Messages.DeleteMessage(ctx, "doomed") }},
		{"Messages.ListMessages", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.Messages.ListMessages(ctx, enact.MessageQuery{Thread: "thread"})
			return err
		}},
		{"Vectors.EnsureCollection", func(ctx context.Context, t *enact.Tenant) error {
			return t.Vectors.EnsureCollection(ctx, enact.Collection{Name: "new", Dimension: 1, Metric: enact.Cosine})
		}},
		{"Vectors.DeleteCollection", func(ctx context.Context, t *enact.Tenant) error { return t.Vectors.DeleteCollection(ctx, "doomed") }},
		{"Vectors.GetCollection", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Vectors.GetCollection(ctx, "collection")
			return err
		}},
		{"Vectors.CollectionExists", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Vectors.CollectionExists(ctx, "collection")
			return err
		}},
		{"Vectors.ListCollections", func(ctx context.Context, t *enact.Tenant) error {
			_, _, err := t.Vectors.ListCollections(ctx, enact.Page{})
			return err
		}},
		{"Vectors.Upsert", func(ctx context.Context, t *enact.Tenant) error {
			return t.Vectors.Upsert(ctx, "collection", at("new", 3, 4), at("old", 5, 6))
		}},
		{"Vectors.Get", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Vectors.Get(ctx, "collection", "old")
			return err
		}},
		{"Vectors.Delete", func(ctx context.Context, t *enact.Tenant) error { return t.Vectors.Delete(ctx, "collection", "doomed") }},
		{"Vectors.Search", func(ctx context.Context, t *enact.Tenant) error {
			_, err := t.Vectors.Search(ctx, "collection", nearest(9, 1, 1))
			return err
		}},
	}
}

// lastError reads a stream to its end. An error must come once and last.
func lastError[E any](stream iter.Seq2[E, error]) (failed error) {
	for _, err := range stream {
		if failed != nil {
			return fmt.Errorf("the stream went on after the error %w", failed)
		}
		failed = err
	}
	return failed
}

// firstError is the error, if any, with which a stream begins that need not end.
func firstError[E any](stream iter.Seq2[E, error]) error {
	for _, err := range stream {
		return err
	}
	return nil
}

// TestEveryMethodHasACall keeps prepared complete.
func TestEveryMethodHasACall(t *testing.T) {
	f := newFixture(t, inMemory)
	var have, want []string
	for _, call := range prepared(f, f.tenant()) {
		have = append(have, call.name)
	}
	tenant := reflect.ValueOf(f.tenant()).Elem()
	for i := range tenant.NumField() {
		if !tenant.Type().Field(i).IsExported() {
			continue
		}
		store := tenant.Field(i).Type()
		for m := range store.NumMethod() {
			want = append(want, tenant.Type().Field(i).Name+"."+store.Method(m).Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	mustEqual(t, "the methods that have a call in prepared", have, want)
}

func TestB4RefusedAfterShutdown(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		calls := prepared(f, tenant)
		for _, call := range calls {
			must(f, call.name+" before Shutdown", call.run(f.ctx, tenant))
		}
		must(f, "HealthCheck before Shutdown", f.rt.HealthCheck(f.ctx))
		shutDown(f.T, f.rt)
		for _, tenant := range []*enact.Tenant{tenant, f.tenant()} {
			for _, call := range calls {
				mustFail(f, call.name+" after Shutdown", call.run(f.ctx, tenant), enact.ErrClosed)
			}
		}
		mustFail(f, "HealthCheck after Shutdown", f.rt.HealthCheck(f.ctx), enact.ErrClosed)
		for range 2 {
			must(f, "Shutdown again", f.rt.Shutdown(f.ctx))
		}
	})
}

func TestB4ShutdownFromManyGoroutines(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		mustSet(f, f.tenant(), "key", "x")
		errs := make([]error, 8)
		atOnce(len(errs), func(i int) { errs[i] = f.rt.Shutdown(f.ctx) })
		must(f, "Shutdown from many goroutines", errors.Join(errs...))
	})
}

func TestB6DoneContextBeforeTheCall(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		calls := prepared(f, tenant)
		before := contentsOf(f, tenant, "ann")
		cancelled, cancel := context.WithCancel(f.ctx)
		cancel()
		late, cancelLate := context.WithDeadline(f.ctx, time.Unix(0, 0))
		defer cancelLate()
		for _, call := range calls {
			mustFail(f, call.name+" with a cancelled context", call.run(cancelled, tenant), context.Canceled)
			mustFail(f, call.name+" after its deadline", call.run(late, tenant), context.DeadlineExceeded)
		}
		mustFail(f, "HealthCheck with a cancelled context", f.rt.HealthCheck(cancelled), context.Canceled)
		mustBeUnchanged(f, "calls whose context was done", contentsOf(f, tenant, "ann"), before)
		for _, call := range calls {
			must(f, call.name, call.run(f.ctx, tenant))
		}
		_, err := enact.Open(cancelled, enact.Config{State: f.dsn})
		mustFail(f, "Open with a cancelled context", err, context.Canceled)
	})
}

func TestB6CancelledInTheMiddleOfLoad(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 1200)...)
		for _, after := range []int{1, 2, 511, 512, 513, 1199} {
			ctx, cancel := context.WithCancel(f.ctx)
			seen := 0
			var failed error
			for e, err := range f.tenant().Events.Load(ctx, "run", 0) {
				if failed != nil {
					f.Fatalf("cancelled at event %d: event %d, %v came after the error %v", after, e.Sequence, err, failed)
				}
				if failed = err; err == nil {
					seen++
				}
				if seen == after {
					cancel()
				}
			}
			mustFail(f, fmt.Sprintf("a loop that was cancelled at event %d", after), failed, context.Canceled)
			mustEqual(f, "the number of events that it saw", seen, after)
			cancel()
		}
		mustEqual(f, "the number of events for whom nobody cancels", len(loaded(f, f.tenant(), "run", 0)), 1200)
	})
}

// picture is what a tenant has as text, which no slice that is shared with the
// store can change afterwards.
func picture(t testing.TB, tenant *enact.Tenant) string {
	t.Helper()
	return show(reflect.ValueOf(contentsOf(t, tenant, "ann")))
}

// TestB8ArgumentsAreNeitherKeptNorChanged overwrites every argument after its call.
func TestB8ArgumentsAreNeitherKeptNorChanged(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		give := func() ([]enact.EventData, []byte, enact.Snapshot, enact.Thread, enact.Message, []enact.Document) {
			message := fullMessage("t", "m", "")
			snapshot := stateAt("run", 1, "step")
			snapshot.Variables["v"] = []byte(`"value"`)
			return []enact.EventData{named("a", "payload"), enact.StepCompleted{Step: "s", Output: []byte(`{"out":1}`)}},
				[]byte("value"), snapshot,
				enact.Thread{ID: "t", User: "ann", Metadata: []byte(`{"thread":1}`)}, message,
				[]enact.Document{{ID: "d", Content: "x", Metadata: []byte(`{"document":1}`), Embedding: []float32{1, 2}}, at("e", 3, 4)}
		}
		mustEnsure(f, tenant, "c", 2, enact.Dot)
		events, value, snapshot, thread, message, docs := give()
		wantEvents, wantValue, wantSnapshot, wantThread, wantMessage, wantDocs := give()
		mustAppend(f, tenant, "run", events...)
		_, err := tenant.State.Set(f.ctx, "key", value)
		must(f, "Set", err)
		mustSave(f, tenant, snapshot)
		storedThread := mustCreateThread(f, tenant, thread)
		storedMessage := mustCreateMessage(f, tenant, message)
		mustUpsert(f, tenant, "c", docs...)
		mustEqual(f, "the events after Append", events, wantEvents)
		mustEqual(f, "the value after Set", value, wantValue)
		mustEqual(f, "the snapshot after SaveSnapshot", snapshot, wantSnapshot)
		mustEqual(f, "the thread after CreateThread", thread, wantThread)
		mustEqual(f, "the message after CreateMessage", message, wantMessage)
		mustEqual(f, "the documents after Upsert", docs, wantDocs)

		before := picture(f, tenant)
		scribble(events[0].(enact.Identified).Data.(enact.Custom).Data)
		scribble(events[1].(enact.StepCompleted).Output)
		events[0], events[1] = nil, nil
		scribble(value)
		scribble(snapshot.Variables["v"])
		scribble(snapshot.StepOutputs["s"])
		clear(snapshot.Variables)
		scribble(thread.Metadata)
		scribbleMessage(message)
		scribbleDocuments(docs)
		mustEqual(f, "what is there after scribbling on arguments", picture(f, tenant), before)
		scribble(storedThread.Metadata)
		scribbleMessage(storedMessage)
		mustEqual(f, "what is there after scribbling on what creating returned", picture(f, tenant), before)

		storedThread, err = tenant.Messages.GetThread(f.ctx, "t")
		must(f, "GetThread", err)
		storedMessage, err = tenant.Messages.GetMessage(f.ctx, "m")
		must(f, "GetMessage", err)
		thread, message = storedThread, storedMessage
		thread.Metadata, message.Parts, message.Metadata = []byte(`{"new":1}`), []enact.Part{enact.Part(`{"type":"new"}`)}, []byte(`{"new":1}`)
		updatedThread, err := tenant.Messages.UpdateThread(f.ctx, thread)
		must(f, "UpdateThread", err)
		updatedMessage, err := tenant.Messages.UpdateMessage(f.ctx, message)
		must(f, "UpdateMessage", err)
		before = picture(f, tenant)
		scribble(thread.Metadata)
		scribble(updatedThread.Metadata)
		scribbleMessage(message)
		scribbleMessage(updatedMessage)
		mustEqual(f, "what is there after scribbling on edits and what they returned", picture(f, tenant), before)
	})
}

func scribbleMessage(m enact.Message) {
	scribble(m.Metadata)
	for i, part := range m.Parts {
		scribble(part)
		m.Parts[i] = nil
	}
	if m.Usage != nil {
		*m.Usage, *m.Cost, *m.Stats = enact.TokenUsage{}, enact.Cost{}, enact.ExecutionStats{}
	}
}

func scribbleDocuments(docs []enact.Document) {
	for i, d := range docs {
		scribble(d.Metadata)
		for j := range d.Embedding {
			d.Embedding[j] = -99
		}
		docs[i] = enact.Document{}
	}
}

// TestB8ResultsBelongToTheCaller overwrites everything that comes back.
func TestB8ResultsBelongToTheCaller(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		everything(f, tenant, "id", "label")
		message := fullMessage("id", "full", "")
		mustCreateMessage(f, tenant, message)
		before := picture(f, tenant)
		for range 2 {
			c := contentsOf(f, tenant, "ann")
			for _, events := range c.Events {
				for i := range events {
					scribble(events[i].Payload)
				}
			}
			for _, entry := range c.Keys {
				scribble(entry.Value)
			}
			for _, s := range c.Snapshots {
				for _, output := range s.StepOutputs {
					scribble(output)
				}
				clear(s.StepOutputs)
			}
			for _, th := range c.Threads {
				scribble(th.Metadata)
			}
			for _, m := range c.Messages {
				scribbleMessage(m)
			}
			for _, matches := range c.Documents {
				for i, m := range matches {
					scribbleDocuments([]enact.Document{m.Document})
					matches[i] = enact.Match{}
				}
			}
			doc, err := tenant.Vectors.Get(f.ctx, "id", "id")
			must(f, "Get", err)
			scribbleDocuments([]enact.Document{doc})
		}
		mustEqual(f, "what is there after scribbling on results", picture(f, tenant), before)
	})
}

// TestB8QueriesAreNotChanged gives a search everything that it could overwrite.
func TestB8QueriesAreNotChanged(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		mustEnsure(f, f.tenant(), "c", 2, enact.Cosine)
		mustUpsert(f, f.tenant(), "c", enact.Document{ID: "a", Metadata: []byte(`{"n":[1,2]}`), Embedding: []float32{3, 4}})
		query := func() enact.Query {
			least := -1.0
			return enact.Query{Embedding: []float32{30, 40}, Limit: 5, MinScore: &least, Filter: enact.And(enact.In("n", enact.Int(2), enact.Int(1), enact.Float(2)), enact.Not(enact.Ne("n", enact.Int(2))))}
		}
		q := query()
		mustFind(f, "a search", f.tenant(), "c", q, "a")
		mustEqual(f, "the query after the search", q, query())
		ids := []string{"b", "a", "a"}
		must(f, "Delete", f.tenant().Vectors.Delete(f.ctx, "c", ids...))
		mustEqual(f, "the IDs after Delete", ids, []string{"b", "a", "a"})
	})
}

// TestB9ConflictsSayWhatIsThere in every role that has conflicts.
func TestB9ConflictsSayWhatIsThere(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		mustAppend(f, tenant, "run", named("a", "1"), named("b", "2"))
		_, err := tenant.Events.Append(f.ctx, "run", enact.ExpectLast(1), fact("x"))
		mustConflict(f, "appending with a stale expectation", err, enact.ConflictError{Expected: 1, Actual: 2})
		_, err = tenant.Events.Append(f.ctx, "run", enact.ExpectLast(2), named("a", "x"))
		mustConflict(f, "appending a taken ID", err, enact.ConflictError{Event: "a", Actual: 2})
		if errors.Is(err, enact.ErrExists) || errors.Is(err, enact.ErrInvalid) {
			f.Errorf("appending a taken ID returned %v, which matches another error too", err)
		}
		version := mustSet(f, tenant, "key", "x")
		_, err = tenant.State.Set(f.ctx, "key", nil, enact.IfVersion(version+5))
		mustConflict(f, "setting at another version", err, enact.ConflictError{Expected: version + 5, Actual: version})
		_, err = tenant.State.Set(f.ctx, "key", nil, enact.IfAbsent())
		mustConflict(f, "creating what exists", err, enact.ConflictError{Actual: version, MustBeAbsent: true})
		thread := mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		thread.Version = 7
		_, err = tenant.Messages.UpdateThread(f.ctx, thread)
		mustConflict(f, "updating another version of a thread", err, enact.ConflictError{Expected: 7, Actual: 1})
		message := mustCreateMessage(f, tenant, said("t", "m", "x"))
		message.Version = 0
		_, err = tenant.Messages.UpdateMessage(f.ctx, message)
		mustConflict(f, "updating another version of a message", err, enact.ConflictError{Actual: 1})
		_, err = tenant.Messages.CreateMessage(f.ctx, said("t", "m", "y"))
		mustFail(f, "creating a message that exists", err, enact.ErrExists)
		if errors.Is(err, enact.ErrConflict) || errors.Is(err, enact.ErrNotFound) {
			f.Errorf("creating a message that exists returned %v, which matches another error too", err)
		}
		mustEnsure(f, tenant, "c", 1, enact.Dot)
		mustFail(f, "making a collection anew with another dimension", tenant.Vectors.EnsureCollection(f.ctx, enact.Collection{Name: "c", Dimension: 2, Metric: enact.Dot}), enact.ErrConflict)
	})
}

// TestB5BadIdentifiers tries each in every place where an identifier is taken.
func TestB5BadIdentifiers(t *testing.T) {
	calls := map[string]func(context.Context, *enact.Tenant, string) error{
		"the execution of Append": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Events.Append(ctx, enact.ExecutionID(id), enact.ExpectAny(), fact("x"))
			return err
		},
		"the execution of Load": func(ctx context.Context, t *enact.Tenant, id string) error {
			return lastError(t.Events.Load(ctx, enact.ExecutionID(id), 0))
		},
		"the execution of Tail": func(ctx context.Context, t *enact.Tenant, id string) error {
			return firstError(t.Events.Tail(ctx, enact.ExecutionID(id), 0))
		},
		"the execution of LatestSequence": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Events.LatestSequence(ctx, enact.ExecutionID(id))
			return err
		},
		"the key of Get": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.State.Get(ctx, id)
			return err
		},
		"the key of Set": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.State.Set(ctx, id, nil)
			return err
		},
		"the key of Delete": func(ctx context.Context, t *enact.Tenant, id string) error { return t.State.Delete(ctx, id) },
		"the execution of SaveSnapshot": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.State.SaveSnapshot(ctx, stateAt(enact.ExecutionID(id), 1, ""))
		},
		"the execution of LoadSnapshot": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.State.LoadSnapshot(ctx, enact.ExecutionID(id))
			return err
		},
		"the execution of DeleteSnapshot": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.State.DeleteSnapshot(ctx, enact.ExecutionID(id))
		},
		"the execution of Rehydrate": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Rehydrate(ctx, enact.ExecutionID(id))
			return err
		},
		"the ID of a thread": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.CreateThread(ctx, enact.Thread{ID: enact.ThreadID(id), User: "ann"})
			return err
		},
		"the user of a thread": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.CreateThread(ctx, enact.Thread{ID: "t", User: enact.UserID(id)})
			return err
		},
		"the thread of GetThread": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.GetThread(ctx, enact.ThreadID(id))
			return err
		},
		"the thread of DeleteThread": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Messages.DeleteThread(ctx, enact.ThreadID(id))
		},
		"the user of ListThreads": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, _, err := t.Messages.ListThreads(ctx, enact.ThreadQuery{User: enact.UserID(id)})
			return err
		},
		"the ID of a message": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.CreateMessage(ctx, said("t", enact.MessageID(id), "x"))
			return err
		},
		"the thread of a message": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.CreateMessage(ctx, said(enact.ThreadID(id), "m", "x"))
			return err
		},
		"the role of a message": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.CreateMessage(ctx, enact.Message{ID: "m", Thread: "t", Role: enact.Role(id)})
			return err
		},
		"the message of GetMessage": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Messages.GetMessage(ctx, enact.MessageID(id))
			return err
		},
		"the message of DeleteMessage": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Messages.DeleteMessage(ctx, enact.MessageID(id))
		},
		"the thread of ListMessages": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, _, err := t.Messages.ListMessages(ctx, enact.MessageQuery{Thread: enact.ThreadID(id)})
			return err
		},
		"the execution of ListMessages": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, _, err := t.Messages.ListMessages(ctx, enact.MessageQuery{Execution: enact.ExecutionID(id)})
			return err
		},
		"the name of a collection": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Vectors.EnsureCollection(ctx, enact.Collection{Name: id, Dimension: 1, Metric: enact.Dot})
		},
		"the collection of GetCollection": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Vectors.GetCollection(ctx, id)
			return err
		},
		"the collection of DeleteCollection": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Vectors.DeleteCollection(ctx, id)
		},
		"the collection of Upsert": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Vectors.Upsert(ctx, id, at("d", 1))
		},
		"the ID of a document": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Vectors.Upsert(ctx, "c", at("good", 1), at(id, 1))
		},
		"the collection of Get": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Vectors.Get(ctx, id, "d")
			return err
		},
		"the document of Get": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Vectors.Get(ctx, "c", id)
			return err
		},
		"the collection of Delete": func(ctx context.Context, t *enact.Tenant, id string) error { return t.Vectors.Delete(ctx, id, "d") },
		"the document of Delete": func(ctx context.Context, t *enact.Tenant, id string) error {
			return t.Vectors.Delete(ctx, "c", "d", id)
		},
		"the collection of Search": func(ctx context.Context, t *enact.Tenant, id string) error {
			_, err := t.Vectors.Search(ctx, id, nearest(1, 1))
			return err
		},
	}
	onEach(t, backends, func(f *fixture) {
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "t", User: "ann"})
		mustEnsure(f, f.tenant(), "c", 1, enact.Dot)
		before := contentsOf(f, f.tenant(), "ann")
		for _, id := range badIDs {
			for name, call := range calls {
				mustFail(f, fmt.Sprintf("%.20q as %s", id, name), call(f.ctx, f.tenant(), id), enact.ErrInvalid)
			}
		}
		for _, id := range badIDs[1:] { // empty is allowed in these
			m := said("t", "m", "x")
			m.Parent = enact.MessageID(id)
			_, err := f.tenant().Messages.CreateMessage(f.ctx, m)
			mustFail(f, fmt.Sprintf("%.20q as a parent", id), err, enact.ErrInvalid)
			m = said("t", "m", "x")
			m.Execution = enact.ExecutionID(id)
			_, err = f.tenant().Messages.CreateMessage(f.ctx, m)
			mustFail(f, fmt.Sprintf("%.20q as a message's execution", id), err, enact.ErrInvalid)
			_, err = f.tenant().Events.Append(f.ctx, "run", enact.ExpectAny(), named(id, "x"))
			mustFail(f, fmt.Sprintf("%.20q as an event's ID", id), err, enact.ErrInvalid)
			_, _, err = f.tenant().State.List(f.ctx, id, enact.Page{})
			mustFail(f, fmt.Sprintf("%.20q as a prefix", id), err, enact.ErrInvalid)
		}
		mustBeUnchanged(f, "calls with bad identifiers", contentsOf(f, f.tenant(), "ann"), before)
		calls := prepared(f, f.rt.Tenant("good"))
		for _, id := range badIDs {
			tenant := f.rt.Tenant(enact.TenantID(id))
			for _, call := range calls {
				mustFail(f, fmt.Sprintf("%s of tenant %.20q", call.name, id), call.run(f.ctx, tenant), enact.ErrInvalid)
			}
		}
	})
}

// listing is a listing with its type forgotten.
type listing struct {
	name string
	page func(context.Context, enact.Page) (n int, next enact.Cursor, err error)
}

func forget[T any](name string, list lister[T]) listing {
	return listing{name, func(ctx context.Context, page enact.Page) (int, enact.Cursor, error) {
		items, next, err := list(ctx, page)
		return len(items), next, err
	}}
}

// listingsOf are all the listings of a tenant, each a different one.
func listingsOf(t *enact.Tenant) []listing {
	return []listing{
		forget("executions", t.Events.ListExecutions),
		forget("keys", keysOf(t, "")),
		forget("keys that begin with a", keysOf(t, "a")),
		forget("keys that begin with ab", keysOf(t, "ab")),
		forget("snapshots", t.State.ListSnapshots),
		forget("ann's threads", threadsOf(t, enact.ThreadQuery{User: "ann"})),
		forget("ann's threads with deleted ones", threadsOf(t, enact.ThreadQuery{User: "ann", IncludeDeleted: true})),
		forget("Ann's threads", threadsOf(t, enact.ThreadQuery{User: "Ann"})),
		forget("messages of thread x", messagesIn(t, enact.MessageQuery{Thread: "x"})),
		forget("messages of thread x backwards", messagesIn(t, enact.MessageQuery{Thread: "x", Backward: true})),
		forget("messages of thread x with deleted ones", messagesIn(t, enact.MessageQuery{Thread: "x", IncludeDeleted: true})),
		forget("messages of thread y", messagesIn(t, enact.MessageQuery{Thread: "y"})),
		forget("messages of execution x", messagesIn(t, enact.MessageQuery{Execution: "x"})),
		forget("messages of execution x backwards", messagesIn(t, enact.MessageQuery{Execution: "x", Backward: true})),
		forget("collections", t.Vectors.ListCollections),
	}
}

// listable stores enough for each of them to have several pages.
func listable(t testing.TB, tenant *enact.Tenant) {
	t.Helper()
	for i := range 4 {
		id := fmt.Sprint("abc", i)
		mustAppend(t, tenant, enact.ExecutionID(id), fact("x"))
		mustSet(t, tenant, id, "x")
		mustSave(t, tenant, stateAt(enact.ExecutionID(id), 1, ""))
		mustCreateThread(t, tenant, enact.Thread{ID: enact.ThreadID("ann " + id), User: "ann"})
		mustCreateThread(t, tenant, enact.Thread{ID: enact.ThreadID("Ann " + id), User: "Ann"})
		mustEnsure(t, tenant, id, 1, enact.Dot)
	}
	for _, thread := range []enact.ThreadID{"x", "y"} {
		mustCreateThread(t, tenant, enact.Thread{ID: thread, User: "bob"})
		for i := range 4 {
			m := said(thread, enact.MessageID(fmt.Sprintf("%s %d", thread, i)), "x")
			m.Execution = "x"
			mustCreateMessage(t, tenant, m)
		}
	}
}

func TestB11PageLimits(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		listable(f, f.tenant())
		for _, l := range listingsOf(f.tenant()) {
			for _, limit := range []int{-1, math.MinInt, driver.MaxPageLimit + 1, math.MaxInt} {
				_, _, err := l.page(f.ctx, enact.Page{Limit: limit})
				mustFail(f, fmt.Sprintf("listing %s in pages of %d", l.name, limit), err, enact.ErrInvalid)
			}
			n, next, err := l.page(f.ctx, enact.Page{Limit: driver.MaxPageLimit})
			must(f, "listing with the largest page", err)
			if n < 4 || next != "" {
				f.Errorf("the largest page of %s has %d entries and cursor %q", l.name, n, next)
			}
		}
		for i := range driver.DefaultPageLimit + 1 {
			mustSet(f, f.rt.Tenant("many"), fmt.Sprint(i), "")
		}
		items, next, err := f.rt.Tenant("many").State.List(f.ctx, "", enact.Page{})
		must(f, "listing without a limit", err)
		if len(items) != driver.DefaultPageLimit || next == "" {
			f.Errorf("a page without a limit has %d entries and cursor %q; it should have %d and a cursor", len(items), next, driver.DefaultPageLimit)
		}
	})
}
