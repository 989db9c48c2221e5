package stores

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/enactdev/enact/driver"
	_ "github.com/enactdev/enact/drivers/postgres" // a target
	"github.com/enactdev/enact/internal/testserver"
)

// postgres is the server as Debian has it, without pgvector.
var postgres = Target{
	Name: "postgres", Roles: []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages},
	DSN: func(tb testing.TB) string {
		_, missing := testserver.FindPostgres()
		server := plain.started(tb, missing)
		return server.SocketDSN("enact_durability=server-may-lose-data", newSchema())
	},
	Layout: postgresLayout,
}

// postgresVectors is a PostgreSQL with pgvector, which is slow; the other roles are
// those of postgres.
var postgresVectors = Target{
	Name: "postgres with pgvector", Roles: []driver.Role{driver.RoleVectors},
	DSN: func(tb testing.TB) string {
		return withVectors.started(tb, testserver.FindPGlite()).DSN(newSchema())
	},
	Layout: postgresLayout,
}

// once is a server for all tests of a process.
type once[S any] struct {
	sync.Once
	start  func() (S, error)
	server S
	err    error
	runs   bool
}

var (
	plain       = once[*testserver.Postgres]{start: func() (*testserver.Postgres, error) { return testserver.StartPostgres("fsync=off") }}
	withVectors = once[*testserver.PGlite]{start: testserver.StartPGlite}
)

// started starts the server or skips the test, because of what is missing.
func (o *once[S]) started(tb testing.TB, missing string) S {
	tb.Helper()
	if missing != "" {
		tb.Skip(missing)
	}
	o.Do(func() {
		o.server, o.err = o.start()
		o.runs = o.err == nil
	})
	if o.err != nil {
		tb.Fatal(o.err)
	}
	return o.server
}

// StopServers ends what DSN has started. It is for TestMain.
func StopServers() error {
	return errors.Join(plain.stopped((*testserver.Postgres).Remove), withVectors.stopped((*testserver.PGlite).Kill),
		redisServer.stopped((*testserver.Redis).Remove), redisServers.stopped((*testserver.RedisCluster).Remove),
		weaviateServer.stopped((*testserver.Weaviate).Remove))
}

// stopped ends the server if it was started.
func (o *once[S]) stopped(end func(S) error) error {
	if !o.runs {
		return nil
	}
	return end(o.server)
}

func newSchema() string { return fmt.Sprintf("enact_schema=proof_%d", stores.Add(1)) }

// postgresLayout is everything in the server but the rows of tables.
func postgresLayout(tb testing.TB, dsn string) []string {
	tb.Helper()
	own, _, _ := strings.Cut(dsn, "&enact_")
	config, err := pgx.ParseConfig(own)
	if err != nil {
		tb.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	db := stdlib.OpenDB(*config)
	defer db.Close()
	var lines []string
	for _, statement := range []string{
		"SELECT 'relation ' || n.nspname || '.' || c.relname || ' ' || c.relkind::text || ' ' || (SELECT coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum), '') FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_'",
		"SELECT 'function ' || n.nspname || '.' || p.proname || ' ' || coalesce(md5(p.prosrc), '') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname <> 'pg_catalog'",
		"SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text FROM pg_trigger",
		"SELECT 'role ' || rolname || ' ' || rolsuper FROM pg_roles",
		"SELECT 'database ' || datname FROM pg_database",
		"SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'",
		"SELECT 'setting ' || coalesce(array_to_string(setconfig, ','), '') FROM pg_db_role_setting",
	} {
		lines = append(lines, query(tb, db, statement)...)
	}
	slices.Sort(lines)
	return lines
}
