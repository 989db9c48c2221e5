package drivertest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

var concurrencyChecks = []check{
	{rule: "B7", name: "handles-agree", run: handlesAgree, why: "two services on one store would work on different data"},
	{rule: "B7", name: "every-role-at-once", run: everyRoleAtOnce, why: "a busy service would lose or mix up what its goroutines write"},
	{rule: "B7", name: "handles-come-and-go", run: handlesComeAndGo, why: "a second service that starts or stops would disturb the first"},
}

// handlesAgree: what one handle has written all others see, those opened before
// and after, and whatever they have read before.
func handlesAgree(t *trial) {
	other := t.open()
	look := func() {
		for _, b := range []driver.Backend{t.backend, other, t.open()} {
			contentsOf(t, b.Tenant(tenantID))
		}
	}
	look()
	ids := []string{"a", "b", "c", "d"}
	for i, id := range ids {
		writer := []driver.Backend{t.backend, other}[i%2]
		everything(t, writer.Tenant(tenantID), id, "label")
		for n, reader := range []driver.Backend{other, t.backend, t.open()} {
			t.hasOnly(fmt.Sprintf("the store, as handle %d sees it after %q was written through another", n, id), reader.Tenant(tenantID), "label", ids[:i+1]...)
		}
	}
	t.overwriteAndDelete(other.Tenant(tenantID))
	for _, b := range []driver.Backend{other, t.backend, t.open()} {
		t.deletedIsGone(b.Tenant(tenantID))
	}
	t.sameContents("another handle has overwritten and deleted", contentsOf(t, t.Stores), contentsOf(t, other.Tenant(tenantID)))
	t.sameContents("another handle has overwritten and deleted, in a new one", contentsOf(t, t.open().Tenant(tenantID)), contentsOf(t, other.Tenant(tenantID)))
}

// overwriteAndDelete changes what everything has stored under a and b.
func (t *trial) overwriteAndDelete(s driver.Stores) {
	if s.Events != nil {
		t.append(s.Events, "a", event("new"))
	}
	if s.State != nil {
		t.set(s.State, "a", "new")
		t.save(s.State, snapshot("a", 5, "new"))
		t.ok("Delete", s.State.Delete(t.ctx, "b", driver.Precondition{}))
		t.ok("DeleteSnapshot", s.State.DeleteSnapshot(t.ctx, "b"))
	}
	if s.Messages != nil {
		th, err := s.Messages.GetThread(t.ctx, "a", false)
		t.ok("GetThread", err)
		th.Title = "new"
		_, err = s.Messages.UpdateThread(t.ctx, th)
		t.ok("UpdateThread", err)
		t.ok("DeleteMessage", s.Messages.DeleteMessage(t.ctx, "b"))
		t.say(s.Messages, "c", "new")
	}
	if s.Vectors != nil {
		t.upsert(s.Vectors, "a", doc("a", 7), doc("new", 8))
		t.ok("Delete", s.Vectors.Delete(t.ctx, "c", []string{"c"}))
		t.ok("DeleteCollection", s.Vectors.DeleteCollection(t.ctx, "b"))
		t.settle()
	}
}

// deletedIsGone asks by ID for what overwriteAndDelete has deleted.
func (t *trial) deletedIsGone(s driver.Stores) {
	if s.State != nil {
		_, err := s.State.Get(t.ctx, "b")
		t.fails("Get of a key that another handle has deleted", err, driver.ErrNotFound)
		_, err = s.State.LoadSnapshot(t.ctx, "b")
		t.fails("LoadSnapshot of what another handle has deleted", err, driver.ErrNotFound)
	}
	if s.Messages != nil {
		_, err := s.Messages.GetMessage(t.ctx, "b", false)
		t.fails("GetMessage of what another handle has deleted", err, driver.ErrNotFound)
	}
	if s.Vectors != nil {
		_, err := s.Vectors.Search(t.ctx, "b", nearest(1, 1))
		t.fails("Search in a collection that another handle has deleted", err, driver.ErrNotFound)
		_, err = s.Vectors.Get(t.ctx, "c", "c")
		t.fails("Get of a document that another handle has deleted", err, driver.ErrNotFound)
	}
}

