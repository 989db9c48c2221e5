package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// descriptors is how many file descriptors this process has open; 0 where the
// system does not say.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// checkReleased runs f again and again and makes sure that it leaves no goroutine,
// no file descriptor and no connection behind (B4).
func checkReleased(t *testing.T, f func(applicationName string)) {
	t.Helper()
	name := strings.ReplaceAll(t.Name(), "/", "-")
	f(name) // what is made once, such as the runtime's own poller, is there from now on
	o := outside(t, serverOf(t).SocketDSN())
	files, routines := descriptors(), runtime.NumGoroutine()
	for range 5 {
		f(name)
	}
	// What has done its last work may need a moment to be gone.
	begin := time.Now()
	for (runtime.NumGoroutine() > routines || descriptors() > files) && time.Since(begin) < testkit.Patience/3 {
		time.Sleep(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > routines {
		t.Errorf("%d goroutines were there before and %d are after (B4)", routines, after)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	}
	if after := descriptors(); after > files {
		t.Errorf("%d file descriptors were open before and %d are after (B4)", files, after)
	}
	testkit.Await(t, "no session is left on the server (B4)", func() bool {
		return valueOf[int](o, "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = $1", name) == 0
	})
}

func TestShutdownReleasesEverything(t *testing.T) {
	dsn := newDSN(t, "enact_sweep_interval=1ms", "pool_max_conns=4", "pool_min_conns=2")
	checkReleased(t, func(name string) {
		b := testkit.Must(connect(t.Context(), dsn+"&application_name="+name))(t)
		testkit.UseEverything(t, b)
		shutdown(t, b)
	})
}

// TestForcedShutdownReleasesEverything: also when calls are still inside.
func TestForcedShutdownReleasesEverything(t *testing.T) {
	dsn := newDSN(t, "pool_max_conns=4")
	done, cancel := context.WithCancel(t.Context())
	cancel()
	checkReleased(t, func(name string) {
		b := testkit.Must(connect(t.Context(), dsn+"&application_name="+name))(t)
		testkit.Check(t, testkit.Append(t.Context(), b, "e", testkit.Events("e", 3)))
		for _, err := range b.Tenant("t").Events.Load(t.Context(), "e", 0) {
			testkit.Check(t, err)
			testkit.WantError(t, "Shutdown with a context that is done, during a stream", b.Shutdown(done), context.Canceled)
			break
		}
		testkit.Within(t, "releasing everything", func() { <-b.Released() })
	})
}

// TestFailedConnectReleasesEverything: what cannot be opened leaves nothing open.
func TestFailedConnectReleasesEverything(t *testing.T) {
	p := serverOf(t)
	newer := newDSN(t)
	shutdown(t, open(t, newer))
	outside(t, newer).exec("UPDATE enact.enact_version SET version = 99")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system answers for it, nobody reads
	testkit.Check(t, err)
	defer silent.Close()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	checkReleased(t, func(name string) {
		for _, dsn := range []string{
			newer + "&application_name=" + name,
			newer + "&pool_min_conns=3&application_name=" + name,
			"postgres://postgres@127.0.0.1:1/d?application_name=" + name,
			"postgres://postgres@%2Fnowhere/d?pool_min_conns=2&application_name=" + name,
			p.LoopbackDSN("target_session_attrs=standby", "application_name="+name),
			strings.Replace(p.SocketDSN("application_name="+name), "///postgres?", "///missing?", 1),
		} {
			if b, err := connect(t.Context(), dsn); err == nil {
				shutdown(t, b)
				t.Errorf("%s was opened, want an error", dsn)
			}
		}
		_, err := connect(done, newer)
		testkit.WantError(t, "Connect with a context that is done", err, context.Canceled)
		soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err = connect(soon, fmt.Sprintf("postgres://postgres@%s/d?pool_min_conns=2&application_name=%s", silent.Addr(), name))
		testkit.WantError(t, "Connect to a server that does not answer", err, context.DeadlineExceeded)
	})
}

// TestPoolOfApplicationIsGivenBack: nothing of ours goes on in it after Shutdown.
func TestPoolOfApplicationIsGivenBack(t *testing.T) {
	pool := newPool(t, serverOf(t).SocketDSN(), nil)
	c := NewConnector(pool, Schema("given_back"))
	checkReleased(t, func(string) {
		b := testkit.Must(connectTo(t.Context(), c))(t)
		testkit.Check(t, testkit.Append(t.Context(), b, driver.ExecutionID("e"), testkit.Events("e", 1)))
		shutdown(t, b)
		if n := pool.Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d connections of the pool are not given back", n)
		}
		pool.Reset()
	})
}

// TestShutdownWaits for calls in flight as long as its context lasts (B4).
func TestShutdownWaits(t *testing.T) {
	dsn := newDSN(t)
	b := open(t, dsn)
	testkit.Check(t, testkit.Append(t.Context(), b, "e", testkit.Events("e", 1)))
	o := outside(t, dsn)
	o.exec("BEGIN", "LOCK TABLE enact.events IN SHARE MODE")
	inside, ended := make(chan error, 1), make(chan error, 1)
	go func() { inside <- testkit.Append(context.Background(), b, "e", testkit.Events("late", 1)) }()
	testkit.Await(t, "the call waits for a lock", func() bool {
		return valueOf[int](o, "SELECT count(*)::int FROM pg_locks WHERE NOT granted") > 0
	})
	go func() { ended <- b.Shutdown(context.Background()) }()
	testkit.Await(t, "new calls are refused", func() bool { return b.HealthCheck(t.Context()) == driver.ErrClosed })
	select {
	case err := <-ended:
		t.Errorf("Shutdown returned %v with a call inside", err)
	default:
	}
	o.exec("COMMIT")
	testkit.Within(t, "Shutdown", func() {
		if err := fmt.Sprint(<-inside, <-ended); err != "<nil> <nil>" {
			t.Errorf("the call and Shutdown returned %s, want nil for both", err)
		}
	})
}
