// Package client makes the calls of a soak: in this process or in another one, which
// can be killed.
package client

import (
	"context"
	"encoding/gob"
	"errors"
	"slices"
	"time"

	"github.com/enactdev/enact"
)

// Call is a call of a store. It and what it returns can be sent to another process.
type Call interface {
	Do(ctx context.Context, rt *enact.Runtime) (any, error)
}

// Client makes calls.
type Client interface {
	// Call makes a call with a deadline.
	Call(call Call, timeout time.Duration) Outcome
}

// Outcome is what came of a call.
type Outcome struct {
	Value any
	Err   *Failure // nil: it succeeded
}

// Failure is an error that has been sent from process to process.
type Failure struct {
	Text string
	// Unsent: the call was not made.
	Unsent bool
	// Lost: the process that made the call ended before it could tell.
	Lost bool
	// Kinds are places in kinds.
	Kinds []int
	// Actual and Event are those of a conflict.
	Actual uint64
	Event  enact.EventID
}

// kinds are what errors are matched with.
var kinds = []error{
	enact.ErrNotFound, enact.ErrConflict, enact.ErrExists, enact.ErrInvalid, enact.ErrTooLarge, enact.ErrUnsupported,
	enact.ErrUnavailable, enact.ErrClosed, enact.ErrAirGapped, context.Canceled, context.DeadlineExceeded,
}

// Is says whether the error matched one of the contract's, or a context's.
func (f *Failure) Is(kind error) bool {
	return f != nil && slices.Contains(f.Kinds, slices.Index(kinds, kind))
}

// Named says whether it matched any.
func (f *Failure) Named() bool { return len(f.Kinds) > 0 }

// FailureOf is an error to be sent, nil for none.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	f := &Failure{Text: err.Error()}
	for i, kind := range kinds {
		if errors.Is(err, kind) {
			f.Kinds = append(f.Kinds, i)
		}
	}
	if conflict, ok := errors.AsType[*enact.ConflictError](err); ok {
		f.Actual, f.Event = conflict.Actual, conflict.Event
	}
	return f
}

func init() {
	for _, sent := range []any{
		Append{}, Load{}, Latest{}, Executions{}, Rehydrate{},
		Get{}, Set{}, Delete{}, Keys{},
		CreateThread{}, Threads{}, CreateMessage{}, EditMessage{}, DeleteMessage{}, GetMessage{}, Messages{},
		EnsureCollection{}, Upsert{}, GetDocument{}, DeleteDocuments{}, Search{}, CountDocuments{},
		Health, Used{}, Rehydrated{},
		enact.ExecutionStarted{}, enact.StepStarted{}, enact.StepCompleted{}, enact.StepFailed{}, enact.ExecutionPaused{},
		enact.ToolCallStarted{}, enact.Custom{},
		[]enact.StoredEvent{}, []enact.ExecutionInfo{}, enact.Entry{}, []enact.EntryInfo{},
		enact.Thread{}, []enact.Thread{}, enact.Message{}, []enact.Message{}, enact.Document{}, enact.Result{},
	} {
		gob.Register(sent)
	}
}

// pages reads a listing to its end, a few entries at a time.
func pages[T any](limit int, list func(enact.Page) ([]T, enact.Cursor, error)) (any, error) {
	all := []T{}
	page := enact.Page{Limit: limit}
	for {
		some, next, err := list(page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if next == "" {
			return all, nil
		}
		page.Cursor = next
	}
}
