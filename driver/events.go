package driver

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"
)

// EventStore is the source of truth of executions: append-only histories.
type EventStore interface {
	// Append stores events at the end of the execution's history, whole and
	// contiguous or not at all, and returns the sequence of the last one. When
	// it returns nil they are durable.
	//
	// Repeating an append returns the sequence of the first time: when every ID
	// is already there with the same content ([Event.SameContent]), in this
	// order and contiguous, nothing is written, whatever expect says. When only
	// some are, or their content or order differs, it is a *[ConflictError]
	// with Event set. Otherwise expect decides, with a *[ConflictError] that
	// holds the actual last sequence. events has at least one element, and no
	// ID twice.
	Append(ctx context.Context, execution ExecutionID, expect Expectation, events []Event) (last uint64, err error)

	// Load streams the events after sequence after, in order, without gaps and
	// never a part of a batch that is not there whole. Memory does not grow
	// with the history. An error is yielded once and last. The loop body may
	// call the store; leaving the loop early releases everything. The result
	// can be ranged over again, and then reads again. An unknown execution has
	// no events.
	Load(ctx context.Context, execution ExecutionID, after uint64) iter.Seq2[StoredEvent, error]

	// LatestSequence returns the sequence of the last event, 0 when there is
	// none.
	LatestSequence(ctx context.Context, execution ExecutionID) (uint64, error)

	// ListExecutions lists the executions that have events, in byte order of
	// their IDs, each once, without loading any event.
	ListExecutions(ctx context.Context, page Page) ([]ExecutionInfo, Cursor, error)
}

// Event is an event to be appended.
type Event struct {
	// ID makes the append idempotent. Never empty for a driver.
	ID EventID
	// Type follows the rule of identifiers.
	Type string
	// Payload is any bytes, at most [MaxPayloadBytes]; empty comes back empty.
	Payload []byte
	// Time is when it happened, UTC to the microsecond. Zero: the store stamps
	// it with its own clock.
	Time time.Time
}

// StoredEvent is an event as it is in the log. Its payload belongs to the caller.
type StoredEvent struct {
	Event
	// Sequence counts from 1, without gaps, per execution.
	Sequence uint64
}

// ExecutionInfo describes an execution without loading its events.
type ExecutionInfo struct {
	ID           ExecutionID
	LastSequence uint64
	// CreatedAt and UpdatedAt are when the first and the last append happened,
	// by the store's clock.
	CreatedAt, UpdatedAt time.Time
}

// SameContent reports whether e, an event to be appended, is the stored one
// again: type and payload, and the time if e states one.
func (e Event) SameContent(stored Event) bool {
	return e.ID == stored.ID && e.Type == stored.Type && bytes.Equal(e.Payload, stored.Payload) &&
		(e.Time.IsZero() || e.Time.Equal(stored.Time))
}

// Repeats reports whether events are, all of them, an append that is already in
// the log. stored has the length of events and holds for each the stored one with
// the same ID, or Sequence 0. found is false when no ID is known: it is a new append. Otherwise
// either last is the sequence of the first time or err is a *[ConflictError].
func Repeats(execution ExecutionID, actual uint64, events []Event, stored []StoredEvent) (last uint64, found bool, err error) {
	for i := range events {
		if stored[i].Sequence != 0 {
			found = true
		}
	}
	if !found {
		return 0, false, nil
	}
	for i, e := range events {
		s := stored[i]
		if s.Sequence == 0 || s.Sequence != stored[0].Sequence+uint64(i) || !e.SameContent(s.Event) {
			return 0, true, &ConflictError{Subject: executionSubject(execution), Event: e.ID, Actual: actual}
		}
	}
	return stored[len(stored)-1].Sequence, true, nil
}

// Expectation is what a writer believes the last sequence to be. The zero value
// expects nothing.
type Expectation struct {
	stated bool
	last   uint64
}

// ExpectLast states that last is the sequence of the last event; 0: that there
// is none.
func ExpectLast(last uint64) Expectation { return Expectation{stated: true, last: last} }

// Last returns the expected sequence and whether one was stated.
func (x Expectation) Last() (last uint64, stated bool) { return x.last, x.stated }

// Check returns a *[ConflictError] when another sequence was expected.
func (x Expectation) Check(execution ExecutionID, actual uint64) error {
	if !x.stated || x.last == actual {
		return nil
	}
	return &ConflictError{Subject: executionSubject(execution), Expected: x.last, Actual: actual}
}

func executionSubject(execution ExecutionID) string {
	return fmt.Sprintf("execution %q", execution)
}

// ValidateAppend checks what needs no stored state, and refuses what is too
// large before anything is written.
func ValidateAppend(execution ExecutionID, events []Event) error {
	if err := ValidateID("execution ID", execution); err != nil {
		return err
	}
	if len(events) == 0 {
		return Invalidf("append to execution %q without events", execution)
	}
	if len(events) > MaxBatchEvents {
		return ValidateSize(appendSubject(execution), len(events), MaxBatchEvents, "events")
	}
	total := 0
	var seen map[EventID]struct{}
	if len(events) > 1 {
		seen = make(map[EventID]struct{}, len(events))
	}
	for _, e := range events {
		if err := e.validate(); err != nil {
			return err
		}
		total += len(e.Payload)
		if seen != nil {
			if _, twice := seen[e.ID]; twice {
				return Invalidf("event ID %q occurs twice in one append", e.ID)
			}
			seen[e.ID] = struct{}{}
		}
	}
	if total > MaxBatchBytes {
		return ValidateSize(appendSubject(execution), total, MaxBatchBytes, "bytes")
	}
	return nil
}

func appendSubject(execution ExecutionID) string {
	return fmt.Sprintf("append to execution %q", execution)
}

func (e Event) validate() error {
	if err := ValidateID("event ID", e.ID); err != nil {
		return err
	}
	if err := ValidateID("event type", e.Type); err != nil {
		return err
	}
	if len(e.Payload) > MaxPayloadBytes {
		return ValidateSize(fmt.Sprintf("payload of event %q", e.ID), len(e.Payload), MaxPayloadBytes, "bytes")
	}
	if year := e.Time.Year(); year < 1 || year > 9999 {
		return ValidateTime(fmt.Sprintf("time of event %q", e.ID), e.Time)
	}
	return nil
}
