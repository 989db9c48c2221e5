package driver

import (
	"context"
	"sync"
)

// Gate counts the calls in flight for a backend, so that Shutdown can refuse new
// ones and wait for the others. The zero value is open. Safe for concurrent use.
type Gate struct {
	mu     sync.Mutex
	closed bool
	inside int
	empty  chan struct{} // made by Close; closed when nobody is inside any more
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
		close(g.empty)
	}
}

// Close refuses new calls from now on. It returns a channel that is closed when
// the last call has left, and whether this was the first Close.
func (g *Gate) Close() (empty <-chan struct{}, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed, first = true, true
		g.empty = make(chan struct{})
		if g.inside == 0 {
			close(g.empty)
		}
	}
	return g.empty, first
}
