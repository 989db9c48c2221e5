// Package contract_test tests, by the numbers of the contract's rules, what package
// enact's handles add to the drivers below them: what they refuse, fill in, encode
// and pass on. What drivers must do is tested by package drivertest. As that opens
// every store more than once, what an SQLite database in memory must do with its one
// connection is tested here.
package contract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

// backendKind is a kind of store to test.
type backendKind struct {
	name string
	// newDSN returns a DSN that nobody else uses.
	newDSN func(t *testing.T) string
}

var (
	inMemory   = backendKind{"memory", newMemoryDSN}
	sqliteFile = backendKind{"sqlite file", func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "contract.db") }}
	sqliteRAM  = backendKind{"sqlite in memory", func(*testing.T) string { return "sqlite::memory:" }}

	backends = []backendKind{inMemory, sqliteRAM}
	// oneConnection are those that read and write through a single connection.
	oneConnection = []backendKind{sqliteRAM}
)

var memoryStores atomic.Int64

func newMemoryDSN(t *testing.T) string {
	return fmt.Sprintf("memory:%s-%d", url.PathEscape(t.Name()), memoryStores.Add(1))
}

// patience is how long a call that should return at once may take before a test
// gives it up. It only bounds how long a broken backend keeps us waiting.
const patience = 60 * time.Second

// fixture is a fresh store of one kind with a first handle on it.
type fixture struct {
	*testing.T
	ctx context.Context
	dsn string
	rt  *enact.Runtime
}

// onEach runs test on a fresh store of every kind, all at once.
func onEach(t *testing.T, kinds []backendKind, test func(*fixture)) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(newFixture(t, kind))
		})
	}
}

func newFixture(t *testing.T, kind backendKind) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: t.Context(), dsn: kind.newDSN(t)}
	if kind.name == inMemory.name {
		f.open() // keeps the memory of the process while a test reopens
	}
	f.rt = f.open()
	return f
}

// open returns another handle on the store.
func (f *fixture) open() *enact.Runtime {
	f.Helper()
	rt := openAll(f.T, f.dsn)
	f.Cleanup(func() { shutDown(f.T, rt) })
	return rt
}

func (f *fixture) tenant() *enact.Tenant { return f.rt.Tenant("acme") }

// openAll opens all four roles on one DSN.
func openAll(t *testing.T, dsn string) *enact.Runtime {
	t.Helper()
	rt, err := enact.Open(t.Context(), enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn})
	must(t, "Open", err)
	return rt
}

func shutDown(t *testing.T, rt *enact.Runtime) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := rt.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown failed: %v", err)
	}
}

// must fails the test unless err is nil; doing says what was done.
func must(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s failed: %v", doing, err)
	}
}

// mustFail fails the test unless err matches want.
func mustFail(t testing.TB, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s returned %q; it should have been an error that matches %q", doing, fmt.Sprint(err), want)
	}
}

// mustEqual fails the test unless got is want, field by field.
func mustEqual[T any](t testing.TB, doing string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		where, g, w := firstDifference(doing, got, want)
		t.Fatalf("%s came back as\n\t%s\nand should have been\n\t%s", where, shorten(g), shorten(w))
	}
}

// firstDifference goes down into lists of one length to where they differ.
func firstDifference(doing string, got, want any) (string, any, any) {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if !g.IsValid() || !w.IsValid() || g.Kind() != reflect.Slice || g.Type() != w.Type() || g.Type().Elem().Kind() == reflect.Uint8 || g.Len() != w.Len() {
		return doing, got, want
	}
	for i := range g.Len() {
		if g, w := g.Index(i).Interface(), w.Index(i).Interface(); !reflect.DeepEqual(g, w) {
			return firstDifference(fmt.Sprintf("%s, element %d,", doing, i), g, w)
		}
	}
	return doing, got, want
}

// shorten is v as a failure shows it.
func shorten(v any) string {
	const most = 4000
	text := show(reflect.ValueOf(v))
	if len(text) > most {
		return fmt.Sprintf("%s … (%d more bytes)", text[:most], len(text)-most)
	}
	return text
}

