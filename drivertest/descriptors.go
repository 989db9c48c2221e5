package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var descriptorChecks = []check{
	{
		rule: "B2", name: "descriptor-never-changes",
		why: "air-gapped mode lets a backend in by what its connector says, and the backend says something else", run: descriptorNeverChanges,
	},
	{
		rule: "B2", name: "sockets-are-declared",
		why:   "a backend that is let into air-gapped mode as needing no network opens sockets there",
		alone: true, run: socketsAreDeclared,
	},
	{
		rule: "B2", name: "address-is-network",
		why: "a DSN with somebody's address in it is let into air-gapped mode, and that address is called", run: addressIsNetwork,
	},
	{
		rule: "B2", name: "roles",
		why: "a role that a tenant has no store for crashes who asked for it, and one that is there undeclared is not tested", run: rolesAreTheDeclared,
	},
	{
		rule: "B2", name: "tenant-does-nothing",
		why:   "a view of a tenant is made for every request: what it opens is never closed",
		alone: true, run: tenantDoesNothing,
	},
}

// description is what a driver.Descriptor says.
type description struct {
	Name                               string
	RequiresNetwork, SupportsAirGapped bool
}

func describeBackend(d driver.Descriptor) description {
	return description{d.Name(), d.RequiresNetwork(), d.SupportsAirGapped()}
}

// sensible ends the check unless the description could be true.
func (t *trial) sensible(d description) {
	if strings.TrimSpace(d.Name) == "" || strings.ContainsAny(d.Name, "\r\n") {
		t.fatal("Name", fmt.Sprintf("%q", d.Name), "the kind of backend, for example \"sqlite\"")
	}
	if !d.RequiresNetwork && !d.SupportsAirGapped {
		t.fatal("SupportsAirGapped of a backend that requires no network", false, true)
	}
}

func descriptorNeverChanges(t *trial) {
	c := t.parse(t.dsn)
	want := describeBackend(c)
	t.sensible(want)
	same := func(when string, d driver.Descriptor) {
		for range 3 {
			equal(t, "the description "+when, describeBackend(d), want)
		}
	}
	same("when asked again", c)
	same("of another connector of the same DSN", t.parse(t.dsn))
	same("of the backend", t.backend)
	done, cancel := context.WithCancel(t.ctx)
	cancel()
	if b, err := c.Connect(done); err == nil {
		t.shutDown(b)
	}
	same("of a connector that has failed to connect", c)
	b := t.connected(c)
	same("of a connector that is connected", c)
	same("of a backend that is new", b)
	t.together(4, func(int) { same("when several ask", b); same("when several ask", c) })
	t.ok("HealthCheck", b.HealthCheck(t.ctx))
	b.HealthCheck(done)
	t.useAll(b.Tenant(tenantID))
	same("of a backend that was used", b)
	t.shutDown(b)
	same("of a backend that is shut down", b)
	same("of a connector whose backend is shut down", c)
	t.reopen()
	same("of a backend that was opened again", t.backend)
	if t.target.SecretDSNs != nil {
		for _, dsn := range t.target.SecretDSNs("word") {
			t.sensible(describeBackend(t.parse(dsn)))
		}
	}
}

// useAll writes and reads in every role.
func (t *trial) useAll(s driver.Stores) {
	if s.Events != nil {
		t.append(s.Events, "used", event("used"))
		t.load(s.Events, "used", 0)
	}
	if s.State != nil {
		t.set(s.State, "used", "used")
		t.get(s.State, "used")
		t.save(s.State, snapshot("used", 1, "used"))
	}
	if s.Messages != nil {
		t.thread(s.Messages, "used")
		t.say(s.Messages, "used", "used")
	}
	if s.Vectors != nil {
		t.collection(s.Vectors, "used", 1, driver.Dot)
		t.upsert(s.Vectors, "used", doc("used", 1))
		t.search(s.Vectors, "used", nearest(1, 1))
	}
}

func socketsAreDeclared(t *trial) {
	dsn := t.fresh()
	c := t.parse(dsn)
	if c.RequiresNetwork() {
		return
	}
	before, ok := sockets()
	if !ok {
		return
	}
	none := func(did string) {
		if opened := networkSockets(before); len(opened) > 0 {
			t.fatal(did+" a backend that says that it requires no network", "new sockets: "+strings.Join(opened, "; "), "none")
		}
	}
	b := t.connected(c)
	none("connecting")
	t.useAll(b.Tenant(tenantID))
	t.ok("HealthCheck", b.HealthCheck(t.ctx))
	none("using")
}

func addressIsNetwork(t *trial) {
	dsns := []string{t.dsn}
	if t.target.SecretDSNs != nil {
		dsns = append(dsns, t.target.SecretDSNs("word")...)
	}
	for _, dsn := range dsns {
		s := t.listen()
		c, err := t.target.Driver.OpenConnector(withAddress(dsn, s.address()))
		if err != nil {
			continue
		}
		d := describeBackend(c)
		t.sensible(d)
		ctx, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
		defer cancel()
		t.endsInTime("Connect to a server that never answers, with a deadline", func() {
			if b, err := c.Connect(ctx); err == nil {
				b.HealthCheck(ctx)
				b.Shutdown(ctx)
			}
		})
		if s.visited() > 0 && !d.RequiresNetwork {
			t.fatal("Connect with the address of a listener in the DSN", "RequiresNetwork is false, and the listener was connected to", "true")
		}
	}
}

func rolesAreTheDeclared(t *trial) {
	want := slices.DeleteFunc(slices.Clone(allRoles), func(r driver.Role) bool { return !t.offers(r) })
	b := t.open()
	ids := []driver.TenantID{tenantID, "another", "", "A"}
	for _, id := range nastyIDs {
		ids = append(ids, driver.TenantID(id))
	}
	same := func(when string) {
		for _, id := range ids {
			if id != "" {
				equal(t, fmt.Sprintf("the roles that tenant %.40q is offered %s", id, when), rolesOf(b.Tenant(id)), want)
			}
		}
	}
	same("at first")
	t.useAll(b.Tenant(tenantID))
	t.useAll(b.Tenant("another"))
	same("when others have written")
	t.together(4, func(int) { same("when several ask") })
	t.shutDown(b)
	same("after Shutdown")
	equal(t, "the roles on another handle", rolesOf(t.Stores), want)
}

func tenantDoesNothing(t *trial) {
	const many = 300
	before, _ := openFiles()
	t.strayless(fmt.Sprintf("Tenant, for %d tenants", many), func() {
		for i := range many {
			t.backend.Tenant(driver.TenantID(fmt.Sprint("tenant ", i)))
		}
	})
	t.until(fmt.Sprintf("Tenant, for %d tenants: open files and sockets of this process", many), t.patience()/5, fmt.Sprintf("about %d, as before", before), func() (string, bool) {
		now, ok := openFiles()
		return fmt.Sprint(now), !ok || now < before+many/2 // an engine may open some by itself meanwhile
	})
}
