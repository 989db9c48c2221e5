package drivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var contextChecks = []check{
	{rule: "B6", name: "done-before", why: "work that was called off would be done all the same, or called missing", run: doneBefore},
	{rule: "B6", name: "load-cancelled", why: "a reader that was called off would go on, or take a part of a history for the whole", role: driver.RoleEvents, run: loadCancelled},
	{rule: "B6", name: "load-made-before", why: "a stream that is made first and read later would ignore that it was called off", role: driver.RoleEvents, run: loadMadeBefore},
	{rule: "B6", name: "append-cancelled", why: "half a batch in a history can never be taken out again", role: driver.RoleEvents, run: cancelledWritesOf(eventWrites)},
	{rule: "B6", name: "state-cancelled", why: "a value would be lost without its successor being there", role: driver.RoleState, run: cancelledWritesOf(stateWrites)},
	{rule: "B6", name: "messages-cancelled", why: "a conversation would hold half an edit, or a thread without its messages", role: driver.RoleMessages, run: cancelledWritesOf(messageWrites)},
	{rule: "B6", name: "vectors-cancelled", why: "a search would find old and new documents side by side", role: driver.RoleVectors, run: cancelledWritesOf(vectorWrites)},
	{rule: "B6", name: "reads-cancelled", why: "a list that was cut short would pass for a whole one", run: readsCancelled},
	{rule: "B6", name: "at-any-moment", why: "a request that a user calls off in its middle would leave half of its work", run: cancelledAtAnyMoment},
	{rule: "B6", name: "ended-after", why: "a request's context ends with the request, and must not take back what it did", run: endedAfter},
	{rule: "B6", name: "connect", why: "opening a store would go on when nobody waits for it any more, or the store end with the context that opened it", run: connectContext},
	{rule: "B6", name: "while-others-work", why: "one long reader or writer would hold up everybody else, beyond their deadlines", role: driver.RoleEvents, run: deadlineWhileOthersWork},
	{rule: "B6", name: "engine-hangs", why: "an engine that does not answer would make every caller hang with it", needs: needsEngine, run: callsWhileTheEngineHangs},
}

// over is a context that is done, and with what.
type over struct {
	name string
	context.Context
	err error
}

// overContexts are contexts that are done in all the ways that there are.
func overContexts(ctx context.Context) []over {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancelLate := context.WithDeadline(ctx, time.Unix(1, 0))
	cancelLate()
	caused, cause := context.WithCancelCause(ctx)
	cause(errors.New("somebody was tired"))
	short, cancelShort := context.WithTimeoutCause(ctx, time.Nanosecond, errors.New("it took too long"))
	<-short.Done()
	cancelShort()
	value := context.WithValue(cancelled, over{}, 1)
	return []over{
		{"a cancelled context", cancelled, context.Canceled},
		{"a context after its deadline", late, context.DeadlineExceeded},
		{"a context that was cancelled for a cause", caused, context.Canceled},
		{"a context whose timeout has a cause", short, context.DeadlineExceeded},
		{"a context below a cancelled one", value, context.Canceled},
		{"a cancelled context of another type", shaken{cancelled}, context.Canceled},
	}
}

func doneBefore(t *trial) {
	full, empty := t.Stores, t.backend.Tenant("nobody")
	calls := prepared(t, full)
	asked := questions(t, t.backend.Tenant("asked"), 3)
	before := contentsOf(t, full)
	for _, ctx := range overContexts(t.ctx) {
		for _, q := range asked {
			_, err := q.ask(ctx)
			t.fails(q.name+" with "+ctx.name, err, ctx.err)
		}
		for _, call := range calls {
			t.fails(call.name()+" with "+ctx.name, call.run(ctx, full), ctx.err)
			t.fails(call.name()+", of what is not there, with "+ctx.name, call.run(ctx, empty), ctx.err)
		}
		if t.Events != nil {
			for _, after := range []uint64{0, 1, 2, 1 << 40} {
				t.onlyFails(fmt.Sprintf("Load after %d with %s", after, ctx.name), t.Events.Load(ctx, "run", after), ctx.err)
			}
		}
		t.fails("HealthCheck with "+ctx.name, t.backend.HealthCheck(ctx), ctx.err)
	}
	t.sameContents("calls whose context was done", contentsOf(t, full), before)
	t.sameContents("calls whose context was done, with nothing there,", contentsOf(t, empty), contentsOf(t, t.backend.Tenant("nobody else")))
	for _, call := range calls {
		t.ok(call.name()+", after contexts that were done", call.run(t.ctx, full))
	}
}

// onlyFails ends the check unless a stream is one error and nothing else.
func (t *trial) onlyFails(did string, stream func(func(driver.StoredEvent, error) bool), want error) {
	var failed error
	for e, err := range stream {
		if err == nil {
			t.fatal(did, fmt.Sprintf("event %d", e.Sequence), "an error and no event")
		}
		if failed != nil {
			t.fatal(did, fmt.Sprintf("another error: %v", err), "an error once")
		}
		failed = err
	}
	t.fails(did, failed, want)
}

