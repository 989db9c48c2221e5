package redis

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// requestContext is for one request. It has the values of the caller's context, and
// ends a little after its deadline; what a cancelled caller still waits for is not
// interrupted by it.
func (b *backend) requestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	return b.contextUntil(context.WithoutCancel(ctx), deadline, limited)
}

// groupContext is for several requests, and ends a little after the last of their
// deadlines.
func (b *backend) groupContext(requests []*request) (context.Context, context.CancelFunc) {
	var last time.Time
	for _, r := range requests {
		deadline, limited := r.ctx.Deadline()
		if !limited {
			return b.contextUntil(context.Background(), time.Time{}, false)
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return b.contextUntil(context.Background(), last, true)
}

func (b *backend) contextUntil(values context.Context, deadline time.Time, limited bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(values)
	end := cancel
	if limited {
		ctx, end = context.WithDeadline(ctx, deadline.Add(settling))
	}
	stop := context.AfterFunc(b.ended, cancel)
	return ctx, func() { stop(); end(); cancel() }
}

// process sends a group and tells the callers what has become of their requests. One
// that may be tried again goes on by itself.
func (b *backend) process(g *group) {
	if len(g.requests) == 1 {
		r := g.requests[0]
		reply, failed := b.try(g.ctx, r.script, r.keys, r.args)
		b.finish(r, reply, failed)
		return
	}
	commands := make([]once, len(g.requests))
	writes := false
	for i, r := range g.requests {
		commands[i] = r.script.request(g.ctx, r.keys, r.args, false)
		writes = writes || r.script.writes
	}
	for i, failed := range b.send(g.ctx, b.routes.server, commands, false, writes) {
		r := g.requests[i]
		if failed.empty() || failed.done && !r.script.writes {
			failed = failure{}
		}
		b.finish(r, commands[i].Val(), failed)
	}
}

// finish tells the caller what has become of a request, or tries again.
func (b *backend) finish(r *request, reply any, failed failure) {
	if failed.err == nil || failed.code() != codeNoScript && !failed.again(r.script.matters()) {
		b.settle(r, reply, failed)
		return
	}
	b.running.Go(func() {
		reply, failed := b.persist(r, failed)
		b.settle(r, reply, failed)
	})
}

func (b *backend) settle(r *request, reply any, failed failure) {
	b.shared.noteSize(reply)
	r.group.drop(r)
	b.left.settle(r.tenant, r.ended)
	r.answer <- outcome{reply, b.explain(r.ctx, failed, r.script.matters())} // last, for who wakes up has the processor
}

// How often and how long a call is repeated that certainly did nothing, and how long
// one that a cluster puts off while it moves keys.
const (
	tries          = 10
	patience       = time.Second
	patiencePutOff = 5 * time.Second
)

// persist runs a script again that has failed, until it succeeds or must not be tried
// again.
func (b *backend) persist(r *request, failed failure) (reply any, _ failure) {
	ctx, begin := r.group.ctx, time.Now()
	for try := 0; ; try++ {
		spent := time.Since(begin)
		mayGoOn := try < tries && spent < patience || failed.putOff() && spent < patiencePutOff
		switch {
		case failed.code() == codeNoScript: // whose source the next try sends
		case mayGoOn && pause(ctx, try):
			b.routes.stale(ctx)
		default:
			return nil, failed
		}
		reply, failed = b.try(ctx, r.script, r.keys, r.args)
		if failed.err == nil || !failed.again(r.script.matters()) {
			return reply, failed
		}
	}
}

// pause waits a little before another try; false: there is no time.
func pause(ctx context.Context, try int) bool {
	longest := 100 * time.Millisecond
	if try < 7 {
		longest = time.Millisecond << try
	}
	select {
	case <-time.After(rand.N(longest)):
		return true
	case <-ctx.Done():
		return false
	}
}

// redirects bounds how often servers may send a request elsewhere.
const redirects = 8

// try runs a script once, wherever servers send it.
func (b *backend) try(ctx context.Context, s *script, keys []string, args []any) (any, failure) {
	node, err := b.routes.node(ctx, keys[0])
	if err != nil {
		return nil, failure{err: err}
	}
	asking, bySource := false, false
	for hop := 0; ; {
		command := s.request(ctx, keys, args, bySource)
		failed := b.send(ctx, node, []once{command}, asking, s.writes)[0]
		switch to, ask, redirected := failed.redirection(); {
		case failed.code() == codeNoScript && !bySource:
			bySource = true
			continue
		case redirected && b.routes.cluster != nil && hop < redirects:
			hop, asking = hop+1, ask
			b.routes.stale(ctx)
			if node, err = b.routes.at(node, to); err != nil {
				return nil, failure{err: err}
			}
			continue
		case failed.err != nil && !failed.empty():
			return nil, failed
		}
		return command.Val(), failure{}
	}
}

// send sends commands, and waits for the replicas after a write if that was asked for.
// It says of each how it failed.
func (b *backend) send(ctx context.Context, node *redis.Client, commands []once, asking, write bool) []failure {
	waits := write && b.replicas > 0
	if len(commands) == 1 && !asking && !waits {
		return []failure{{err: node.Process(ctx, commands[0]), alone: true}}
	}
	pipeline := node.Pipeline()
	if asking {
		pipeline.Process(ctx, redis.NewCmd(ctx, "asking"))
	}
	for _, command := range commands {
		pipeline.Process(ctx, command)
	}
	var wait *redis.IntCmd
	if waits {
		wait = redis.NewIntCmd(ctx, "wait", b.replicas, b.replicaTimeout.Milliseconds())
		pipeline.Process(ctx, wait)
	}
	pipeline.Exec(ctx)
	failures := make([]failure, len(commands))
	for i, command := range commands {
		switch {
		case command.Err() != nil:
			failures[i] = failure{err: command.Err()}
		case waits && wait.Err() != nil:
			failures[i] = failure{err: wait.Err(), done: true}
		case waits && wait.Val() < int64(b.replicas):
			failures[i] = failure{err: fewReplicas{wait.Val(), b.replicas}, done: true}
		}
	}
	return failures
}
