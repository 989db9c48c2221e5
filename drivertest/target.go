package drivertest

import (
	"slices"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// Target is a driver to test and what it declares about itself. Only Driver, DSN
// and Roles are required.
type Target struct {
	// Driver is what is tested.
	Driver driver.Driver
	// DSN returns the DSN of a new, empty store. It is called at least once for
	// each check, from several goroutines, and cleans up with tb.Cleanup. Start
	// servers in it, once, rather than before Run: some checks run this test
	// binary again as another process, which enters Run with a DSN of its own.
	DSN func(tb testing.TB) string
	// Roles are those that the driver offers. One that is offered and not
	// listed fails, as does one that is listed and not offered.
	Roles []driver.Role

	// Volatile declares that the data goes when the last handle on it is shut
	// down. Checks of restarts and of killed processes are left out.
	Volatile bool
	// Eventual declares that what was written to vectors may be seen this much
	// later (V8). Zero: at once.
	Eventual time.Duration
	// TimeResolution declares how coarse the store's clock is: how much later
	// than its TTL a key may go, and how far its times may be from the caller's
	// clock. Zero stands for a millisecond.
	TimeResolution time.Duration
	// Deviations are the rules that the driver is known to break.
	Deviations []Deviation

	// Malformed lists DSNs that the driver must refuse when it parses them,
	// besides those that Run makes up.
	Malformed []string
	// SecretDSNs returns DSNs that hold secret in every place where this
	// driver takes one: a password, a token, a key. Nothing needs to answer at
	// the address in them; it must be one of the loopback. Nil: the driver
	// takes no secrets.
	SecretDSNs func(secret string) []string
	// Engine returns a new, empty store whose engine the suite may take away
	// and give back. Nil: what needs that is left out.
	Engine func(tb testing.TB) Engine
	// HeldKeys counts what the engine holds of state keys in a store, expired
	// ones included. Nil: that expired data is reclaimed (S2) is left out.
	HeldKeys func(tb testing.TB, dsn string) int
	// ReclaimWithin is how long after expiry HeldKeys may still count a key.
	// Zero stands for a minute.
	ReclaimWithin time.Duration
	// Timeout is how long one check may take before it is given up as hanging;
	// a single call that should return at once may take an eighth of it. Zero
	// stands for two minutes. When several checks hang the rest is not run.
	Timeout time.Duration

	variant string // tells targets of one test function apart, for child processes
}

// Deviation is a rule that a driver is known to break.
type Deviation struct {
	// Rule is its number, for example "B7".
	Rule string
	// Check is the name of one check of this rule; empty: all of them.
	Check string
	// Reason says why, for those who choose a driver.
	Reason string
}

// Engine is a store whose engine can be taken away.
type Engine struct {
	// DSN opens it.
	DSN string
	// Stop makes the engine unusable, at once, and Start usable again. What was
	// acknowledged before must be there after.
	Stop, Start func()
	// Pause makes the engine hang: it takes requests and does not answer.
	// Resume ends that. Both are nil when it cannot be done.
	Pause, Resume func()
}

func (t *Target) offers(role driver.Role) bool { return slices.Contains(t.Roles, role) }

func (t *Target) timeout() time.Duration       { return orDefault(t.Timeout, 2*time.Minute) }
func (t *Target) resolution() time.Duration    { return orDefault(t.TimeResolution, time.Millisecond) }
func (t *Target) reclaimWithin() time.Duration { return orDefault(t.ReclaimWithin, time.Minute) }

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}
