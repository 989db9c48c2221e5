package sqlite

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// pragma reads a setting of a connection.
func pragma(t testing.TB, c *conn, name string) string {
	t.Helper()
	var found any
	if err := c.row("PRAGMA " + name).Scan(&found); err != nil {
		t.Fatalf("PRAGMA %s: %v", name, err)
	}
	return fmt.Sprint(found)
}

// withWriter gives f the writing connection.
func withWriter(t testing.TB, b *backend, f func(c *conn)) {
	t.Helper()
	c := testkit.Must(b.acquire(context.Background(), b.writer))(t)
	defer b.writer.put(c)
	f(c)
}

// withEveryReader gives f each reading connection, all of them in use at once.
func withEveryReader(t testing.TB, b *backend, f func(c *conn)) {
	t.Helper()
	var inUse, done sync.WaitGroup
	var one sync.Mutex
	inUse.Add(b.readers.size())
	for range b.readers.size() {
		done.Go(func() {
			err := b.reading(context.Background(), func(c *conn) error {
				inUse.Done()
				inUse.Wait()
				one.Lock()
				defer one.Unlock()
				f(c)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	testkit.Within(t, "using every reader at once", done.Wait)
}

// settingsOfAll are what every connection must have, for durability (E1), bounded
// files, and defence.
var settingsOfAll = map[string]string{
	"journal_mode":             "wal",
	"synchronous":              "2", // FULL
	"busy_timeout":             "0",
	"temp_store":               "2", // MEMORY
	"trusted_schema":           "0",
	"journal_size_limit":       "67108864",
	"locking_mode":             "normal",
	"read_uncommitted":         "0",
	"ignore_check_constraints": "0",
}

// TestSettings looks at the real connections of an open store, whatever its DSN
// says.
func TestSettings(t *testing.T) {
	for _, parameters := range [][]string{nil, {"readers=7", "lock_wait=1ms", "sweep_interval=1h"}} {
		b := open(t, dsnFor(newFile(t), parameters...))
		setKey(t, b, "key", "value")
		withWriter(t, b, func(c *conn) {
			checkSettings(t, "writer", c, settingsOfAll)
			checkSettings(t, "writer", c, map[string]string{"query_only": "0"})
		})
		seen := map[*conn]bool{}
		withEveryReader(t, b, func(c *conn) {
			seen[c] = true
			checkSettings(t, "reader", c, settingsOfAll)
			checkSettings(t, "reader", c, map[string]string{"query_only": "1"})
			if err := c.script("DELETE FROM state"); codeOf(err)&0xff != sqlite3.SQLITE_READONLY {
				t.Errorf("a reader was told to delete: %v, want it refused as read-only", err)
			}
		})
		if want := testkit.Must(parseDSN(dsnFor("x", parameters...)))(t).readers; len(seen) != want {
			t.Errorf("%d readers could be used at once, want %d", len(seen), want)
		}
		wantValue(t, b.Tenant("t").State, "key", "value")
	}
}

// TestSettingsLast: they are the same after an error, and after many operations.
func TestSettingsLast(t *testing.T) {
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t")
	testkit.Prepare(t, b)
	for _, write := range testkit.Writes(s) {
		testkit.Check(t, write.Do(t.Context(), s, "id"))
	}
	testkit.Must(s.Events.Append(t.Context(), "execution", driver.ExpectLast(0), testkit.Events("id", 1)))(t) // repeated
	_, err := s.Events.Append(t.Context(), "execution", driver.ExpectLast(0), someEvents("other", 1, nil))
	testkit.WantError(t, "Append with a stale expectation", err, driver.ErrConflict)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, call := range testkit.Writes(b.Tenant("t")) {
		name, write := call.Name, call.Do
		testkit.WantError(t, name+" with a context that is done", write(ctx, s, "late"), context.Canceled)
	}
	withWriter(t, b, func(c *conn) { checkSettings(t, "writer", c, settingsOfAll) })
	withEveryReader(t, b, func(c *conn) { checkSettings(t, "reader", c, settingsOfAll) })
}

func checkSettings(t testing.TB, which string, c *conn, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := pragma(t, c, name); got != value {
			t.Errorf("PRAGMA %s of a %s is %q, want %q", name, which, got, value)
		}
	}
	// SQLITE_DBCONFIG_DEFENSIVE: the schema cannot be written behind SQL's back.
	if err := c.script("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE FALSE"); err == nil || !strings.Contains(err.Error(), "may not be modified") {
		t.Errorf("writing to sqlite_schema by a %s: %v, want it refused: connections are defensive", which, err)
	}
	// SQLITE_DBCONFIG_DQS_*: a misspelt column is no string.
	if err := c.script(`SELECT "nonsense"`); err == nil {
		t.Errorf(`SELECT "nonsense" by a %s succeeded, want "no such column"`, which)
	}
}

// TestSettingsInMemory: one connection, which writes and reads.
func TestSettingsInMemory(t *testing.T) {
	b := open(t, "sqlite::memory:?readers=5")
	withWriter(t, b, func(c *conn) {
		checkSettings(t, "writer in memory", c, map[string]string{"journal_mode": "memory", "query_only": "0", "trusted_schema": "0", "busy_timeout": "0"})
	})
}

// TestSettingsOfTheFile: who opens the file finds it in WAL mode and marked as ours,
// and it stays so when all have closed it.
func TestSettingsOfTheFile(t *testing.T) {
	path := newFile(t)
	makeStore(t, path)
	db := outside(t, path)
	for name, want := range map[string]string{"journal_mode": "wal", "application_id": "1164861795", "user_version": fmt.Sprint(len(migrations)), "encoding": "UTF-8"} {
		if got := valueOf[string](t, db, "PRAGMA "+name); got != want {
			t.Errorf("PRAGMA %s of the file is %q, want %q", name, got, want)
		}
	}
}
