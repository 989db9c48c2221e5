package drivertest

import (
	"context"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var shutdownChecks = []check{
	{rule: "B4", name: "refused-after", why: "a program that goes on after Shutdown must be told so, and not get old answers or lose writes", run: refusedAfterShutdown},
	{rule: "B4", name: "again", why: "deferred and signal handlers both shut down, at once or one after the other", run: shutDownAgain},
	{rule: "B4", name: "others-live-on", why: "a part of a program that closes its handle would take the store from the others", run: othersLiveOn},
	{rule: "B4", name: "loops-finish", why: "an orderly stop would cut what is being read", role: driver.RoleEvents, run: loopsFinish},
	{rule: "B4", name: "calls-finish", why: "an orderly stop would break off work that was under way, or pull the engine away under it", run: callsFinish},
	{rule: "B4", name: "refused-meanwhile", why: "a stop would never come to its end while new work keeps coming", role: driver.RoleEvents, run: refusedMeanwhile},
	{rule: "B4", name: "ends-by-its-context", why: "one forgotten loop would keep a process from ever stopping, or pass for a whole history", role: driver.RoleEvents, run: shutdownEndsByItsContext},
	{rule: "B4", name: "opens-again", why: "a stop that was cut short would keep the store locked for the next start", role: driver.RoleEvents, run: opensAgain},
	{rule: "B4", name: "writers-meanwhile", why: "a write that was acknowledged while the process stops would be lost, or one that was refused done", run: writersMeanwhile},
	{rule: "B4", name: "gives-up-calls", why: "a stop that was cut short would leave half a write, or an error that nobody knows", run: givesUpCalls},
	{rule: "B4", name: "opened-meanwhile", why: "a part of a program that opens the store while another closes it would be left with a closed one", run: openedMeanwhile},
	{rule: "B4", name: "flushes", why: "what was written last before an orderly stop would be lost", needs: needsRestart, run: flushes},
	{rule: "B4", name: "after-errors", why: "a call that failed and is still counted as in flight would make every stop hang", run: shutdownAfterErrors},
	{rule: "B4", name: "after-left-loops", why: "a loop that was left early and is still counted as in flight would make every stop hang", role: driver.RoleEvents, run: shutdownAfterLeftLoops},
	{rule: "B4", name: "nothing-left", why: "a service that opens a store now and then would run out of files and connections", alone: true, run: nothingLeft},
}

// refuses ends the check unless every call, and HealthCheck, is ErrClosed.
func (t *trial) refuses(when string, b driver.Backend, calls []call, views ...driver.Stores) {
	for i, s := range views {
		for _, call := range calls {
			if !s.Offers(call.role) {
				t.fatal(fmt.Sprintf("view %d of a tenant %s", i+1, when), fmt.Sprintf("no store for %s", call.role), "a store that refuses every call")
			}
			t.fails(fmt.Sprintf("%s %s, in view %d", call.name(), when, i+1), call.run(t.ctx, s), driver.ErrClosed)
		}
	}
	t.fails("HealthCheck "+when, b.HealthCheck(t.ctx), driver.ErrClosed)
}

func refusedAfterShutdown(t *trial) {
	b := t.open()
	s, idle, unused := b.Tenant(tenantID), b.Tenant(tenantID), b.Tenant("somebody else")
	calls := prepared(t, s)
	for _, call := range calls {
		t.ok(call.name()+" before Shutdown", call.run(t.ctx, s))
	}
	t.ok("HealthCheck before Shutdown", b.HealthCheck(t.ctx))
	var stream func(func(driver.StoredEvent, error) bool)
	if s.Events != nil {
		stream = s.Events.Load(t.ctx, "run", 0)
	}
	asked := questions(t, b.Tenant("asked"), 3)
	for _, q := range asked {
		_, err := q.ask(t.ctx)
		t.ok(q.name+" before Shutdown", err)
	}
	before := contentsOf(t, t.Stores)
	t.shutDown(b)
	for _, q := range asked {
		_, err := q.ask(t.ctx)
		t.fails(q.name+" after Shutdown", err, driver.ErrClosed)
	}
	after := []driver.Stores{s, idle, unused, b.Tenant(tenantID), b.Tenant("a third")}
	for range 2 {
		t.refuses("after Shutdown", b, calls, after...)
	}
	if stream != nil {
		t.fails("a loop over what Load returned before Shutdown", streamError(stream), driver.ErrClosed)
	}
	t.sameContents("calls that were refused", contentsOf(t, t.Stores), before)
}

func shutDownAgain(t *trial) {
	for range t.rounds(3, 6) {
		b := t.open()
		everything(t, b.Tenant(tenantID), "id", "x")
		t.together(8, func(i int) { t.shutDown(b) })
		for range 3 {
			t.shutDown(b)
		}
	}
	b := t.open()
	done, cancel := context.WithCancel(t.ctx)
	cancel()
	// Nothing is in flight, so it may have shut down all the same.
	if err := b.Shutdown(done); err != nil {
		t.fails("Shutdown with a context that is done", err, context.Canceled)
	}
	t.shutDown(b)
	t.fails("HealthCheck after Shutdown with a context that was done, and again with another", b.HealthCheck(t.ctx), driver.ErrClosed)
}

// othersLiveOn shuts handles down while others on the same store are in use, one
// of them made by the same connector.
func othersLiveOn(t *trial) {
	c, err := t.target.Driver.OpenConnector(t.dsn)
	t.ok("OpenConnector", err)
	var handles []driver.Backend
	for range 3 {
		b, err := c.Connect(t.ctx)
		t.ok("Connect", err)
		t.cleanup(func() { t.shutDown(b) })
		handles = append(handles, b)
	}
	last := handles[2]
	views := []driver.Stores{last.Tenant("a"), last.Tenant("b")}
	calls := [][]call{prepared(t, views[0]), prepared(t, views[1])}
	for i, b := range handles[:2] {
		everything(t, b.Tenant(tenantID), fmt.Sprint("id ", i), "x")
		before := contentsOf(t, last.Tenant(tenantID))
		t.shutDown(b)
		t.sameContents("another handle was shut down", contentsOf(t, last.Tenant(tenantID)), before)
		for _, call := range calls[i] {
			t.ok(call.name()+" at a handle after another was shut down", call.run(t.ctx, views[i]))
		}
		t.ok("HealthCheck of a handle after another was shut down", last.HealthCheck(t.ctx))
	}
	everything(t, last.Tenant(tenantID), "at last", "x")
	t.hasOnly("the tenant that three handles wrote to", t.Stores, "x", "id 0", "id 1", "at last")
	if last.Tenant("a").Events != nil {
		loopLivesOn(t, last)
	}
}

// loopLivesOn shuts another handle down in the middle of a loop.
func loopLivesOn(t *trial, b driver.Backend) {
	const n = 700
	t.append(t.Events, "long", eventsNamed("e", 1, n)...)
	other := t.open()
	seen := 0
	for e, err := range b.Tenant(tenantID).Events.Load(t.ctx, "long", 0) {
		t.ok("a loop during which another handle is shut down", err)
		if seen++; e.Sequence != uint64(seen) {
			t.fatal("a loop during which another handle is shut down", fmt.Sprintf("sequence %d", e.Sequence), fmt.Sprintf("sequence %d", seen))
		}
		if seen == 2 {
			t.shutDown(other)
		}
	}
	equal(t, "the number of events in a loop during which another handle was shut down", seen, n)
}

// closing is a Shutdown under way.
type closing struct {
	done <-chan struct{}
	err  error // valid when done is closed
}

// beginShutdown begins one and returns when calls are refused.
func (t *trial) beginShutdown(b driver.Backend, ctx context.Context) *closing {
	c := &closing{}
	c.done = t.background(func() { c.err = b.Shutdown(ctx) })
	t.until("HealthCheck, with a Shutdown under way", t.patience(), "ErrClosed", func() (string, bool) {
		err := b.HealthCheck(t.ctx)
		if err == nil {
			return "no error", false
		}
		t.fails("HealthCheck, with a Shutdown under way", err, driver.ErrClosed)
		return "", true
	})
	return c
}

// returned says whether Shutdown has returned.
func (c *closing) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// loopsFinish begins a Shutdown at several places of a loop, in another of two
// loops that run.
func loopsFinish(t *trial) {
	const n = 1500
	t.append(t.Events, "run", eventsNamed("e", 1, n)...)
	for _, at := range []int{1, 700, n} {
		b := t.open()
		s := b.Tenant(tenantID).Events
		var c *closing
		seen := 0
		for e, err := range s.Load(t.ctx, "run", 0) {
			t.ok(fmt.Sprintf("event %d of a loop during which a Shutdown began at event %d", seen+1, at), err)
			seen++
			equal(t, "the event in a loop during which a Shutdown began", untimed([]driver.StoredEvent{e})[0], event(fmt.Sprint("e", seen)))
			if seen == at {
				c = t.beginShutdown(b, context.WithoutCancel(t.ctx))
				t.sleep(5 * time.Millisecond)
			}
			if c != nil && c.returned() {
				t.fatal(fmt.Sprintf("Shutdown, with a loop at event %d of %d", seen, n), fmt.Sprintf("it has returned: %v", c.err), "it waits for the loop")
			}
		}
		equal(t, fmt.Sprintf("the number of events in a loop during which a Shutdown began at event %d", at), seen, n)
		t.await("Shutdown after the last loop", c.done)
		t.ok("Shutdown after the last loop", c.err)
	}
}

// refusedMeanwhile tries every call while Shutdown waits for a loop.
func refusedMeanwhile(t *trial) {
	b := t.open()
	s := b.Tenant(tenantID)
	calls := prepared(t, s)
	t.append(t.Events, "long", eventsNamed("e", 1, 600)...)
	before := contentsOf(t, t.Stores)
	seen := 0
	stream := s.Events.Load(t.ctx, "long", 0)
	var c *closing
	for _, err := range stream {
		t.ok("a loop that Shutdown waits for", err)
		if seen++; seen != 3 {
			continue
		}
		c = t.beginShutdown(b, context.WithoutCancel(t.ctx))
		t.refuses("while Shutdown waits", b, calls, s, b.Tenant(tenantID), b.Tenant("somebody else"))
		t.fails("a second loop while Shutdown waits for the first", streamError(stream), driver.ErrClosed)
		if c.returned() {
			t.fatal("Shutdown, with a loop open", fmt.Sprintf("it has returned: %v", c.err), "it waits for the loop")
		}
	}
	equal(t, "the number of events in a loop that Shutdown waits for", seen, 600)
	t.await("Shutdown after the last loop", c.done)
	t.ok("Shutdown after the last loop", c.err)
	t.sameContents("calls that were refused while Shutdown waited", contentsOf(t, t.Stores), before)
}

// shutdownEndsByItsContext has a loop that does not end.
func shutdownEndsByItsContext(t *trial) {
	const n = 3000
	t.append(t.Events, "run", eventsNamed("e", 1, n)...)
	for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
		b := t.open()
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.ctx))
		if want == context.DeadlineExceeded {
			ctx, cancel = context.WithTimeout(context.WithoutCancel(t.ctx), 20*time.Millisecond)
		}
		defer cancel()
		var last uint64
		var failed error
		for e, err := range b.Tenant(tenantID).Events.Load(t.ctx, "run", 0) {
			if failed != nil {
				t.fatal("a loop that Shutdown has given up", fmt.Sprintf("event %d, %v after error %q", e.Sequence, err, failed), "nothing after the error")
			}
			if failed = err; err != nil {
				continue
			}
			if e.Sequence != last+1 {
				t.fatal("a loop that Shutdown has given up", fmt.Sprintf("event %d after event %d", e.Sequence, last), "no gap")
			}
			if last++; last == 1 {
				c := t.beginShutdown(b, ctx)
				if want == context.Canceled {
					cancel()
				}
				t.await("Shutdown whose context is done", c.done)
				t.fails("Shutdown whose context is done before the loop", c.err, want)
			}
		}
		if failed == nil {
			t.fatal("a loop that goes on after Shutdown has given up waiting for it", fmt.Sprintf("%d of %d events and no error", last, n), "it ends with ErrClosed")
		}
		t.fails("a loop that goes on after Shutdown has given up waiting for it", failed, driver.ErrClosed)
		t.shutDown(b)
		t.refuses("after a Shutdown that gave up", b, nil, b.Tenant(tenantID))
	}
}

