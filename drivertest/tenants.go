package drivertest

import (
	"fmt"
	"strings"

	"github.com/enactdev/enact/driver"
)

var tenantChecks = []check{
	{rule: "B5", name: "tenants-are-a-wall", run: tenantsAreAWall, why: "one customer would read or lose another's data"},
	{rule: "B5", name: "strangers-find-nothing", run: strangersFindNothing, why: "who guesses an ID could read another customer's data"},
	{rule: "B5", name: "tenants-destroy-their-own", run: tenantsDestroyTheirOwn, why: "a customer who cleans up would delete another's data"},
	{rule: "B5", name: "tenants-write-at-once", run: tenantsWriteAtOnce, why: "under load the views of two customers would run together"},
}

// wallTenants and wallIDs run together when somebody joins them with a separator,
// folds their case, trims, cuts or normalises them.
var (
	wallTenants = []driver.TenantID{"a", "A", "a ", "a/b", "a:b", "a\x1fb", "a%2Fb", "é", "e\u0301", "%", driver.TenantID(strings.Repeat("t", 255)), driver.TenantID(strings.Repeat("t", 254))}
	wallIDs     = []string{"c", "b/c", "b:c", "b\x1fc", "a"}
)

func labelOf(tenant driver.TenantID) string { return "of " + string(tenant) }

// fillTenants stores the same IDs for every tenant, marked with its name.
func fillTenants(t *trial) {
	for _, tenant := range wallTenants {
		for _, id := range wallIDs {
			everything(t, t.backend.Tenant(tenant), id, labelOf(tenant))
		}
	}
}

func tenantsAreAWall(t *trial) {
	fillTenants(t)
	other := t.open()
	for _, tenant := range wallTenants {
		t.hasOnly(fmt.Sprintf("tenant %q", tenant), other.Tenant(tenant), labelOf(tenant), wallIDs...)
	}
	t.sameContents("looking at a tenant without anything", contentsOf(t, other.Tenant("stranger")), contents{})
}

// tenantsDestroyTheirOwn: what a tenant overwrites and deletes stays with the
// others, also when a new tenant does it.
func tenantsDestroyTheirOwn(t *trial) {
	fillTenants(t)
	before := map[driver.TenantID]contents{}
	for _, tenant := range wallTenants {
		before[tenant] = contentsOf(t, t.backend.Tenant(tenant))
	}
	for _, destroyer := range []driver.TenantID{"stranger", wallTenants[0], wallTenants[3]} {
		destroy(t, t.backend.Tenant(destroyer), wallIDs)
		delete(before, destroyer)
		for tenant, want := range before {
			t.sameContents(fmt.Sprintf("tenant %q destroyed what it has, for tenant %q", destroyer, tenant), contentsOf(t, t.backend.Tenant(tenant)), want)
		}
	}
}

// destroy overwrites and deletes all that can be.
func destroy(t *trial, s driver.Stores, ids []string) {
	for _, id := range ids {
		if s.Events != nil {
			t.append(s.Events, driver.ExecutionID(id), event("destroyed"))
		}
		if s.State != nil {
			t.set(s.State, id, "overwritten")
			t.save(s.State, snapshot(id, 9, "overwritten"))
			t.ok("Delete", s.State.Delete(t.ctx, id, driver.Precondition{}))
			t.ok("DeleteSnapshot", s.State.DeleteSnapshot(t.ctx, driver.ExecutionID(id)))
		}
		if s.Messages != nil {
			destroyThread(t, s.Messages, id)
		}
		if s.Vectors != nil {
			t.ok("EnsureCollection", s.Vectors.EnsureCollection(t.ctx, driver.Collection{Name: id, Dimension: 1, Metric: driver.Dot}))
			t.ok("Upsert", s.Vectors.Upsert(t.ctx, id, []driver.Document{doc(id, 99), doc("more", 1)}))
			t.ok("Delete", s.Vectors.Delete(t.ctx, id, []string{id}))
			t.ok("DeleteCollection", s.Vectors.DeleteCollection(t.ctx, id))
		}
	}
}

