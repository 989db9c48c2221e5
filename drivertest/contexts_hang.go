package drivertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/enactdev/enact/driver"
)

// callsWhileTheEngineHangs makes every call with a deadline while the engine does
// not answer.
func callsWhileTheEngineHangs(t *trial) {
	engine := t.engine()
	if engine.Pause == nil || engine.Resume == nil {
		return
	}
	b := t.openDSN(engine.DSN)
	s := b.Tenant(tenantID)
	calls := prepared(t, s)
	everything(t, s, "id", "x")
	c, err := t.target.Driver.OpenConnector(engine.DSN)
	t.ok("OpenConnector", err)
	engine.pause()
	limited := func(did string, f func(context.Context) error) {
		ctx, cancel := context.WithTimeout(t.ctx, 10*time.Millisecond)
		defer cancel()
		var err error
		t.await(did, t.background(func() { err = f(ctx) }))
		if err != nil {
			t.fails(did, err, context.DeadlineExceeded)
		}
	}
	for _, call := range calls {
		limited(call.name()+" with a deadline, while the engine does not answer,", func(ctx context.Context) error { return call.run(ctx, s) })
	}
	limited("Connect with a deadline, while the engine does not answer,", func(ctx context.Context) error {
		other, err := c.Connect(ctx)
		if err == nil {
			t.cleanup(func() { t.shutDown(other) })
		}
		return err
	})
	engine.resume()
	t.until("HealthCheck after the engine answers again", t.patience(), "no error", func() (string, bool) {
		err := b.HealthCheck(t.ctx)
		return fmt.Sprint(err), err == nil
	})
	for _, call := range writesIn(calls) {
		// Most can be repeated, whether they were done or not.
		switch call.method {
		case "UpdateThread", "UpdateMessage", "CreateThread", "CreateMessage":
			continue
		}
		t.ok(call.name()+", repeated after the engine answers again", call.run(t.ctx, s))
	}
	if s.Events != nil {
		equal(t, "the history after a repeated Append", eventIDs(t.load(s.Events, "run", 0)), []string{"1", "2", "3", "4"})
	}
	everything(t, s, "next", "x")
}

// deadlineWhileOthersWork has loops open, and others that write all the time,
// while every call is made with a deadline.
func deadlineWhileOthersWork(t *trial) {
	t.append(t.Events, "long", eventsNamed("e", 1, 600)...)
	other := t.open()
	views := []driver.Stores{t.Stores, other.Tenant(tenantID), other.Tenant("somebody else")}
	calls := make([][]call, len(views))
	for i, s := range views {
		if i != 1 {
			calls[i] = prepared(t, s)
		}
	}
	calls[1] = calls[0]
	done := make(chan struct{})
	writing := t.background(func() {
		for i := range 100 {
			select {
			case <-done:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(t.ctx, t.patience()/3)
			_, err := t.Events.Append(ctx, "busy", driver.Expectation{}, eventsNamed("e", 20*i, 20))
			cancel()
			if err != nil {
				t.fails("Append with loops open", err, context.DeadlineExceeded)
			}
		}
	})
	for range 12 { // more than there are connections in most pools
		ctx, cancel := context.WithTimeout(t.ctx, t.patience())
		defer cancel()
		next, stop := iter.Pull2(t.Events.Load(ctx, "long", 0))
		defer stop()
		if _, err, _ := next(); err != nil {
			t.fails("a loop beside others", err, context.DeadlineExceeded)
		}
	}
	for i, s := range views {
		for _, call := range calls[i] {
			t.callEndsInTime(call, s)
		}
	}
	close(done)
	t.await("writes of others", writing)
}

// callEndsInTime makes a call with a deadline.
func (t *trial) callEndsInTime(c call, s driver.Stores) {
	ctx, cancel := context.WithTimeout(t.ctx, 500*time.Millisecond)
	defer cancel()
	var err error
	did := c.name() + " with a deadline, while others work,"
	t.await(did, t.background(func() { err = c.run(ctx, s) }))
	// Whoever made the same call before has changed what is there.
	if err != nil && !errors.Is(err, driver.ErrConflict) {
		t.fails(did, err, context.DeadlineExceeded)
	}
}
