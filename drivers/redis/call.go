package redis

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// settling is how long a write whose context is done still waits for the server's
// answer.
const settling = 250 * time.Millisecond

// outcome is what became of a call.
type outcome struct {
	reply []any
	err   error
}

// within runs a script for a call that has entered. go-redis does not notice that a
// context is cancelled while it waits for an answer, so it waits in a goroutine of its
// own, and the caller for both.
func (v view) within(ctx context.Context, s *script, names []string, args ...any) ([]any, error) {
	keys := named(v.tag, names...)
	if err := v.left.await(ctx, v.ended, v.tenant); err != nil {
		return nil, v.explain(ctx, failure{err: err}, s.matters())
	}
	return v.call(ctx, s, keys, args, v.tenant)
}

// call runs a script. tenant names whose later calls wait for it, should the caller
// leave before the answer.
func (b *backend) call(ctx context.Context, s *script, keys []string, args []any, tenant string) ([]any, error) {
	inside, cancel := b.requestContext(ctx)
	answer := make(chan outcome, 1)
	ended := make(chan struct{})
	b.running.Go(func() {
		defer b.left.settle(tenant, ended)
		defer cancel()
		reply, failed := b.persist(inside, s, keys, args)
		answer <- outcome{reply, b.explain(ctx, failed, s.matters())}
	})
	select {
	case o := <-answer:
		return o.reply, o.err
	case <-ctx.Done():
	case <-b.ended.Done():
	}
	if s.matters() {
		timer := time.NewTimer(settling)
		defer timer.Stop()
		select {
		case o := <-answer:
			return o.reply, o.err
		case <-timer.C:
		case <-b.ended.Done():
		}
		b.left.add(tenant, ended)
	}
	cancel()
	return nil, b.explain(ctx, failure{err: context.Canceled}, s.matters())
}

// requestContext is for one request. It has the values of the caller's context, and
// ends a little after its deadline; what a cancelled caller still waits for is not
// interrupted by it.
func (b *backend) requestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	request, cancel := context.WithCancel(context.WithoutCancel(ctx))
	end := cancel
	if deadline, ok := ctx.Deadline(); ok {
		request, end = context.WithDeadline(request, deadline.Add(settling))
	}
	stop := context.AfterFunc(b.ended, cancel)
	return request, func() { stop(); end(); cancel() }
}

// How often and how long a call is repeated that certainly did nothing, and how long
// one that a cluster puts off while it moves keys.
const (
	tries          = 10
	patience       = time.Second
	patiencePutOff = 5 * time.Second
)

// persist runs a script until it succeeds or must not be tried again.
func (b *backend) persist(ctx context.Context, s *script, keys []string, args []any) (reply []any, failed failure) {
	begin := time.Now()
	for try := 0; ; try++ {
		reply, failed = b.try(ctx, s, keys, args)
		if failed.err == nil || !failed.again(s.matters()) {
			return reply, failed
		}
		spent := time.Since(begin)
		if mayGoOn := try < tries && spent < patience || failed.putOff() && spent < patiencePutOff; !mayGoOn || !pause(ctx, try) {
			return reply, failed
		}
		b.routes.stale(ctx)
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
func (b *backend) try(ctx context.Context, s *script, keys []string, args []any) ([]any, failure) {
	node, err := b.routes.node(ctx, keys[0])
	if err != nil {
		return nil, failure{err: err}
	}
	asking, bySource := false, false
	for hop := 0; ; {
		command := s.bySHA(ctx, keys, args)
		if bySource {
			command = s.bySource(ctx, keys, args)
		}
		failed := b.send(ctx, node, command, asking, s.writes)
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
		case failed.err != nil:
			return nil, failed
		}
		reply, _ := command.Val().([]any)
		return reply, failure{}
	}
}

// send sends a command, and waits for the replicas after a write if that was asked
// for.
func (b *backend) send(ctx context.Context, node *redis.Client, command once, asking, write bool) failure {
	waits := write && b.replicas > 0
	if !asking && !waits {
		return failure{err: node.Process(ctx, command), alone: true}
	}
	pipeline := node.Pipeline()
	if asking {
		pipeline.Process(ctx, redis.NewCmd(ctx, "asking"))
	}
	pipeline.Process(ctx, command)
	var wait *redis.IntCmd
	if waits {
		wait = redis.NewIntCmd(ctx, "wait", b.replicas, b.replicaTimeout.Milliseconds())
		pipeline.Process(ctx, wait)
	}
	_, err := pipeline.Exec(ctx)
	switch {
	case command.Err() != nil:
		return failure{err: command.Err()}
	case waits && wait.Err() != nil:
		return failure{err: wait.Err(), done: true}
	case waits && wait.Val() < int64(b.replicas):
		return failure{err: fewReplicas{wait.Val(), b.replicas}, done: true}
	case err != nil && !waits:
		return failure{err: err}
	}
	return failure{}
}
