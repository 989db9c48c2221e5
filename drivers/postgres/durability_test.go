package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestDurableWhateverTheDefaults: appends and writes of messages wait for the disk
// although role, database and server say that they need not, whether they said so
// before the store was opened or say it while it is open (E1).
func TestDurableWhateverTheDefaults(t *testing.T) {
	t.Parallel()
	p := startServer(t, "wal_writer_delay=10s", "autovacuum=off")
	admin := outside(t, p.SocketDSN())
	admin.exec("CREATE ROLE lazy LOGIN SUPERUSER")
	before := open(t, as(p, "lazy", "pool_max_conns=1"))
	testkit.Prepare(t, before)
	admin.exec("ALTER ROLE lazy SET synchronous_commit = off", "ALTER DATABASE postgres SET synchronous_commit = off", "ALTER SYSTEM SET synchronous_commit = off", "SELECT pg_reload_conf()")
	testkit.Await(t, "synchronous_commit is off", func() bool {
		return valueOf[string](admin, "SELECT setting FROM pg_file_settings WHERE name = 'synchronous_commit' AND applied") == "off"
	})
	// The defaults of a role and of a database are those of new sessions.
	admin.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lazy'")
	testkit.Check(t, before.HealthCheck(t.Context()))
	for name, b := range map[string]*backend{"before": before, "after": open(t, as(p, "lazy"))} {
		testkit.EveryCall(t, b)
		waitsForTheDisk(t, b, outside(t, as(p, "lazy")), name)
	}
}

// waitsForTheDisk checks that nothing is left to write when a call returns, and that
// others on the same server do not wait for that. tag makes its identifiers new.
func waitsForTheDisk(t *testing.T, b *backend, o *outsider, tag string) {
	t.Helper()
	const unflushed = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())::bigint"
	o.exec("CREATE TABLE IF NOT EXISTS control (i int)")
	missed := 0
	for i := range 20 {
		o.exec("INSERT INTO control VALUES (1)")
		if valueOf[int64](o, unflushed) > 0 {
			missed++
		}
		for _, name := range []string{"Append", "CreateThread", "CreateMessage", "UpdateThread", "UpdateMessage"} {
			// Something else may write just then, but not each time.
			var left int64
			for try := range 5 {
				testkit.Check(t, testkit.Write(t.Context(), b, name, fmt.Sprintf("%s-%s-%d-%d", tag, name, i, try)))
				if left = valueOf[int64](o, unflushed); left <= 0 {
					break
				}
			}
			if left > 0 {
				t.Fatalf("%s returned with %d bytes of the server's log not on disk (E1)", name, left)
			}
		}
	}
	if missed == 0 {
		t.Error("an insert that need not wait for the disk always did: this test shows nothing")
	}
}

// TestSynchronousCommit: what is weaker than on becomes on, what is stronger stays.
func TestSynchronousCommit(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b := open(t, dsn)
	o := outside(t, dsn)
	for setting, want := range map[string]string{"off": "on", "local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply"} {
		o.exec("SET synchronous_commit = "+setting, "BEGIN",
			"SELECT enact.append(false, 't', 'e', NULL, ARRAY['"+setting+"'::bytea], ARRAY['x'], ARRAY['\\x00'::bytea], ARRAY[NULL::timestamptz], NULL, NULL)")
		if got := valueOf[string](o, "SHOW synchronous_commit"); got != want {
			t.Errorf("append with synchronous_commit=%s runs with %s, want %s (E1)", setting, got, want)
		}
		o.exec("COMMIT", "BEGIN",
			"SELECT enact.append_together(false, ARRAY['t'], ARRAY['together'], NULL, ARRAY[0], ARRAY[1], ARRAY[1], ARRAY['"+setting+"'::bytea], ARRAY['x'], ARRAY['\\x00'::bytea], NULL, NULL, NULL)")
		if got := valueOf[string](o, "SHOW synchronous_commit"); got != want {
			t.Errorf("append_together with synchronous_commit=%s runs with %s, want %s (E1)", setting, got, want)
		}
		o.exec("COMMIT")
		if got := valueOf[string](o, "SHOW synchronous_commit"); got != setting {
			t.Errorf("append leaves synchronous_commit at %s, it was %s", got, setting)
		}
		lazy := open(t, dsn+"&options=-csynchronous_commit%3D"+setting)
		testkit.Check(t, lazy.write(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			var got string
			if err := tx.QueryRow(ctx, "SHOW synchronous_commit").Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("a transaction with synchronous_commit=%s runs with %s, want %s (E1)", setting, got, want)
			}
			return nil
		}))
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}

