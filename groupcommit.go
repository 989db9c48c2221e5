package enact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// What one commit takes at most, so that nobody in it waits long for the others.
const (
	groupAppends = 256
	groupBytes   = 4 << 20
)

// gatherPart is the part of the duration of a commit that its callers are given to come
// back, one over this.
const gatherPart = 8

// settling is how long an append whose context is done waits for what becomes of a
// commit that it has part in.
const settling = 500 * time.Millisecond

// groupCommit gathers appends that arrive while a commit is on its way, and stores
// them with the next one. Whoever finds none on its way waits for nobody. An engine
// that does several commits at once has as many lanes; the appends of an execution
// are always in the same one, so that commits do not wait for one another.
type groupCommit struct {
	driver.Gate
	seed  maphash.Seed
	lanes []lane
}

// lane has one commit on its way at a time.
type lane struct {
	engine  driver.EventBatcher
	mu      sync.Mutex
	busy    bool // a commit is on its way
	waiting []*waitingAppend
}

func newGroupCommit(engine driver.EventBatcher) *groupCommit {
	g := &groupCommit{seed: maphash.MakeSeed(), lanes: make([]lane, max(1, engine.CommitsAtOnce()))}
	for i := range g.lanes {
		g.lanes[i].engine = engine
	}
	return g
}

// laneOf returns the lane of an append's execution.
func (g *groupCommit) laneOf(a *driver.Append) *lane {
	if len(g.lanes) == 1 {
		return &g.lanes[0]
	}
	hash := maphash.String(g.seed, string(a.Tenant)) ^ maphash.String(g.seed, string(a.Execution))
	return &g.lanes[hash%uint64(len(g.lanes))]
}

// waitingAppend is an append that waits for its turn, or for its commit.
type waitingAppend struct {
	driver.Append
	size   int
	result driver.AppendResult
	done   chan struct{} // closed when result is there
	group  *group        // nil before its turn
}

// group is what goes into one commit. It is cancelled when nobody is left who wants
// it.
type group struct {
	members []*waitingAppend
	wanted  int
	ctx     context.Context
	cancel  context.CancelFunc
}

// append does what store.Append does.
func (g *groupCommit) append(ctx context.Context, store driver.EventStore, a driver.Append) (last uint64, err error) {
	if err := g.Enter(ctx); err != nil {
		return 0, err
	}
	defer g.Leave()
	l := g.laneOf(&a)
	w := l.enter(a)
	if w == nil {
		defer l.next(0, 0)
		return store.Append(ctx, a.Execution, a.Expect, a.Events)
	}
	var left error
	select {
	case <-w.done:
		return w.result.Last, w.result.Err
	case <-ctx.Done():
		left = ctx.Err()
	case <-g.Aborted():
		left = driver.ErrClosed
	}
	if inCommit := l.leave(w); inCommit && w.settled() && !errors.Is(w.result.Err, context.Canceled) {
		return w.result.Last, w.result.Err
	}
	return 0, left
}

// enter puts an append into the queue, or returns nil: no commit is on its way, and
// the caller is to do its own and then call next.
func (l *lane) enter(a driver.Append) *waitingAppend {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.busy {
		l.busy = true
		return nil
	}
	w := newWaiting(a)
	l.waiting = append(l.waiting, w)
	return w
}

// newWaiting copies what belongs to a caller, who may leave before the commit.
func newWaiting(a driver.Append) *waitingAppend {
	w := &waitingAppend{Append: a, done: make(chan struct{})}
	w.Events = make([]driver.Event, len(a.Events))
	for i, e := range a.Events {
		e.Payload = bytes.Clone(e.Payload)
		w.Events[i] = e
		w.size += len(e.Payload) + len(e.ID) + len(e.Type)
	}
	return w
}

// settled waits for the result of an append that is in a commit, for a while.
func (w *waitingAppend) settled() bool {
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-w.done:
		return true
	case <-timer.C:
		return false
	}
}

// leave says that the caller of an append does not want it any longer. Before its
// turn it is taken away.
func (l *lane) leave(w *waitingAppend) (inCommit bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.group == nil {
		at := slices.Index(l.waiting, w)
		l.waiting = slices.Delete(l.waiting, at, at+1)
		return false
	}
	if w.group.wanted--; w.group.wanted == 0 {
		w.group.cancel()
	}
	return true
}

// next ends a commit of so many callers, if it was of several, and begins one of what
// is waiting, if anything is.
func (l *lane) next(callers int, took time.Duration) {
	if together := l.take(callers, took); together != nil {
		go l.commit(together)
	}
}

// take returns what goes into the next commit, or notes that there is none.
func (l *lane) take(callers int, took time.Duration) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if callers > 1 {
		l.gather(callers, took/gatherPart)
	}
	if len(l.waiting) == 0 {
		l.busy, l.waiting = false, nil
		return nil
	}
	n, size := 0, 0
	for n < len(l.waiting) && n < groupAppends && (n == 0 || size+l.waiting[n].size <= groupBytes) {
		size += l.waiting[n].size
		n++
	}
	together := &group{members: l.waiting[:n:n], wanted: n}
	together.ctx, together.cancel = context.WithCancel(context.Background())
	l.waiting = l.waiting[n:]
	for _, w := range together.members {
		w.group = together
	}
	return together
}

// gather lets the callers of a commit, who may have more to append, come back and have
// part in the next one, which otherwise only those would share who came during this
// one. It does not wait long for who does not. l.mu is held.
func (l *lane) gather(callers int, atMost time.Duration) {
	enough := min(len(l.waiting)+callers, groupAppends)
	for begin := time.Now(); len(l.waiting) < enough && time.Since(begin) < atMost; {
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
}

// commit stores a group and tells its members.
func (l *lane) commit(together *group) {
	begin := time.Now()
	results := l.store(together)
	took := time.Since(begin)
	together.cancel()
	for i, w := range together.members {
		w.result = results[i]
		close(w.done)
	}
	l.next(len(together.members), took)
}

// store never panics: whoever waits must be told.
func (l *lane) store(together *group) (results []driver.AppendResult) {
	appends := make([]driver.Append, len(together.members))
	for i, w := range together.members {
		appends[i] = w.Append
	}
	defer func() {
		if p := recover(); p != nil {
			results = driver.AllFailed(appends, fmt.Errorf("the driver panicked while it appended for %d callers; it is not known what it has done: %v", len(appends), p))
		}
	}()
	if results = l.engine.AppendEach(together.ctx, appends); len(results) != len(appends) {
		return driver.AllFailed(appends, fmt.Errorf("the driver returned %d results for %d appends; it is not known what it has done", len(results), len(appends)))
	}
	return results
}
