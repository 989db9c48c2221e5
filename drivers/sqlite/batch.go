package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/enactdev/enact/driver"
)

// errKnownID: an event with one of the IDs is there already.
var errKnownID = errors.New("known event ID")

// AppendEach implements driver.EventBatcher: all appends in one transaction. It
// takes the IDs of events to be new, which they nearly always are, and leaves it to
// the unique index to find one that is not; then it begins again and looks up each.
func (b *backend) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	results := make([]driver.AppendResult, len(appends))
	for _, lookUp := range []bool{false, true} {
		err := b.write(ctx, func(c *conn) error {
			w := appending{conn: c, stamp: micros(now()), lookUp: lookUp}
			if err := c.remembered.refresh(c); err != nil {
				return err
			}
			for i, a := range appends {
				if err := ctx.Err(); err != nil {
					return err
				}
				last, err := w.append(ctx, a)
				if err != nil && !refused(err) {
					return err
				}
				results[i] = driver.AppendResult{Last: last, Err: err}
			}
			return w.flush(ctx)
		})
		if err == nil {
			return results
		}
		if !errors.Is(err, errKnownID) {
			return driver.AllFailed(appends, err)
		}
	}
	return driver.AllFailed(appends, fmt.Errorf("sqlite: %s has other event IDs than it says; check it with PRAGMA integrity_check", b.where()))
}

// CommitsAtOnce implements driver.EventBatcher: a file has one writer.
func (b *backend) CommitsAtOnce() int { return 1 }

// refused: the append was not what the contract allows, and the engine is well.
func refused(err error) bool {
	return errors.Is(err, driver.ErrConflict) || errors.Is(err, driver.ErrTooLarge)
}

// appending is a transaction that appends. What it has accepted is written when
// there is enough for one statement, and before anything is read that may be it.
type appending struct {
	*conn
	stamp  int64
	lookUp bool
	rows   []any // of events, one after the other
	grown  []any // the key and the last sequence of executions, behind the stamp
}

// append accepts or refuses one append; an error that is not of the contract means
// that the transaction must be undone.
func (w *appending) append(ctx context.Context, a driver.Append) (last uint64, err error) {
	name := executionName{string(a.Tenant), a.Execution}
	x, err := w.remembered.find(w.conn, name)
	if err != nil {
		return 0, err
	}
	unexpected := a.Expect.Check(a.Execution, x.last)
	if x.key != 0 && (w.lookUp || unexpected != nil) {
		known, err := w.known(ctx, x.key, a.Events)
		if err != nil {
			return 0, err
		}
		if first, found, err := driver.Repeats(a.Execution, x.last, a.Events, known); found {
			return first, err
		}
	}
	if unexpected != nil {
		return 0, unexpected
	}
	last = x.last + uint64(len(a.Events))
	if last > maxSequence {
		// Not a TooLargeError, whose int cannot hold the limit on 32 bits.
		return 0, fmt.Errorf("%w: sqlite: execution %q would have %d events, the limit is %d; go on in a new execution", driver.ErrTooLarge, a.Execution, last, uint64(maxSequence))
	}
	if x.key == 0 {
		err = w.row("INSERT INTO executions (tenant, id, last, created, updated) VALUES (?, ?, ?, ?, ?) RETURNING key", name.tenant, string(name.id), last, w.stamp, w.stamp).Scan(&x.key)
		if err != nil {
			return 0, err
		}
	} else {
		w.grow(x.key, last)
	}
	for i, e := range a.Events {
		if err := w.insert(ctx, x.key, x.last+uint64(i)+1, e); err != nil {
			return 0, err
		}
	}
	x.last = last
	w.remembered.executions[name] = x
	return last, nil
}

// known returns for each event the stored one with the same ID, if any.
func (w *appending) known(ctx context.Context, execution int64, batch []driver.Event) ([]driver.StoredEvent, error) {
	if err := w.flushEvents(ctx, 1); err != nil {
		return nil, err
	}
	known, reader := make([]driver.StoredEvent, len(batch)), newEventReader()
	for i, e := range batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if known[i], err = reader.read(w.row("SELECT "+eventColumns+" FROM events WHERE id = ? AND execution = ?", packID(e.ID), execution)); err != nil && !noRow(err) {
			return nil, err
		}
	}
	return known, nil
}

// Rows are written by statements for this many, the largest that there are enough
// rows for.
var rowsAtOnce = []int{32, 8, 1}

const eventParameters = 6

func (w *appending) insert(ctx context.Context, execution int64, sequence uint64, e driver.Event) error {
	time := w.stamp
	if !e.Time.IsZero() {
		time = micros(e.Time)
	}
	w.rows = append(w.rows, execution, int64(sequence), packID(e.ID), time, e.Type, blob(e.Payload))
	return w.flushEvents(ctx, rowsAtOnce[0])
}

// flushEvents writes what has been accepted while it is at least some rows.
func (w *appending) flushEvents(ctx context.Context, least int) error {
	for len(w.rows) >= least*eventParameters {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := fitting(len(w.rows) / eventParameters)
		err := w.exec(insertEvents[n], w.rows[:n*eventParameters]...)
		if isKnownEvent(err) {
			return errKnownID
		}
		if err != nil {
			return err
		}
		w.rows = append(w.rows[:0], w.rows[n*eventParameters:]...)
	}
	return nil
}

// grow notes the last sequence of an execution.
func (w *appending) grow(execution int64, last uint64) {
	if w.grown == nil {
		w.grown = append(w.grown, w.stamp, execution, int64(last))
		return
	}
	for i := 1; i < len(w.grown); i += 2 {
		if w.grown[i].(int64) == execution {
			w.grown[i+1] = int64(last)
			return
		}
	}
	w.grown = append(w.grown, execution, int64(last))
}

// flush writes everything that is not written yet.
func (w *appending) flush(ctx context.Context) error {
	if err := w.flushEvents(ctx, 1); err != nil {
		return err
	}
	for len(w.grown) > 1 {
		n := fitting(len(w.grown) / 2)
		if err := w.exec(growExecutions[n], w.grown[:1+2*n]...); err != nil {
			return err
		}
		w.grown = append(w.grown[:1], w.grown[1+2*n:]...)
	}
	return nil
}

// fitting returns the largest number of rowsAtOnce that is at most n, which is
// positive.
func fitting(n int) int {
	for _, rows := range rowsAtOnce {
		if rows <= n {
			return rows
		}
	}
	return 1
}

// insertEvents and growExecutions are statements, by how many rows they write.
var insertEvents, growExecutions = map[int]string{}, map[int]string{}

func init() {
	for _, n := range rowsAtOnce {
		insertEvents[n] = "INSERT INTO events (execution, sequence, id, time, type, payload) VALUES " + repeated(n, "(?, ?, ?, ?, ?, ?)")
		growExecutions[n] = "UPDATE executions SET updated = ?, last = grown.column2 FROM (VALUES " + repeated(n, "(?, ?)") + ") AS grown WHERE key = grown.column1"
	}
	growExecutions[1] = "UPDATE executions SET updated = ?1, last = ?3 WHERE key = ?2"
}

func repeated(n int, row string) string {
	return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}
