package enact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// heldEngine keeps commits until it is told to go on, and writes down what was in
// each.
type heldEngine struct {
	commits chan []driver.Append // begun
	proceed chan struct{}        // one for each commit that may end
	answer  func(ctx context.Context, appends []driver.Append) []driver.AppendResult
}

func newHeldEngine() *heldEngine {
	e := &heldEngine{commits: make(chan []driver.Append, 100), proceed: make(chan struct{}, 100)}
	e.answer = func(_ context.Context, appends []driver.Append) []driver.AppendResult {
		results := make([]driver.AppendResult, len(appends))
		for i := range results {
			results[i].Last = uint64(i + 1)
		}
		return results
	}
	return e
}

func (e *heldEngine) CommitsAtOnce() int { return 1 }

func (e *heldEngine) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	e.commits <- appends
	select {
	case <-e.proceed:
		return e.answer(ctx, appends)
	case <-ctx.Done():
		return driver.AllFailed(appends, ctx.Err())
	}
}

// aloneStore is a store whose appends are held like commits.
type aloneStore struct {
	driver.EventStore
	engine *heldEngine
}

func (s aloneStore) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
	r := s.engine.AppendEach(ctx, []driver.Append{{Execution: id, Expect: expect, Events: events}})[0]
	return r.Last, r.Err
}

type appended struct {
	last uint64
	err  error
}

// groupUnderTest is a group commit with calls in flight.
type groupUnderTest struct {
	*groupCommit
	t      *testing.T
	engine *heldEngine
}

func newGroupUnderTest(t *testing.T) *groupUnderTest {
	engine := newHeldEngine()
	return &groupUnderTest{newGroupCommit(engine), t, engine}
}

// start appends in the background.
func (g *groupUnderTest) start(ctx context.Context, payload []byte) <-chan appended {
	result := make(chan appended, 1)
	go func() {
		last, err := g.append(ctx, aloneStore{engine: g.engine}, driver.Append{Tenant: "t", Execution: "run", Events: []driver.Event{{ID: "e", Type: "t", Payload: payload}}})
		result <- appended{last, err}
	}()
	return result
}

