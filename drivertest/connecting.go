package drivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var connectingChecks = []check{
	{
		rule: "B1", name: "connectors-are-values",
		why: "stores that are given the same connector share one backend: comparing two must neither panic nor depend on what was done with them", run: connectorsAreComparable,
	},
	{
		rule: "B1", name: "connect-again",
		why: "the second of those who share a connector gets nothing, or loses its store when the first one closes", run: connectAgain,
	},
	{
		rule: "B1", name: "connect-with-a-done-context",
		why:   "a program that gives up starting goes on connecting, or leaves connections behind",
		alone: true, run: connectWithDoneContext,
	},
	{
		rule: "B1", name: "connect-cancelled-at-any-moment",
		why: "a start that is interrupted leaves a store that cannot be opened any more", run: connectCancelledAtAnyMoment,
	},
	{
		rule: "B1", name: "connect-outlived",
		why: "stores stop working when the deadline for opening them passes", run: connectOutlived,
	},
	{
		rule: "B1", name: "connected-is-usable",
		why: "a program starts well without a store, and fails at the first thing that it is asked to do", run: connectedIsUsable,
	},
	{
		rule: "B1", name: "connect-to-silence",
		why: "a server that hangs makes every program hang that starts, or it starts without a store", run: connectToSilence,
	},
}

func connectorsAreComparable(t *trial) {
	c, other := t.parse(t.dsn), t.parse(t.fresh())
	known := map[driver.Connector]string{c: "one", other: "other"} // panics if it cannot be compared
	b := t.connected(c)
	t.ok("HealthCheck", b.HealthCheck(t.ctx))
	if again := c; c != again || c == other || known[c] != "one" || known[other] != "other" {
		t.fatal("comparing connectors with ==", fmt.Sprintf("a connector is equal to itself: %t, to that of another DSN: %t", known[c] == "one", c == other), "true and false")
	}
}

func connectAgain(t *trial) {
	const handles = 4
	c := t.parse(t.dsn)
	opened := make([]driver.Backend, handles)
	t.together(handles, func(i int) {
		var err error
		opened[i], err = c.Connect(t.shaken())
		t.ok("Connect of one connector, at the same time as others", err)
	})
	for i, b := range opened {
		t.leaveMark(b.Tenant(tenantID), fmt.Sprint("handle ", i))
	}
	want := []string{"handle 0", "handle 1", "handle 2", "handle 3"}
	for i, b := range opened {
		t.ok("HealthCheck of a handle whose connector was connected before", b.HealthCheck(t.ctx))
		equal(t, fmt.Sprintf("what all handles of one connector wrote, seen by handle %d", i), t.marks(b.Tenant(tenantID)), want)
		t.shutDown(b)
	}
	last := t.connected(c)
	t.ok("HealthCheck of a handle whose connector was connected and shut down before", last.HealthCheck(t.ctx))
	equal(t, "what handles of the same connector wrote before they were shut down", t.marks(last.Tenant(tenantID)), want)
	equal(t, "what handles of another connector of the same DSN wrote", t.marks(t.Stores), want)
}

