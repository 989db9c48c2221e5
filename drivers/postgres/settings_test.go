package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// as is the shared or another server's DSN for a role.
func as(p *testserver.Postgres, role string, parameters ...string) string {
	return strings.Replace(p.SocketDSN(parameters...), "user=postgres", "user="+role, 1)
}

// TestEncoding: a database that is not in UTF-8 is refused, and so is a pool whose
// connections are not; a role's own encoding changes nothing.
func TestEncoding(t *testing.T) {
	p := serverOf(t)
	admin := outside(t, p.SocketDSN())
	for _, encoding := range []string{"SQL_ASCII", "LATIN1"} {
		name := "db_" + strings.ToLower(encoding)
		admin.exec("CREATE DATABASE " + name + " TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '" + encoding + "'")
		_, err := connect(t.Context(), strings.Replace(p.SocketDSN(), ":///postgres?", ":///"+name+"?", 1))
		testkit.WantError(t, "a database in "+encoding, err, driver.ErrUnsupported, encoding, "UTF8")
	}
	admin.exec("CREATE ROLE latin LOGIN SUPERUSER", "ALTER ROLE latin SET client_encoding = 'LATIN1'")
	dsn := as(p, "latin", newSchema())
	b := open(t, dsn)
	testkit.Check(t, testkit.Append(t.Context(), b, "é", testkit.Events("é", 1)))
	if got := valueOf[string](outside(t, dsn), "SELECT encode(convert_to(id, 'UTF8'), 'hex') FROM enact.executions"); got != "c3a9" {
		t.Errorf("the execution é is stored as %s, want c3a9", got)
	}
	pool := testkit.Must(pgxpool.New(t.Context(), as(p, "latin")))(t)
	defer pool.Close()
	_, err := connectTo(t.Context(), NewConnector(pool))
	testkit.WantError(t, "a pool whose connections are in LATIN1", err, driver.ErrUnsupported, "client_encoding")
}

// TestUnusualDefaults of a role change nothing of what the driver does.
func TestUnusualDefaults(t *testing.T) {
	p := serverOf(t)
	admin := outside(t, p.SocketDSN())
	admin.exec("CREATE ROLE unusual LOGIN SUPERUSER")
	for setting, value := range map[string]string{
		"search_path": "''", "bytea_output": "escape", "datestyle": "'SQL, DMY'", "intervalstyle": "sql_standard", "timezone": "'Asia/Kathmandu'",
		"standard_conforming_strings": "off", "extra_float_digits": "-15", "plan_cache_mode": "force_generic_plan", "transform_null_equals": "on",
		"default_transaction_deferrable": "on", "enable_indexscan": "off", "array_nulls": "off", "lc_messages": "'C'", "xmloption": "document",
		"default_tablespace": "pg_default", "check_function_bodies": "off", "row_security": "off", "client_min_messages": "debug5", "jit_above_cost": "0",
	} {
		admin.exec("ALTER ROLE unusual SET " + setting + " = " + value)
	}
	schema := newSchema()
	testkit.UseEverything(t, open(t, as(p, "unusual", schema)))
	// And what it wrote is what others read.
	testkit.EveryCall(t, open(t, p.SocketDSN(schema)))
}

// TestSchemaVersion: what a newer release has made is refused, and so is what is no
// whole schema.
func TestSchemaVersion(t *testing.T) {
	dsn := newDSN(t)
	shutdown(t, open(t, dsn))
	o := outside(t, dsn)
	o.exec("UPDATE enact.enact_version SET version = 99")
	_, err := connect(t.Context(), dsn)
	testkit.WantError(t, "a schema of a newer release", err, driver.ErrUnsupported, "99", "newer release")
	o.exec("DELETE FROM enact.enact_version")
	_, err = connect(t.Context(), dsn)
	testkit.WantError(t, "a schema without a version", err, driver.ErrInvalid, "enact_version")
}

// TestTablesGone: when the schema is dropped under an open store, calls say so, and
// opening makes it again.
func TestTablesGone(t *testing.T) {
	dsn := newDSN(t)
	b := open(t, dsn)
	testkit.UseEverything(t, b)
	o := outside(t, dsn)
	o.exec("DROP SCHEMA " + pgx.Identifier{o.schema}.Sanitize() + " CASCADE")
	testkit.CheckCalls(t, b, "without tables", testkit.Writes(b.Tenant("t")), driver.ErrUnavailable, o.schema, "open the store again")
	testkit.UseEverything(t, open(t, dsn))
	testkit.EveryCall(t, b)
}

// TestRights: a role needs no more than what its work needs, and is told what it
// lacks.
func TestRights(t *testing.T) {
	p := serverOf(t)
	admin := outside(t, p.SocketDSN())
	admin.exec("CREATE ROLE modest LOGIN", "CREATE ROLE owner LOGIN", "CREATE ROLE worker LOGIN",
		"CREATE SCHEMA owned AUTHORIZATION owner", "CREATE SCHEMA visible", "GRANT USAGE ON SCHEMA visible TO modest")
	for _, schema := range []string{"absent", "visible", "owned"} {
		_, err := connect(t.Context(), as(p, "modest", "enact_schema="+schema))
		if err == nil || !strings.Contains(err.Error(), `"`+schema+`"`) || !strings.Contains(err.Error(), "grant") {
			t.Errorf("opening schema %q without the rights: %v, want an error that names it and says what to grant", schema, err)
		}
	}
	// Who owns the schema need not be allowed to make others.
	b := open(t, as(p, "owner", "enact_schema=owned"))
	testkit.UseEverything(t, b)
	shutdown(t, b)

	o := outside(t, as(p, "owner", "enact_schema=owned"))
	o.exec("GRANT USAGE ON SCHEMA owned TO worker", "GRANT SELECT ON ALL TABLES IN SCHEMA owned TO worker")
	reader := open(t, as(p, "worker", "enact_schema=owned"))
	s := reader.Tenant("t")
	testkit.CheckCalls(t, reader, "by a role that may read", testkit.Reads(s), nil)
	for _, write := range testkit.Writes(s) {
		if err := write.Do(t.Context(), s, "forbidden"); err == nil || !strings.Contains(err.Error(), "grant") {
			t.Errorf("%s by a role that may only read: %v, want an error that says what to grant", write.Name, err)
		}
	}
	o.exec("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA owned TO worker", "GRANT USAGE ON ALL SEQUENCES IN SCHEMA owned TO worker")
	testkit.EveryCall(t, reader)
}
