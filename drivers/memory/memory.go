// Package memory is the reference driver of enact: the shortest correct
// implementation of all four roles, kept in the memory of the process. It suits
// tests and trials; nothing survives the process.
//
// Importing it registers the DSN scheme "memory":
//
//	memory:          a store of its own for everyone who opens it
//	memory:NAME      one store for all in this process that open the same NAME,
//	                 for as long as one of them has it open
//
// There are no parameters. A name may be percent-encoded.
package memory

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func init() { enact.Register("memory", memoryDriver{}) }

type memoryDriver struct{}

func (memoryDriver) OpenConnector(dsn string) (driver.Connector, error) {
	_, rest, found := strings.Cut(dsn, ":")
	if !found {
		return nil, driver.Invalidf("memory: the DSN has no scheme; write memory: or memory:NAME")
	}
	if strings.ContainsAny(rest, "?#") {
		return nil, driver.Invalidf("memory: the DSN takes no parameters")
	}
	name, err := url.PathUnescape(strings.TrimPrefix(rest, "//"))
	if err != nil {
		return nil, driver.Invalidf("memory: the name in the DSN is not percent-encoded correctly")
	}
	return NewConnector(name), nil
}

// NewConnector returns a connector to the store called name; empty: a new store
// for every Connect.
func NewConnector(name string) driver.Connector { return &connector{name: name} }

type descriptor struct{}

func (descriptor) Name() string            { return "memory" }
func (descriptor) RequiresNetwork() bool   { return false }
func (descriptor) SupportsAirGapped() bool { return true }

type connector struct {
	descriptor
	name string
}

// named holds the stores that are open under a name, and how often.
var named = struct {
	sync.Mutex
	stores map[string]*store
}{stores: map[string]*store{}}

func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	named.Lock()
	defer named.Unlock()
	s := named.stores[c.name]
	if s == nil {
		s = &store{tenants: map[driver.TenantID]*tenant{}}
		if c.name != "" {
			named.stores[c.name] = s
		}
	}
	s.open++
	return &backend{name: c.name, store: s}, nil
}

// store is the data. One lock for everything: correct first.
type store struct {
	open    int // guarded by named
	mu      sync.RWMutex
	tenants map[driver.TenantID]*tenant
}

// tenant is one tenant's data, guarded by store.mu.
type tenant struct {
	executions  map[driver.ExecutionID]*execution
	keys        map[string]*entry
	lastVersion uint64 // of any key, so that no version of a key comes again
	snapshots   map[driver.ExecutionID]driver.Snapshot
	threads     map[driver.ThreadID]*thread
	messages    map[driver.MessageID]*driver.Message
	touched     uint64 // counts updates of threads
	collections map[string]*collection
}

// backend is one handle on a store.
type backend struct {
	descriptor
	driver.Gate
	name  string
	store *store
}

func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	v := view{b, id}
	return driver.Stores{Events: events{v}, State: state{v}, Messages: messages{v}, Vectors: vectors{v}}
}

func (b *backend) HealthCheck(ctx context.Context) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	b.Leave()
	return nil
}

func (b *backend) Shutdown(ctx context.Context) error {
	first, err := b.Close(ctx)
	if !first {
		return nil
	}
	named.Lock()
	defer named.Unlock()
	if b.store.open--; b.store.open == 0 {
		if b.name != "" {
			delete(named.stores, b.name)
		}
		b.store.stopTimers()
	}
	return err
}

// view is one tenant's window on a backend.
type view struct {
	*backend
	id driver.TenantID
}

// read runs f with the tenant's data, which f must not change.
func (v view) read(ctx context.Context, f func(*tenant) error) error {
	if err := v.Enter(ctx); err != nil {
		return err
	}
	defer v.Leave()
	v.store.mu.RLock()
	defer v.store.mu.RUnlock()
	t := v.store.tenants[v.id]
	if t == nil {
		t = &tenant{}
	}
	return f(t)
}

// write runs f with the tenant's data. f checks everything before it changes
// anything.
func (v view) write(ctx context.Context, f func(*tenant) error) error {
	if err := v.Enter(ctx); err != nil {
		return err
	}
	defer v.Leave()
	v.store.mu.Lock()
	defer v.store.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err // it may have ended while waiting for the lock
	}
	t := v.store.tenants[v.id]
	if t == nil {
		t = &tenant{
			executions: map[driver.ExecutionID]*execution{}, keys: map[string]*entry{},
			snapshots: map[driver.ExecutionID]driver.Snapshot{}, threads: map[driver.ThreadID]*thread{},
			messages: map[driver.MessageID]*driver.Message{}, collections: map[string]*collection{},
		}
		v.store.tenants[v.id] = t
	}
	return f(t)
}

// now is the store's clock.
func now() time.Time { return driver.Timestamp(time.Now()) }
