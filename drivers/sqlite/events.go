package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/google/uuid"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/canonical"
)

type events struct{ view }

// maxSequence is the most events of an execution.
const maxSequence = math.MaxUint32

// A stream is read in pieces of at most this many events or bytes, between which
// nothing is held.
const (
	pieceEvents = 512
	pieceBytes  = 1 << 20
)

// Append implements driver.EventStore.
func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (last uint64, err error) {
	one := [1]driver.Append{{Tenant: driver.TenantID(s.tenant), Execution: id, Expect: expect, Events: batch}}
	result := s.AppendEach(ctx, one[:])[0]
	return result.Last, result.Err
}

// packID stores a UUID in its 16 bytes, which halves what an event costs beside
// its payload.
func packID(id driver.EventID) any {
	if u, ok := canonical.UUID(id); ok {
		return u[:]
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

const eventColumns = "sequence, id, time, type, payload"

// eventReader reads rows of these columns, into the same variables each time.
type eventReader struct {
	event driver.StoredEvent
	id    any
	time  int64
	dest  []any
}

func newEventReader() *eventReader {
	r := &eventReader{}
	r.dest = []any{&r.event.Sequence, &r.id, &r.time, &r.event.Type, &r.event.Payload}
	return r
}

func (r *eventReader) read(row scanner) (driver.StoredEvent, error) {
	if err := row.Scan(r.dest...); err != nil {
		return driver.StoredEvent{}, err
	}
	e := r.event
	e.ID, e.Time, e.Payload = unpackID(r.id), fromMicros(r.time), blob(e.Payload)
	return e, nil
}

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return s.loadPiece(ctx, id, after) })
}

const loadEvents = "SELECT " + eventColumns + " FROM events WHERE execution = (SELECT key FROM executions WHERE tenant = ? AND id = ?) AND sequence > ? ORDER BY sequence"

// loadPiece reads some events after a sequence and says whether there may be
// more. A batch is visible whole or not at all, so cutting it here shows no part
// of one that is not there.
func (s events) loadPiece(ctx context.Context, id driver.ExecutionID, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	err = s.reading(ctx, func(c *conn) error {
		piece, more = nil, false
		if after >= maxSequence {
			return nil
		}
		size, reader := 0, newEventReader()
		return c.each(ctx, loadEvents, []any{s.tenant, string(id), int64(after)}, func(row scanner) (bool, error) {
			e, err := reader.read(row)
			if err != nil {
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
		found, err := findExecution(c, s.tenant, id)
		last = found.last
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
