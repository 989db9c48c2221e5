package postgres

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// checkReadOnly makes sure that reads work, and that writes say what to do.
func checkReadOnly(t *testing.T, b *backend) {
	t.Helper()
	const situation = "where nothing can be written"
	testkit.CheckCalls(t, b, situation, testkit.Reads(b.Tenant("t")), nil)
	testkit.CheckCalls(t, b, situation, testkit.Writes(b.Tenant("t")), driver.ErrUnavailable, "standby", "default_transaction_read_only", "target_session_attrs")
	testkit.CheckNotDone(t, b)
	testkit.WantError(t, "HealthCheck where nothing can be written", b.HealthCheck(t.Context()), driver.ErrUnavailable, "standby")
}

func TestReadOnlyRole(t *testing.T) {
	p := serverOf(t)
	schema := newSchema()
	b := open(t, p.SocketDSN(schema))
	testkit.UseEverything(t, b)
	outside(t, p.SocketDSN()).exec("CREATE ROLE reader LOGIN SUPERUSER", "ALTER ROLE reader SET default_transaction_read_only = on")
	checkReadOnly(t, open(t, as(p, "reader", schema)))
	_, err := connect(t.Context(), as(p, "reader", newSchema()))
	testkit.WantError(t, "making the tables where nothing can be written", err, driver.ErrUnavailable, "standby")
}

// TestStandby: a server that only follows another is for reading; opened stores go
// on writing when it has become the primary.
func TestStandby(t *testing.T) {
	t.Parallel()
	p := startServer(t)
	b := open(t, p.SocketDSN())
	testkit.UseEverything(t, b)
	testkit.Check(t, p.Stop())
	testkit.Check(t, os.WriteFile(filepath.Join(p.Folder, "standby.signal"), nil, 0o666))
	testkit.Check(t, p.Start())
	checkReadOnly(t, b)
	opened := open(t, p.SocketDSN())
	checkReadOnly(t, opened)
	_, err := connect(t.Context(), p.SocketDSN("enact_schema=other"))
	testkit.WantError(t, "making the tables on a standby", err, driver.ErrUnavailable, "standby")
	_, err = connect(t.Context(), p.SocketDSN("target_session_attrs=read-write"))
	testkit.WantError(t, "opening a standby where a primary is asked for", err, driver.ErrUnavailable)

	outside(t, p.SocketDSN()).exec("SELECT pg_promote()")
	testkit.Await(t, "the standby has become the primary", func() bool { return opened.HealthCheck(t.Context()) == nil })
	testkit.EveryCall(t, b)
	testkit.EveryCall(t, opened)
}
