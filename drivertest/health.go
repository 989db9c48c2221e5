package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var healthChecks = []check{
	{
		rule: "B3", name: "healthy",
		why: "a backend that works is taken out of service, or asking whether it works changes it", run: healthy,
	},
	{
		rule: "B3", name: "health-ends-by-its-context",
		why: "a probe hangs, or takes its own deadline for an engine that is away", run: healthEndsByContext,
	},
	{
		rule: "B3", name: "engine-gone-and-back",
		why:   "a probe reports a backend as usable that is not, or a program must be restarted after every interruption",
		needs: needsEngine, run: engineGoneAndBack,
	},
	{
		rule: "B3", name: "engine-hangs",
		why:   "the probe that should notice that an engine hangs hangs with it",
		needs: needsEngine, run: engineHangs,
	},
	{
		rule: "B9", name: "unavailable-is-not-applied",
		why:   "a caller who hears that a write was certainly not applied writes it otherwise, and both are there; or what was acknowledged is lost",
		needs: needsEngine, run: unavailableIsNotApplied,
	},
}

func healthy(t *trial) {
	other := t.open()
	ask := func() {
		for _, b := range []driver.Backend{t.backend, other} {
			ctx, cancel := context.WithTimeout(t.ctx, t.patience())
			t.ok("HealthCheck of a backend that works", b.HealthCheck(ctx))
			cancel()
			t.ok("HealthCheck without a deadline", b.HealthCheck(t.ctx))
		}
	}
	ask()
	t.leaveMark(t.Stores, "one")
	if t.Events != nil {
		for _, err := range t.Events.Load(t.ctx, "marks", 0) {
			t.ok("Load", err)
			ask() // while something of the backend is in use
			break
		}
	}
	t.together(8, func(i int) {
		for range 5 {
			ask()
			if i%2 == 0 {
				t.marks(t.Stores)
			}
		}
	})
	equal(t, "what was written, after HealthCheck", t.marks(other.Tenant(tenantID)), []string{"one"})
	t.shutDown(other)
	t.fails("HealthCheck after Shutdown", other.HealthCheck(t.ctx), driver.ErrClosed)
	t.ok("HealthCheck after another handle was shut down", t.backend.HealthCheck(t.ctx))
	t.reopen()
	t.ok("HealthCheck of a store that was opened again", t.backend.HealthCheck(t.ctx))
}

func healthEndsByContext(t *trial) {
	cancelled, cancel := context.WithCancelCause(t.ctx)
	cancel(errors.New("for a reason"))
	late, stop := context.WithDeadline(t.ctx, time.Now().Add(-time.Hour))
	defer stop()
	for range 5 {
		t.fails("HealthCheck with a cancelled context", t.backend.HealthCheck(cancelled), context.Canceled)
		t.fails("HealthCheck after the context's deadline", t.backend.HealthCheck(late), context.DeadlineExceeded)
		t.ok("HealthCheck after one that was given up", t.backend.HealthCheck(t.ctx))
	}
	for n := range t.rounds(5, 30) {
		ctx := newCancelledAtLook(t.ctx, n)
		err := t.backend.HealthCheck(ctx)
		ctx.cancel()
		if err == nil && ctx.looks(n) < n {
			break
		}
		if err != nil {
			t.fails(fmt.Sprintf("HealthCheck, cancelled when it looks at its context for the %d. time", n+1), err, context.Canceled)
		}
	}
	t.ok("HealthCheck after those that were cancelled", t.backend.HealthCheck(t.ctx))
}

// health asks with a deadline of its own.
func (t *trial) health(b driver.Backend, within time.Duration) error {
	ctx, cancel := context.WithTimeout(t.ctx, within)
	defer cancel()
	return b.HealthCheck(ctx)
}

// comesBack waits until b is healthy and stays so.
func (t *trial) comesBack(did string, b driver.Backend) {
	good := 0
	t.until(did+": HealthCheck, again and again", t.patience(), "no error, three times", func() (string, bool) {
		err := t.health(b, t.patience())
		if good++; err != nil {
			good = 0
		}
		return fmt.Sprintf("error: %v", err), good == 3
	})
}

