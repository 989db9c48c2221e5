package zoo

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

// Driver returns b as a driver, for DSNs
//
//	zoo:NAME?token=SECRET   the memory of the process, or
//	zoo:/PATH?token=SECRET  a journal, when b is durable.
func (b *Broken) Driver() driver.Driver { return zooDriver{b} }

type zooDriver struct{ broken *Broken }

func (d zooDriver) OpenConnector(dsn string) (driver.Connector, error) {
	parse := func(dsn string) (driver.Connector, error) { return d.parse(dsn) }
	var c driver.Connector
	var err error
	if d.broken.Parse != nil {
		c, err = d.broken.Parse(dsn, parse)
	} else {
		c, err = parse(dsn)
	}
	if err == nil && d.broken.Connector != nil {
		c = d.broken.Connector(c, dsn)
	}
	return c, err
}

func (d zooDriver) parse(dsn string) (driver.Connector, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	if !strings.EqualFold(scheme, "zoo") || rest == "" {
		return nil, driver.Invalidf("zoo: the DSN is not of the form zoo:NAME")
	}
	name, query, _ := strings.Cut(rest, "?")
	name, err := url.PathUnescape(name)
	if err != nil {
		return nil, driver.Invalidf("zoo: the name in the DSN is not percent-encoded correctly")
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return nil, driver.Invalidf("zoo: the parameters in the DSN are not percent-encoded correctly")
	}
	for key, values := range parameters {
		if key != "token" {
			return nil, driver.Invalidf("zoo: unknown parameter %q; there is token only", key)
		}
		if len(values) > 1 {
			return nil, driver.Invalidf("zoo: parameter %q is given %d times", key, len(values))
		}
	}
	return &zooConnector{broken: d.broken, name: name}, nil
}

type descriptor struct{}

func (descriptor) Name() string            { return "zoo" }
func (descriptor) RequiresNetwork() bool   { return false }
func (descriptor) SupportsAirGapped() bool { return true }

type zooConnector struct {
	descriptor
	broken *Broken
	name   string
}

// opened is a store that handles share.
type opened struct {
	store  *reference.Store // nil for a journal, of which each handle has a copy
	memory Memory
	open   int
}

var stores = struct {
	sync.Mutex
	byName map[string]*opened
}{byName: map[string]*opened{}}

// HeldKeys counts the state keys that a store in memory holds.
func HeldKeys(dsn string) int {
	stores.Lock()
	defer stores.Unlock()
	_, name, _ := strings.Cut(dsn, ":")
	return stores.byName[name].store.HeldKeys()
}

func (c *zooConnector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stores.Lock()
	defer stores.Unlock()
	o := stores.byName[c.name]
	if o == nil {
		o = &opened{}
		if !c.broken.Durable {
			o.store = reference.NewStore(nil)
		}
	}
	z := &zooBackend{broken: c.broken, name: c.name, opened: o, handle: &Memory{}}
	if c.broken.Durable {
		j, err := openJournal(ctx, c.name, &z.Gate)
		if err != nil {
			return nil, err
		}
		z.journal = j
	}
	stores.byName[c.name] = o
	o.open++
	if c.broken.Backend != nil {
		return c.broken.Backend(z, z.place("")), nil
	}
	return z, nil
}

type zooBackend struct {
	descriptor
	driver.Gate
	broken  *Broken
	name    string
	opened  *opened
	handle  *Memory
	journal *journal
}

func (z *zooBackend) place(tenant driver.TenantID) *Place {
	return &Place{DSN: "zoo:" + z.name, Tenant: tenant, Store: &z.opened.memory, Handle: z.handle}
}

// stores is the view without the fault.
func (z *zooBackend) stores(id driver.TenantID) driver.Stores {
	if z.journal != nil {
		return z.journal.tenant(id, &z.Gate)
	}
	return z.opened.store.Tenant(id, &z.Gate)
}

func (z *zooBackend) Tenant(id driver.TenantID) driver.Stores {
	s, at := z.broken.offered(z.stores(id)), z.place(id)
	if z.broken.Events != nil {
		s.Events = z.broken.Events(s.Events, at)
	}
	if z.broken.State != nil {
		s.State = z.broken.State(s.State, at)
	}
	if z.broken.Messages != nil {
		s.Messages = z.broken.Messages(s.Messages, at)
	}
	if z.broken.Vectors != nil {
		s.Vectors = z.broken.Vectors(s.Vectors, at)
	}
	if z.broken.Stores != nil {
		s = z.broken.Stores(s, plain{z}, at)
	}
	return s
}

// plain is a backend without the fault.
type plain struct{ *zooBackend }

func (p plain) Tenant(id driver.TenantID) driver.Stores { return p.stores(id) }

// CommitsAtOnce implements driver.EventBatcher.
func (z *zooBackend) CommitsAtOnce() int { return 1 }

// AppendEach implements driver.EventBatcher.
func (z *zooBackend) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	if z.broken.Each != nil {
		return z.broken.Each(ctx, plain{z}, z.place(""), appends)
	}
	return plain{z}.AppendEach(ctx, appends)
}

// AppendEach is without the fault.
func (p plain) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	if p.journal == nil {
		return p.opened.store.AppendEach(ctx, &p.Gate, appends)
	}
	results := make([]driver.AppendResult, len(appends))
	for i, a := range appends {
		results[i].Last, results[i].Err = p.stores(a.Tenant).Events.Append(ctx, a.Execution, a.Expect, a.Events)
	}
	return results
}

func (z *zooBackend) HealthCheck(ctx context.Context) error {
	if err := z.Enter(ctx); err != nil {
		return err
	}
	defer z.Leave()
	if z.journal != nil {
		return z.journal.read(ctx)
	}
	return nil
}

func (z *zooBackend) Shutdown(ctx context.Context) error {
	first, err := z.Close(ctx)
	switch {
	case !first:
		return nil
	case err == nil:
		z.release()
		return nil
	}
	go func() {
		<-z.Drained()
		z.release()
	}()
	return err
}

// release gives everything back; nobody is inside any more.
func (z *zooBackend) release() {
	if z.journal != nil {
		z.journal.close()
	}
	stores.Lock()
	defer stores.Unlock()
	if z.opened.open--; z.opened.open == 0 {
		delete(stores.byName, z.name)
		if z.opened.store != nil {
			z.opened.store.Stop()
		}
	}
}
