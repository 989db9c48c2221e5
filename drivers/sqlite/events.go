package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/google/uuid"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

// maxSequence is what fits beside the execution in an event's key.
const maxSequence = math.MaxUint32

// A stream is read in pieces of at most this many events or bytes, between which
// nothing is held.
const (
	pieceEvents = 512
	pieceBytes  = 1 << 20
)

// errKnownID: an event with one of the IDs is there already.
var errKnownID = errors.New("known event ID")

func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
	last, err := s.append(ctx, id, expect, batch, false)
	if errors.Is(err, errKnownID) {
		last, err = s.append(ctx, id, expect, batch, true)
	}
	return last, err
}

// append stores a batch. Unless lookup is set it takes the IDs to be new, which
// they nearly always are, and leaves it to the unique index to find one that is
// not; then nothing is written and the error is errKnownID.
func (s events) append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event, lookup bool) (last uint64, err error) {
	err = s.write(ctx, func(c *conn) error {
		key, actual, err := s.find(c, id)
		if err != nil {
			return err
		}
		unexpected := expect.Check(id, actual)
		if key != 0 && (lookup || unexpected != nil) {
			known, err := lookUp(ctx, c, key, batch)
			if err != nil {
				return err
			}
			if first, found, err := driver.Repeats(id, actual, batch, known); found {
				last = first
				return err
			}
		}
		if unexpected != nil {
			return unexpected
		}
		last, err = s.insert(ctx, c, id, key, actual, batch)
		return err
	})
	if err != nil {
		return 0, err
	}
	return last, nil
}

// find returns the execution's key, 0 if it has no events, and last sequence.
func (s events) find(c *conn, id driver.ExecutionID) (key int64, last uint64, err error) {
	err = c.row("SELECT key, last FROM executions WHERE tenant = ? AND id = ?", s.tenant, string(id)).Scan(&key, &last)
	if noRow(err) {
		err = nil
	}
	return key, last, err
}

// lookUp returns for each event the stored one with the same ID, if any.
func lookUp(ctx context.Context, c *conn, key int64, batch []driver.Event) ([]driver.StoredEvent, error) {
	known := make([]driver.StoredEvent, len(batch))
	for i, e := range batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := c.row("SELECT key, id, time, type, payload FROM events WHERE execution = ? AND id = ?", key, packID(e.ID))
		if err := scanEvent(row, &known[i]); err != nil && !noRow(err) {
			return nil, err
		}
	}
	return known, nil
}

func (s events) insert(ctx context.Context, c *conn, id driver.ExecutionID, key int64, actual uint64, batch []driver.Event) (last uint64, err error) {
	last = actual + uint64(len(batch))
	if last > maxSequence {
		// Not a TooLargeError, whose int cannot hold the limit on 32 bits.
		return 0, fmt.Errorf("%w: sqlite: execution %q would have %d events, the limit is %d; go on in a new execution", driver.ErrTooLarge, id, last, uint64(maxSequence))
	}
	stamp := micros(now())
	if key == 0 {
		err = c.row("INSERT INTO executions (tenant, id, last, created, updated) VALUES (?, ?, ?, ?, ?) RETURNING key", s.tenant, string(id), last, stamp, stamp).Scan(&key)
	} else {
		err = c.exec("UPDATE executions SET last = ?, updated = ? WHERE key = ?", last, stamp, key)
	}
	if err != nil {
		return 0, err
	}
	for i, e := range batch {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		time := stamp
		if !e.Time.IsZero() {
			time = micros(e.Time)
		}
		err := c.exec("INSERT INTO events (key, execution, id, time, type, payload) VALUES (?, ?, ?, ?, ?, ?)",
			key<<32+int64(actual)+int64(i)+1, key, packID(e.ID), time, e.Type, blob(e.Payload))
		if isKnownEvent(err) {
			return 0, errKnownID
		}
		if err != nil {
			return 0, err
		}
	}
	return last, nil
}

// packID stores a UUID in its 16 bytes, which halves what an event costs beside
// its payload.
func packID(id driver.EventID) any {
	if len(id) == 36 {
		if u, err := uuid.Parse(string(id)); err == nil && u.String() == string(id) {
			return u[:]
		}
	}
	return string(id)
}

func unpackID(id any) driver.EventID {
	switch id := id.(type) {
	case []byte:
		u, _ := uuid.FromBytes(id)
		return driver.EventID(u.String())
	case string:
		return driver.EventID(id)
	}
	return ""
}

func scanEvent(row scanner, e *driver.StoredEvent) error {
	var key, time int64
	var id any
	if err := row.Scan(&key, &id, &time, &e.Type, &e.Payload); err != nil {
		return err
	}
	e.Sequence, e.ID, e.Time = uint64(key&maxSequence), unpackID(id), fromMicros(time)
	e.Payload = blob(e.Payload)
	return nil
}

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return s.loadPiece(ctx, id, after) })
}

// loadPiece reads some events after a sequence and says whether there may be
// more. A batch is visible whole or not at all, so cutting it here shows no part
// of one that is not there.
func (s events) loadPiece(ctx context.Context, id driver.ExecutionID, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	err = s.reading(ctx, func(c *conn) error {
		piece, more = nil, false
		key, _, err := s.find(c, id)
		if key == 0 || after >= maxSequence || err != nil {
			return err
		}
		size := 0
		from, to := key<<32+int64(after), key<<32+maxSequence
		return c.each(ctx, "SELECT key, id, time, type, payload FROM events WHERE key > ? AND key <= ? ORDER BY key", []any{from, to}, func(row scanner) (bool, error) {
			var e driver.StoredEvent
			if err := scanEvent(row, &e); err != nil {
				return false, err
			}
			piece = append(piece, e)
			size += len(e.Payload)
			more = len(piece) >= pieceEvents || size >= pieceBytes
			return !more, nil
		})
	})
	if err != nil {
		return nil, false, err
	}
	return piece, more, nil
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
	err = s.read(ctx, func(c *conn) error {
		_, last, err = s.find(c, id)
		return err
	})
	return last, err
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	scope := driver.Scope("executions", s.tenant)
	return list(ctx, s.view, scope, page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT id, last, created, updated FROM executions WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?", []any{s.tenant, after[0]}, nil
		},
		func(row scanner) (x driver.ExecutionInfo, position []string, err error) {
			var created, updated int64
			err = row.Scan(&x.ID, &x.LastSequence, &created, &updated)
			x.CreatedAt, x.UpdatedAt = fromMicros(created), fromMicros(updated)
			return x, []string{string(x.ID)}, err
		})
}
