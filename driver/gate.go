package driver

import (
	"context"
	"sync"
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
}

// make prepares the channels; g.mu is held.
func (g *Gate) make() {
	if !g.made {
		g.made, g.drained, g.aborted = true, make(chan struct{}), make(chan struct{})
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
func (g *Gate) Continue(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-g.Aborted():
		return ErrClosed
	default:
		return nil
	}
}
