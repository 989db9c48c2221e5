package redis

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

// A stream is read in pieces of at most this many events or bytes, between which
// nothing is held.
const (
	pieceEvents = 512
	pieceBytes  = 1 << 20
)

var (
	appendEvents = writes("events_append")
	loadEvents   = reads("events_load")
	getField     = reads("hash_get")
)

func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
	args := make([]any, 0, 2+4*len(batch))
	expected := ""
	if last, stated := expect.Last(); stated {
		expected = strconv.FormatUint(last, 10)
	}
	args = append(args, string(id), expected)
	for _, e := range batch {
		// The script may be on its way when the caller has gone, so it gets a copy.
		args = append(args, string(e.ID), e.Type, string(e.Payload), microseconds(e.Time))
	}
	reply, err := s.runKept(ctx, appendEvents, []string{keyLog + string(id), keyEventIDs + string(id), keyExecutions, keyRuns}, args...)
	if err != nil {
		return 0, err
	}
	last := number(reply[1])
	switch text(reply[0]) {
	case "taken":
		return 0, &driver.ConflictError{Subject: fmt.Sprintf("execution %q", id), Event: driver.EventID(text(reply[2])), Actual: last}
	case "refused":
		return 0, expect.Check(id, last)
	}
	return last, nil
}

func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return s.loadPiece(ctx, id, after) })
}

// loadPiece reads some events after a sequence and says whether there may be more. A
// script sees every batch whole or not at all, so cutting it here shows no part of
// one that is not there.
func (s events) loadPiece(ctx context.Context, id driver.ExecutionID, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	if after == math.MaxUint64 {
		return nil, false, nil
	}
	reply, err := s.within(ctx, loadEvents, []string{keyLog + string(id)}, strconv.FormatUint(after+1, 10), pieceEvents, pieceBytes)
	if err != nil {
		return nil, false, err
	}
	for _, fields := range grouped(reply[1:], 5) {
		sequence, _, _ := strings.Cut(text(fields[0]), "-")
		e := driver.Event{ID: driver.EventID(text(fields[1])), Type: text(fields[2]), Payload: []byte(text(fields[3])), Time: moment(fields[4])}
		piece = append(piece, driver.StoredEvent{Event: e, Sequence: number(sequence)})
	}
	return piece, reply[0].(int64) == 1, nil
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (uint64, error) {
	reply, err := s.run(ctx, getField, []string{keyExecutions}, string(id))
	if err != nil {
		return 0, err
	}
	return executionInfo(id, reply[0]).LastSequence, nil
}

// executionInfo reads "last created updated".
func executionInfo(id driver.ExecutionID, field any) driver.ExecutionInfo {
	last, times := two(field)
	created, updated := two(times)
	return driver.ExecutionInfo{ID: id, LastSequence: number(last), CreatedAt: moment(created), UpdatedAt: moment(updated)}
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	read := indexed(s.view, listIndex, []string{keyRuns, keyExecutions}, 2, func(fields []any) driver.ExecutionInfo {
		return executionInfo(driver.ExecutionID(text(fields[0])), fields[1])
	})
	return names(ctx, s.view, driver.Scope("executions", s.tenant), "", page, read, func(x driver.ExecutionInfo) string { return string(x.ID) })
}
