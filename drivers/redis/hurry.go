package redis

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// soon is how long the goroutine of a caller who may leave waits for an answer.
	soon = 100 * time.Millisecond
	// afterLate is for how long no such caller does that after an answer that was late.
	afterLate = 5 * time.Second
)

// hurry is when callers who may leave ask the server in their own goroutine again, in
// nanoseconds.
type hurry struct{ again atomic.Int64 }

// asksItself says whether a caller runs a script in its own goroutine. To hand it to
// another and to wait for both costs more than the script itself where the server is
// near. But go-redis does not notice that a context is cancelled while it waits for an
// answer. So only a caller who cannot leave writes by itself, and one who can reads and
// gives up soon, which does no harm. With a borrowed client neither does: it need not
// end with the deadline of a context, nor with the backend.
func (b *backend) asksItself(ctx context.Context, s *script) bool {
	if b.borrowed || ctx.Done() == nil {
		return !b.borrowed
	}
	again := b.hurry.again.Load()
	return !s.writes && (again == 0 || time.Now().UnixNano() > again)
}

// askItself runs a script in the caller's goroutine, once. Should that fail in a way
// that another try may mend, over is false.
func (b *backend) askItself(ctx context.Context, s *script, keys []string, args []any) (reply any, failed failure, over bool) {
	inside, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.ended, cancel)()
	mayLeave := ctx.Done() != nil
	if mayLeave {
		inside = impatient{inside, time.Now().Add(soon)}
	}
	reply, failed = b.try(inside, s, keys, args)
	late := mayLeave && failed.late() && ctx.Err() == nil
	if late {
		b.hurry.again.Store(time.Now().Add(afterLate).UnixNano())
	}
	return reply, failed, failed.err == nil || ctx.Err() != nil || !late && !failed.again(s.matters())
}

// impatient is a context by whose deadline the client gives up, without a timer.
type impatient struct {
	context.Context
	until time.Time
}

// Deadline implements context.Context.
func (c impatient) Deadline() (time.Time, bool) {
	if deadline, ok := c.Context.Deadline(); ok && deadline.Before(c.until) {
		return deadline, true
	}
	return c.until, true
}