func everyRoleAtOnce(t *trial) {
	const workers, each = 6, 5
	handles := []driver.Stores{t.Stores, t.open().Tenant(tenantID)}
	if t.Messages != nil {
		t.thread(t.Messages, "thread")
	}
	if t.Vectors != nil {
		t.collection(t.Vectors, "c", 2, driver.Cosine)
	}
	var want []string
	for w := range workers {
		for i := range each {
			want = append(want, fmt.Sprintf("%d-%d", w, i))
		}
	}
	t.together(workers, func(w int) {
		for i := range each {
			t.everyRole(handles[w%2], fmt.Sprintf("%d-%d", w, i))
		}
	})
	t.settle()
	for n, s := range handles {
		c := contentsOf(t, s)
		found := map[string][]string{}
		if s.Events != nil {
			found["events"] = eventIDs(c.Events[0].Events)
		}
		if s.State != nil {
			found["keys"] = idsOf(c.Keys, func(e driver.Entry) string { return e.Key })
			found["snapshots"] = idsOf(c.Snapshots, func(s driver.Snapshot) string { return string(s.Execution) })
		}
		if s.Messages != nil {
			found["messages"] = idsOf(c.Messages, func(m driver.Message) string { return string(m.ID) })
		}
		if s.Vectors != nil {
			found["documents"] = idsOf(c.Documents[0].Documents, func(d driver.Document) string { return d.ID })
		}
		for what, ids := range found {
			slices.Sort(ids)
			equal(t, fmt.Sprintf("the %s that %d goroutines have written at once, as handle %d sees them", what, workers, n), ids, want)
		}
	}
}

// everyRole writes id in every role and reads it back, beside others that do the
// same.
func (t *trial) everyRole(s driver.Stores, id string) {
	ctx := t.shaken()
	if s.Events != nil {
		_, err := s.Events.Append(ctx, "run", driver.Expectation{}, []driver.Event{event(id)})
		t.ok("Append beside others", err)
		if !slices.Contains(eventIDs(t.load(s.Events, "run", 0)), id) {
			t.fatal("Load after Append, beside others", "a history without the event", "one with it")
		}
	}
	if s.State != nil {
		_, err := s.State.Set(ctx, id, []byte(id), driver.SetOptions{})
		t.ok("Set beside others", err)
		equal(t, "Get after Set, beside others", string(t.get(s.State, id).Value), id)
		t.ok("SaveSnapshot beside others", s.State.SaveSnapshot(ctx, snapshot(id, 1, id)))
	}
	if s.Messages != nil {
		_, err := s.Messages.CreateMessage(ctx, said("thread", driver.MessageID(id)))
		t.ok("CreateMessage beside others", err)
		m, err := s.Messages.GetMessage(ctx, driver.MessageID(id), false)
		t.ok("GetMessage beside others", err)
		equal(t, "GetMessage after CreateMessage, beside others", string(m.Content), id)
	}
	if s.Vectors != nil {
		t.ok("Upsert beside others", s.Vectors.Upsert(ctx, "c", []driver.Document{{ID: id, Content: id, Metadata: []byte("{}"), Embedding: []float32{1, 2}}}))
		_, err := s.Vectors.Search(ctx, "c", nearest(100, 1, 2))
		t.ok("Search beside others", err)
	}
}

// handlesComeAndGo opens and shuts down handles while another is used.
func handlesComeAndGo(t *trial) {
	const openers, each = 3, 4
	calls := writesIn(prepared(t, t.Stores))
	var left atomic.Int64
	left.Store(openers)
	wrote := 0
	t.together(openers+1, func(w int) {
		if w < openers {
			defer left.Add(-1)
			for range each {
				b, err := t.connect(t.shaken(), t.dsn)
				t.ok("opening another handle beside others", err)
				t.ok("HealthCheck of another handle", b.HealthCheck(t.ctx))
				t.shutDown(b)
			}
			return
		}
		for left.Load() > 0 && wrote < 500 {
			storeLabel(t, t.backend.Tenant(driver.TenantID(fmt.Sprint("tenant ", wrote))), "label")
			wrote++
			t.sleep(100 * time.Microsecond)
		}
	})
	for i := range wrote {
		checkLabel(t, t.backend.Tenant(driver.TenantID(fmt.Sprint("tenant ", i))), fmt.Sprintf("tenant %d, written while handles came and went", i), "label")
	}
	for _, c := range calls {
		t.ok(c.name()+" after other handles were shut down", c.run(t.ctx, t.Stores))
	}
}
