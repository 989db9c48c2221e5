package drivertest

import (
	"errors"
	"fmt"

	"github.com/enactdev/enact/driver"
)

const whyErrors = "callers decide by the kind of error whether to retry, to give up or to tell the user"

var errorChecks = []check{
	{rule: "B9", name: "not-found", run: notFound, why: whyErrors},
	{rule: "B9", name: "conflicts-say-what-is-there", run: conflictsSayWhatIsThere, why: "who lost a race could not go on without asking again"},
}

// isOnly ends the check unless err matches want and no other error of the contract.
func (t *trial) isOnly(did string, err, want error) {
	t.fails(did, err, want)
	for _, other := range []error{driver.ErrNotFound, driver.ErrConflict, driver.ErrExists, driver.ErrInvalid, driver.ErrTooLarge, driver.ErrUnsupported, driver.ErrUnavailable, driver.ErrClosed, driver.ErrAirGapped} {
		if other != want && errors.Is(err, other) {
			t.fatal(did, fmt.Sprintf("error %q, which matches %q as well", err, other), fmt.Sprintf("one that matches %q only", want))
		}
	}
}

func notFound(t *trial) {
	missing := func(did string, err error) { t.isOnly(did+" of what is not there", err, driver.ErrNotFound) }
	if t.State != nil {
		_, err := t.State.Get(t.ctx, "none")
		missing("Get", err)
		_, err = t.State.LoadSnapshot(t.ctx, "none")
		missing("LoadSnapshot", err)
		t.ok("Delete of a missing key", t.State.Delete(t.ctx, "none", driver.Precondition{}))
		t.ok("DeleteSnapshot of a missing one", t.State.DeleteSnapshot(t.ctx, "none"))
	}
	if t.Events != nil {
		equal(t, "LatestSequence of an unknown execution", t.latest(t.Events, "none"), 0)
		equal(t, "the events of an unknown execution", len(t.load(t.Events, "none", 0)), 0)
		equal(t, "the events of an unknown execution after 7", len(t.load(t.Events, "none", 7)), 0)
	}
	if t.Messages != nil {
		for _, deleted := range []bool{false, true} {
			_, err := t.Messages.GetThread(t.ctx, "none", deleted)
			missing("GetThread", err)
			_, err = t.Messages.GetMessage(t.ctx, "none", deleted)
			missing("GetMessage", err)
			_, _, err = t.Messages.ListMessages(t.ctx, driver.MessageQuery{Thread: "none", IncludeDeleted: deleted, Page: driver.Page{Limit: 1}})
			missing("ListMessages", err)
		}
		_, err := t.Messages.UpdateThread(t.ctx, driver.Thread{ID: "none", User: "ann", Version: 1})
		missing("UpdateThread", err)
		_, err = t.Messages.CreateMessage(t.ctx, said("none", "m"))
		missing("CreateMessage in a thread", err)
		_, err = t.Messages.UpdateMessage(t.ctx, driver.Message{ID: "none", Thread: "none", Role: "user", Version: 1})
		missing("UpdateMessage", err)
		missing("DeleteThread", t.Messages.DeleteThread(t.ctx, "none"))
		missing("DeleteMessage", t.Messages.DeleteMessage(t.ctx, "none"))
	}
	if t.Vectors != nil {
		_, err := t.Vectors.GetCollection(t.ctx, "none")
		missing("GetCollection", err)
		_, err = t.Vectors.Get(t.ctx, "none", "d")
		missing("Get", err)
		_, err = t.Vectors.Search(t.ctx, "none", nearest(1, 1))
		missing("Search", err)
		missing("Upsert", t.Vectors.Upsert(t.ctx, "none", []driver.Document{doc("d", 1)}))
		missing("Delete", t.Vectors.Delete(t.ctx, "none", []string{"d"}))
		t.ok("DeleteCollection of a missing one", t.Vectors.DeleteCollection(t.ctx, "none"))
		t.collection(t.Vectors, "c", 1, driver.Dot)
		_, err = t.Vectors.Get(t.ctx, "c", "none")
		missing("Get", err)
	}
}

