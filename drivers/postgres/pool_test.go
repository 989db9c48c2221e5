package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
)

// TestPoolExhausted: calls that find no free connection end by their contexts (B6).
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t, "pool_max_conns=1"))
	prepareWrites(t, b.Tenant("t"))
	held := must(b.pool.Acquire(t.Context()))(t)
	calls := map[string]func(ctx context.Context) error{"HealthCheck": b.HealthCheck}
	for name, write := range writes {
		calls[name] = func(ctx context.Context) error { return write(ctx, b.Tenant("t"), "waiting") }
	}
	for name, read := range reads {
		calls[name] = func(ctx context.Context) error { return read(ctx, b.Tenant("t")) }
	}
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		begin := time.Now()
		wantError(t, name+" while every connection is in use", call(ctx), context.DeadlineExceeded)
		cancel()
		if took := time.Since(begin); took > soon {
			t.Errorf("%s took %v with a context of 10ms", name, took)
		}
	}
	waiting := make(chan error, 1)
	go func() { waiting <- writes["Append"](context.Background(), b.Tenant("t"), "patient") }()
	time.Sleep(20 * time.Millisecond)
	held.Release()
	within(t, "a call that waited for a connection", func() { check(t, <-waiting) })
	everyCall(t, b)
}

// TestLoopBodyWithOneConnection: a stream holds no connection while its loop body
// runs (E7).
func TestLoopBodyWithOneConnection(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t, "pool_max_conns=1"))
	s := b.Tenant("t")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	check(t, appendTo(ctx, b, "long", someEvents("e", 2*pieceEvents+1)))
	prepareWrites(t, s)
	n := 0
	for e, err := range s.Events.Load(ctx, "long", 0) {
		check(t, err)
		if n++; e.Sequence%200 != 0 {
			continue
		}
		for name, write := range writes {
			if err := write(ctx, s, fmt.Sprint("in the loop ", e.Sequence)); err != nil {
				t.Errorf("%s in a loop body: %v", name, err)
			}
		}
		for name, read := range reads {
			if err := read(ctx, s); err != nil {
				t.Errorf("%s in a loop body: %v", name, err)
			}
		}
		for _, err := range s.Events.Load(ctx, "long", 0) {
			check(t, err)
			break
		}
	}
	if n != 2*pieceEvents+1 {
		t.Errorf("%d events were loaded, want %d", n, 2*pieceEvents+1)
	}
}

// newPool is an application's pool on the shared server.
func newPool(t *testing.T, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := must(pgxpool.ParseConfig(dsn))(t)
	if change != nil {
		change(config)
	}
	pool := must(pgxpool.NewWithConfig(t.Context(), config))(t)
	t.Cleanup(pool.Close)
	return pool
}

// TestPoolOfApplication: a pool that the application has is used, and left open.
func TestPoolOfApplication(t *testing.T) {
	p := serverOf(t)
	pool := newPool(t, p.SocketDSN(), nil)
	c := NewConnector(pool, Schema("of_application"))
	checkNetwork(t, "a pool on a socket", c, false)
	checkNetwork(t, "a pool on the loopback", NewConnector(newPool(t, p.LoopbackDSN(), nil)), true)
	checkNetwork(t, "a pool whose second host is elsewhere", NewConnector(newPool(t, "postgres:///d?host="+p.Sockets+",db.example", nil)), true)
	checkNetwork(t, "a pool that may change its hosts", NewConnector(newPool(t, p.SocketDSN(), func(c *pgxpool.Config) {
		c.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return nil }
	})), true)

	b := must(connectTo(t.Context(), c))(t)
	checkNetwork(t, "the backend of a pool on a socket", b, false)
	useEverything(t, b)
	shutdown(t, b)
	shutdown(t, b)
	wantError(t, "a call after Shutdown", appendTo(t.Context(), b, "e", someEvents("e", 1)), driver.ErrClosed)
	var tables int
	check(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'of_application'").Scan(&tables))
	if tables == 0 {
		t.Error("the tables are not in the schema that was named")
	}
	// The same connector again.
	b = must(connectTo(t.Context(), c))(t)
	everyCall(t, b)
	pool.Close()
	err := appendTo(t.Context(), b, "e", someEvents("e", 1))
	wantError(t, "a call with a pool that the application has closed", err, driver.ErrUnavailable, "closed pool")
	wantError(t, "HealthCheck of a pool that the application has closed", b.HealthCheck(t.Context()), driver.ErrUnavailable)
	shutdown(t, b)

	_, err = NewConnector(newPool(t, p.SocketDSN(), nil), Schema("it's")).Connect(t.Context())
	wantError(t, "a schema that cannot be named so", err, driver.ErrInvalid, "schema")
	_, err = NewConnector(newPool(t, p.SocketDSN(), nil), SweepInterval(-1)).Connect(t.Context())
	wantError(t, "a negative sweep interval", err, driver.ErrInvalid, "interval")
}