func destroyThread(t *trial, s driver.MessageStore, id string) {
	th, err := s.GetThread(t.ctx, driver.ThreadID(id), false)
	if err != nil {
		t.fails("GetThread of another tenant", err, driver.ErrNotFound)
		return
	}
	th.Title = "overwritten"
	_, err = s.UpdateThread(t.ctx, th)
	t.ok("UpdateThread", err)
	m, err := s.GetMessage(t.ctx, driver.MessageID(id), false)
	t.ok("GetMessage", err)
	m.Content = []byte("overwritten")
	_, err = s.UpdateMessage(t.ctx, m)
	t.ok("UpdateMessage", err)
	t.ok("DeleteMessage", s.DeleteMessage(t.ctx, m.ID))
	t.ok("DeleteThread", s.DeleteThread(t.ctx, th.ID))
}

func strangersFindNothing(t *trial) {
	everything(t, t.Stores, "id", "label")
	t.settle()
	for _, name := range []driver.TenantID{"stranger", "Acme", "acme ", "acm", "acmee", "%", "acme/id"} {
		s := t.backend.Tenant(name)
		refused := func(did string, err error) {
			t.fails(fmt.Sprintf("%s of tenant %q, as tenant %q", did, tenantID, name), err, driver.ErrNotFound)
		}
		if s.Events != nil {
			equal(t, fmt.Sprintf("LatestSequence of another's execution, as tenant %q", name), t.latest(s.Events, "id"), 0)
			equal(t, fmt.Sprintf("the events of another's execution, as tenant %q", name), len(t.load(s.Events, "id", 0)), 0)
		}
		if s.State != nil {
			_, err := s.State.Get(t.ctx, "id")
			refused("Get of a key", err)
			_, err = s.State.LoadSnapshot(t.ctx, "id")
			refused("LoadSnapshot", err)
			_, err = s.State.Set(t.ctx, "id", nil, driver.SetOptions{When: driver.IfAbsent()})
			t.ok("Set if absent of a key that another tenant has", err)
		}
		if s.Messages != nil {
			findNoThread(t, s.Messages, refused)
		}
		if s.Vectors != nil {
			_, err := s.Vectors.GetCollection(t.ctx, "id")
			refused("GetCollection", err)
			_, err = s.Vectors.Get(t.ctx, "id", "id")
			refused("Get of a document", err)
			_, err = s.Vectors.Search(t.ctx, "id", nearest(1, 1))
			refused("Search", err)
			refused("Upsert", s.Vectors.Upsert(t.ctx, "id", []driver.Document{doc("id", 1)}))
			refused("Delete of a document", s.Vectors.Delete(t.ctx, "id", []string{"id"}))
		}
	}
	t.hasOnly("the tenant whom strangers looked at", t.Stores, "label", "id")
}

func findNoThread(t *trial, s driver.MessageStore, refused func(string, error)) {
	_, err := s.GetThread(t.ctx, "id", true)
	refused("GetThread", err)
	_, err = s.GetMessage(t.ctx, "id", true)
	refused("GetMessage", err)
	_, _, err = s.ListMessages(t.ctx, driver.MessageQuery{Thread: "id", IncludeDeleted: true, Page: driver.Page{Limit: 9}})
	refused("ListMessages", err)
	found, _, err := s.ListMessages(t.ctx, driver.MessageQuery{Execution: "run", IncludeDeleted: true, Page: driver.Page{Limit: 9}})
	t.ok("ListMessages of an execution", err)
	equal(t, "the messages of another tenant's execution", len(found), 0)
	_, err = s.CreateMessage(t.ctx, said("id", "new"))
	refused("CreateMessage in a thread", err)
	_, err = s.UpdateThread(t.ctx, driver.Thread{ID: "id", User: "ann", Version: 1})
	refused("UpdateThread", err)
	_, err = s.UpdateMessage(t.ctx, driver.Message{ID: "id", Thread: "id", Role: "user", Version: 1})
	refused("UpdateMessage", err)
	refused("DeleteThread", s.DeleteThread(t.ctx, "id"))
	refused("DeleteMessage", s.DeleteMessage(t.ctx, "id"))
}

func tenantsWriteAtOnce(t *trial) {
	second := t.open()
	tenants := []driver.TenantID{"a", "A", "b", "a/b"}
	var ids []string
	for i := range 6 {
		ids = append(ids, fmt.Sprint("id", i))
	}
	t.together(len(tenants), func(w int) {
		for i, id := range ids {
			b := t.backend
			if (w+i)%2 == 0 {
				b = second
			}
			everything(t, b.Tenant(tenants[w]), id, labelOf(tenants[w]))
		}
	})
	for _, tenant := range tenants {
		t.hasOnly(fmt.Sprintf("tenant %q", tenant), t.backend.Tenant(tenant), labelOf(tenant), ids...)
	}
}
