// Package store is what a soak runs on: stores that are made for it, with the faults
// that can be injected into them. A store is a file of this package.
package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// Store is a store that belongs to the soak.
type Store interface {
	// Config opens it, for those roles that it offers.
	Config() enact.Config
	// Secret is the password in its DSN; empty: there is none.
	Secret() string
	// Faults are what can be done to it.
	Faults() []Fault
	// Rest ends what is kept between calls and grows and shrinks by chance, before
	// memory is measured.
	Rest()
	// Remove ends and deletes it.
	Remove() error
}

// Kind is a kind of store.
type Kind struct {
	Name string
	// Missing says what is missing to have one; empty: nothing.
	Missing func() string
	// Optional: who may not have one need not be told to install it.
	Optional bool
	// Open makes one.
	Open func() (Store, error)
}

// Kinds are all kinds.
var Kinds = []Kind{sqlite, smallDisk, postgres, redis}

// Family is what faults are chosen by.
type Family string

// The families of faults. Those that befall processes with worker are of them as well.
const (
	Kill  Family = "kill"
	Cut   Family = "cut"
	Stall Family = "stall"
	Full  Family = "full"
)

// Families are all of them.
var Families = []Family{Kill, Cut, Stall, Full}

// Fault is something that goes wrong for a while.
type Fault struct {
	Family Family
	// Inject has it go wrong for a duration, or until the context ends, and returns
	// when all is as it was.
	Inject func(ctx context.Context, d time.Duration, r *rand.Rand) error
}

// Roles are the roles that a configuration opens.
func Roles(c enact.Config) (roles []driver.Role) {
	for role, dsn := range map[driver.Role]string{
		driver.RoleEvents: c.Events, driver.RoleState: c.State, driver.RoleMessages: c.Messages, driver.RoleVectors: c.Vectors,
	} {
		if dsn != "" {
			roles = append(roles, role)
		}
	}
	return roles
}

// wait waits for a duration or the end of the context.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
