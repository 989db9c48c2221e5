package enact

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/enactdev/enact/driver"
)

// EventStore is a handle on a tenant's events: the source of truth of its
// executions.
type EventStore struct {
	access
	store  driver.EventStore
	tenant TenantID
	group  *groupCommit // nil: the engine has no use for it
}

// Event is an event of a history.
type Event struct {
	// Sequence counts from 1, without gaps, per execution.
	Sequence uint64
	ID       EventID
	// Time is when it happened, UTC to the microsecond.
	Time time.Time
	// Data is one of the event structs, or Custom.
	Data EventData
	// Payload is the event as stored.
	Payload []byte
}

// Identified gives an event an ID of the caller's, which makes the append
// idempotent, and a time. An empty ID is replaced by a new one (a UUID, version 7),
// a zero time by the store's.
type Identified struct {
	ID   EventID
	Time time.Time
	Data EventData
}

// EventType returns the type of the event inside.
func (i Identified) EventType() string {
	if i.Data == nil {
		return ""
	}
	return i.Data.EventType()
}

// Append stores events at the end of the execution's history, all or none, and
// returns the sequence of the last one. When it returns nil they are durable.
//
// If expect states another sequence than the actual last one it is [ErrConflict],
// and errors.As finds the actual one in a *[ConflictError].
//
// Events are idempotent by ID. To be able to repeat an append whose outcome is
// unclear, wrap each event in [Identified]: if they are already there with the
// same content, the sequence of the first time is returned, whatever expect says:
// a sequence that is not greater than the one expected tells that they were. So
// two writers that append the same events do not keep each other out.
// The same ID with other content is [ErrConflict].
//
// Appends of many goroutines share commits where the driver can, whatever their
// executions and tenants; each succeeds or fails alone.
func (s *EventStore) Append(ctx context.Context, execution ExecutionID, expect Expectation, events ...EventData) (last uint64, err error) {
	if s.closed != nil {
		return 0, s.closed
	}
	batch := make([]driver.Event, len(events))
	for i, data := range events {
		wrap, _ := data.(Identified)
		if wrap.Data != nil {
			data = wrap.Data
		}
		e, err := encodeEvent(data)
		if err != nil {
			return 0, fmt.Errorf("append to execution %q: %w", execution, err)
		}
		e.ID, e.Time = wrap.ID, wrap.Time
		if e.ID == "" {
			id, err := uuid.NewV7()
			if err != nil {
				return 0, fmt.Errorf("append to execution %q: make an event ID: %w", execution, err)
			}
			e.ID = EventID(id.String())
		}
		if !e.Time.IsZero() {
			e.Time = driver.Timestamp(e.Time)
		}
		batch[i] = e
	}
	if err := driver.ValidateAppend(execution, batch); err != nil {
		return 0, err
	}
	if s.group != nil {
		return s.group.append(ctx, s.store, driver.Append{Tenant: s.tenant, Execution: execution, Expect: expect, Events: batch})
	}
	return s.store.Append(ctx, execution, expect, batch)
}

// Load streams the events after sequence after, in order. An error is yielded
// once and last. Memory does not grow with the history; the loop body may call
// the store, and leaving the loop early frees everything. An unknown execution
// has no events. A typed event whose payload does not decode ends the stream
// with an error; LoadRaw still reads it.
func (s *EventStore) Load(ctx context.Context, execution ExecutionID, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for stored, err := range s.LoadRaw(ctx, execution, after) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			event, err := decodeEvent(stored)
			if err != nil {
				yield(Event{}, fmt.Errorf("event %d of execution %q: payload of type %q does not decode: %w", stored.Sequence, execution, stored.Type, err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// LoadRaw is [EventStore.Load] without decoding: events as they are stored,
// whatever is in them.
func (s *EventStore) LoadRaw(ctx context.Context, execution ExecutionID, after uint64) iter.Seq2[StoredEvent, error] {
	if err := s.check("execution ID", string(execution)); err != nil {
		return func(yield func(StoredEvent, error) bool) { yield(StoredEvent{}, err) }
	}
	return s.store.Load(ctx, execution, after)
}

// LatestSequence returns the sequence of the execution's last event, 0 when it
// has none.
func (s *EventStore) LatestSequence(ctx context.Context, execution ExecutionID) (uint64, error) {
	if err := s.check("execution ID", string(execution)); err != nil {
		return 0, err
	}
	return s.store.LatestSequence(ctx, execution)
}

// ListExecutions lists the executions that have events, in byte order of their
// IDs, without loading any event. The cursor is empty on the last page.
func (s *EventStore) ListExecutions(ctx context.Context, page Page) ([]ExecutionInfo, Cursor, error) {
	page, err := s.page(page)
	if err != nil {
		return nil, "", err
	}
	return s.store.ListExecutions(ctx, page)
}
