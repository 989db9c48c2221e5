package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

// slowLook is a context that takes its time when it is looked at for the n-th
// time, so that a call is sure to be in flight then.
type slowLook struct {
	context.Context
	left *atomic.Int64
	look func()
}

func (c slowLook) Err() error {
	if c.left.Add(-1) == 0 {
		c.look()
	}
	return c.Context.Err()
}

func (c slowLook) Done() <-chan struct{} {
	if c.left.Add(-1) == 0 {
		c.look()
	}
	return c.Context.Done()
}

// callsFinish begins a Shutdown when some call looks at its context for the n-th
// time. Those that have begun are done whole, the others are refused.
func callsFinish(t *trial) {
	for round := range t.rounds(2, 4) {
		n := []int{1, 2, 0, 3}[round] // most are in flight at the second look
		b := t.open()
		tenant, twin := driver.TenantID(fmt.Sprint("t", n)), t.backend.Tenant(driver.TenantID(fmt.Sprint("twin", n)))
		s := b.Tenant(tenant)
		calls, twins := prepared(t, s), prepared(t, twin)
		c := &closing{}
		began := make(chan struct{})
		begin := sync.OnceFunc(func() {
			c.done = t.background(func() { c.err = b.Shutdown(context.WithoutCancel(t.ctx)) })
			close(began)
		})
		// It begins when all calls are in flight, or have ended, or wait for one
		// that is.
		var there atomic.Int64
		arrive := func() {
			if there.Add(1) == int64(len(calls)) {
				begin()
			}
		}
		errs, early := make([]error, len(calls)), make([]bool, len(calls))
		t.together(len(calls), func(i int) {
			arrived := sync.OnceFunc(arrive)
			ctx := slowLook{t.ctx, new(atomic.Int64), func() {
				arrived()
				select {
				case <-began:
				case <-time.After(5 * time.Millisecond):
					begin()
				}
				select {
				case <-c.done:
					early[i] = true
				case <-time.After(5 * time.Millisecond):
				}
			}}
			ctx.left.Store(int64(n + 1))
			errs[i] = calls[i].run(ctx, s)
			arrived()
		})
		begin()
		t.await("Shutdown with calls in flight", c.done)
		t.ok("Shutdown with calls in flight", c.err)
		for i, call := range calls {
			did := fmt.Sprintf("%s, with a Shutdown that began when a call looked at its context for the %d. time", call.name(), n+1)
			if errs[i] != nil {
				t.fails(did, errs[i], driver.ErrClosed)
				continue
			}
			if early[i] {
				t.fatal(did, "Shutdown returned while the call was in flight, which then succeeded", "Shutdown waits for it")
			}
			if call.writes {
				t.ok(call.name(), twins[i].run(t.ctx, twin))
			}
		}
		t.sameContents("calls during a Shutdown, of which some were refused", bare(contentsOf(t, t.backend.Tenant(tenant))), bare(contentsOf(t, twin)))
	}
}

// bare is contents without what two tenants that did the same need not have in
// common.
func bare(c contents) contents {
	var none time.Time
	for i := range c.Executions {
		c.Executions[i].CreatedAt, c.Executions[i].UpdatedAt = none, none
	}
	for _, h := range c.Events {
		for i := range h.Events {
			h.Events[i].Time = none
		}
	}
	for i := range c.Keys {
		c.Keys[i].Version = 0
	}
	for i := range c.Threads {
		th := &c.Threads[i]
		th.CreatedAt, th.UpdatedAt = none, none
		if !th.DeletedAt.IsZero() {
			th.DeletedAt = time.Unix(0, 0)
		}
	}
	slices.SortFunc(c.Threads, func(a, b driver.Thread) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i := range c.Messages {
		m := &c.Messages[i]
		m.CreatedAt, m.UpdatedAt, m.Position = none, none, 0
		if !m.DeletedAt.IsZero() {
			m.DeletedAt = time.Unix(0, 0)
		}
	}
	slices.SortFunc(c.Messages, func(a, b driver.Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return c
}

// givesUpCalls has a write of each kind in flight, at its n-th look at its context,
// when Shutdown gives up.
func givesUpCalls(t *trial) {
	var writes []cancelledWrite
	for role, of := range map[driver.Role]func() []cancelledWrite{
		driver.RoleEvents: eventWrites, driver.RoleState: stateWrites, driver.RoleMessages: messageWrites, driver.RoleVectors: vectorWrites,
	} {
		if t.offers(role) {
			writes = append(writes, of()...)
		}
	}
	// Each try needs what the one before has prepared, so they go one by one.
	for n := range t.rounds(1, 3) {
		for i, w := range writes {
			tenant := driver.TenantID(fmt.Sprint("write ", i))
			s := t.backend.Tenant(tenant)
			w.prepare(t, s, n)
			before := contentsOf(t, s)
			b := t.open()
			c := &closing{}
			look := func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Millisecond)
				c.done = t.background(func() {
					defer cancel()
					c.err = b.Shutdown(ctx)
				})
				select {
				case <-c.done:
				case <-time.After(20 * time.Millisecond):
				}
			}
			ctx := slowLook{t.ctx, new(atomic.Int64), look}
			ctx.left.Store(int64(n + 2)) // it may not be in flight at the first
			err := w.run(ctx, b.Tenant(tenant), n)
			did := fmt.Sprintf("%s, given up by Shutdown at the %d. look at its context,", w.name, n+2)
			if err != nil {
				t.fails(did, err, driver.ErrClosed)
			}
			if c.done != nil {
				t.await("Shutdown with a deadline", c.done)
				if c.err != nil {
					t.fails("Shutdown with a deadline", c.err, context.DeadlineExceeded)
				}
			}
			t.shutDown(b)
			t.settle()
			if !t.wholeOrNot(did, w, s, n, err, before) {
				t.ok(did+" and then repeated", w.run(t.ctx, s, n))
			}
		}
	}
}
