package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// conn is one connection with its prepared statements. One goroutine uses it at a
// time. Its statements run without the caller's context: each is short, so the
// code around them looks at the context in between, and no statement is broken
// off in the middle.
type conn struct {
	*sql.Conn
	prepared   map[string]*sql.Stmt
	remembered remembered // of the writer
}

// stmt prepares query once. It is for the fixed queries of this package only.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.prepared[query]; s != nil {
		return s, nil
	}
	s, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.prepared[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.Exec(args...)
	return err
}

// script runs several statements that are used only once.
func (c *conn) script(statements string) error {
	_, err := c.ExecContext(context.Background(), statements)
	return err
}

// scanner is a row, or the error that there is instead.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

func (c *conn) row(query string, args ...any) scanner {
	s, err := c.stmt(query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRow(args...)
}

// each runs f for every row until it returns an error or false.
func (c *conn) each(ctx context.Context, query string, args []any, f func(scanner) (more bool, err error)) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return err
	}
	return drain(ctx, rows, f)
}

func drain(ctx context.Context, rows *sql.Rows, f func(scanner) (more bool, err error)) error {
	defer rows.Close()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err := f(rows); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

// snapshot runs f so that all its statements see the same state of the file.
func (c *conn) snapshot(f func() error) error {
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return undo(c, err)
	}
	return c.exec("ROLLBACK")
}

func (c *conn) close() error {
	for _, s := range c.prepared {
		s.Close()
	}
	return c.Conn.Close()
}

// noRow reports that a query had no result.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
