package driver

import (
	"context"
	"errors"
	"fmt"
)

// The errors of the contract, to be matched with [errors.Is].
var (
	// ErrNotFound: what was asked for does not exist, is deleted or has expired.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else was first, or has made it otherwise. Where there
	// is a sequence or version to tell, the error is a *[ConflictError].
	ErrConflict = errors.New("conflict")
	// ErrExists: the ID is taken by something else.
	ErrExists = errors.New("already exists")
	// ErrInvalid: an argument or a DSN is malformed. Nothing was written.
	ErrInvalid = errors.New("invalid")
	// ErrTooLarge: a limit is exceeded. The error is a *[TooLargeError].
	// Nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrUnsupported: this backend cannot do that.
	ErrUnsupported = errors.New("unsupported")
	// ErrUnavailable: the engine cannot be used now. From a write it means that
	// the write was certainly not applied.
	ErrUnavailable = errors.New("unavailable")
	// ErrClosed: the backend has been shut down.
	ErrClosed = errors.New("closed")
	// ErrAirGapped: air-gapped mode refuses this backend.
	ErrAirGapped = errors.New("refused in air-gapped mode")
)

// ConflictError says which expectation failed and what is there instead. It
// matches [ErrConflict]; one that failed because something had to be absent
// matches [ErrExists] too.
type ConflictError struct {
	// Subject is what was to be written, for example `execution "e1"`.
	Subject string
	// Expected and Actual are sequences (events) or versions (everything else).
	// Zero means that there is none.
	Expected, Actual uint64
	// Event is set when an event ID is taken by other content; Expected is then
	// meaningless and Actual is the execution's last sequence.
	Event EventID
	// MustBeAbsent is set when the write was only to create.
	MustBeAbsent bool
}

// Error implements error.
func (e *ConflictError) Error() string {
	switch {
	case e.Event != "":
		return fmt.Sprintf("%s: conflict: event ID %q is already there with other content or in another place; repeat an append as it was, and give a new event a new ID (last sequence is %d)", e.Subject, e.Event, e.Actual)
	case e.MustBeAbsent:
		return fmt.Sprintf("%s: conflict: it exists already, at %d", e.Subject, e.Actual)
	}
	return fmt.Sprintf("%s: conflict: expected %d, found %d; load again and retry", e.Subject, e.Expected, e.Actual)
}

// Is makes errors.Is(err, ErrConflict) true, and ErrExists where it applies.
func (e *ConflictError) Is(target error) bool {
	return target == ErrConflict || (target == ErrExists && e.MustBeAbsent)
}

// TooLargeError says which limit was exceeded. It matches [ErrTooLarge].
type TooLargeError struct {
	// Subject is what is too large, for example `payload of event "e1"`.
	Subject string
	// Size and Limit are in Unit.
	Size, Limit int
	// Unit is "bytes", "events", "documents" and so on.
	Unit string
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: too large: %d %s, the limit is %d", e.Subject, e.Size, e.Unit, e.Limit)
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// HealthError returns what a HealthCheck under ctx returns when asking the backend has
// ended with err: a backend that cannot be asked is unavailable, whatever the reason,
// unless it is closed or ctx is done.
func HealthError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrClosed) || ctx.Err() != nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Invalidf returns an error that matches [ErrInvalid].
func Invalidf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// NotFoundf returns an error that matches [ErrNotFound].
func NotFoundf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotFound, fmt.Errorf(format, args...))
}