// show prints bytes and strings quoted, and of a struct the fields that are set.
func show(v reflect.Value) string {
	switch {
	case !v.IsValid():
		return "nothing"
	case v.Type() == reflect.TypeFor[time.Time](), v.Type() == reflect.TypeFor[enact.Value](), v.Type().Implements(reflect.TypeFor[error]()):
		return fmt.Sprint(v)
	}
	var parts []string
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Pointer, reflect.Interface:
		return show(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return strconv.Quote(string(v.Bytes()))
		}
		for i := range v.Len() {
			parts = append(parts, show(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			parts = append(parts, show(it.Key())+": "+show(it.Value()))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() && v.Type().Field(i).IsExported() {
				parts = append(parts, v.Type().Field(i).Name+": "+show(v.Field(i)))
			}
		}
		return v.Type().Name() + "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// mustConflict fails the test unless err is exactly the conflict want, whatever
// the subject is called.
func mustConflict(t testing.TB, doing string, err error, want enact.ConflictError) {
	t.Helper()
	mustFail(t, doing, err, enact.ErrConflict)
	var conflict *enact.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("%s returned %T (%v); it should have held a *ConflictError", doing, err, err)
	}
	if conflict.Subject == "" {
		t.Errorf("%s: the conflict has no subject", doing)
	}
	got := *conflict
	got.Subject = ""
	if want.Event != "" {
		got.Expected = 0 // meaningless there
	}
	mustEqual(t, doing+": the conflict", got, want)
}

// ended waits for done, within reason.
func ended(t testing.TB, doing string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %v", doing, patience)
	}
}

// atOnce runs n goroutines that all begin when all are ready, and waits for them.
func atOnce(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-begin
			f(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}

// inBackground runs f and returns a channel that is closed when it has returned.
func inBackground(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// lister is any listing of a store.
type lister[T any] func(context.Context, enact.Page) ([]T, enact.Cursor, error)

// walk reads a listing to its end with pages of limit entries, and makes sure that
// each page but the last is full and that only the last has no cursor.
func walk[T any](t testing.TB, doing string, limit int, list lister[T]) []T {
	t.Helper()
	var all []T
	page := enact.Page{Limit: limit}
	for n := 0; ; n++ {
		items, next, err := list(t.Context(), page)
		must(t, fmt.Sprintf("%s, page %d of %d entries", doing, n, limit), err)
		if len(items) > limit || (next != "" && len(items) < limit) || (n > 0 && len(items) == 0) {
			t.Fatalf("%s: page %d has %d entries and cursor %q; the limit is %d, every page but the last should be full and none but the first may be empty", doing, n, len(items), next, limit)
		}
		all = append(all, items...)
		if next == "" {
			return all
		}
		page.Cursor = next
	}
}

// The listings of a tenant, in the shape that walk wants.

func keysOf(t *enact.Tenant, prefix string) lister[enact.EntryInfo] {
	return func(ctx context.Context, page enact.Page) ([]enact.EntryInfo, enact.Cursor, error) {
		return t.State.List(ctx, prefix, page)
	}
}

func threadsOf(t *enact.Tenant, q enact.ThreadQuery) lister[enact.Thread] {
	return func(ctx context.Context, page enact.Page) ([]enact.Thread, enact.Cursor, error) {
		q.Page = page
		return t.Messages.ListThreads(ctx, q)
	}
}

func messagesIn(t *enact.Tenant, q enact.MessageQuery) lister[enact.Message] {
	return func(ctx context.Context, page enact.Page) ([]enact.Message, enact.Cursor, error) {
		q.Page = page
		return t.Messages.ListMessages(ctx, q)
	}
}

// idsOf returns id of every item.
func idsOf[T any, ID any](items []T, id func(T) ID) []ID {
	ids := make([]ID, len(items))
	for i, item := range items {
		ids[i] = id(item)
	}
	return ids
}

func threadID(t enact.Thread) enact.ThreadID    { return t.ID }
func messageID(m enact.Message) enact.MessageID { return m.ID }
func matchID(m enact.Match) string              { return m.ID }

// badIDs are no identifiers.
var badIDs = []string{"", strings.Repeat("x", 256), strings.Repeat("é", 128), "a\x00", "\x00", "a\x00b", "\xff", "a\xc3", "\xed\xa0\x80"}

// scribble overwrites what b points to.
func scribble(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}

// anyBytes are payloads, values and contents that careless stores change.
var anyBytes = map[string][]byte{
	"nil":                  nil,
	"empty":                {},
	"a NUL":                {0},
	"a NUL in the middle":  []byte("a\x00b"),
	"a NUL at the end":     []byte("a\x00"),
	"invalid UTF-8":        {0xff, 0xfe, 0x80, 0xc0, 0xed, 0xa0, 0x80},
	"every byte":           everyByte(),
	"spaces":               []byte("  \t\r\n "),
	"a newline at the end": []byte("a\n"),
	"big integers":         []byte(`{"n": 9007199254740993, "m": 18446744073709551616, "f": 1e400, "z": -0.0}`),
	"duplicate keys":       []byte(`{"b":1,"a":2,"b":3}`),
	"space in JSON":        []byte(" { \"a\" :\t[ 1 , 2 ]\r\n} "),
	"null":                 []byte("null"),
	"HTML and separators":  []byte("<a href='x'>&\u2028\u2029</a>"),
	"a byte order mark":    []byte("\ufeffx"),
	"combining characters": []byte("e\u0301 é"),
	"code":                 []byte(`'; DROP TABLE state; -- " \ %s $1 ?`),
	"a mebibyte":           bytes.Repeat([]byte("0123456789abcde\x00"), 1<<16),
}

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// notNil is b as it comes back: empty as empty.
func notNil(b []byte) []byte { return append([]byte{}, b...) }
