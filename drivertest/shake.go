package drivertest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
)

// shaken is a context that gives others a chance to run whenever somebody looks at
// it. A driver that checks first and acts then, without a lock, is caught between
// the two even on one processor.
type shaken struct{ context.Context }

func (c shaken) Err() error {
	shake()
	return c.Context.Err()
}

func (c shaken) Done() <-chan struct{} {
	shake()
	return c.Context.Done()
}

func shake() {
	switch rand.IntN(4) {
	case 0:
		time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
	case 1:
		runtime.Gosched()
	}
}

// shaken is the check's context, for calls that race.
func (t *trial) shaken() context.Context { return shaken{t.ctx} }

// cancelledAtLook is a context that is cancelled when somebody looks at it for the
// n-th time, so that a call can be cancelled in every place that minds.
type cancelledAtLook struct {
	context.Context
	cancel context.CancelFunc
	left   *atomic.Int64
}

func newCancelledAtLook(ctx context.Context, n int) cancelledAtLook {
	ctx, cancel := context.WithCancel(ctx)
	c := cancelledAtLook{ctx, cancel, new(atomic.Int64)}
	c.left.Store(int64(n))
	return c
}

func (c cancelledAtLook) look() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}

func (c cancelledAtLook) Err() error {
	c.look()
	return c.Context.Err()
}

func (c cancelledAtLook) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// looks is how often somebody has looked.
func (c cancelledAtLook) looks(n int) int { return n - int(c.left.Load()) }
