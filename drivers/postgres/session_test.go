package postgres

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/internal/testkit"
)

// sessionState is what a session keeps between transactions: locks, statements with
// names, and settings. Some settings belong to the connection, whatever it is used for.
const sessionState = `
	SELECT 'lock ' || objid || ' ' || classid FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
	UNION ALL SELECT 'statement ' || statement FROM pg_prepared_statements
	UNION ALL SELECT 'setting ' || name || ' ' || setting FROM pg_settings WHERE source = 'session'
	UNION ALL SELECT 'listens to ' || pg_listening_channels()`

// TestNothingStaysInASession: making the schema and every call leave a session as it
// was, so that a transaction pooler may give it to somebody else.
func TestNothingStaysInASession(t *testing.T) {
	b := open(t, newDSN(t, "pool_max_conns=1"))
	testkit.UseEverything(t, b)
	rows := testkit.Must(b.pool.Query(t.Context(), sessionState, pgx.QueryExecModeSimpleProtocol))(t)
	left := testkit.Must(pgx.CollectRows(rows, pgx.RowTo[string]))(t)
	left = slices.DeleteFunc(left, func(line string) bool { return line == "setting client_encoding UTF8" })
	if len(left) > 0 {
		t.Errorf("this is left in the session: %q", left)
	}
}
