package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// dsnFor names a file by its DSN, parameters after it.
func dsnFor(path string, parameters ...string) string {
	dsn := "sqlite://" + (&url.URL{Path: path}).EscapedPath()
	if parameters != nil {
		dsn += "?" + strings.Join(parameters, "&")
	}
	return dsn
}

// connect parses a DSN and opens what it names.
func connect(ctx context.Context, dsn string) (*backend, error) {
	c, err := sqliteDriver{}.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	b, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return b.(*backend), nil
}

// open opens a store that is shut down when the test ends.
func open(t testing.TB, dsn string) *backend {
	t.Helper()
	b, err := connect(context.Background(), dsn)
	if err != nil {
		t.Fatalf("open %s: %v", dsn, err)
	}
	t.Cleanup(func() { shutdown(t, b) })
	return b
}

func shutdown(t testing.TB, b *backend) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown returned %v, want nil", err)
	}
}

// newFile is the path of a file that is not there yet, in a folder of its own.
func newFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "enact.db")
}

// outside opens a file as any other program would, without this driver.
func outside(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(10000)"}).String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func mustExec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// valueOf is the only value that a query from outside returns.
func valueOf[T any](t testing.TB, db *sql.DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// checkIntegrity has SQLite look at the whole file.
func checkIntegrity(t testing.TB, path string) {
	t.Helper()
	db := outside(t, path)
	defer db.Close()
	if got := valueOf[string](t, db, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("PRAGMA integrity_check of %s says %q, want \"ok\"", path, got)
	}
}

// closed closes a database that was opened from outside, so that its file may be
// read without taking away locks.
func closed(t testing.TB, db *sql.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents are the files below a folder, by name, with what is in them. A folder
// ends in a slash.
func contents(t testing.TB, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			files[name+"/"] = ""
		case !entry.Type().IsRegular():
			files[name] = entry.Type().String()
		default:
			raw, err := os.ReadFile(path)
			files[name] = string(raw)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkUntouched compares a folder with what was in it before.
func checkUntouched(t testing.TB, folder string, before map[string]string) {
	t.Helper()
	after := contents(t, folder)
	for name, was := range before {
		is, there := after[name]
		switch {
		case !there:
			t.Errorf("%s is gone, it should have been left as it was", name)
		case is != was:
			t.Errorf("%s was changed from %d to %d bytes (first difference at byte %d), it should have been left as it was", name, len(was), len(is), difference(was, is))
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			t.Errorf("%s was left behind, nothing should have been made", name)
		}
	}
}

func difference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// namesIn lists a folder without opening what is in it.
func namesIn(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// someEvents makes a batch of events whose IDs begin with a name.
func someEvents(name string, n int, payload []byte) []driver.Event {
	batch := make([]driver.Event, n)
	for i := range batch {
		batch[i] = driver.Event{ID: driver.EventID(fmt.Sprintf("%s-%d", name, i)), Type: "test", Payload: payload}
	}
	return batch
}

// load reads a whole history and makes sure that it has no gap.
func load(t testing.TB, s driver.EventStore, id driver.ExecutionID) []driver.StoredEvent {
	t.Helper()
	var history []driver.StoredEvent
	for e, err := range s.Load(context.Background(), id, 0) {
		if err != nil {
			t.Fatalf("load execution %q after %d events: %v", id, len(history), err)
		}
		history = append(history, e)
		if e.Sequence != uint64(len(history)) {
			t.Fatalf("execution %q: event %d has sequence %d (E2: sequences have no gaps)", id, len(history), e.Sequence)
		}
	}
	return history
}

// everyPage reads a listing to its end.
func everyPage[T any](t testing.TB, list func(driver.Page) ([]T, driver.Cursor, error)) []T {
	t.Helper()
	var all []T
	page := driver.Page{Limit: 100}
	for {
		items, next, err := list(page)
		if err != nil {
			t.Fatalf("list after %d entries: %v", len(all), err)
		}
		all = append(all, items...)
		if next == "" {
			return all
		}
		page.Cursor = next
	}
}

// keysOf lists every state key of a tenant.
func keysOf(t testing.TB, s driver.StateStore) []string {
	t.Helper()
	entries := everyPage(t, func(p driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
		return s.List(context.Background(), "", p)
	})
	keys := make([]string, len(entries))
	for i, entry := range entries {
		keys[i] = entry.Key
	}
	return keys
}

// wantValue checks what a state key holds.
func wantValue(t testing.TB, s driver.StateStore, key, want string) {
	t.Helper()
	entry, err := s.Get(context.Background(), key)
	if err != nil || !bytes.Equal(entry.Value, []byte(want)) {
		t.Errorf("Get(%q) returned %q, %v, want %q", key, entry.Value, err, want)
	}
}

// sameSet compares two lists of which the order does not matter.
func sameSet[T cmp.Ordered](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// makeHistories makes a store with two executions, of three events and of one.
func makeHistories(t testing.TB, path string) {
	t.Helper()
	b := open(t, dsnFor(path))
	s := b.Tenant("t").Events
	testkit.Must(s.Append(context.Background(), "one", driver.ExpectLast(0), someEvents("e", 3, []byte("payload"))))(t)
	testkit.Must(s.Append(context.Background(), "two", driver.ExpectLast(0), someEvents("e", 1, []byte("payload"))))(t)
	shutdown(t, b)
}

func setKey(t testing.TB, b *backend, key, value string) {
	t.Helper()
	testkit.Must(b.Tenant("t").State.Set(context.Background(), key, []byte(value), driver.SetOptions{}))(t)
}

// makeStore makes a file with one key in it, and closes it again.
func makeStore(t testing.TB, path string) {
	t.Helper()
	b := open(t, dsnFor(path))
	setKey(t, b, "key", "value")
	shutdown(t, b)
}

// useEveryReader runs a query on all reading connections.
func useEveryReader(t testing.TB, b *backend) {
	t.Helper()
	withEveryReader(t, b, func(c *conn) { testkit.Check(t, c.exec("SELECT 1")) })
}