// TestServerThatMayLoseData is refused unless the DSN accepts it in words (E1).
func TestServerThatMayLoseData(t *testing.T) {
	t.Parallel()
	p := startServer(t)
	admin := outside(t, p.SocketDSN())
	for _, setting := range []string{"fsync", "full_page_writes"} {
		admin.exec("ALTER SYSTEM SET "+setting+" = off", "SELECT pg_reload_conf()")
		testkit.Await(t, setting+" is off", func() bool { return valueOf[string](admin, "SHOW "+setting) == "off" })
		_, err := connect(t.Context(), p.SocketDSN())
		testkit.WantError(t, "a server with "+setting+"=off", err, driver.ErrUnsupported, setting, "enact_durability=server-may-lose-data")
		shutdown(t, open(t, p.SocketDSN("enact_durability=server-may-lose-data")))
		pool := newPool(t, p.SocketDSN(), nil)
		_, err = NewConnector(pool).Connect(t.Context())
		testkit.WantError(t, "a pool on a server with "+setting+"=off", err, driver.ErrUnsupported, setting)
		shutdown(t, testkit.Must(connectTo(t.Context(), NewConnector(pool, ServerMayLoseData())))(t))
		admin.exec("ALTER SYSTEM RESET "+setting, "SELECT pg_reload_conf()")
		testkit.Await(t, setting+" is on", func() bool { return valueOf[string](admin, "SHOW "+setting) == "on" })
	}
	shutdown(t, open(t, p.SocketDSN()))
}

// TestServerTurnedUnsafe: a store that was opened on a safe server takes no more events
// and messages when the server stops being one, nothing of them is there, and goes on
// when it is safe again. What accepts such a server goes on throughout (E1, B9).
func TestServerTurnedUnsafe(t *testing.T) {
	t.Parallel()
	p := startServer(t)
	admin := outside(t, p.SocketDSN())
	b := open(t, p.SocketDSN("pool_max_conns=1"))
	accepting := open(t, p.SocketDSN("pool_max_conns=1", "enact_durability=server-may-lose-data"))
	testkit.Prepare(t, b)
	durable := slices.DeleteFunc(testkit.Writes(b.Tenant(testkit.Tenant)), func(c testkit.Call) bool { return c.Role == driver.RoleState })
	durable = append(durable, testkit.Call{Name: "AppendEach", Role: driver.RoleEvents, Do: func(ctx context.Context, _ driver.Stores, id string) error {
		return b.AppendEach(ctx, []driver.Append{{Tenant: testkit.Tenant, Execution: driver.ExecutionID(id), Events: testkit.Events(id, 1)}})[0].Err
	}})
	var tables []string
	for _, table := range []string{"executions", "events", "threads", "messages"} {
		tables = append(tables, "(SELECT count(*) FROM enact."+table+")")
	}
	stored := "SELECT " + strings.Join(tables, " + ")
	for _, setting := range []string{"fsync", "full_page_writes"} {
		before := valueOf[int64](admin, stored)
		admin.exec("ALTER SYSTEM SET "+setting+" = off", "SELECT pg_reload_conf()")
		testkit.Await(t, "the health check fails with "+setting+" off", func() bool { return b.HealthCheck(t.Context()) != nil })
		testkit.WantError(t, "the health check with "+setting+" off", b.HealthCheck(t.Context()), driver.ErrUnavailable, setting, "enact_durability=server-may-lose-data")
		testkit.CheckCalls(t, b, "with "+setting+" off", durable, driver.ErrUnavailable, setting)
		testkit.CheckCalls(t, b, "with "+setting+" off", testkit.Reads(b.Tenant(testkit.Tenant)), nil)
		testkit.Check(t, testkit.Write(t.Context(), b, "Set", "a cache"))
		if after := valueOf[int64](admin, stored); after != before {
			t.Errorf("with %s off there are %d rows, want the %d of before (E1)", setting, after, before)
		}
		testkit.Check(t, accepting.HealthCheck(t.Context()))
		testkit.EveryCall(t, accepting)

		admin.exec("ALTER SYSTEM RESET "+setting, "SELECT pg_reload_conf()")
		testkit.Await(t, "the health check succeeds with "+setting+" on", func() bool { return b.HealthCheck(t.Context()) == nil })
		testkit.EveryCall(t, b)
	}
}
