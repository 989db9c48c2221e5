package sqlite

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// dump is everything in a table, as text.
func dump(t testing.TB, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.Query("SELECT rowid, * FROM " + table + " ORDER BY rowid")
	testkit.Check(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	testkit.Check(t, err)
	var all strings.Builder
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		testkit.Check(t, rows.Scan(row...))
		for i, column := range columns {
			fmt.Fprintf(&all, "%s=%q ", column, fmt.Sprint(*row[i].(*any)))
		}
		all.WriteString("\n")
	}
	testkit.Check(t, rows.Err())
	return all.String()
}

// TestImmutable has somebody with an SQL connection of their own attack events, in
// every way that SQL knows: the engine refuses it (E4).
func TestImmutable(t *testing.T) {
	t.Parallel()
	const event = "(SELECT min(key) FROM events)"
	const columns = "(key, execution, sequence, id, time, type, payload)"
	victim := newFile(t)
	makeHistories(t, victim)
	intact, err := os.ReadFile(victim)
	testkit.Check(t, err)
	for _, statement := range []string{
		"UPDATE events SET payload = x'00'",
		"UPDATE events SET type = 'forged' WHERE key = " + event,
		"UPDATE events SET key = key + 1000 WHERE key = " + event,
		"UPDATE events SET rowid = rowid + 1000 WHERE key = " + event,
		"UPDATE events SET time = time",
		"UPDATE OR REPLACE events SET key = key + 1 WHERE key = " + event,
		"UPDATE OR REPLACE events SET id = (SELECT max(id) FROM events) WHERE key = " + event,
		"UPDATE OR IGNORE events SET payload = x'00'",
		"UPDATE OR FAIL events SET payload = x'00'",
		"UPDATE OR ROLLBACK events SET payload = x'00'",
		"DELETE FROM events",
		"DELETE FROM events WHERE key = " + event,
		"DELETE FROM events WHERE key = (SELECT max(key) FROM events)",
		"INSERT OR REPLACE INTO events " + columns + " SELECT key, execution, sequence + 1000, 'new', time, 'forged', x'00' FROM events WHERE key = " + event,
		"INSERT OR REPLACE INTO events " + columns + " SELECT key + 1000, execution, sequence, 'new', time, 'forged', x'00' FROM events WHERE key = " + event,
		"REPLACE INTO events " + columns + " SELECT key + 1000, execution, sequence + 1000, id, time, 'forged', x'00' FROM events WHERE key = " + event,
		"REPLACE INTO events " + columns + " SELECT key, execution, sequence, id, time, 'forged', x'00' FROM events",
		"REPLACE INTO events (execution, sequence, id, time, type, payload) SELECT execution, sequence, id, time, 'forged', x'00' FROM events WHERE key = " + event,
		"INSERT OR IGNORE INTO events " + columns + " SELECT key, execution, sequence, id, time, 'forged', x'00' FROM events WHERE key = " + event,
		"INSERT INTO events " + columns + " SELECT key, execution, sequence, id, time, 'forged', x'00' FROM events WHERE key = " + event,
		"INSERT INTO events " + columns + " SELECT * FROM events WHERE key = " + event + " ON CONFLICT (key) DO UPDATE SET payload = x'00'",
		"INSERT INTO events " + columns + " SELECT * FROM events WHERE key = " + event + " ON CONFLICT (id, execution) DO UPDATE SET payload = x'00'",

		"DELETE FROM executions",
		"DELETE FROM executions WHERE id = 'one'",
		"UPDATE executions SET last = 0",
		"UPDATE executions SET last = last - 1 WHERE id = 'one'",
		"UPDATE executions SET key = key + 1000",
		"UPDATE executions SET tenant = 'other'",
		"UPDATE executions SET id = 'renamed' WHERE id = 'one'",
		"UPDATE executions SET id = 'ONE' WHERE id = 'one'",
		"UPDATE OR REPLACE executions SET key = (SELECT max(key) FROM executions) WHERE id = 'one'",
		"UPDATE OR REPLACE executions SET id = 'two' WHERE id = 'one'",
		"REPLACE INTO executions (key, tenant, id, last, created, updated) SELECT key, tenant, 'renamed', 0, created, updated FROM executions WHERE id = 'one'",
		"REPLACE INTO executions (tenant, id, last, created, updated) SELECT tenant, id, 0, created, updated FROM executions WHERE id = 'one'",
		"REPLACE INTO executions (key, tenant, id, last, created, updated) SELECT key, tenant, id, 0, created, updated FROM executions",
		"INSERT INTO executions SELECT * FROM executions WHERE id = 'one' ON CONFLICT (key) DO UPDATE SET last = 0",
	} {
		t.Run(statement, func(t *testing.T) {
			path := newFile(t)
			testkit.Check(t, os.WriteFile(path, intact, 0o600))
			db := outside(t, path)
			before := map[string]string{"events": dump(t, db, "events"), "executions": dump(t, db, "executions")}
			for _, setting := range []string{"OFF", "ON"} {
				mustExec(t, db, "PRAGMA recursive_triggers = "+setting)
				if _, err := db.Exec(statement); err == nil {
					t.Errorf("%s succeeded with recursive_triggers %s, want it refused (E4)", statement, setting)
				}
				for table, was := range before {
					if is := dump(t, db, table); is != was {
						t.Errorf("after %s with recursive_triggers %s the table %s holds\n%swant\n%s", statement, setting, table, is, was)
					}
				}
			}
		})
	}
}
