package stores

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/enactdev/enact/drivers/sqlite" // a target
)

var sqliteFile = Target{
	Name: "sqlite", Roles: allRoles,
	DSN:    func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "proof.db") },
	Layout: sqliteLayout,
}

var sqliteMemory = Target{Name: "sqlite in memory", Roles: allRoles, Private: true, DSN: func(testing.TB) string { return "sqlite::memory:" }}

// sqliteLayout is the schema, and the files beside the database.
func sqliteLayout(tb testing.TB, dsn string) []string {
	tb.Helper()
	path := strings.TrimPrefix(dsn, "sqlite:")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	lines := query(tb, db, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name <> 'sqlite_sequence' UNION ALL SELECT 'version ' || user_version FROM pragma_user_version UNION ALL SELECT 'database ' || name FROM pragma_database_list UNION ALL SELECT 'sound: ' || integrity_check FROM pragma_integrity_check")
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		lines = append(lines, "file "+e.Name())
	}
	slices.Sort(lines)
	return lines
}

// query returns the only column of a query's rows.
func query(tb testing.TB, db *sql.DB, statement string) (lines []string) {
	tb.Helper()
	rows, err := db.Query(statement)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return lines
}
