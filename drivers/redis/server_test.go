package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestLoadingServer: a server that is still reading what it has stored is
// unavailable, ends no call later than its context, and is used when it is ready.
func TestLoadingServer(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"key-load-delay 50", "loading-process-events-interval-bytes 1024"}, testserver.RedisDurable...)...)
	b := open(t, server.DSN())
	s := b.Tenant("t")
	testkit.Prepare(t, b)
	for _, name := range []string{"first", "second"} {
		testkit.Check(t, testkit.Append(t.Context(), b, "execution", testkit.Events(name, driver.MaxBatchEvents)))
	}
	testkit.Check(t, server.Kill())
	testkit.Check(t, server.Launch())
	loading := func() bool {
		text, err := server.Do("INFO", "persistence").Text()
		return err == nil && strings.Contains(text, "loading:1")
	}
	testkit.Await(t, "the server is loading", loading)
	var all sync.WaitGroup
	var unavailable atomic.Int64
	try := func(name string, call func(ctx context.Context) error) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := call(ctx)
			if errors.Is(err, driver.ErrUnavailable) {
				unavailable.Add(1)
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s while the server loads: %v, want ErrUnavailable", name, err)
			}
		})
	}
	for _, c := range slices.Concat(testkit.Writes(s), testkit.Reads(s)) {
		try(c.Name, func(ctx context.Context) error { return c.Do(ctx, s, "refused") })
	}
	try("HealthCheck", b.HealthCheck)
	try("Connect", func(ctx context.Context) error {
		_, err := connect(ctx, server.DSN())
		return err
	})
	all.Wait()
	if !loading() || unavailable.Load() == 0 {
		t.Errorf("%d calls were ErrUnavailable, and the server loads: %v; this test shows nothing", unavailable.Load(), loading())
	}
	configure(t, server, "key-load-delay", "0")
	testkit.Await(t, "the server is ready", func() bool { return b.HealthCheck(t.Context()) == nil })
	testkit.CheckNotDone(t, b)
	testkit.EveryCall(t, b)
	if got, want := len(testkit.History(t, b, "execution")), 2*driver.MaxBatchEvents+2*testkit.BatchEvents; got != want {
		t.Errorf("%d events are there, want %d", got, want)
	}
}

// TestBusyServer: while the server runs somebody's long script calls are ErrUnavailable
// or end by their contexts, and leave nothing behind.
func TestBusyServer(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"lua-time-limit 50"}, testserver.RedisDurable...)...)
	b := open(t, server.DSN())
	testkit.UseEverything(t, b)
	script := make(chan error, 1)
	go func() { script <- server.Do("EVAL", "while true do end", 0).Err() }()
	testkit.Await(t, "the server is busy", func() bool {
		err := server.Do("PING").Err()
		return err != nil && strings.Contains(err.Error(), "BUSY")
	})
	testkit.CheckCalls(t, b, "on a busy server", testkit.Writes(b.Tenant("t")), driver.ErrUnavailable, "busy")
	testkit.CheckCalls(t, b, "on a busy server", testkit.Reads(b.Tenant("t")), driver.ErrUnavailable, "busy")
	testkit.WantError(t, "HealthCheck of a busy server", b.HealthCheck(t.Context()), driver.ErrUnavailable, "busy")
	testkit.Check(t, server.Do("SCRIPT", "KILL").Err())
	testkit.Within(t, "the script", func() { <-script })
	testkit.CheckNotDone(t, b)
	testkit.EveryCall(t, b)
}

// TestServerWithoutConnections: a server that lets nobody else in is unavailable.
func TestServerWithoutConnections(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t)
	b := open(t, server.DSN("max_idle_conns=1"))
	testkit.Prepare(t, b)
	configure(t, server, "maxclients", "1")
	_, err := connect(t.Context(), server.DSN())
	testkit.WantError(t, "opening a server that lets nobody in", err, driver.ErrUnavailable)
	configure(t, server, "maxclients", "1000")
	shutdown(t, open(t, server.DSN()))
	testkit.EveryCall(t, b)
}
