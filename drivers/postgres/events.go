package postgres

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

// A stream is read in pieces of at most this many events or bytes, between which
// no connection is held.
const (
	pieceEvents = 512
	pieceBytes  = 1 << 20
)

// appendEvents appends where the server keeps it, or need not ($10). The function
// gets the tenant from a row that there is only then, so it is not called otherwise.
const appendEvents = `SELECT a.outcome, a.last, coalesce(a.subject, '')
	FROM (SELECT $1::text AS tenant WHERE $10::bool OR ` + lossySetting + ` = '' OFFSET 0) kept, LATERAL enact.append(kept.tenant, $2, $3, $4, $5, $6, $7, $8, $9) a
	UNION ALL SELECT 'lossy', 0, ` + lossySetting + ` WHERE NOT ($10::bool OR ` + lossySetting + ` = '')`

func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
	n := len(batch)
	ids, types, payloads, times := make([]string, n), make([]string, n), make([][]byte, n), make([]*time.Time, n)
	for i, e := range batch {
		ids[i], types[i], payloads[i] = string(e.ID), e.Type, blob(e.Payload)
		if !e.Time.IsZero() {
			times[i] = &batch[i].Time
		}
	}
	var expected *int64
	if last, stated := expect.Last(); stated {
		expected = new(int64(last))
	}
	var channel, topic *string
	if s.notify {
		channel, topic = new(channelOf(s.schema)), new(executionTopic(s.tenant, id))
	}
	var outcome, subject string
	var last uint64
	err := s.writeOnce(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRow(ctx, s.sql(appendEvents), s.tenant, string(id), expected, ids, types, payloads, times, channel, topic, s.mayLoseData).Scan(&outcome, &last, &subject)
	})
	if err != nil {
		return 0, err
	}
	switch outcome {
	case "done", "repeated":
		return last, nil
	case "taken":
		return 0, &driver.ConflictError{Subject: fmt.Sprintf("execution %q", id), Event: driver.EventID(subject), Actual: last}
	case "lossy":
		return 0, s.checkKeeps(subject, driver.ErrUnavailable)
	}
	if err := expect.Check(id, last); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("postgres: append to execution %q ended with %q; the function append in schema %q is not this release's", id, outcome, s.schema)
}

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return s.loadPiece(ctx, id, after) })
}

// The piece ends behind the first event that fills it; sizes are summed up by the
// server, so that large events are not sent to be thrown away.
const loadEvents = `SELECT p.sequence, p.id, p.type, p.payload, p.time FROM (
	SELECT e.*, sum(octet_length(e.payload)) OVER (ORDER BY e.sequence) - octet_length(e.payload) AS before FROM (
		SELECT * FROM enact.events WHERE execution = (SELECT key FROM enact.executions WHERE tenant = $1 AND id = $2) AND sequence > $3 ORDER BY sequence LIMIT $4
	) e
) p WHERE p.before < $5 ORDER BY p.sequence`

// loadPiece reads some events after a sequence and says whether there may be
// more. It is one statement, which sees every batch whole or not at all, so
// cutting it here shows no part of one that is not there.
func (s events) loadPiece(ctx context.Context, id driver.ExecutionID, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	if after > maxSequence {
		return nil, false, nil
	}
	size := 0
	err = s.reading(ctx, func(ctx context.Context, q connection) error {
		piece, size = nil, 0
		rows, err := q.Query(ctx, s.sql(loadEvents), s.tenant, string(id), int64(after), pieceEvents, pieceBytes)
		if err != nil {
			return err
		}
		piece, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e driver.StoredEvent, err error) {
			err = row.Scan(&e.Sequence, &e.ID, &e.Type, &e.Payload, &e.Time)
			e.Time = e.Time.UTC()
			size += len(e.Payload)
			return e, err
		})
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return piece, len(piece) == pieceEvents || size >= pieceBytes, nil
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		err := q.QueryRow(ctx, s.sql("SELECT last FROM enact.executions WHERE tenant = $1 AND id = $2"), s.tenant, string(id)).Scan(&last)
		if noRow(err) {
			return nil
		}
		return err
	})
	return last, err
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	return list(ctx, s.view, driver.Scope("executions", s.tenant), page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT id, last, created, updated FROM enact.executions WHERE tenant = $1 AND id > $2 ORDER BY id", []any{s.tenant, after[0]}, nil
		},
		func(row pgx.CollectableRow) (x driver.ExecutionInfo, position []string, err error) {
			err = row.Scan(&x.ID, &x.LastSequence, &x.CreatedAt, &x.UpdatedAt)
			x.CreatedAt, x.UpdatedAt = x.CreatedAt.UTC(), x.UpdatedAt.UTC()
			return x, []string{string(x.ID)}, err
		})
}
