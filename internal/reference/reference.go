// Package reference is the shortest correct implementation of all four roles, in
// the memory of the process. The driver "memory" is made of it, and the
// conformance suite compares other drivers with it. It imports package driver
// only.
package reference

import (
	"context"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// Store is the data of all tenants. Safe for concurrent use. Expired keys are
// removed by timers, which Stop ends.
type Store struct {
	// now is the store's clock. One lock for everything else: correct first.
	now     func() time.Time
	mu      sync.RWMutex
	tenants map[driver.TenantID]*tenant
}

// NewStore returns an empty store with this clock; nil: time.Now.
func NewStore(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{now: now, tenants: map[driver.TenantID]*tenant{}}
}

// HeldKeys counts the keys of all tenants, those that have expired and are not
// removed yet included.
func (s *Store) HeldKeys() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := 0
	for _, t := range s.tenants {
		n += len(t.keys)
	}
	return n
}

// tenant is one tenant's data, guarded by Store.mu.
type tenant struct {
	now         func() time.Time
	executions  map[driver.ExecutionID]*execution
	keys        map[string]*entry
	lastVersion uint64 // of any key, so that no version of a key comes again
	snapshots   map[driver.ExecutionID]driver.Snapshot
	threads     map[driver.ThreadID]*thread
	messages    map[driver.MessageID]*driver.Message
	touched     uint64 // counts updates of threads
	collections map[string]*collection
}

// Tenant returns one tenant's stores for a backend whose calls gate counts.
func (s *Store) Tenant(id driver.TenantID, gate *driver.Gate) driver.Stores {
	v := view{gate, s, id}
	return driver.Stores{Events: events{v}, State: state{v}, Messages: messages{v}, Vectors: vectors{v}}
}

// view is one tenant's window on a store.
type view struct {
	*driver.Gate
	store *Store
	id    driver.TenantID
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
		t = &tenant{now: v.store.clock}
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
			now:        v.store.clock,
			executions: map[driver.ExecutionID]*execution{}, keys: map[string]*entry{},
			snapshots: map[driver.ExecutionID]driver.Snapshot{}, threads: map[driver.ThreadID]*thread{},
			messages: map[driver.MessageID]*driver.Message{}, collections: map[string]*collection{},
		}
		v.store.tenants[v.id] = t
	}
	return f(t)
}

// clock is the time as stores keep it.
func (s *Store) clock() time.Time { return driver.Timestamp(s.now()) }
