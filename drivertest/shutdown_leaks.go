package drivertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/enactdev/enact/driver"
)

// errLeft ends a loop body by a panic.
var errLeft = errors.New("the loop body panics")

// waysOut are the ways in which a loop is left before its end.
var waysOut = map[string]func(t *trial, stream iter.Seq2[driver.StoredEvent, error]){
	"break": func(t *trial, stream iter.Seq2[driver.StoredEvent, error]) {
		for range stream {
			break
		}
	},
	"a panic that somebody recovers": func(t *trial, stream iter.Seq2[driver.StoredEvent, error]) {
		defer func() {
			if p := recover(); p != nil && p != errLeft {
				panic(p)
			}
		}()
		for range stream {
			panic(errLeft)
		}
	},
	"iter.Pull2 and stop": func(t *trial, stream iter.Seq2[driver.StoredEvent, error]) {
		next, stop := iter.Pull2(stream)
		_, err, _ := next()
		t.ok("the first event", err)
		stop()
	},
	"break on the last event": func(t *trial, stream iter.Seq2[driver.StoredEvent, error]) {
		for e := range stream {
			if e.Sequence == manyEvents {
				break
			}
		}
	},
}

const manyEvents = 600

func shutdownAfterLeftLoops(t *trial) {
	t.append(t.Events, "run", eventsNamed("e", 1, manyEvents)...)
	for way, leave := range waysOut {
		b := t.open()
		s := b.Tenant(tenantID)
		for range 20 {
			leave(t, s.Events.Load(t.ctx, "run", 0))
		}
		// Never ranged over, so nothing is in flight.
		_ = s.Events.Load(t.ctx, "run", 0)
		t.append(s.Events, "run", event("after "+way))
		c := &closing{}
		c.done = t.background(func() { t.shutDown(b) })
		t.await(fmt.Sprintf("Shutdown after loops that were left by %s", way), c.done)
	}
}

// nothingLeft opens, uses and shuts down again and again, well and badly.
func nothingLeft(t *trial) {
	const cycles = 20
	prepareWriters(t, t.Stores)
	if t.Events != nil {
		t.append(t.Events, "run", eventsNamed("e", 1, manyEvents)...)
	}
	useAndClose(t, "once") // what is made once in a process is there from now on
	before, ok := openFiles()
	for i := range cycles {
		useAndClose(t, fmt.Sprint(i))
	}
	if !ok {
		return
	}
	// Connections may take a moment to be gone.
	t.until(fmt.Sprintf("after opening, using and shutting down a store %d times", cycles), t.patience()/5, "no more files, sockets and pipes open than before, but for a few", func() (string, bool) {
		after, _ := openFiles()
		return fmt.Sprintf("%d are open; before it were %d", after, before), after < before+cycles
	})
}

// useAndClose opens the store in vain, and then well, uses it, and shuts it down.
func useAndClose(t *trial, id string) {
	for n := range 3 {
		ctx := newCancelledAtLook(t.ctx, n)
		if b, err := t.connect(ctx, t.dsn); err == nil {
			t.shutDown(b)
		}
		ctx.cancel()
	}
	b, err := t.connect(t.ctx, t.dsn)
	t.ok("opening the store", err)
	s := b.Tenant(tenantID)
	t.ok("HealthCheck", b.HealthCheck(t.ctx))
	all := t.offeredWriters()
	t.together(len(all), func(i int) {
		t.ok("a write to "+string(all[i].role), all[i].write(t.ctx, s, id))
		all[i].written(t, s)
		ctx := newCancelledAtLook(t.ctx, 2)
		all[i].write(ctx, s, id+" cancelled")
		ctx.cancel()
	})
	if s.State != nil {
		_, err := s.State.Set(t.ctx, "lives on", []byte(id), driver.SetOptions{TTL: time.Hour})
		t.ok("Set with a TTL", err)
	}
	if s.Events == nil {
		t.shutDown(b)
		return
	}
	for range s.Events.Load(t.ctx, "run", 0) {
		break
	}
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	for range s.Events.Load(ctx, "run", 0) {
		cancel()
	}
	for range s.Events.Load(t.ctx, "run", 0) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.ctx))
		c := t.beginShutdown(b, ctx)
		cancel()
		t.await("Shutdown whose context is done", c.done)
	}
	t.shutDown(b)
}
