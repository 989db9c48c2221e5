package boltdriver

import (
	"context"
	"iter"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

// A stream is read in pieces of at most this many events or bytes.
const (
	pieceEvents = 256
	pieceBytes  = 1 << 20
)

func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (last uint64, err error) {
	err = s.write(ctx, func(tx *bolt.Tx) error {
		info, err := s.info(tx, id)
		if err != nil {
			return err
		}
		known, err := s.lookUp(ctx, tx, id, batch)
		if err != nil {
			return err
		}
		if first, found, err := driver.Repeats(id, info.LastSequence, batch, known); found {
			last = first
			return err
		}
		if err := expect.Check(id, info.LastSequence); err != nil {
			return err
		}
		last, err = s.insert(ctx, tx, info, batch)
		return err
	})
	if err != nil {
		return 0, err
	}
	return last, nil
}

// lookUp returns for each event the stored one with the same ID, if any.
func (s events) lookUp(ctx context.Context, tx *bolt.Tx, id driver.ExecutionID, batch []driver.Event) ([]driver.StoredEvent, error) {
	known := make([]driver.StoredEvent, len(batch))
	ids, log := find(tx, bucketIDs, s.tenant, string(id)), find(tx, bucketLog, s.tenant, string(id))
	if ids == nil || log == nil {
		return known, nil
	}
	for i, e := range batch {
		if err := s.Continue(ctx); err != nil {
			return nil, err
		}
		sequence := ids.Get([]byte(e.ID))
		if sequence == nil {
			continue
		}
		var err error
		if known[i], err = decodeEvent(sequence, log.Get(sequence)); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// insert appends a batch to the execution that info describes.
func (s events) insert(ctx context.Context, tx *bolt.Tx, info driver.ExecutionInfo, batch []driver.Event) (last uint64, err error) {
	log, err := ensure(tx, bucketLog, s.tenant, string(info.ID))
	if err != nil {
		return 0, err
	}
	ids, err := ensure(tx, bucketIDs, s.tenant, string(info.ID))
	if err != nil {
		return 0, err
	}
	executions, err := ensure(tx, bucketExecutions, s.tenant)
	if err != nil {
		return 0, err
	}
	log.FillPercent = 0.9 // keys only ever come at the end
	info.UpdatedAt = driver.Timestamp(time.Now())
	if info.LastSequence == 0 {
		info.CreatedAt = info.UpdatedAt
	}
	for _, e := range batch {
		if err := s.Continue(ctx); err != nil {
			return 0, err
		}
		if e.Time.IsZero() {
			e.Time = info.UpdatedAt
		}
		info.LastSequence++
		sequence := number(info.LastSequence)
		if err := log.Put(sequence, encodeEvent(e)); err != nil {
			return 0, err
		}
		if err := ids.Put([]byte(e.ID), sequence); err != nil {
			return 0, err
		}
	}
	return info.LastSequence, executions.Put([]byte(info.ID), encodeInfo(info))
}

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return s.piece(ctx, id, after) })
}

// piece reads some events after a sequence, in a transaction of its own. One that
// stayed open while the loop body runs would have a write in the body wait for ever,
// as soon as the file must be mapped anew to grow. Between two transactions whole
// batches may arrive, but what is there never changes.
func (s events) piece(ctx context.Context, id driver.ExecutionID, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	if after == math.MaxUint64 {
		return nil, false, nil
	}
	err = s.reading(func(tx *bolt.Tx) error {
		log := find(tx, bucketLog, s.tenant, string(id))
		if log == nil {
			return nil
		}
		c, size := log.Cursor(), 0
		for k, v := c.Seek(number(after + 1)); k != nil && !more; k, v = c.Next() {
			if err := s.Continue(ctx); err != nil {
				return err
			}
			e, err := decodeEvent(k, v)
			if err != nil {
				return err
			}
			piece, size = append(piece, e), size+len(e.Payload)
			more = len(piece) == pieceEvents || size >= pieceBytes
		}
		return nil
	})
	return piece, more, err
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
	err = s.read(ctx, func(tx *bolt.Tx) error {
		info, err := s.info(tx, id)
		last = info.LastSequence
		return err
	})
	return last, err
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	return list(ctx, s.view, bucketExecutions, "", page, func(id string, value []byte) (driver.ExecutionInfo, bool, error) {
		info, err := decodeInfo(driver.ExecutionID(id), value)
		return info, true, err
	})
}

// info describes an execution; one without events has no times.
func (s events) info(tx *bolt.Tx, id driver.ExecutionID) (driver.ExecutionInfo, error) {
	executions := find(tx, bucketExecutions, s.tenant)
	if executions == nil {
		return driver.ExecutionInfo{ID: id}, nil
	}
	value := executions.Get([]byte(id))
	if value == nil {
		return driver.ExecutionInfo{ID: id}, nil
	}
	return decodeInfo(id, value)
}

func encodeInfo(info driver.ExecutionInfo) []byte {
	return append(append(number(info.LastSequence), number(micros(info.CreatedAt))...), number(micros(info.UpdatedAt))...)
}

func decodeInfo(id driver.ExecutionID, value []byte) (driver.ExecutionInfo, error) {
	n, _, err := numbers(value, 3)
	if err != nil {
		return driver.ExecutionInfo{}, err
	}
	return driver.ExecutionInfo{ID: id, LastSequence: n[0], CreatedAt: fromMicros(n[1]), UpdatedAt: fromMicros(n[2])}, nil
}

func encodeEvent(e driver.Event) []byte {
	value := make([]byte, 0, 8+1+len(e.ID)+1+len(e.Type)+len(e.Payload))
	value = append(value, number(micros(e.Time))...)
	return append(appendText(appendText(value, e.ID), e.Type), e.Payload...)
}

func decodeEvent(key, value []byte) (e driver.StoredEvent, err error) {
	sequence, _, err := numbers(key, 1)
	if err != nil {
		return e, err
	}
	time, rest, err := numbers(value, 1)
	if err != nil {
		return e, err
	}
	id, rest, err := text(rest)
	if err != nil {
		return e, err
	}
	kind, payload, err := text(rest)
	if err != nil {
		return e, err
	}
	return driver.StoredEvent{
		Event:    driver.Event{ID: driver.EventID(id), Type: kind, Time: fromMicros(time[0]), Payload: copied(payload)},
		Sequence: sequence[0],
	}, nil
}
