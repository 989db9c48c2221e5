package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// patience is how long a test waits for what must happen at some time. It only
// decides how soon a failing test gives up.
const patience = 30 * time.Second

// connect parses a DSN and opens what it names.
func connect(ctx context.Context, dsn string) (*backend, error) {
	c, err := postgresDriver{}.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connectTo(ctx, c)
}

func connectTo(ctx context.Context, c driver.Connector) (*backend, error) {
	b, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return b.(*backend), nil
}

// open opens a store that is shut down when the test ends.
func open(tb testing.TB, dsn string) *backend {
	tb.Helper()
	b, err := connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatalf("open %s: %v", dsn, err)
	}
	tb.Cleanup(func() { shutdown(tb, b) })
	return b
}

func shutdown(tb testing.TB, b *backend) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		tb.Errorf("Shutdown returned %v, want nil", err)
	}
}

// outsider is somebody with a connection of their own to what a DSN of this driver
// names.
type outsider struct {
	*pgx.Conn
	tb     testing.TB
	schema string
}

func outside(tb testing.TB, dsn string) *outsider {
	tb.Helper()
	c, err := parseDSN(dsn)
	check(tb, err)
	conn, err := pgx.ConnectConfig(tb.Context(), c.config.ConnConfig)
	check(tb, err)
	tb.Cleanup(func() { conn.Close(context.Background()) })
	return &outsider{conn, tb, c.schema}
}

// named puts the schema's name into a statement.
func (o *outsider) named(statement string) string {
	return strings.ReplaceAll(statement, "enact.", pgx.Identifier{o.schema}.Sanitize()+".")
}

func (o *outsider) exec(statements ...string) {
	o.tb.Helper()
	for _, statement := range statements {
		if _, err := o.Exec(context.Background(), o.named(statement), pgx.QueryExecModeSimpleProtocol); err != nil {
			o.tb.Fatalf("%s: %v", statement, err)
		}
	}
}

// valueOf is the only value that a query from outside returns.
func valueOf[T any](o *outsider, query string, args ...any) (value T) {
	o.tb.Helper()
	if err := o.QueryRow(context.Background(), o.named(query), args...).Scan(&value); err != nil {
		o.tb.Fatalf("%s: %v", query, err)
	}
	return value
}

// within runs f and fails the test when it does not come back.
func within(tb testing.TB, what string, f func()) {
	tb.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		tb.Fatalf("%s has not come to an end in %v", what, patience)
	}
}

// await asks again and again until something is true.
func await(tb testing.TB, what string, isTrue func() bool) {
	tb.Helper()
	for begin := time.Now(); !isTrue(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			tb.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// wantError checks an error's kind and that its text says certain things.
func wantError(tb testing.TB, what string, err, kind error, words ...string) {
	tb.Helper()
	if !errors.Is(err, kind) {
		tb.Errorf("%s: the error is %v, want one that matches %q", what, err, kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			tb.Errorf("%s: the error reads %q, want it to name %q", what, err, word)
		}
	}
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		check(tb, err)
		return value
	}
}

// someEvents makes a batch of events whose IDs begin with a name.
func someEvents(name string, n int) []driver.Event {
	batch := make([]driver.Event, n)
	for i := range batch {
		batch[i] = driver.Event{ID: driver.EventID(fmt.Sprintf("%s-%d", name, i)), Type: "test", Payload: []byte(name)}
	}
	return batch
}

func appendTo(ctx context.Context, b *backend, execution driver.ExecutionID, batch []driver.Event) error {
	_, err := b.Tenant("t").Events.Append(ctx, execution, driver.Expectation{}, batch)
	return err
}

// load reads a whole history and makes sure that it has no gap.
func load(tb testing.TB, b *backend, id driver.ExecutionID) []driver.StoredEvent {
	tb.Helper()
	var history []driver.StoredEvent
	for e, err := range b.Tenant("t").Events.Load(context.Background(), id, 0) {
		if err != nil {
			tb.Fatalf("load execution %q after %d events: %v", id, len(history), err)
		}
		history = append(history, e)
		if e.Sequence != uint64(len(history)) {
			tb.Fatalf("execution %q: event %d has sequence %d (E2: sequences have no gaps)", id, len(history), e.Sequence)
		}
	}
	return history
}

// checkOnce makes sure that a history holds certain events, each once, and nothing
// else; the order within a writer is that of its numbers.
func checkOnce(tb testing.TB, b *backend, id driver.ExecutionID, wanted int) {
	tb.Helper()
	history := load(tb, b, id)
	if last := must(b.Tenant("t").Events.LatestSequence(context.Background(), id))(tb); last != uint64(len(history)) {
		tb.Errorf("the last sequence is %d, but %d events can be read", last, len(history))
	}
	if len(history) != wanted {
		tb.Errorf("execution %q has %d events, want %d", id, len(history), wanted)
	}
	next := map[string]int{}
	for _, e := range history {
		writer := e.Type
		if want := numbered(writer, next[writer]); e.ID != want.ID || string(e.Payload) != string(want.Payload) {
			tb.Fatalf("sequence %d holds event %q of writer %s, want %q: lost, doubled or out of order", e.Sequence, e.ID, writer, want.ID)
		}
		next[writer]++
	}
}

// numbered is the event with a number of a writer.
func numbered(writer string, i int) driver.Event {
	return driver.Event{ID: driver.EventID(fmt.Sprintf("%s-%d", writer, i)), Type: writer, Payload: fmt.Appendf(nil, "payload %d of %s", i, writer)}
}

// writes are a write of each kind, which succeeds again with the same ID, to a
// tenant that prepareWrites has seen.
var writes = map[string]func(ctx context.Context, s driver.Stores, id string) error{
	"Append": func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Events.Append(ctx, "execution", driver.Expectation{}, someEvents(id, 1))
		return err
	},
	"Set": func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.State.Set(ctx, id, []byte(id), driver.SetOptions{})
		return err
	},
	"Delete a key": func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.Delete(ctx, "not "+id, driver.Precondition{})
	},
	"SaveSnapshot": func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: driver.ExecutionID(id), Sequence: 1}})
	},
	"DeleteSnapshot": func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.DeleteSnapshot(ctx, driver.ExecutionID("not "+id))
	},
	"CreateThread": func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(id), User: "user"})
		return err
	},
	"UpdateThread": func(ctx context.Context, s driver.Stores, id string) error {
		t, err := s.Messages.GetThread(ctx, "thread", false)
		if err != nil {
			return err
		}
		_, err = s.Messages.UpdateThread(ctx, t)
		return err
	},
	"CreateMessage": func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: driver.MessageID(id), Thread: "thread", Execution: "execution", Parent: "message", Role: "user"})
		return err
	},
	"UpdateMessage": func(ctx context.Context, s driver.Stores, id string) error {
		m, err := s.Messages.GetMessage(ctx, "message", false)
		if err != nil {
			return err
		}
		_, err = s.Messages.UpdateMessage(ctx, m)
		return err
	},
	"DeleteMessage": func(ctx context.Context, s driver.Stores, id string) error {
		return s.Messages.DeleteMessage(ctx, "deleted message")
	},
	"DeleteThread": func(ctx context.Context, s driver.Stores, id string) error {
		return s.Messages.DeleteThread(ctx, "deleted thread")
	},
}

