package sqlite

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// conn is one connection with its prepared statements. One goroutine uses it at a
// time. Its statements run without the caller's context: each is short, so the
// code around them looks at the context in between, and no statement is broken
// off in the middle.
//
// It is used without package sql, whose locks, conversions and second copy of every
// value take as long as a short query. Its pool would be of no use here either.
type conn struct {
	engine
	prepared   map[string]statement
	parameters []sqldriver.NamedValue // used again and again
	remembered remembered             // of the writer
}

// engine and statement have the methods of what modernc.org/sqlite connects and
// prepares.
type (
	engine interface {
		sqldriver.Conn
		sqldriver.ConnPrepareContext
		sqldriver.ExecerContext
		sqldriver.QueryerContext
	}
	statement interface {
		sqldriver.Stmt
		sqldriver.StmtExecContext
		sqldriver.StmtQueryContext
	}
)

func newConn(connected sqldriver.Conn) *conn {
	return &conn{engine: connected.(engine), prepared: map[string]statement{}, remembered: remembered{executions: map[executionName]execution{}}}
}

// stmt prepares query once. It is for the fixed queries of this package only.
func (c *conn) stmt(query string) (statement, error) {
	if s := c.prepared[query]; s != nil {
		return s, nil
	}
	made, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s := made.(statement)
	c.prepared[query] = s
	return s, nil
}

// bind makes parameters of arguments. They hold until the next call.
func (c *conn) bind(args []any) (_ []sqldriver.NamedValue, err error) {
	c.parameters = c.parameters[:0]
	for i, arg := range args {
		switch n := arg.(type) {
		case nil, int64, string, []byte:
		case int:
			arg = int64(n)
		default:
			if arg, err = sqldriver.DefaultParameterConverter.ConvertValue(arg); err != nil {
				return nil, fmt.Errorf("parameter %d: %w", i+1, err)
			}
		}
		c.parameters = append(c.parameters, sqldriver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	return c.parameters, nil
}

// unbind lets go of what the parameters hold; the engine has copied it.
func (c *conn) unbind() { clear(c.parameters) }

func (c *conn) exec(query string, args ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	parameters, err := c.bind(args)
	if err != nil {
		return err
	}
	defer c.unbind()
	_, err = s.ExecContext(context.Background(), parameters)
	return err
}

// script runs several statements that are used only once.
func (c *conn) script(statements string) error {
	_, err := c.ExecContext(context.Background(), statements, nil)
	return err
}

func (c *conn) query(query string, args []any) (sqldriver.Rows, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	parameters, err := c.bind(args)
	if err != nil {
		return nil, err
	}
	defer c.unbind()
	return s.QueryContext(context.Background(), parameters)
}

// row returns the first row of the result; without one, scanning it is
// sql.ErrNoRows.
func (c *conn) row(query string, args ...any) scanner {
	rows, err := c.query(query, args)
	if err != nil {
		return failed{err}
	}
	first := make(cells, len(rows.Columns()))
	err = rows.Next(first)
	if err == io.EOF {
		err = sql.ErrNoRows
	}
	if closing := rows.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return failed{err}
	}
	return first
}

// each runs f for every row until it returns an error or false.
func (c *conn) each(ctx context.Context, query string, args []any, f func(scanner) (more bool, err error)) error {
	rows, err := c.query(query, args)
	if err != nil {
		return err
	}
	return drain(ctx, rows, f)
}

// eachOnce is each for a query that is not fixed. It may take long before there is
// a row, so it ends with its context.
func (c *conn) eachOnce(ctx context.Context, query string, args []any, f func(scanner) (more bool, err error)) error {
	parameters, err := c.bind(args)
	if err != nil {
		return err
	}
	rows, err := c.QueryContext(ctx, query, parameters)
	c.unbind()
	if err != nil {
		return err
	}
	return drain(ctx, rows, f)
}

func drain(ctx context.Context, rows sqldriver.Rows, f func(scanner) (more bool, err error)) (err error) {
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	row := make(cells, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err := f(row); err != nil || !more {
			return err
		}
	}
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
	return c.Close()
}

// noRow reports that a query had no result.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