// connectWithDoneContext tries a store that is new and one that is in use.
func connectWithDoneContext(t *trial) {
	cancelled, cancel := context.WithCancel(t.ctx)
	cancel()
	late, cancel := context.WithDeadline(t.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for _, dsn := range []string{t.fresh(), t.dsn} {
		c := t.parse(dsn)
		before, _ := openFiles()
		t.strayless("Connect with a context that is done", func() {
			for range 10 {
				t.refusedByContext("Connect with a cancelled context", c, cancelled, context.Canceled)
				t.refusedByContext("Connect after the context's deadline", c, late, context.DeadlineExceeded)
			}
		})
		t.filesStay("Connect with a context that is done, 20 times", before)
		t.ok("HealthCheck of a connector that was refused before", t.connected(c).HealthCheck(t.ctx))
	}
}

func (t *trial) refusedByContext(did string, c driver.Connector, ctx context.Context, want error) {
	b, err := c.Connect(ctx)
	if err == nil {
		t.shutDown(b)
	}
	t.fails(did, err, want)
}

// connectCancelledAtAnyMoment cancels when the driver looks at the context for the
// first time, for the second, and so on.
func connectCancelledAtAnyMoment(t *trial) {
	dsn := t.fresh()
	c := t.parse(dsn)
	for n := range t.rounds(5, 60) {
		ctx := newCancelledAtLook(t.ctx, n)
		did := fmt.Sprintf("Connect, cancelled when it looks at its context for the %d. time", n+1)
		b, err := c.Connect(ctx)
		looked := ctx.looks(n)
		ctx.cancel()
		if err != nil {
			t.fails(did, err, context.Canceled)
			continue
		}
		t.ok("HealthCheck after "+did, b.HealthCheck(t.ctx))
		t.shutDown(b)
		if looked < n {
			break
		}
	}
	s := t.connected(c).Tenant(tenantID)
	t.leaveMark(s, "after all")
	equal(t, "a new store that Connect was cancelled on again and again", t.marks(s), []string{"after all"})
}

func connectOutlived(t *trial) {
	type key struct{}
	ctx, cancel := context.WithTimeout(context.WithValue(t.ctx, key{}, "x"), t.patience())
	b, err := t.parse(t.dsn).Connect(ctx)
	cancel()
	t.ok("Connect", err)
	t.mu.Lock()
	t.handles = append(t.handles, b)
	t.mu.Unlock()
	t.sleep(5 * time.Millisecond)
	t.ok("HealthCheck after the context of Connect was cancelled", b.HealthCheck(t.ctx))
	t.leaveMark(b.Tenant(tenantID), "later")
	equal(t, "what was written after the context of Connect was cancelled", t.marks(t.Stores), []string{"later"})
	t.together(4, func(int) { // more connections than one, where there is a pool
		for range 5 {
			t.marks(b.Tenant(tenantID))
		}
	})
}

// connectedIsUsable connects to stores that are probably not there. Whoever makes
// them where they are missing has made them.
func connectedIsUsable(t *trial) {
	t.usableOrRefused("Connect to an address where nobody listens", withAddress(t.dsn, t.nobody()))
	if absent, ok := withoutPlace(t.dsn); ok {
		t.usableOrRefused("Connect to a file whose folder is missing", absent)
	}
	if t.target.SecretDSNs != nil {
		for _, dsn := range t.target.SecretDSNs("word") {
			t.usableOrRefused("", dsn)
		}
	}
}

// usableOrRefused connects to a store that cannot be there if did says so.
func (t *trial) usableOrRefused(did, dsn string) {
	c, err := t.target.Driver.OpenConnector(dsn)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.patience()/3)
	defer cancel()
	b, err := c.Connect(ctx)
	if err == nil {
		t.ok("HealthCheck right after Connect", b.HealthCheck(t.ctx))
		t.leaveMark(b.Tenant(tenantID), "usable")
		t.shutDown(b)
		return
	}
	if did == "" || ctx.Err() != nil {
		return
	}
	for _, known := range []error{driver.ErrInvalid, driver.ErrUnsupported, driver.ErrNotFound} {
		if errors.Is(err, known) {
			return
		}
	}
	t.fails(did, err, driver.ErrUnavailable)
}

// connectToSilence connects to a listener that never answers. A driver that takes
// no address, or refuses the DSN, is none of its business.
func connectToSilence(t *trial) {
	dsns := []string{t.dsn}
	if t.target.SecretDSNs != nil {
		dsns = append(dsns, t.target.SecretDSNs("word")...)
	}
	for _, dsn := range dsns {
		t.silenceEnds(dsn, context.DeadlineExceeded, func(*stranger) (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.ctx, 100*time.Millisecond)
		})
		t.silenceEnds(dsn, context.Canceled, func(s *stranger) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.ctx)
			go func() {
				select {
				case <-s.came:
					time.AfterFunc(20*time.Millisecond, cancel) // it waits for an answer by then
				case <-ctx.Done():
				}
			}()
			return ctx, cancel
		})
	}
}

func (t *trial) silenceEnds(dsn string, want error, until func(*stranger) (context.Context, context.CancelFunc)) {
	s := t.listen()
	c, err := t.target.Driver.OpenConnector(withAddress(dsn, s.address()))
	if err != nil {
		t.fails("OpenConnector of a DSN with another address", err, driver.ErrInvalid)
		return
	}
	network := c.RequiresNetwork()
	ctx, cancel := until(s)
	defer cancel()
	var b driver.Backend
	var givenUp bool
	t.endsInTime("Connect to a server that never answers, with a context that ends", func() {
		b, err = c.Connect(ctx)
		givenUp = ctx.Err() != nil
	})
	connected := err == nil
	if connected {
		soon, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
		defer cancel()
		t.endsInTime("HealthCheck of a server that never answers, with a deadline", func() { b.HealthCheck(soon) })
		t.shutDown(b)
	}
	visited := s.visited()
	switch {
	case visited > 0 && !network:
		t.fatal("Connect with the address of a listener in the DSN", "RequiresNetwork is false, and the listener was connected to", "true (B2)")
	case visited > 0 && connected:
		t.fatal("Connect to a server that never answers", "no error", "an error: Connect makes sure that the engine is usable")
	case visited > 0 && givenUp && !errors.Is(err, want):
		t.fatal("Connect to a server that never answers, with a context that ends", err, fmt.Sprintf("an error that matches %q", want))
	}
	s.alone("Connect to a server that never answers, after it has failed")
}
