package driver

import (
	"context"
	"sync"
	"time"
)

// Gate counts the calls in flight for a backend, so that Shutdown can refuse new
// ones and wait for the others. A loop over what Load returned is a call in flight
// until it ends. The zero value is open. Safe for concurrent use.
type Gate struct {
	mu      sync.Mutex
	made    bool
	closed  bool
	inside  int
	drained chan struct{}
	aborted chan struct{}
	// released is closed when ShutDown has released everything.
	released chan struct{}
}

// make prepares the channels; g.mu is held.
func (g *Gate) make() {
	if !g.made {
		g.made, g.drained, g.aborted, g.released = true, make(chan struct{}), make(chan struct{}), make(chan struct{})
	}
}

// Enter begins a call. It returns the context's error when that is done and
// [ErrClosed] after Close. On nil the caller must call Leave once.
func (g *Gate) Enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.inside++
	return nil
}

// Leave ends a call.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.drained)
	}
}

// Close refuses new calls and waits until the last one has left. When ctx ends
// before that, it closes Aborted and returns the context's error. Only the first
// Close does anything; first says whether this was it.
func (g *Gate) Close(ctx context.Context) (first bool, err error) {
	if !g.shut() {
		return false, nil
	}
	select {
	case <-g.drained:
		return true, nil
	default:
	}
	select {
	case <-g.drained:
		return true, nil
	case <-ctx.Done():
		close(g.aborted)
		return true, ctx.Err()
	}
}

func (g *Gate) shut() (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.make()
	g.closed = true
	if g.inside == 0 {
		close(g.drained)
	}
	return true
}

// lastMoment is how long ShutDown waits, after its context, for calls that only
// waited for something.
const lastMoment = 10 * time.Millisecond

// ShutDown is what a backend's Shutdown does: it closes the gate and calls release,
// once, when the last call has left. When ctx ends before that, Aborted is closed,
// abort is called for what does not look at it (nil: nothing), release follows the
// last call in the background, and the error is the context's. Otherwise it is
// release's. Another ShutDown waits for the first and returns nil.
func (g *Gate) ShutDown(ctx context.Context, abort func(), release func() error) error {
	first, err := g.Close(ctx)
	switch {
	case !first:
		select {
		case <-g.Released():
		case <-ctx.Done():
		}
		return nil
	case err == nil:
		defer close(g.released)
		return release()
	}
	if abort != nil {
		abort()
	}
	go func() {
		defer close(g.released)
		<-g.drained
		release()
	}()
	select {
	case <-g.released:
	case <-time.After(lastMoment):
	}
	return err
}

// Released returns a channel that is closed when ShutDown has released everything.
func (g *Gate) Released() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.make()
	return g.released
}

// Drained returns a channel that is closed when the last call has left after
// Close.
func (g *Gate) Drained() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.make()
	return g.drained
}

// Aborted returns a channel that is closed when the calls that are still inside
// must end, with [ErrClosed].
func (g *Gate) Aborted() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.make()
	return g.aborted
}

// Continue returns the error that ends a call in its middle: the context's, or
// [ErrClosed] once Aborted is closed. Long calls ask it now and then.
func (g *Gate) Continue(ctx context.Context) error { return ended(ctx, g.Aborted()) }

func ended(ctx context.Context, aborted <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-aborted:
		return ErrClosed
	default:
		return nil
	}
}
