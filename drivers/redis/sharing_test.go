package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestSharedPipelines: calls that have to wait for a server that hangs share pipelines
// when it goes on, and all succeed; one that is cancelled while it waits is not sent.
func TestSharedPipelines(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := open(t, server.DSN("read_timeout=1m")).(*backend)
	const calls = 50
	testkit.Must(b.Tenant("t").State.Set(t.Context(), "warm", nil, driver.SetOptions{}))(t)
	testkit.Check(t, server.Pause())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	are := func(sending, waiting int) func() bool {
		return func() bool {
			b.shared.mu.Lock()
			defer b.shared.mu.Unlock()
			return b.shared.sending == sending && len(b.shared.waiting) == waiting
		}
	}
	var all sync.WaitGroup
	set := func(ctx context.Context, i int, check func(error)) {
		all.Go(func() {
			_, err := b.Tenant(driver.TenantID(fmt.Sprint("t", i%3))).State.Set(ctx, fmt.Sprint("key ", i), fmt.Append(nil, i), driver.SetOptions{})
			check(err)
		})
	}
	for i := range pipelines {
		set(t.Context(), i, func(err error) { testkit.Check(t, err) })
		testkit.Await(t, "one more call is on its way", are(i+1, 0))
	}
	set(ctx, -1, func(err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a call that was cancelled while it waited returned %v", err)
		}
	})
	testkit.Await(t, "a call waits", are(pipelines, 1))
	begin := time.Now()
	cancel()
	testkit.Await(t, "the cancelled call is gone", are(pipelines, 0))
	if spent := time.Since(begin); spent >= settling {
		t.Errorf("a call that was not sent yet was cancelled after %v", spent)
	}
	for i := pipelines; i < calls; i++ {
		set(t.Context(), i, func(err error) { testkit.Check(t, err) })
	}
	testkit.Await(t, "all others wait", are(pipelines, calls-pipelines))
	testkit.Check(t, server.Resume())
	testkit.Within(t, "calls after the server has gone on", all.Wait)
	for i := range calls {
		if e, err := b.Tenant(driver.TenantID(fmt.Sprint("t", i%3))).State.Get(t.Context(), fmt.Sprint("key ", i)); err != nil || string(e.Value) != fmt.Sprint(i) {
			t.Errorf("key %d is %q, %v", i, e.Value, err)
		}
	}
	if _, err := b.Tenant("t2").State.Get(t.Context(), "key -1"); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("the key of the call that was cancelled while it waited: %v, want ErrNotFound", err)
	}
	if calls := testkit.Must(server.Do("INFO", "commandstats").Text())(t); !strings.Contains(calls, "cmdstat_evalsha") {
		t.Error("no script has run")
	}
}

// TestSharedFailures: with 32 writers that share pipelines the server forgets its scripts
// and cuts connections. Each write that was acknowledged is there, and each that certainly
// was not done is not.
func TestSharedFailures(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := open(t, server.DSN())
	stop := make(chan struct{})
	var all sync.WaitGroup
	for w := range 32 {
		all.Go(func() {
			s := b.Tenant(driver.TenantID(fmt.Sprint("t", w%3))).State
			key, certain, unclear := fmt.Sprint("key ", w), "", map[string]bool{}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				value := fmt.Sprint(n)
				_, err := s.Set(t.Context(), key, []byte(value), driver.SetOptions{})
				switch {
				case err == nil:
					certain = value
					clear(unclear)
				case !errors.Is(err, driver.ErrUnavailable):
					unclear[value] = true
				}
				if _, err := s.Get(t.Context(), "missing"); !errors.Is(err, driver.ErrNotFound) {
					t.Errorf("writer %d reads a missing key: %v, want ErrNotFound", w, err)
					return
				}
				e, err := s.Get(t.Context(), key)
				if err != nil && certain == "" {
					continue
				}
				if got := string(e.Value); err != nil || got != certain && !unclear[got] {
					t.Errorf("writer %d reads %q, %v after %q was acknowledged and %v may have been done", w, got, err, certain, unclear)
					return
				}
			}
		})
	}
	for i := range 100 {
		time.Sleep(5 * time.Millisecond)
		switch i % 3 {
		case 0:
			testkit.Check(t, server.Do("SCRIPT", "FLUSH").Err())
		case 1:
			testkit.Check(t, server.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err())
		}
	}
	close(stop)
	testkit.Within(t, "writers", all.Wait)
}

// TestLateAnswer: a read whose answer is late is asked for again by another goroutine,
// and until then a caller who leaves does not have to wait for it.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := open(t, server.DSN()).(*backend)
	s := b.Tenant("t").State
	testkit.Must(s.Set(t.Context(), "key", []byte("value"), driver.SetOptions{}))(t)
	for _, quick := range []bool{true, false} {
		if b.asksItself(t.Context(), getEntry) != quick {
			t.Fatalf("callers ask by themselves: %t, want %t", !quick, quick)
		}
		testkit.Check(t, server.Pause())
		ctx, cancel := context.WithTimeout(t.Context(), soon/4)
		begin := time.Now()
		if _, err := s.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*soon {
			t.Errorf("a read of a server that hangs returned %v after %v", err, time.Since(begin))
		}
		cancel()
		time.AfterFunc(2*soon, func() { testkit.Check(t, server.Resume()) })
		if e, err := s.Get(t.Context(), "key"); err != nil || string(e.Value) != "value" {
			t.Errorf("a read whose answer is late returned %q, %v", e.Value, err)
		}
	}
}

// TestLargeRepliesAreNotShared: after a large value reads do not share for a while, so
// that a server need not hold many of them for one connection.
func TestLargeRepliesAreNotShared(t *testing.T) {
	t.Parallel()
	b := open(t, plain.get(t).DSN(newPrefix())).(*backend)
	s := b.Tenant("t").State
	testkit.Must(s.Set(t.Context(), "large", make([]byte, sharedBytes+1), driver.SetOptions{}))(t)
	if !b.shares(getEntry, 1) || b.shares(setState, sharedBytes+1) {
		t.Error("small requests should share, and large ones should not")
	}
	testkit.Must(s.Get(t.Context(), "large"))(t)
	if b.shares(getEntry, 1) || !b.shares(setState, 1) {
		t.Error("after a large value reads should not share, and writes should")
	}
	testkit.Await(t, "reads share again", func() bool { return b.shares(getEntry, 1) })
}

// TestCallerWhoCannotLeave: whoever cannot be cancelled asks the server by itself, and
// is told at once when the backend is shut down without waiting (B4).
func TestCallerWhoCannotLeave(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := testkit.Must(connect(t.Context(), server.DSN("read_timeout=1m")))(t)
	s := b.Tenant("t").State
	ctx := context.Background()
	testkit.Must(s.Set(ctx, "key", []byte("value"), driver.SetOptions{}))(t)
	testkit.Check(t, server.Pause())
	failures := make(chan error, 2)
	go func() {
		_, err := s.Get(ctx, "key")
		failures <- err
	}()
	go func() {
		_, err := s.Set(ctx, "key", nil, driver.SetOptions{})
		failures <- err
	}()
	shared := b.(*backend).shared
	testkit.Await(t, "two calls are on their way", func() bool {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		return shared.sending == 2 && shared.idle == 0
	})
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := b.Shutdown(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown with a context that is done returned %v", err)
	}
	for range 2 {
		testkit.Within(t, "a call that is in flight", func() {
			if err := <-failures; !errors.Is(err, driver.ErrClosed) {
				t.Errorf("a call in flight returned %v, want ErrClosed", err)
			}
		})
	}
	testkit.Check(t, server.Resume())
}
