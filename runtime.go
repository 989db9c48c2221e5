package enact

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/enactdev/enact/driver"
)

// Runtime is a set of open backends. Make one with [Open], share it, and shut it
// down when the program ends.
type Runtime struct {
	opened    []opened // in the order of opening, each backend once
	backends  map[driver.Role]driver.Backend
	airGapped bool
	groups    *groupCommit // of the events' backend; nil: none
	log       *slog.Logger

	shutdown sync.Once
}

type opened struct {
	name string
	driver.Backend
}

// Tenant is one tenant's stores. It is cheap to make. Nothing reached through it
// belongs to another tenant.
type Tenant struct {
	Events   *EventStore
	State    *StateStore
	Messages *MessageStore
	Vectors  *VectorStore

	id  TenantID
	log *slog.Logger
}

// Tenant returns the stores of one tenant. If id is not a valid identifier every
// method of them returns [ErrInvalid].
func (r *Runtime) Tenant(id TenantID) *Tenant {
	invalid := driver.ValidateID("tenant ID", id)
	stores := func(role driver.Role) (access, driver.Stores) {
		b := r.backends[role]
		switch {
		case invalid != nil:
			return access{invalid}, driver.Stores{}
		case b == nil:
			return access{fmt.Errorf("%w: no %s store is open; name one in enact.Config", driver.ErrUnsupported, role)}, driver.Stores{}
		}
		return access{}, b.Tenant(id)
	}
	t := &Tenant{id: id, log: r.log.With("tenant", string(id))}
	a, s := stores(driver.RoleEvents)
	t.Events = &EventStore{a, s.Events, id, r.groups}
	a, s = stores(driver.RoleState)
	t.State = &StateStore{a, s.State}
	a, s = stores(driver.RoleMessages)
	t.Messages = &MessageStore{a, s.Messages}
	a, s = stores(driver.RoleVectors)
	t.Vectors = &VectorStore{a, s.Vectors}
	return t
}

// ID returns the tenant's identifier.
func (t *Tenant) ID() TenantID { return t.id }

// AirGapped reports whether the runtime was opened in air-gapped mode.
func (r *Runtime) AirGapped() bool { return r.airGapped }

// HealthCheck asks every backend, all at once, and returns one error that names
// each that is not well.
func (r *Runtime) HealthCheck(ctx context.Context) error {
	errs := make([]error, len(r.opened))
	var wg sync.WaitGroup
	for i, b := range r.opened {
		wg.Go(func() { errs[i] = b.HealthCheck(ctx) })
	}
	wg.Wait()
	return r.failures("health", errs)
}

// shutdownStagger is how long Shutdown waits for one backend before it begins
// with the next.
const shutdownStagger = 20 * time.Millisecond

// Shutdown shuts every backend down once, in reverse order of opening; one that
// takes long does not keep the others waiting. It returns one error that names
// each that failed. Calls in flight may end until ctx is done. The second call
// waits for the first and returns nil.
func (r *Runtime) Shutdown(ctx context.Context) error {
	errs := make([]error, len(r.opened))
	r.shutdown.Do(func() {
		if r.groups != nil {
			r.groups.Close(ctx) // appends that wait for their commit are calls in flight
		}
		var wg sync.WaitGroup
		for i, b := range slices.Backward(r.opened) {
			done := make(chan struct{})
			wg.Go(func() {
				defer close(done)
				errs[i] = b.Shutdown(ctx)
			})
			select {
			case <-done:
			case <-time.After(shutdownStagger):
			}
		}
		wg.Wait()
	})
	return r.failures("shutdown", errs)
}

// failures joins what came of something done to every backend.
func (r *Runtime) failures(what string, errs []error) error {
	failed := new(multierror.Error)
	for i, err := range errs {
		if err != nil {
			failed = multierror.Append(failed, fmt.Errorf("%s of %s: %w", what, r.opened[i].name, err))
		}
	}
	return oneLine(failed)
}