// TestForcedShutdownOfApplicationsPool: calls that are inside end, and the pool goes
// on.
func TestForcedShutdownOfApplicationsPool(t *testing.T) {
	t.Parallel()
	pool := newPool(t, serverOf(t).SocketDSN(), nil)
	b := must(connectTo(t.Context(), NewConnector(pool, Schema("forced"))))(t)
	check(t, appendTo(t.Context(), b, "e", someEvents("e", 1)))
	// The lock of somebody else keeps the call inside.
	tx := must(pool.Begin(t.Context()))(t)
	must(tx.Exec(t.Context(), "SELECT FROM forced.executions FOR UPDATE"))(t)
	inside := make(chan error, 1)
	go func() { inside <- appendTo(context.Background(), b, "e", someEvents("late", 1)) }()
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantError(t, "Shutdown with a call inside", b.Shutdown(ctx), context.DeadlineExceeded)
	within(t, "the call that was inside", func() { wantError(t, "it", <-inside, driver.ErrClosed) })
	check(t, tx.Commit(t.Context()))
	check(t, pool.Ping(t.Context()))
}

// TestEveryModeOfPgx: an application's pool may send statements in any of the ways
// that pgx has.
func TestEveryModeOfPgx(t *testing.T) {
	t.Parallel()
	for i, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			pool := newPool(t, serverOf(t).SocketDSN(), func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			b := must(connectTo(t.Context(), NewConnector(pool, Schema(fmt.Sprint("mode_", i)))))(t)
			defer shutdown(t, b)
			useEverything(t, b)
			stamped := driver.Event{ID: "stamped", Type: "it's \\ \"x\"", Payload: []byte("\x00\xff'\\x41"), Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
			check(t, appendTo(t.Context(), b, "faithful", []driver.Event{stamped, {ID: "empty", Type: "t"}}))
			history := load(t, b, "faithful")
			if !stamped.SameContent(history[0].Event) || len(history[1].Payload) != 0 {
				t.Errorf("events came back as %+v", history)
			}
			_, err := b.Tenant("t").Events.Append(t.Context(), "faithful", driver.ExpectLast(1), someEvents("x", 1))
			wantError(t, "Append with a stale expectation", err, driver.ErrConflict)
			must(b.Tenant("t").State.Set(t.Context(), "k", []byte("\x00\xff"), driver.SetOptions{TTL: time.Hour}))(t)
			if entry := must(b.Tenant("t").State.Get(t.Context(), "k"))(t); string(entry.Value) != "\x00\xff" || time.Until(entry.ExpiresAt) < 59*time.Minute {
				t.Errorf("the key came back as %+v", entry)
			}
		})
	}
}

// TestManyWaitForFewConnections: many callers share few connections without
// starving or deadlocking.
func TestManyWaitForFewConnections(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t, "pool_max_conns=2"))
	prepareWrites(t, b.Tenant("t"))
	errs := make(chan error)
	const callers = 40
	for i := range callers {
		go func() {
			var all error
			for name, write := range writes {
				if err := write(context.Background(), b.Tenant("t"), fmt.Sprint("caller ", i)); err != nil && !errors.Is(err, driver.ErrConflict) {
					all = errors.Join(all, fmt.Errorf("%s: %w", name, err))
				}
			}
			errs <- all
		}()
	}
	within(t, "40 callers on 2 connections", func() {
		for range callers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}
