package sqlite

import "sync"

// pool holds idle connections. The one that was used last is taken first: its pages
// are in the processor's caches, and it has seen the latest state of the file.
type pool struct {
	free chan struct{} // as many as there are idle connections
	mu   sync.Mutex
	idle []*conn
}

func newPool(size int) *pool { return &pool{free: make(chan struct{}, size)} }

// size is how many connections belong to the pool.
func (p *pool) size() int { return cap(p.free) }

// take is for who has received from free.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	p.free <- struct{}{}
}
