package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestCutAtEveryRequest cuts the connection at each request of each write in turn,
// before the server gets it and in place of the answer: ErrUnavailable means that
// nothing was written, and repeating writes it exactly once (B9, E6).
func TestCutAtEveryRequest(t *testing.T) {
	t.Parallel()
	p, through, direct := throughProxy(t, "&pool_max_conns=1")
	testkit.Prepare(t, direct)
	testkit.EveryCall(t, through) // what a connection asks once is asked
	o := outside(t, serverOf(t).SocketDSN("enact_schema="+through.schema))
	for _, call := range testkit.Writes(direct.Tenant("t")) {
		name, write := call.Name, call.Do
		for _, how := range []testkit.Fate{testkit.Withhold, testkit.Drop} {
			for at, hit := 0, true; hit; at++ {
				hit = false
				requests := 0
				p.Treat(func([]byte) testkit.Fate {
					if requests++; requests != at+1 {
						return testkit.Forward
					}
					hit = true
					return how
				})
				id := fmt.Sprintf("%s-%d-%d", name, how, at)
				before := dump(o)
				err := write(t.Context(), through.Tenant("t"), id)
				p.Treat(nil)
				if after := dump(o); errors.Is(err, driver.ErrUnavailable) && after != before {
					t.Errorf("%s, cut at request %d, is %v, but was applied: from\n%s to\n%s (B9)", name, at, err, before, after)
				}
				if !hit && err != nil {
					t.Errorf("%s without being cut: %v", name, err)
				}
				if err := write(t.Context(), through.Tenant("t"), id); err != nil {
					t.Errorf("%s, repeated after it was cut at request %d: %v, want nil", name, at, err)
				}
				done := dump(o)
				if err := write(t.Context(), direct.Tenant("t"), id); err != nil {
					t.Errorf("%s, repeated after it was done: %v, want nil", name, err)
				}
				if again := dump(o); again != done && name != "UpdateThread" && name != "UpdateMessage" {
					t.Errorf("%s, repeated after it was done, changes\n%s to\n%s (E6)", name, done, again)
				}
			}
		}
	}
	testkit.History(t, direct, "execution")
}

// TestCommitWithoutAnswer: when the server has committed and the answer is lost, the
// error must not say that nothing was written (B9).
func TestCommitWithoutAnswer(t *testing.T) {
	t.Parallel()
	p, through, direct := throughProxy(t, "")
	testkit.Prepare(t, direct)
	testkit.Check(t, direct.Tenant("t").Messages.DeleteMessage(t.Context(), "deleted message"))
	testkit.EveryCall(t, through)
	o := outside(t, serverOf(t).SocketDSN("enact_schema="+through.schema))
	for _, call := range testkit.Writes(direct.Tenant("t")) {
		name, write := call.Name, call.Do
		p.Treat(func(request []byte) testkit.Fate {
			if commits(request) {
				return testkit.Withhold
			}
			return testkit.Forward
		})
		before := dump(o)
		err := write(t.Context(), through.Tenant("t"), "lost-"+name)
		p.Treat(nil)
		changed := dump(o) != before
		switch {
		case err == nil:
			t.Errorf("%s whose answer never came returned nil", name)
		case errors.Is(err, driver.ErrUnavailable) || errors.Is(err, driver.ErrConflict):
			t.Errorf("%s whose answer never came: %v, but the server has done it (B9)", name, err)
		case !changed && name != "Delete a key" && name != "DeleteSnapshot" && name != "DeleteMessage" && name != "DeleteThread":
			t.Errorf("%s whose answer never came was not done: this test shows nothing", name)
		}
		done := dump(o)
		if err := write(t.Context(), through.Tenant("t"), "lost-"+name); err != nil {
			t.Errorf("%s, repeated: %v, want nil", name, err)
		}
		if again := dump(o); again != done && name != "UpdateThread" && name != "UpdateMessage" {
			t.Errorf("%s, repeated, changes\n%s to\n%s (E6)", name, done, again)
		}
	}
}

// TestCutAtRandom cuts all connections again and again while writers repeat what
// failed: everything is there once and in order.
func TestCutAtRandom(t *testing.T) {
	t.Parallel()
	p, through, direct := throughProxy(t, "&pool_max_conns=6")
	writing := testkit.StartWriting(t, through)
	for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(rand.N(40 * time.Millisecond)) {
		p.CutAll()
	}
	writing.CheckFailed()
	writing.CheckAll(direct)
}

// TestStalledServer: when nothing is answered calls end by their contexts, and
// succeed again when it is over, without reopening (B3, B6).
func TestStalledServer(t *testing.T) {
	t.Parallel()
	p, through, _ := throughProxy(t, "&pool_max_conns=4")
	testkit.UseEverything(t, through)
	p.Stall()
	testkit.EveryCallEnds(t, through, "on a server that does not answer", testkit.Call{Name: "Connect", Do: func(ctx context.Context, _ driver.Stores, _ string) error {
		_, err := connect(ctx, proxyDSN(p, newSchema()))
		return err
	}})
	p.GoOn()
	testkit.Await(t, "it works again", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return through.HealthCheck(ctx) == nil
	})
	testkit.EveryCall(t, through)
}

// TestShutdownOfStalledServer: Shutdown does not wait for a server that does not
// answer, neither when its connections are idle nor when calls wait for it (B4).
func TestShutdownOfStalledServer(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		p, through, _ := throughProxy(t, "&pool_max_conns=4")
		testkit.UseEverything(t, through)
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
		select {
		case <-through.Released():
		case <-time.After(testkit.Soon):
			t.Errorf("%s: not everything is released %v after Shutdown", name, testkit.Soon)
		}
	}
}

// TestConnectTimeout: a limit that the DSN sets to connecting is ErrUnavailable, not
// the caller's context.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	p := startProxy(t, serverOf(t))
	p.Stall()
	_, err := connect(t.Context(), proxyDSN(p, "connect_timeout=1"))
	testkit.WantError(t, "Connect that takes longer than connect_timeout", err, driver.ErrUnavailable)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect that takes longer than connect_timeout: %v, want no error of a context that is not done", err)
	}
}