// allowance is how many events a loop may still show that is cancelled.
const allowance = 300

func loadCancelled(t *trial) {
	const n = 3000
	t.append(t.Events, "run", eventsNamed("e", 1, n)...)
	for _, at := range []int{1, 2, 100, 511, 512, 1000, 1001, 2000, n - allowance - 1, n - 1, n} {
		ctx, cancel := context.WithCancel(t.ctx)
		t.cutLoop(fmt.Sprintf("a loop that was cancelled at event %d of %d", at, n), ctx, cancel, at, n, context.Canceled)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.ctx, 20*time.Millisecond)
	defer cancel()
	t.cutLoop(fmt.Sprintf("a loop whose deadline came before its end, of %d events,", n), ctx, func() { <-ctx.Done() }, 1, n, context.DeadlineExceeded)
	equal(t, "the number of events of a loop that nobody cancels", len(t.load(t.Events, "run", 0)), n)
}

// cutLoop ends a loop's context when the body has the event at.
func (t *trial) cutLoop(did string, ctx context.Context, end func(), at, n int, want error) {
	seen := 0
	var failed error
	for e, err := range t.Events.Load(ctx, "run", 0) {
		if failed != nil {
			t.fatal(did, fmt.Sprintf("event %d, %v after error %q", e.Sequence, err, failed), "nothing after the error")
		}
		if failed = err; err != nil {
			if seen < at && ctx.Err() == nil {
				t.fatal(did, fmt.Sprintf("error %q at event %d", err, seen), "no error before")
			}
			continue
		}
		seen++
		equal(t, did, untimed([]driver.StoredEvent{e})[0], event(fmt.Sprint("e", seen)))
		if seen == at {
			end()
		}
	}
	switch {
	case failed == nil && seen == n && n-at <= allowance:
		return // it was done with reading
	case failed == nil:
		t.fatal(did, fmt.Sprintf("%d events and no error", seen), fmt.Sprintf("an error that matches %q", want))
	case seen > at+allowance:
		t.fatal(did, fmt.Sprintf("%d more events before the error", seen-at), fmt.Sprintf("the error at once, or after %d more at most", allowance))
	}
	t.fails(did, failed, want)
}

func loadMadeBefore(t *trial) {
	t.append(t.Events, "run", eventsNamed("e", 1, 10)...)
	for _, execution := range []driver.ExecutionID{"run", "nothing"} {
		ctx, cancel := context.WithCancel(t.ctx)
		unread, read := t.Events.Load(ctx, execution, 0), t.Events.Load(ctx, execution, 0)
		t.ok("a loop before its context was cancelled", streamError(read))
		cancel()
		t.onlyFails(fmt.Sprintf("a loop over Load of %q, made before its context was cancelled,", execution), unread, context.Canceled)
		t.onlyFails(fmt.Sprintf("a second loop over Load of %q, after its context was cancelled,", execution), read, context.Canceled)
		late, cancelLate := context.WithTimeout(t.ctx, 5*time.Millisecond)
		stream := t.Events.Load(late, execution, 0)
		<-late.Done()
		t.onlyFails(fmt.Sprintf("a loop over Load of %q, made before its deadline,", execution), stream, context.DeadlineExceeded)
		cancelLate()
	}
}

// endedAfter cancels the context of every call when it has returned.
func endedAfter(t *trial) {
	twin := t.backend.Tenant("twin")
	calls, twins := prepared(t, t.Stores), prepared(t, twin)
	for i, call := range calls {
		ctx, cancel := context.WithCancel(t.ctx)
		err := call.run(ctx, t.Stores)
		cancel()
		t.ok(call.name(), err)
		t.ok(call.name(), twins[i].run(t.ctx, twin))
	}
	t.sleep(10 * time.Millisecond)
	t.sameContents("calls whose contexts ended after they had returned", bare(contentsOf(t, t.Stores)), bare(contentsOf(t, twin)))
	everything(t, t.Stores, "next", "x")
}

func connectContext(t *trial) {
	everything(t, t.Stores, "id", "x")
	for _, ctx := range overContexts(t.ctx) {
		b, err := t.connect(ctx, t.dsn)
		if err == nil {
			t.shutDown(b)
		}
		t.fails("Connect with "+ctx.name, err, ctx.err)
	}
	for n := range t.rounds(4, 30) {
		ctx := newCancelledAtLook(t.ctx, n)
		b, err := t.connect(ctx, t.dsn)
		unharmed := ctx.Context.Err() == nil
		ctx.cancel()
		if err != nil {
			t.fails(fmt.Sprintf("Connect, cancelled at the %d. look at its context", n+1), err, context.Canceled)
			continue
		}
		t.ok("HealthCheck after the context of Connect was cancelled", b.HealthCheck(t.ctx))
		t.hasOnly("a tenant after the context of Connect was cancelled", b.Tenant(tenantID), "x", "id")
		everything(t, b.Tenant("next"), fmt.Sprint(n), "x")
		t.shutDown(b)
		if unharmed {
			return
		}
	}
}
