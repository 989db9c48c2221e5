package redis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// connecting opens a store through a proxy.
func connecting(p *testkit.Proxy) testkit.Call {
	return testkit.Call{Name: "Connect", Do: func(ctx context.Context, _ driver.Stores, _ string) error {
		opened, err := connect(ctx, proxyDSN(p, ""))
		if err == nil {
			err = opened.Shutdown(ctx)
		}
		return err
	}}
}

// TestStalledServer: when the server's process, or the network, hangs, calls end by
// their contexts, and succeed again when it is over, without reopening (B3, B6).
func TestStalledServer(t *testing.T) {
	t.Parallel()
	p, server, through, _ := throughProxy(t, "pool_size=4")
	testkit.UseEverything(t, through)
	goingOn := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return through.HealthCheck(ctx) == nil
	}
	p.Stall()
	testkit.EveryCallEnds(t, through, "through a network that hangs", connecting(p))
	p.GoOn()
	testkit.Await(t, "it works again", goingOn)
	testkit.EveryCall(t, through)

	testkit.Check(t, server.Pause())
	testkit.EveryCallEnds(t, through, "on a server that hangs", connecting(p))
	testkit.Check(t, server.Resume())
	testkit.Await(t, "it works again", goingOn)
	testkit.EveryCall(t, through)
	testkit.History(t, through, "execution")
}

// TestShutdownOfStalledServer: Shutdown does not wait for a server that does not
// answer, neither when its connections are idle nor when calls wait for it (B4).
func TestShutdownOfStalledServer(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		p, _, through, _ := throughProxy(t, "pool_size=4")
		testkit.Prepare(t, through)
		p.Stall()
		ended := make(chan error, 1)
		if busy {
			go func() { ended <- testkit.Write(context.Background(), through, "Append", "waiting") }()
			time.Sleep(50 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		begin := time.Now()
		err := through.Shutdown(ctx)
		cancel()
		if took := time.Since(begin); took > testkit.Soon {
			t.Errorf("%s: Shutdown took %v with a context of 100ms", name, took)
		}
		if busy {
			testkit.WantError(t, "Shutdown with a call inside", err, context.DeadlineExceeded)
			testkit.Within(t, "the call that waited", func() { testkit.WantError(t, "the call that waited", <-ended, driver.ErrClosed) })
		} else {
			testkit.Check(t, err)
		}
	}
}

// TestFewConnections: calls that find no free connection end by their contexts, and
// many callers share few connections without starving (B6, B7).
func TestFewConnections(t *testing.T) {
	t.Parallel()
	p, _, through, _ := throughProxy(t, "pool_size=1&read_timeout=1m")
	testkit.UseEverything(t, through)
	p.Stall()
	holding := make(chan error, 1)
	go func() { holding <- testkit.Write(context.Background(), through, "Append", "holding") }()
	time.Sleep(50 * time.Millisecond)
	testkit.EveryCallEnds(t, through, "while another has the only connection", connecting(p))
	p.GoOn()
	testkit.Within(t, "the call that held the connection", func() { testkit.Check(t, <-holding) })

	const callers = 40
	s := through.Tenant("t")
	errs := make(chan error)
	for i := range callers {
		go func() {
			var all error
			for _, write := range testkit.Writes(s) {
				if err := write.Do(context.Background(), s, fmt.Sprint("caller ", i)); err != nil && !errors.Is(err, driver.ErrConflict) {
					all = errors.Join(all, fmt.Errorf("%s: %w", write.Name, err))
				}
			}
			errs <- all
		}()
	}
	testkit.Within(t, "40 callers on one connection", func() {
		for range callers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}
