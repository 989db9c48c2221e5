package reference

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

type execution struct {
	events               []driver.StoredEvent // only ever appended to
	byID                 map[driver.EventID]uint64
	createdAt, updatedAt time.Time
}

func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (last uint64, err error) {
	err = s.write(ctx, func(t *tenant) (err error) {
		last, err = t.append(id, expect, batch)
		return err
	})
	return last, err
}

// AppendEach is what driver.EventBatcher does, for a backend whose calls gate counts.
func (s *Store) AppendEach(ctx context.Context, gate *driver.Gate, appends []driver.Append) []driver.AppendResult {
	results := make([]driver.AppendResult, len(appends))
	for i, a := range appends {
		err := (view{gate, s, a.Tenant}).write(ctx, func(t *tenant) (err error) {
			results[i].Last, err = t.append(a.Execution, a.Expect, a.Events)
			return err
		})
		results[i].Err = err
	}
	return results
}

// append checks everything before it changes anything.
func (t *tenant) append(id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (last uint64, err error) {
	x := t.executions[id]
	if x == nil {
		x = &execution{byID: map[driver.EventID]uint64{}}
	}
	last = uint64(len(x.events))
	known := make([]driver.StoredEvent, len(batch))
	for i, e := range batch {
		if seq := x.byID[e.ID]; seq != 0 {
			known[i] = x.events[seq-1]
		}
	}
	if first, found, err := driver.Repeats(id, last, batch, known); found {
		return first, err
	}
	if err := expect.Check(id, last); err != nil {
		return 0, err
	}
	x.updatedAt = t.now()
	if last == 0 {
		x.createdAt = x.updatedAt
	}
	for _, e := range batch {
		last++
		if e.Time.IsZero() {
			e.Time = x.updatedAt
		}
		e.Payload = bytes.Clone(e.Payload)
		x.events = append(x.events, driver.StoredEvent{Event: e, Sequence: last})
		x.byID[e.ID] = last
	}
	t.executions[id] = x
	return last, nil
}

// A history is copied in pieces of at most this many events or bytes.
const (
	pieceEvents = 256
	pieceBytes  = 1 << 20
)

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) (piece []driver.StoredEvent, more bool, err error) {
		s.store.mu.RLock()
		defer s.store.mu.RUnlock()
		t := s.store.tenants[s.id]
		if t == nil || t.executions[id] == nil {
			return nil, false, nil
		}
		history, size := t.executions[id].events, 0
		for _, e := range history[min(after, uint64(len(history))):] {
			if len(piece) == pieceEvents || size >= pieceBytes {
				return piece, true, nil
			}
			e.Payload = append([]byte{}, e.Payload...)
			piece, size = append(piece, e), size+len(e.Payload)
		}
		return piece, false, nil
	})
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
	err = s.read(ctx, func(t *tenant) error {
		if x := t.executions[id]; x != nil {
			last = uint64(len(x.events))
		}
		return nil
	})
	return last, err
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) (list []driver.ExecutionInfo, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		for _, id := range sortedKeys(t.executions) {
			x := t.executions[id]
			list = append(list, driver.ExecutionInfo{ID: id, LastSequence: uint64(len(x.events)), CreatedAt: x.createdAt, UpdatedAt: x.updatedAt})
		}
		list, next, err = pageByKey(list, driver.Scope("executions", string(s.id)), page, func(x driver.ExecutionInfo) string { return string(x.ID) })
		return err
	})
	return list, next, err
}
