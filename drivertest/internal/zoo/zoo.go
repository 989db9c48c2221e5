// Package zoo keeps broken drivers: the reference implementation with one fault
// each, to show that the conformance suite notices. Only its tests import it.
package zoo

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// Broken is a driver with one fault. It replaces what the reference does through
// those of its functions that are set.
type Broken struct {
	// Name is in lower case with hyphens.
	Name string
	// Rule is the number of the rule that it breaks.
	Rule string
	// Fault says in a sentence what it does wrong.
	Fault string

	// Durable: the store is a journal in a file, which processes share, instead
	// of this process's memory.
	Durable bool
	// Eventual is the delay that the driver declares (V8).
	Eventual time.Duration
	// Hangs: the fault keeps a check from ending. It is given less time.
	Hangs bool

	// Parse replaces how a DSN is parsed; parse is the reference's way.
	Parse func(dsn string, parse func(string) (driver.Connector, error)) (driver.Connector, error)
	// Connect replaces the connector that parsing returned, Backend what it
	// connects to, and the others a tenant's stores.
	Connector func(c driver.Connector, dsn string) driver.Connector
	Backend   func(b driver.Backend, at *Place) driver.Backend
	Events    func(s driver.EventStore, at *Place) driver.EventStore
	State     func(s driver.StateStore, at *Place) driver.StateStore
	Messages  func(s driver.MessageStore, at *Place) driver.MessageStore
	Vectors   func(s driver.VectorStore, at *Place) driver.VectorStore
	// Each replaces AppendEach.
	Each func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult
	// Stores replaces the view of a tenant, after the four above; backend is
	// the reference's.
	Stores func(s driver.Stores, backend driver.Backend, at *Place) driver.Stores
}

// Roles are those that the driver offers: the one that its fault is in, or all.
func (b *Broken) Roles() []driver.Role {
	var in []driver.Role
	for role, there := range map[driver.Role]bool{
		driver.RoleEvents: b.Events != nil || b.Each != nil, driver.RoleState: b.State != nil, driver.RoleMessages: b.Messages != nil, driver.RoleVectors: b.Vectors != nil,
	} {
		if there {
			in = append(in, role)
		}
	}
	if len(in) != 1 || b.Parse != nil || b.Connector != nil || b.Backend != nil || b.Stores != nil {
		return []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors}
	}
	return in
}

// offered is s without the roles that the driver does not offer.
func (b *Broken) offered(s driver.Stores) driver.Stores {
	offered := driver.Stores{}
	for _, role := range b.Roles() {
		switch role {
		case driver.RoleEvents:
			offered.Events = s.Events
		case driver.RoleState:
			offered.State = s.State
		case driver.RoleMessages:
			offered.Messages = s.Messages
		case driver.RoleVectors:
			offered.Vectors = s.Vectors
		}
	}
	return offered
}

// All returns every broken driver, by rule.
func All() []*Broken {
	return slices.Concat(openings, shutdowns, backends, events, appendEaches, crashes, states, stateEaches, messages, vectors)
}

// Correct returns the reference as a driver without a fault.
func Correct(durable bool) *Broken { return &Broken{Name: "correct", Durable: durable} }

// Find returns the broken driver with this name, the correct one for none.
func Find(name string) *Broken {
	for _, b := range All() {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// Place says where a replaced method works, and holds what a fault remembers.
type Place struct {
	DSN    string
	Tenant driver.TenantID // empty for a backend
	// Store is common to all handles on the DSN in this process, and Handle to
	// all tenants of one handle.
	Store, Handle *Memory
}

// Memory is what a fault remembers. Safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	values map[string]any
}

// Remember returns what is kept under key, a zero T at first. Give T a lock of its own,
// or atomics, where calls may meet.
func Remember[T any](m *Memory, key string) *T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]any{}
	}
	v, ok := m.values[key].(*T)
	if !ok {
		v = new(T)
		m.values[key] = v
	}
	return v
}
