package drivertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/enactdev/enact/driver"
)

// shutdownAfterErrors lets every method fail in all the ways that there are, and
// each call be cancelled inside.
func shutdownAfterErrors(t *trial) {
	b := t.open()
	s := b.Tenant(tenantID)
	calls := prepared(t, s)
	for _, f := range failures(t, s) {
		t.fails(f.did, f.err, f.want)
	}
	done, cancel := context.WithCancel(t.ctx)
	cancel()
	for _, call := range calls {
		t.fails(call.name()+" with a context that is done", call.run(done, s), context.Canceled)
		for n := range 4 {
			ctx := newCancelledAtLook(t.ctx, n)
			// A missing answer is as good as none here; it was there for others.
			if err := call.run(ctx, s); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, driver.ErrConflict) {
				t.fatal(fmt.Sprintf("%s, cancelled at the %d. look at its context", call.name(), n+1), "error: "+err.Error(), "no error, or context.Canceled")
			}
			ctx.cancel()
		}
	}
	t.fails("HealthCheck with a context that is done", b.HealthCheck(done), context.Canceled)
	t.shutDown(b)
	t.refuses("after Shutdown", b, calls, s)
}

// failure is a call that failed.
type failure struct {
	did       string
	err, want error
}

// failures makes every method fail that can, for what is stored.
func failures(t *trial, s driver.Stores) (all []failure) {
	add := func(did string, err, want error) { all = append(all, failure{did, err, want}) }
	bad := driver.Page{Limit: 1, Cursor: "of no listing"}
	if s.Events != nil {
		_, err := s.Events.Append(t.ctx, "run", driver.ExpectLast(7), []driver.Event{event("new")})
		add("Append that expects another sequence", err, driver.ErrConflict)
		_, err = s.Events.Append(t.ctx, "run", driver.Expectation{}, []driver.Event{{ID: "1", Type: "other"}})
		add("Append of a known ID with other content", err, driver.ErrConflict)
		_, _, err = s.Events.ListExecutions(t.ctx, bad)
		add("ListExecutions with a bad cursor", err, driver.ErrInvalid)
	}
	if s.State != nil {
		_, err := s.State.Get(t.ctx, "missing")
		add("Get of a missing key", err, driver.ErrNotFound)
		_, err = s.State.Set(t.ctx, "key", nil, driver.SetOptions{When: driver.IfAbsent()})
		add("Set of a key that must be absent and is there", err, driver.ErrConflict)
		add("Delete of a missing key at a version", s.State.Delete(t.ctx, "missing", driver.IfVersion(1)), driver.ErrConflict)
		_, _, err = s.State.List(t.ctx, "", bad)
		add("List with a bad cursor", err, driver.ErrInvalid)
		_, err = s.State.LoadSnapshot(t.ctx, "missing")
		add("LoadSnapshot of an execution without one", err, driver.ErrNotFound)
		_, _, err = s.State.ListSnapshots(t.ctx, bad)
		add("ListSnapshots with a bad cursor", err, driver.ErrInvalid)
	}
	if s.Messages != nil {
		all = append(all, messageFailures(t, s.Messages, bad)...)
	}
	if s.Vectors != nil {
		_, err := s.Vectors.GetCollection(t.ctx, "missing")
		add("GetCollection of a missing one", err, driver.ErrNotFound)
		add("EnsureCollection with another dimension", s.Vectors.EnsureCollection(t.ctx, driver.Collection{Name: "collection", Dimension: 3, Metric: driver.Dot}), driver.ErrConflict)
		_, _, err = s.Vectors.ListCollections(t.ctx, bad)
		add("ListCollections with a bad cursor", err, driver.ErrInvalid)
		add("Upsert into a missing collection", s.Vectors.Upsert(t.ctx, "missing", []driver.Document{doc("d", 1)}), driver.ErrNotFound)
		add("Upsert with another dimension", s.Vectors.Upsert(t.ctx, "collection", []driver.Document{doc("d", 1)}), driver.ErrInvalid)
		_, err = s.Vectors.Get(t.ctx, "collection", "missing")
		add("Get of a missing document", err, driver.ErrNotFound)
		add("Delete from a missing collection", s.Vectors.Delete(t.ctx, "missing", []string{"d"}), driver.ErrNotFound)
		_, err = s.Vectors.Search(t.ctx, "missing", nearest(1, 1))
		add("Search in a missing collection", err, driver.ErrNotFound)
		_, err = s.Vectors.Search(t.ctx, "collection", nearest(1, 1))
		add("Search with another dimension", err, driver.ErrInvalid)
	}
	return all
}

func messageFailures(t *trial, s driver.MessageStore, bad driver.Page) (all []failure) {
	add := func(did string, err, want error) { all = append(all, failure{did, err, want}) }
	_, err := s.CreateThread(t.ctx, driver.Thread{ID: "thread", User: "bob"})
	add("CreateThread of one that exists", err, driver.ErrExists)
	_, err = s.GetThread(t.ctx, "missing", true)
	add("GetThread of a missing one", err, driver.ErrNotFound)
	_, err = s.UpdateThread(t.ctx, driver.Thread{ID: "missing", User: "ann", Version: 1})
	add("UpdateThread of a missing one", err, driver.ErrNotFound)
	add("DeleteThread of a missing one", s.DeleteThread(t.ctx, "missing"), driver.ErrNotFound)
	_, _, err = s.ListThreads(t.ctx, driver.ThreadQuery{User: "ann", Page: bad})
	add("ListThreads with a bad cursor", err, driver.ErrInvalid)
	_, err = s.CreateMessage(t.ctx, said("missing", "m"))
	add("CreateMessage in a missing thread", err, driver.ErrNotFound)
	orphan := said("thread", "orphan")
	orphan.Parent = "missing"
	_, err = s.CreateMessage(t.ctx, orphan)
	add("CreateMessage with a missing parent", err, driver.ErrInvalid)
	_, err = s.GetMessage(t.ctx, "missing", true)
	add("GetMessage of a missing one", err, driver.ErrNotFound)
	_, err = s.UpdateMessage(t.ctx, said("thread", "missing"))
	add("UpdateMessage of a missing one", err, driver.ErrNotFound)
	add("DeleteMessage of a missing one", s.DeleteMessage(t.ctx, "missing"), driver.ErrNotFound)
	_, _, err = s.ListMessages(t.ctx, driver.MessageQuery{Thread: "missing", Page: driver.Page{Limit: 1}})
	add("ListMessages of a missing thread", err, driver.ErrNotFound)
	return all
}
