package redis

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pipelines is how many requests or groups of them are on their way at once before
	// more of them wait to share one.
	pipelines = 4
	// What a group takes at most, so that nobody in it waits long for the others.
	groupRequests = 32
	groupBytes    = 256 << 10
	// sharedBytes bounds a request that may be in a group.
	sharedBytes = 16 << 10
	// afterLarge is for how long reads do not share when one has returned more.
	afterLarge = time.Second
)

// sharing gathers requests that arrive while others are on their way, and sends them in
// one pipeline. Whoever finds a pipeline free waits for nobody. A server that is given
// many requests at once spends less on each, and so does the client.
type sharing struct {
	mu      sync.Mutex
	waiting []*request
	sending int // what is on its way
	idle    int // goroutines that have nothing to send
	wake    chan struct{}
	small   atomic.Int64 // when reads may share, in nanoseconds
}

func newSharing() *sharing { return &sharing{wake: make(chan struct{}, pipelines)} }

// request is a script that is run for a caller, who may leave before it has ended.
type request struct {
	ctx    context.Context // the caller's
	tenant string
	script *script
	keys   []string
	args   []any
	size   int
	answer chan outcome
	ended  chan struct{}
	group  *group      // nil while it waits to be sent
	over   atomic.Bool // it has ended, or its caller has left
}

// group is what is sent at once. It is cancelled when nobody is left who wants it.
type group struct {
	requests []*request
	wanted   atomic.Int64
	ctx      context.Context
	cancel   context.CancelFunc
}

// drop says that a request has ended, or that its caller has left.
func (g *group) drop(r *request) {
	if !r.over.Swap(true) && g.wanted.Add(-1) == 0 {
		g.cancel()
	}
}

// newGroup makes a group of requests that are to be sent now.
func (b *backend) newGroup(requests []*request) *group {
	g := &group{requests: requests}
	g.wanted.Store(int64(len(requests)))
	if len(requests) == 1 {
		g.ctx, g.cancel = b.requestContext(requests[0].ctx)
	} else {
		g.ctx, g.cancel = b.groupContext(requests)
	}
	for _, r := range requests {
		r.group = g
	}
	return g
}

// shares says whether a script with arguments of a size may share a pipeline. In a
// cluster none does, since its keys may be on another server than those of the next.
func (b *backend) shares(s *script, size int) bool {
	if size > sharedBytes || b.routes.server == nil {
		return false
	}
	small := b.shared.small.Load()
	return s.writes || small == 0 || time.Now().UnixNano() > small
}

// noteSize keeps reads from sharing for a while when what one has returned is large.
func (s *sharing) noteSize(reply any) {
	if len(text(reply)) > sharedBytes {
		s.small.Store(time.Now().Add(afterLarge).UnixNano())
	}
}

// share sends a request with others, as soon as may be.
func (b *backend) share(r *request) {
	s := b.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, r)
	if s.sending < pipelines {
		s.sending++
		b.sendWaiting()
	}
}

// enter says whether the caller may send something beside what is on its way; then it
// must leave.
func (s *sharing) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending == pipelines {
		return false
	}
	s.sending++
	return true
}

// leaveShared lets go what has had to wait.
func (b *backend) leaveShared() {
	s := b.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.sending--
		return
	}
	b.sendWaiting()
}

// sendWaiting has a goroutine send what is waiting; shared.mu is held.
func (b *backend) sendWaiting() {
	if b.shared.idle == 0 {
		b.running.Go(b.sendShared)
		return
	}
	b.shared.idle--
	b.shared.wake <- struct{}{}
}

// sendShared sends what is waiting, until the backend ends.
func (b *backend) sendShared() {
	for several := false; ; {
		g := b.take(several)
		if g == nil {
			select {
			case <-b.shared.wake:
				continue
			case <-b.ended.Done():
				return
			}
		}
		b.process(g)
		several = len(g.requests) > 1
	}
}

// take returns what is to be sent next, or notes that nobody sends. After several it
// lets those who come back at once have part in it.
func (b *backend) take(several bool) *group {
	s := b.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	for had := -1; several && len(s.waiting) > had && len(s.waiting) < groupRequests; {
		had = len(s.waiting)
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	n, size := 0, 0
	for n < min(len(s.waiting), groupRequests) && (n == 0 || size+s.waiting[n].size <= groupBytes) {
		size += s.waiting[n].size
		n++
	}
	if n == 0 {
		s.sending--
		s.idle++
		return nil
	}
	requests := s.waiting[:n:n]
	if s.waiting = s.waiting[n:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
	return b.newGroup(requests)
}

// remove takes back a request that is not on its way yet.
func (s *sharing) remove(r *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.waiting, r)
	if at < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, at, at+1)
	return true
}