func conflictsSayWhatIsThere(t *trial) {
	if t.Events != nil {
		t.append(t.Events, "run", event("a"), event("b"))
		_, err := t.Events.Append(t.ctx, "run", driver.ExpectLast(1), []driver.Event{event("x")})
		t.conflict("Append with a stale expectation", err, driver.ConflictError{Expected: 1, Actual: 2})
		t.isOnly("Append with a stale expectation", err, driver.ErrConflict)
		_, err = t.Events.Append(t.ctx, "run", driver.ExpectLast(7), []driver.Event{event("x")})
		t.conflict("Append with an expectation ahead of the log", err, driver.ConflictError{Expected: 7, Actual: 2})
		_, err = t.Events.Append(t.ctx, "run", driver.ExpectLast(2), []driver.Event{{ID: "a", Type: "fact", Payload: []byte("other")}})
		t.conflict("Append of a taken ID", err, driver.ConflictError{Event: "a", Actual: 2})
		t.isOnly("Append of a taken ID", err, driver.ErrConflict)
		_, err = t.Events.Append(t.ctx, "new", driver.ExpectLast(1), []driver.Event{event("x")})
		t.conflict("Append that expects events in an unknown execution", err, driver.ConflictError{Expected: 1})
	}
	if t.State != nil {
		version := t.set(t.State, "key", "x")
		_, err := t.State.Set(t.ctx, "key", nil, driver.SetOptions{When: driver.IfVersion(version + 5)})
		t.conflict("Set at another version", err, driver.ConflictError{Expected: version + 5, Actual: version})
		t.isOnly("Set at another version", err, driver.ErrConflict)
		_, err = t.State.Set(t.ctx, "key", nil, driver.SetOptions{When: driver.IfAbsent()})
		t.conflict("Set if absent of what is there", err, driver.ConflictError{Actual: version, MustBeAbsent: true})
		t.fails("Set if absent of what is there", err, driver.ErrExists)
		err = t.State.Delete(t.ctx, "key", driver.IfVersion(version+5))
		t.conflict("Delete at another version", err, driver.ConflictError{Expected: version + 5, Actual: version})
		err = t.State.Delete(t.ctx, "none", driver.IfVersion(5))
		t.conflict("Delete at a version of a missing key", err, driver.ConflictError{Expected: 5})
		_, err = t.State.Set(t.ctx, "none", nil, driver.SetOptions{When: driver.IfVersion(5)})
		t.conflict("Set at a version of a missing key", err, driver.ConflictError{Expected: 5})
	}
	if t.Messages != nil {
		th := t.thread(t.Messages, "t")
		th.Version = 7
		_, err := t.Messages.UpdateThread(t.ctx, th)
		t.conflict("UpdateThread at another version", err, driver.ConflictError{Expected: 7, Actual: 1})
		t.isOnly("UpdateThread at another version", err, driver.ErrConflict)
		m := t.say(t.Messages, "t", "m")
		m.Version = 9
		_, err = t.Messages.UpdateMessage(t.ctx, m)
		t.conflict("UpdateMessage at another version", err, driver.ConflictError{Expected: 9, Actual: 1})
		other := said("t", "m")
		other.Content = []byte("other")
		_, err = t.Messages.CreateMessage(t.ctx, other)
		t.isOnly("CreateMessage with a taken ID", err, driver.ErrExists)
		_, err = t.Messages.CreateThread(t.ctx, driver.Thread{ID: "t", User: "bob"})
		t.isOnly("CreateThread with a taken ID", err, driver.ErrExists)
		orphan := said("t", "orphan")
		orphan.Parent = "none"
		_, err = t.Messages.CreateMessage(t.ctx, orphan)
		t.isOnly("CreateMessage with an unknown parent", err, driver.ErrInvalid)
	}
	if t.Vectors != nil {
		t.collection(t.Vectors, "c", 2, driver.Cosine)
		for _, c := range []driver.Collection{{Name: "c", Dimension: 3, Metric: driver.Cosine}, {Name: "c", Dimension: 2, Metric: driver.Dot}} {
			t.isOnly("EnsureCollection of another shape", t.Vectors.EnsureCollection(t.ctx, c), driver.ErrConflict)
		}
		t.isOnly("Upsert of another dimension", t.Vectors.Upsert(t.ctx, "c", []driver.Document{doc("d", 1, 2, 3)}), driver.ErrInvalid)
		_, err := t.Vectors.Search(t.ctx, "c", nearest(1, 0, 0))
		t.isOnly("Search by a zero vector under cosine", err, driver.ErrInvalid)
	}
}
