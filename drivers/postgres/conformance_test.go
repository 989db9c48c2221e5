package postgres

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

func TestMain(m *testing.M) {
	roles.Play()
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// shared is the server of all tests that leave it alone.
var shared struct {
	once    sync.Once
	server  *testserver.Postgres
	err     error
	schemas atomic.Int64
}

// newDSN returns a DSN with a schema of its own on the shared server.
func newDSN(tb testing.TB, parameters ...string) string {
	tb.Helper()
	return serverOf(tb).SocketDSN(append(parameters, newSchema())...)
}

// serverOf returns the shared server.
func serverOf(tb testing.TB) *testserver.Postgres {
	tb.Helper()
	needsServer(tb)
	shared.once.Do(func() { shared.server, shared.err = testserver.StartPostgres() })
	testkit.Check(tb, shared.err)
	return shared.server
}

// newSchema is a parameter that names a schema which is not there yet.
func newSchema() string { return fmt.Sprintf("enact_schema=test_%d", shared.schemas.Add(1)) }

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Target{
		Driver: postgresDriver{},
		DSN:    func(tb testing.TB) string { return newDSN(tb, "enact_sweep_interval=100ms") },
		Roles:  []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages},
		Malformed: []string{"postgres", "postgres:", "postgres:x", "postgres://host:port/", "postgres://host:99999/", "postgres://[::1/", "postgres://%zz/",
			"postgres://127.0.0.1/?sslmode=perhaps", "postgres:///?enact_schema=a'b", "postgres:///?enact_durability=none", "postgres:///?pool_max_conns=0"},
		SecretDSNs: func(secret string) []string {
			password := url.QueryEscape(secret)
			return []string{
				"postgres://user:" + password + "@127.0.0.1:1/db?sslmode=disable",
				"postgres://user@127.0.0.1:1/db?sslmode=disable&password=" + password,
				"postgres://user@127.0.0.1:1/db?sslmode=disable&sslpassword=" + password,
				"postgres://%2Fnowhere:1/db?user=user&password=" + password,
			}
		},
		HeldKeys:      heldKeys,
		ReclaimWithin: 20 * time.Second,
		Engine:        ownServer,
		Timeout:       5 * time.Minute,
	})
}

// heldKeys counts the rows of state keys in a schema.
func heldKeys(tb testing.TB, dsn string) (n int) {
	c, err := parseDSN(dsn)
	testkit.Check(tb, err)
	conn, err := pgx.ConnectConfig(tb.Context(), c.config.ConnConfig)
	testkit.Check(tb, err)
	defer conn.Close(context.Background())
	testkit.Check(tb, conn.QueryRow(tb.Context(), "SELECT count(*) FROM "+pgx.Identifier{c.schema, "state"}.Sanitize()).Scan(&n))
	return n
}

// ownServer is a server that a test may kill and pause.
func ownServer(tb testing.TB) drivertest.Engine {
	p := startServer(tb)
	return drivertest.Engine{
		DSN:  p.SocketDSN(),
		Stop: func() { testkit.Check(tb, p.Kill()) }, Start: func() { testkit.Check(tb, p.Start()) },
		Pause: func() { testkit.Check(tb, p.Pause()) }, Resume: func() { testkit.Check(tb, p.Resume()) },
	}
}

// startServer starts a server of the test's own.
func startServer(tb testing.TB, settings ...string) *testserver.Postgres {
	tb.Helper()
	return testserver.PostgresFor(tb, settings...)
}

func needsServer(tb testing.TB) {
	tb.Helper()
	if _, missing := testserver.FindPostgres(); missing != "" {
		tb.Skip(missing)
	}
}
