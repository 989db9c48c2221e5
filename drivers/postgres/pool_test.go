package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestPoolExhausted: calls that find no free connection end by their contexts (B6).
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t, "pool_max_conns=1"))
	testkit.Prepare(t, b)
	held := testkit.Must(b.pool.Acquire(t.Context()))(t)
	testkit.EveryCallEnds(t, b, "while every connection is in use")
	waiting := make(chan error, 1)
	go func() { waiting <- testkit.Write(context.Background(), b, "Append", "patient") }()
	time.Sleep(20 * time.Millisecond)
	held.Release()
	testkit.Within(t, "a call that waited for a connection", func() { testkit.Check(t, <-waiting) })
	testkit.EveryCall(t, b)
}

// TestLoopBodyWithOneConnection: a stream holds no connection while its loop body
// runs (E7).
func TestLoopBodyWithOneConnection(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t, "pool_max_conns=1"))
	s := b.Tenant("t")
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	testkit.Check(t, testkit.Append(ctx, b, "long", testkit.Events("e", shortPiece+longPiece+1)))
	testkit.Prepare(t, b)
	n := 0
	for e, err := range s.Events.Load(ctx, "long", 0) {
		testkit.Check(t, err)
		if n++; e.Sequence%200 != 0 {
			continue
		}
		for _, call := range slices.Concat(testkit.Writes(s), testkit.Reads(s)) {
			if err := call.Do(ctx, s, fmt.Sprint("in the loop ", e.Sequence)); err != nil {
				t.Errorf("%s in a loop body: %v", call.Name, err)
			}
		}
		for _, err := range s.Events.Load(ctx, "long", 0) {
			testkit.Check(t, err)
			break
		}
	}
	if n != shortPiece+longPiece+1 {
		t.Errorf("%d events were loaded, want %d", n, shortPiece+longPiece+1)
	}
}

// newPool is an application's pool on the shared server.
func newPool(t *testing.T, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := testkit.Must(pgxpool.ParseConfig(dsn))(t)
	if change != nil {
		change(config)
	}
	pool := testkit.Must(pgxpool.NewWithConfig(t.Context(), config))(t)
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

	b := testkit.Must(connectTo(t.Context(), c))(t)
	checkNetwork(t, "the backend of a pool on a socket", b, false)
	testkit.UseEverything(t, b)
	shutdown(t, b)
	shutdown(t, b)
	testkit.WantError(t, "a call after Shutdown", testkit.Append(t.Context(), b, "e", testkit.Events("e", 1)), driver.ErrClosed)
	var tables int
	testkit.Check(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'of_application'").Scan(&tables))
	if tables == 0 {
		t.Error("the tables are not in the schema that was named")
	}
	// The same connector again.
	b = testkit.Must(connectTo(t.Context(), c))(t)
	testkit.EveryCall(t, b)
	pool.Close()
	err := testkit.Append(t.Context(), b, "e", testkit.Events("e", 1))
	testkit.WantError(t, "a call with a pool that the application has closed", err, driver.ErrUnavailable, "closed pool")
	testkit.WantError(t, "HealthCheck of a pool that the application has closed", b.HealthCheck(t.Context()), driver.ErrUnavailable)
	shutdown(t, b)

	_, err = NewConnector(newPool(t, p.SocketDSN(), nil), Schema("it's")).Connect(t.Context())
	testkit.WantError(t, "a schema that cannot be named so", err, driver.ErrInvalid, "schema")
	_, err = NewConnector(newPool(t, p.SocketDSN(), nil), SweepInterval(-1)).Connect(t.Context())
	testkit.WantError(t, "a negative sweep interval", err, driver.ErrInvalid, "interval")
}

// TestForcedShutdownOfApplicationsPool: calls that are inside end, and the pool goes
// on.
func TestForcedShutdownOfApplicationsPool(t *testing.T) {
	t.Parallel()
	pool := newPool(t, serverOf(t).SocketDSN(), nil)
	b := testkit.Must(connectTo(t.Context(), NewConnector(pool, Schema("forced"))))(t)
	testkit.Check(t, testkit.Append(t.Context(), b, "e", testkit.Events("e", 1)))
	// The lock of somebody else keeps the call inside.
	tx := testkit.Must(pool.Begin(t.Context()))(t)
	testkit.Must(tx.Exec(t.Context(), "LOCK TABLE forced.events IN SHARE MODE"))(t)
	inside := make(chan error, 1)
	go func() { inside <- testkit.Append(context.Background(), b, "e", testkit.Events("late", 1)) }()
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	testkit.WantError(t, "Shutdown with a call inside", b.Shutdown(ctx), context.DeadlineExceeded)
	testkit.Within(t, "the call that was inside", func() { testkit.WantError(t, "it", <-inside, driver.ErrClosed) })
	testkit.Check(t, tx.Commit(t.Context()))
	testkit.Check(t, pool.Ping(t.Context()))
}

// TestEveryModeOfPgx: an application's pool may send statements in any of the ways
// that pgx has.
func TestEveryModeOfPgx(t *testing.T) {
	t.Parallel()
	for i, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			pool := newPool(t, serverOf(t).SocketDSN(), func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			b := testkit.Must(connectTo(t.Context(), NewConnector(pool, Schema(fmt.Sprint("mode_", i)))))(t)
			defer shutdown(t, b)
			testkit.UseEverything(t, b)
			stamped := driver.Event{ID: "stamped", Type: "it's \\ \"x\"", Payload: []byte("\x00\xff'\\x41"), Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
			testkit.Check(t, testkit.Append(t.Context(), b, "faithful", []driver.Event{stamped, {ID: "empty", Type: "t"}}))
			history := testkit.History(t, b, "faithful")
			if !stamped.SameContent(history[0].Event) || len(history[1].Payload) != 0 {
				t.Errorf("events came back as %+v", history)
			}
			_, err := b.Tenant("t").Events.Append(t.Context(), "faithful", driver.ExpectLast(1), testkit.Events("x", 1))
			testkit.WantError(t, "Append with a stale expectation", err, driver.ErrConflict)
			testkit.Must(b.Tenant("t").State.Set(t.Context(), "k", []byte("\x00\xff"), driver.SetOptions{TTL: time.Hour}))(t)
			if entry := testkit.Must(b.Tenant("t").State.Get(t.Context(), "k"))(t); string(entry.Value) != "\x00\xff" || time.Until(entry.ExpiresAt) < 59*time.Minute {
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
	testkit.Prepare(t, b)
	errs := make(chan error)
	const callers = 40
	for i := range callers {
		go func() {
			var all error
			for _, write := range testkit.Writes(b.Tenant("t")) {
				if err := write.Do(context.Background(), b.Tenant("t"), fmt.Sprint("caller ", i)); err != nil && !errors.Is(err, driver.ErrConflict) {
					all = errors.Join(all, fmt.Errorf("%s: %w", write.Name, err))
				}
			}
			errs <- all
		}()
	}
	testkit.Within(t, "40 callers on 2 connections", func() {
		for range callers {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}