// waitFor waits until n appends wait for a commit.
func (g *groupUnderTest) waitFor(n int) {
	g.t.Helper()
	l := &g.lanes[0]
	for range 5000 {
		l.mu.Lock()
		waiting := len(l.waiting)
		l.mu.Unlock()
		if waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	g.t.Fatalf("there are never %d appends that wait", n)
}

// commit returns what the next commit is of.
func (g *groupUnderTest) commit() []driver.Append {
	g.t.Helper()
	select {
	case appends := <-g.engine.commits:
		return appends
	case <-time.After(10 * time.Second):
		g.t.Fatal("no commit begins")
		return nil
	}
}

func (g *groupUnderTest) result(of <-chan appended) appended {
	g.t.Helper()
	select {
	case r := <-of:
		return r
	case <-time.After(10 * time.Second):
		g.t.Fatal("an append does not return")
		return appended{}
	}
}

// idle ends the test unless nobody waits and no commit is on its way, soon.
func (g *groupUnderTest) idle() {
	g.t.Helper()
	l := &g.lanes[0]
	for range 5000 {
		l.mu.Lock()
		busy := l.busy
		l.mu.Unlock()
		if !busy {
			return
		}
		time.Sleep(time.Millisecond)
	}
	g.t.Fatal("a commit is on its way though nobody waits")
}

// TestGroupCommitShares: a lone append is done at once and by itself; those that
// arrive meanwhile share the next commit, and each gets its own result.
func TestGroupCommitShares(t *testing.T) {
	g := newGroupUnderTest(t)
	first := g.start(t.Context(), []byte("first"))
	if n := len(g.commit()); n != 1 {
		t.Fatalf("the first commit is of %d appends, want 1", n)
	}
	const others = 5
	refused := errors.New("refused")
	g.engine.answer = func(_ context.Context, appends []driver.Append) []driver.AppendResult {
		results := make([]driver.AppendResult, len(appends))
		for i, a := range appends {
			if results[i].Last = uint64(a.Events[0].Payload[0]); results[i].Last == 2 {
				results[i] = driver.AppendResult{Err: refused}
			}
		}
		return results
	}
	var rest []<-chan appended
	for i := range others {
		rest = append(rest, g.start(t.Context(), []byte{byte(i)}))
		g.waitFor(i + 1)
	}
	select {
	case <-g.engine.commits:
		t.Fatal("a second commit begins while the first is on its way")
	default:
	}
	g.engine.proceed <- struct{}{}
	g.result(first)
	if n := len(g.commit()); n != others {
		t.Fatalf("the second commit is of %d appends, want the %d that arrived meanwhile", n, others)
	}
	for i, r := range rest {
		select {
		case <-r:
			t.Fatalf("append %d is acknowledged before its commit", i)
		default:
		}
	}
	g.engine.proceed <- struct{}{}
	for i, r := range rest {
		got := g.result(r)
		if want := (appended{last: uint64(i)}); i != 2 && got != want {
			t.Errorf("append %d returned %+v, want %+v", i, got, want)
		}
		if i == 2 && !errors.Is(got.err, refused) {
			t.Errorf("the append that was refused returned %+v", got)
		}
	}
	g.idle()
}

// TestGroupCommitCancelled: an append that is cancelled before its turn is not done;
// one that is in a commit waits for what becomes of it; a commit that nobody wants
// any longer is cancelled.
func TestGroupCommitCancelled(t *testing.T) {
	g := newGroupUnderTest(t)
	first := g.start(t.Context(), nil)
	g.commit()
	ctx, cancel := context.WithCancel(t.Context())
	early := g.start(ctx, nil)
	g.waitFor(1)
	stays := g.start(t.Context(), nil)
	g.waitFor(2)
	cancel()
	if r := g.result(early); !errors.Is(r.err, context.Canceled) {
		t.Errorf("an append cancelled before its turn returned %+v", r)
	}
	inCommit, cancelInCommit := context.WithCancel(t.Context())
	leaves := g.start(inCommit, nil)
	g.waitFor(2)
	g.engine.proceed <- struct{}{}
	g.result(first)
	if n := len(g.commit()); n != 2 {
		t.Fatalf("the commit is of %d appends, want 2: one was cancelled before", n)
	}
	cancelInCommit()
	time.Sleep(20 * time.Millisecond)
	g.engine.proceed <- struct{}{}
	if r := g.result(leaves); r.err != nil || r.last != 2 {
		t.Errorf("an append cancelled during its commit, which was done, returned %+v, want what became of it", r)
	}
	if r := g.result(stays); r.err != nil || r.last != 1 {
		t.Errorf("an append beside a cancelled one returned %+v", r)
	}
	g.idle()

	first = g.start(t.Context(), nil)
	g.commit()
	ctx, cancel = context.WithCancel(t.Context())
	alone := g.start(ctx, nil)
	g.waitFor(1)
	g.engine.proceed <- struct{}{}
	g.result(first)
	g.commit()
	cancel() // and nobody lets the commit go on
	if r := g.result(alone); !errors.Is(r.err, context.Canceled) {
		t.Errorf("the only member of a commit, cancelled, returned %+v", r)
	}
	g.idle()
}

// TestGroupCommitDoesNotWaitForever: an engine that ignores its context keeps nobody
// who has left.
func TestGroupCommitDoesNotWaitForever(t *testing.T) {
	g := newGroupUnderTest(t)
	first := g.start(t.Context(), nil)
	g.commit()
	ctx, cancel := context.WithCancel(t.Context())
	leaves, stays := g.start(ctx, nil), g.start(t.Context(), nil)
	g.waitFor(2)
	g.engine.proceed <- struct{}{}
	g.result(first)
	g.commit()
	cancel()
	begin := time.Now()
	if r := g.result(leaves); !errors.Is(r.err, context.Canceled) {
		t.Errorf("it returned %+v, want the context's error", r)
	}
	if took := time.Since(begin); took < settling/2 || took > settling+5*time.Second {
		t.Errorf("it returned after %v, want about %v", took, settling)
	}
	g.engine.proceed <- struct{}{}
	g.result(stays)
	g.idle()
}

// TestGroupCommitCopies: what a caller does with a payload after it has left changes
// no commit (B8).
func TestGroupCommitCopies(t *testing.T) {
	g := newGroupUnderTest(t)
	first := g.start(t.Context(), nil)
	g.commit()
	payload := []byte("payload")
	second := g.start(t.Context(), payload)
	g.waitFor(1)
	clear(payload)
	g.engine.proceed <- struct{}{}
	g.result(first)
	if got := string(g.commit()[0].Events[0].Payload); got != "payload" {
		t.Errorf("the commit holds %q, want a copy of what was given", got)
	}
	g.engine.proceed <- struct{}{}
	g.result(second)
}

// TestGroupCommitPanics: a driver that panics, or returns too few results, leaves
// nobody waiting, and those who come later are served.
func TestGroupCommitPanics(t *testing.T) {
	for name, fails := range map[string]func(context.Context, []driver.Append) []driver.AppendResult{
		"panicked": func(context.Context, []driver.Append) []driver.AppendResult { panic("boom") },
		"returned": func(context.Context, []driver.Append) []driver.AppendResult { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroupUnderTest(t)
			first := g.start(t.Context(), nil)
			g.commit()
			second, third := g.start(t.Context(), nil), g.start(t.Context(), nil)
			g.waitFor(2)
			works := g.engine.answer
			g.engine.proceed <- struct{}{}
			g.result(first)
			g.commit()
			g.engine.answer = fails
			g.engine.proceed <- struct{}{}
			for _, r := range []appended{g.result(second), g.result(third)} {
				if r.err == nil || !strings.Contains(r.err.Error(), "the driver "+name) || errors.Is(r.err, driver.ErrUnavailable) {
					t.Errorf("an append returned %+v, want an error that leaves open what was done", r)
				}
			}
			g.idle()
			g.engine.answer = works
			g.engine.proceed <- struct{}{}
			if r := g.result(g.start(t.Context(), nil)); r.err != nil {
				t.Errorf("a later append returned %v", r.err)
			}
		})
	}
}