// reads are a read of each kind, from a tenant that prepareWrites has seen.
var reads = map[string]func(ctx context.Context, s driver.Stores) error{
	"Load": func(ctx context.Context, s driver.Stores) error {
		for _, err := range s.Events.Load(ctx, "execution", 0) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"LatestSequence": func(ctx context.Context, s driver.Stores) error {
		_, err := s.Events.LatestSequence(ctx, "execution")
		return err
	},
	"ListExecutions": func(ctx context.Context, s driver.Stores) error {
		return twoPages(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Events.ListExecutions(ctx, p)
			return next, err
		})
	},
	"Get": func(ctx context.Context, s driver.Stores) error {
		_, err := s.State.Get(ctx, "key")
		return err
	},
	"List": func(ctx context.Context, s driver.Stores) error {
		for _, prefix := range []string{"", "k"} {
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				_, next, err := s.State.List(ctx, prefix, p)
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	},
	"LoadSnapshot": func(ctx context.Context, s driver.Stores) error {
		_, err := s.State.LoadSnapshot(ctx, "execution")
		return err
	},
	"ListSnapshots": func(ctx context.Context, s driver.Stores) error {
		return twoPages(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.State.ListSnapshots(ctx, p)
			return next, err
		})
	},
	"GetThread": func(ctx context.Context, s driver.Stores) error {
		_, err := s.Messages.GetThread(ctx, "thread", false)
		return err
	},
	"GetMessage": func(ctx context.Context, s driver.Stores) error {
		for _, includeDeleted := range []bool{false, true} {
			if _, err := s.Messages.GetMessage(ctx, "message", includeDeleted); err != nil {
				return err
			}
		}
		return nil
	},
	"ListThreads": func(ctx context.Context, s driver.Stores) error {
		for _, includeDeleted := range []bool{false, true} {
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				_, next, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "user", IncludeDeleted: includeDeleted, Page: p})
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	},
	"ListMessages": func(ctx context.Context, s driver.Stores) error {
		for i := range 8 {
			q := driver.MessageQuery{Thread: "thread", IncludeDeleted: i&1 > 0, Backward: i&2 > 0}
			if i&4 > 0 {
				q.Thread, q.Execution = "", "execution"
			}
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				q.Page = p
				_, next, err := s.Messages.ListMessages(ctx, q)
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	},
}

// twoPages reads the beginning of a listing, and what follows it if there is more.
func twoPages(list func(driver.Page) (driver.Cursor, error)) error {
	next, err := list(driver.Page{Limit: 10})
	if err == nil && next != "" {
		_, err = list(driver.Page{Limit: 10, Cursor: next})
	}
	return err
}

func prepareWrites(tb testing.TB, s driver.Stores) {
	tb.Helper()
	ctx := context.Background()
	for _, id := range []driver.ThreadID{"thread", "deleted thread"} {
		must(s.Messages.CreateThread(ctx, driver.Thread{ID: id, User: "user"}))(tb)
	}
	for _, id := range []driver.MessageID{"message", "deleted message"} {
		must(s.Messages.CreateMessage(ctx, driver.Message{ID: id, Thread: "thread", Role: "user"}))(tb)
	}
	must(s.State.Set(ctx, "key", []byte("value"), driver.SetOptions{}))(tb)
	check(tb, s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "execution", Sequence: 1}}))
}

// useEverything calls every method.
func useEverything(tb testing.TB, b *backend) {
	tb.Helper()
	s := b.Tenant("t")
	prepareWrites(tb, s)
	everyCall(tb, b)
}

// everyCall calls every method of a store that prepareWrites has seen.
func everyCall(tb testing.TB, b *backend) {
	tb.Helper()
	ctx, s := context.Background(), b.Tenant("t")
	for name, write := range writes {
		for _, id := range []string{"id", "id", "id2"} {
			if err := write(ctx, s, id); err != nil {
				tb.Errorf("%s: %v, want nil", name, err)
			}
		}
	}
	for name, read := range reads {
		if err := read(ctx, s); err != nil {
			tb.Errorf("%s: %v, want nil", name, err)
		}
	}
	if err := b.HealthCheck(ctx); err != nil {
		tb.Errorf("HealthCheck: %v, want nil", err)
	}
}
