package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the database/sql driver

	"github.com/enactdev/enact"
)

// handSQLite is what a program would write that needs no library for its events
// and state: the same columns and unique indexes as the tables of drivers/sqlite
// and the same settings, prepared statements on one connection that writes, and
// none of the checks.
type handSQLite struct {
	db       *sql.DB
	writer   *sql.Conn
	prepared map[string]*sql.Stmt
}

const handSQLiteSchema = `
CREATE TABLE executions (key INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, last INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX executions_by_id ON executions (tenant, id);
CREATE TABLE events (key INTEGER PRIMARY KEY, execution INTEGER NOT NULL, id ANY NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (execution, id);
CREATE TABLE state (tenant TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX state_by_key ON state (tenant, key);
CREATE INDEX state_by_expiry ON state (expires) WHERE expires IS NOT NULL;
CREATE TABLE documents (key INTEGER PRIMARY KEY, collection INTEGER NOT NULL, changed INTEGER NOT NULL, id TEXT NOT NULL, embedding BLOB NOT NULL, metadata BLOB NOT NULL, content BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX documents_by_id ON documents (collection, id);
CREATE INDEX documents_by_change ON documents (collection, changed);
CREATE TABLE attributes (collection INTEGER NOT NULL, key BLOB NOT NULL, kind INTEGER NOT NULL, value ANY NOT NULL, document INTEGER NOT NULL, PRIMARY KEY (collection, key, kind, value, document)) STRICT, WITHOUT ROWID;
`

// newHandSQLite opens a new file until the end of the scope.
func (b *bench) newHandSQLite(ctx context.Context) (*handSQLite, error) {
	path, err := b.newPath("hand")
	if err != nil {
		return nil, err
	}
	h, err := openHandSQLite(ctx, path)
	if err != nil {
		return nil, err
	}
	b.cleanup(h.close)
	_, err = h.writer.ExecContext(ctx, handSQLiteSchema)
	return h, err
}

// sqliteBothWays opens a new file of enact and one that is written by hand.
func (b *bench) sqliteBothWays(ctx context.Context) (*enact.Tenant, *handSQLite, error) {
	store, err := b.openSQLite(ctx)
	if err != nil {
		return nil, nil, err
	}
	hand, err := b.newHandSQLite(ctx)
	return store, hand, err
}

func openHandSQLite(ctx context.Context, path string) (*handSQLite, error) {
	db, err := sql.Open("sqlite", handSQLiteName(path))
	if err != nil {
		return nil, err
	}
	writer, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &handSQLite{db: db, writer: writer, prepared: map[string]*sql.Stmt{}}, nil
}

func handSQLiteName(path string) string {
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	return uri.String() + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=temp_store(MEMORY)&_pragma=journal_size_limit(67108864)"
}

func (h *handSQLite) close() error {
	for _, s := range h.prepared {
		s.Close()
	}
	return errors.Join(h.writer.Close(), h.db.Close())
}

// stmt prepares a query once. One goroutine writes at a time.
func (h *handSQLite) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := h.prepared[query]; s != nil {
		return s, nil
	}
	s, err := h.writer.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	h.prepared[query] = s
	return s, nil
}

func (h *handSQLite) exec(ctx context.Context, query string, args ...any) error {
	s, err := h.stmt(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

func (h *handSQLite) row(ctx context.Context, query string, args []any, dest ...any) error {
	s, err := h.stmt(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}

// commit runs f in a transaction.
func (h *handSQLite) commit(ctx context.Context, f func() error) error {
	if err := h.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, h.exec(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return h.exec(ctx, "COMMIT")
}

// appendEvents adds n events to an execution, inside commit.
func (h *handSQLite) appendEvents(ctx context.Context, execution string, n int, payload []byte) error {
	stamp := time.Now().UnixMicro()
	var key, last int64
	err := h.row(ctx, `INSERT INTO executions (tenant, id, last, created, updated) VALUES (?1, ?2, ?3, ?4, ?4)
		ON CONFLICT (tenant, id) DO UPDATE SET last = last + excluded.last, updated = excluded.updated RETURNING key, last`,
		[]any{tenant, execution, n, stamp}, &key, &last)
	if err != nil {
		return err
	}
	for i := range n {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		err = h.exec(ctx, "INSERT INTO events (key, execution, id, time, type, payload) VALUES (?, ?, ?, ?, ?, ?)",
			key<<32+last-int64(n)+int64(i)+1, key, id[:], stamp, eventType, payload)
		if err != nil {
			return err
		}
	}
	return nil
}
