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

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
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

// shared is a store and how many backends have it open.
type shared struct {
	*reference.Store
	open int
}

// named holds the stores that are open under a name.
var named = struct {
	sync.Mutex
	stores map[string]*shared
}{stores: map[string]*shared{}}

func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	named.Lock()
	defer named.Unlock()
	s := named.stores[c.name]
	if s == nil {
		s = &shared{Store: reference.NewStore(nil)}
		if c.name != "" {
			named.stores[c.name] = s
		}
	}
	s.open++
	return &backend{name: c.name, store: s}, nil
}

// backend is one handle on a store.
type backend struct {
	descriptor
	driver.Gate
	name  string
	store *shared
}

func (b *backend) Tenant(id driver.TenantID) driver.Stores { return b.store.Tenant(id, &b.Gate) }

// AppendEach implements driver.EventBatcher.
func (b *backend) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	return b.store.AppendEach(ctx, &b.Gate, appends)
}

// CommitsAtOnce implements driver.EventBatcher.
func (b *backend) CommitsAtOnce() int { return 1 }

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
		b.store.Stop()
	}
	return err
}
