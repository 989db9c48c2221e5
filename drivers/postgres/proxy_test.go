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

// throughProxy opens a schema of the shared server through a proxy, and directly.
func throughProxy(t *testing.T, parameters string) (p *proxy, through, direct *backend) {
	t.Helper()
	server, schema := serverOf(t), newSchema()
	p = startProxy(t, server)
	through = open(t, p.dsn(schema+parameters))
	direct = open(t, server.SocketDSN(schema))
	return p, through, direct
}

// dump is all that is stored but times and versions, which repeating may change.
func dump(o *outsider) (all string) {
	for _, query := range []string{
		"SELECT coalesce(string_agg(e::text, ' '), '') FROM (SELECT x.tenant, x.id, x.last, e.sequence, e.id, e.type, e.payload FROM enact.executions x LEFT JOIN enact.events e ON e.execution = x.key ORDER BY 1, 2, 4) e",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, key, value FROM enact.state ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, execution, sequence, data FROM enact.snapshots ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, id, version, deleted IS NULL, positions FROM enact.threads ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, id, version, deleted IS NULL, position FROM enact.messages ORDER BY 1, 2) s",
	} {
		all += valueOf[string](o, query) + "\n"
	}
	return all
}

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
		for _, how := range []fate{withhold, drop} {
			for at, hit := 0, true; hit; at++ {
				hit = false
				requests := 0
				p.treat(func([]byte) fate {
					if requests++; requests != at+1 {
						return forward
					}
					hit = true
					return how
				})
				id := fmt.Sprintf("%s-%d-%d", name, how, at)
				before := dump(o)
				err := write(t.Context(), through.Tenant("t"), id)
				p.treat(nil)
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
		p.treat(func(request []byte) fate {
			if commits(request) {
				return withhold
			}
			return forward
		})
		before := dump(o)
		err := write(t.Context(), through.Tenant("t"), "lost-"+name)
		p.treat(nil)
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
		p.cutAll()
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
	p.stall()
	testkit.EveryCallEnds(t, through, "on a server that does not answer", testkit.Call{Name: "Connect", Do: func(ctx context.Context, _ driver.Stores, _ string) error {
		_, err := connect(ctx, p.dsn(newSchema()))
		return err
	}})
	p.goOn()
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
		p.stall()
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
		case <-through.released:
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
	p.stall()
	_, err := connect(t.Context(), p.dsn("connect_timeout=1"))
	testkit.WantError(t, "Connect that takes longer than connect_timeout", err, driver.ErrUnavailable)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect that takes longer than connect_timeout: %v, want no error of a context that is not done", err)
	}
}