// goesAway makes sure that nobody calls b healthy while its engine is stopped.
func (t *trial) goesAway(b driver.Backend) {
	const did = "HealthCheck while the engine is stopped"
	told := 0
	t.until(did, t.patience(), "an error that matches ErrUnavailable, every time", func() (string, bool) {
		err := t.health(b, 2*time.Second)
		if err == nil {
			t.fatal(did, "no error", "an error that matches ErrUnavailable")
		}
		if told++; !errors.Is(err, driver.ErrUnavailable) {
			told = 0
		}
		return fmt.Sprintf("error %q", err), told == 3
	})
}

func engineGoneAndBack(t *trial) {
	e := t.engine()
	b := t.openDSN(e.DSN)
	s := b.Tenant(tenantID)
	roles := rolesOf(s)
	t.comesBack("opening", b)
	t.leaveMark(s, "before")
	marks := []string{"before"}
	t.together(4, func(int) { t.marks(s) }) // several connections, where there is a pool
	for i := range t.rounds(2, 3) {
		e.stop()
		t.goesAway(b)
		equal(t, "the roles of a tenant while the engine is stopped", rolesOf(b.Tenant("new")), roles)
		t.connectWhileStopped(e)
		e.start()
		t.comesBack(fmt.Sprintf("after the %d. interruption", i+1), b)
		equal(t, fmt.Sprintf("what was written before the %d. interruption", i+1), t.marks(s), marks)
		mark := fmt.Sprint("after ", i+1)
		t.leaveMark(s, mark)
		marks = slices.Sorted(slices.Values(append(marks, mark)))
	}
	equal(t, "what was written before, between and after interruptions, seen by a new handle", t.marks(t.openDSN(e.DSN).Tenant(tenantID)), marks)
}

// connectWhileStopped asks for another handle while there is no engine. Where the
// store is a file whose folder is still there, a new one may be made.
func (t *trial) connectWhileStopped(e *stoppable) {
	if _, isFile := fileOf(e.DSN); isFile {
		return
	}
	c := t.parse(e.DSN)
	const did = "Connect while the engine is stopped"
	t.strayless(did, func() {
		ctx, cancel := context.WithTimeout(t.ctx, t.patience()/3)
		defer cancel()
		b, err := c.Connect(ctx)
		if err == nil {
			t.shutDown(b)
		}
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return // it would have waited for it
		}
		t.fails(did, err, driver.ErrUnavailable)
	})
}

func engineHangs(t *trial) {
	e := t.engine()
	if e.Engine.Pause == nil || e.Engine.Resume == nil {
		return
	}
	b := t.openDSN(e.DSN)
	t.comesBack("opening", b)
	t.leaveMark(b.Tenant(tenantID), "before")
	e.pause()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
		t.endsWithItsContext("HealthCheck of an engine that hangs, with a deadline", func() error { return b.HealthCheck(ctx) }, context.DeadlineExceeded)
		cancel()
	}
	ctx, cancel := context.WithCancel(t.ctx)
	stop := time.AfterFunc(50*time.Millisecond, cancel)
	t.endsWithItsContext("HealthCheck of an engine that hangs, cancelled", func() error { return b.HealthCheck(ctx) }, context.Canceled)
	stop.Stop()
	cancel()
	t.connectWhilePaused(e)
	e.resume()
	t.comesBack("after the engine hung", b)
	t.leaveMark(b.Tenant(tenantID), "then")
	equal(t, "what was written before and after the engine hung", t.marks(b.Tenant(tenantID)), []string{"before", "then"})
}

// endsWithItsContext ends the check unless a call to an engine that hangs is given
// up. It
// may find out by itself that the engine is no good.
func (t *trial) endsWithItsContext(did string, call func() error, want error) {
	var err error
	t.endsInTime(did, func() { err = call() })
	if !errors.Is(err, driver.ErrUnavailable) {
		t.fails(did, err, want)
	}
}

func (t *trial) connectWhilePaused(e *stoppable) {
	ctx, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
	defer cancel()
	c := t.parse(e.DSN)
	t.strayless("Connect to an engine that hangs, with a deadline", func() {
		var b driver.Backend
		var err error
		t.endsInTime("Connect to an engine that hangs, with a deadline", func() { b, err = c.Connect(ctx) })
		if err == nil {
			t.shutDown(b)
		}
		if !errors.Is(err, driver.ErrUnavailable) {
			t.fails("Connect to an engine that hangs, with a deadline", err, context.DeadlineExceeded)
		}
	})
}
