package redis

import (
	"context"
	"math"
	"time"
)

// settling is how long a write whose context is done still waits for the server's
// answer.
const settling = 250 * time.Millisecond

// outcome is what became of a call.
type outcome struct {
	reply any
	err   error
}

// within runs a script for a call that has entered, and returns its list of answers.
func (v view) within(ctx context.Context, s *script, names []string, args ...any) ([]any, error) {
	return list(v.ask(ctx, s, named(v.tag, names...), args, alone))
}

// list is an answer that is a list.
func list(reply any, err error) ([]any, error) {
	answers, _ := reply.([]any)
	return answers, err
}

// What a request has instead of a size that is not sent with others.
const (
	alone    = -1          // and that a goroutine of its own waits for
	unshared = math.MaxInt // and that the caller may wait for
)

// ask runs a script with keys, tags included, for a call that has entered. go-redis does
// not notice that a context is cancelled while it waits for an answer, so as a rule it
// waits in another goroutine, and the caller for both. A request of a size may share a
// pipeline with others.
func (v view) ask(ctx context.Context, s *script, keys []string, args []any, size int) (any, error) {
	if err := v.left.await(ctx, v.ended, v.tenant); err != nil {
		return nil, v.explain(ctx, failure{err: err}, s.matters())
	}
	if size == alone {
		return v.runAlone(newRequest(ctx, s, keys, args, v.tenant))
	}
	shared := v.shares(s, size)
	if v.asksItself(ctx, s) && (!shared || v.shared.enter()) {
		reply, failed, over := v.askItself(ctx, s, keys, args)
		if shared {
			v.leaveShared()
		}
		if v.shared.noteSize(reply); over {
			return reply, v.explain(ctx, failed, s.matters())
		}
	}
	r := newRequest(ctx, s, keys, args, v.tenant)
	if r.size = size; !shared {
		return v.runAlone(r)
	}
	v.share(r)
	return v.outcome(r)
}

func newRequest(ctx context.Context, s *script, keys []string, args []any, tenant string) *request {
	return &request{ctx: ctx, script: s, keys: keys, args: args, tenant: tenant, answer: make(chan outcome, 1), ended: make(chan struct{})}
}

// call runs a script. tenant names whose later calls wait for it, should the caller
// leave before the answer.
func (b *backend) call(ctx context.Context, s *script, keys []string, args []any, tenant string) (any, error) {
	return b.runAlone(newRequest(ctx, s, keys, args, tenant))
}

// runAlone runs a request beside all others.
func (b *backend) runAlone(r *request) (any, error) {
	g := b.newGroup([]*request{r})
	b.running.Go(func() { b.process(g) })
	return b.outcome(r)
}

// outcome waits for what becomes of a request.
func (b *backend) outcome(r *request) (any, error) {
	select {
	case o := <-r.answer:
		return o.reply, o.err
	case <-r.ctx.Done():
	case <-b.ended.Done():
	}
	left := failure{err: context.Canceled}
	if b.shared.remove(r) {
		return nil, b.explain(r.ctx, left, r.script.matters())
	}
	if r.script.matters() {
		timer := time.NewTimer(settling)
		defer timer.Stop()
		select {
		case o := <-r.answer:
			return o.reply, o.err
		case <-timer.C:
		case <-b.ended.Done():
		}
		b.left.add(r.tenant, r.ended)
	}
	r.group.drop(r)
	return nil, b.explain(r.ctx, left, r.script.matters())
}