// opensAgain uses the store right after a Shutdown that gave up, while the loop is
// still there and after.
func opensAgain(t *trial) {
	everything(t, t.Stores, "before", "x")
	t.append(t.Events, "run", eventsNamed("e", 1, 10)...)
	for i := range t.rounds(2, 4) {
		b := t.open()
		for range b.Tenant(tenantID).Events.Load(t.ctx, "run", 0) {
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.ctx))
			c := t.beginShutdown(b, ctx)
			cancel()
			t.await("Shutdown whose context is done", c.done)
			t.fails("Shutdown whose context is done before the loop", c.err, context.Canceled)
			useRightAfter(t, fmt.Sprint("during ", i))
			break
		}
		useRightAfter(t, fmt.Sprint("after ", i))
		t.shutDown(b)
	}
	t.shutDown(t.backend)
	useRightAfter(t, "at last")
}

// useRightAfter opens the store and does something with every role.
func useRightAfter(t *trial, id string) {
	b := t.open()
	t.ok("HealthCheck of a handle that was opened after another's Shutdown gave up", b.HealthCheck(t.ctx))
	everything(t, b.Tenant("next"), id, "x")
	t.append(b.Tenant(tenantID).Events, "run", event(id))
	events := t.load(b.Tenant(tenantID).Events, "run", 0)
	equal(t, "the last event", string(events[len(events)-1].ID), id)
	t.shutDown(b)
}