// TestGroupCommitBounds: one commit takes no more than it should, in the order of
// arrival.
func TestGroupCommitBounds(t *testing.T) {
	g := newGroupUnderTest(t)
	waiting := []<-chan appended{g.start(t.Context(), nil)}
	g.commit()
	large := make([]byte, groupBytes/2)
	for i := range 3 {
		waiting = append(waiting, g.start(t.Context(), large))
		g.waitFor(i + 1)
	}
	for i := range groupAppends {
		waiting = append(waiting, g.start(t.Context(), nil))
		g.waitFor(i + 4)
	}
	var sizes []int
	for n := 1; n < len(waiting); {
		g.engine.proceed <- struct{}{}
		size := len(g.commit())
		sizes = append(sizes, size)
		n += size
	}
	g.engine.proceed <- struct{}{}
	for _, r := range waiting {
		g.result(r)
	}
	if got, want := fmt.Sprint(sizes), fmt.Sprint([]int{1, 1, groupAppends, 1}); got != want {
		t.Errorf("commits are of %s appends, want %s", got, want)
	}
}

// TestGroupCommitDrains: Shutdown lets appends that wait for their commit be done, and
// ends them with ErrClosed when its context does; later ones are refused (B4).
func TestGroupCommitDrains(t *testing.T) {
	g := newGroupUnderTest(t)
	results := []<-chan appended{g.start(t.Context(), nil)}
	g.commit()
	results = append(results, g.start(t.Context(), nil))
	g.waitFor(1)
	closed := make(chan error, 1)
	go func() { closed <- (&Runtime{groups: g.groupCommit}).Shutdown(t.Context()) }()
	g.engine.proceed <- struct{}{}
	g.engine.proceed <- struct{}{}
	for _, r := range results {
		if r := g.result(r); r.err != nil {
			t.Errorf("an append in flight at Shutdown returned %v", r.err)
		}
	}
	if err := <-closed; err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
	if r := g.result(g.start(t.Context(), nil)); !errors.Is(r.err, driver.ErrClosed) {
		t.Errorf("an append after Shutdown returned %+v", r)
	}

	g = newGroupUnderTest(t)
	first := g.start(t.Context(), nil)
	g.commit()
	second := g.start(t.Context(), nil)
	g.waitFor(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close, whose context is done, returned %v", err)
	}
	if r := g.result(second); !errors.Is(r.err, driver.ErrClosed) {
		t.Errorf("an append that waited when Close gave up returned %+v", r)
	}
	g.engine.proceed <- struct{}{}
	g.result(first)
	g.idle()
}

// TestGroupCommitLanes: appends of one execution are in one lane, others in all.
func TestGroupCommitLanes(t *testing.T) {
	g := newGroupCommit(lanesEngine{newHeldEngine()})
	used := map[*lane]bool{}
	for i := range 100 {
		a := driver.Append{Tenant: "t", Execution: ExecutionID(fmt.Sprint("run ", i))}
		first := g.laneOf(&a)
		if used[first] = true; g.laneOf(&a) != first {
			t.Fatal("an execution has two lanes")
		}
	}
	if len(used) != 3 {
		t.Errorf("100 executions use %d lanes, want all 3", len(used))
	}
}

type lanesEngine struct{ *heldEngine }

func (lanesEngine) CommitsAtOnce() int { return 3 }

// TestGroupCommitCrowd: under many appenders that come and go every one gets its own
// result.
func TestGroupCommitCrowd(t *testing.T) {
	engine := newHeldEngine()
	close(engine.proceed)
	engine.commits = make(chan []driver.Append, 1<<16)
	engine.answer = func(_ context.Context, appends []driver.Append) []driver.AppendResult {
		results := make([]driver.AppendResult, len(appends))
		for i, a := range appends {
			results[i].Last = uint64(a.Events[0].Payload[0])
		}
		return results
	}
	g := newGroupCommit(engine)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					cancel()
				}
				last, err := g.append(ctx, aloneStore{engine: engine}, driver.Append{Tenant: "t", Execution: "run", Events: []driver.Event{{Payload: []byte{byte(w)}}}})
				if (err == nil && last != uint64(w)) || (err != nil && !errors.Is(err, context.Canceled)) {
					t.Errorf("append of worker %d returned %d, %v", w, last, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if _, err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
