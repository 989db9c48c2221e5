package driver

import (
	"context"
	"fmt"
	"math"
	"time"
)

// StateStore is a cache: snapshots of executions, and working memory as keys
// with values. Losing all of it changes no answer of the runtime.
type StateStore interface {
	// Get returns what the last Set stored. A key that is missing and one that
	// has expired are both [ErrNotFound]; an empty value is a value.
	Get(ctx context.Context, key string) (Entry, error)
	// Set stores value under key and returns the key's new version. It replaces
	// the TTL too: without one in o the key no longer expires.
	Set(ctx context.Context, key string, value []byte, o SetOptions) (version uint64, err error)
	// Delete removes a key. Without a precondition a missing key is no error.
	Delete(ctx context.Context, key string, when Precondition) error
	// List lists the keys that begin with prefix, literally, in byte order,
	// each once, without values. Expired keys are not there.
	List(ctx context.Context, prefix string, page Page) ([]EntryInfo, Cursor, error)

	// SaveSnapshot keeps s unless a snapshot with a higher sequence is there.
	// One with the same sequence is replaced; an older one changes nothing and
	// is no error.
	SaveSnapshot(ctx context.Context, s Snapshot) error
	// LoadSnapshot returns the execution's snapshot or [ErrNotFound].
	LoadSnapshot(ctx context.Context, execution ExecutionID) (Snapshot, error)
	// DeleteSnapshot removes it; a missing one is no error.
	DeleteSnapshot(ctx context.Context, execution ExecutionID) error
	// ListSnapshots lists snapshots without their data, in byte order of the
	// execution IDs, each once.
	ListSnapshots(ctx context.Context, page Page) ([]SnapshotInfo, Cursor, error)
}

// EntryInfo describes a key.
type EntryInfo struct {
	Key string
	// Version names this value of the key. It grows with every Set and is never
	// used again for the same key, not even after deletion or expiry.
	Version uint64
	// ExpiresAt is by the store's clock; zero: never.
	ExpiresAt time.Time
}

// Entry is a key with its value, which is never nil and belongs to the caller.
type Entry struct {
	EntryInfo
	Value []byte
}

// SetOptions refine a Set.
type SetOptions struct {
	// TTL is how long the key lives, counted by the store's clock; zero: for
	// ever. Stores may round it up to a whole millisecond.
	TTL time.Duration
	// When must hold for the write to happen.
	When Precondition
}

// Precondition is what must hold for a Set or Delete. The zero value asks for
// nothing.
type Precondition struct {
	stated  bool
	version uint64
}

// IfVersion asks that the key exist at exactly this version. Version 0 stands
// for a key that does not exist.
func IfVersion(version uint64) Precondition { return Precondition{stated: true, version: version} }

// IfAbsent asks that the key not exist (or have expired).
func IfAbsent() Precondition { return IfVersion(0) }

// Version returns the asked-for version and whether one was stated. Version 0
// stands for a key that must be absent.
func (p Precondition) Version() (version uint64, stated bool) { return p.version, p.stated }

// Check returns a *[ConflictError] unless the key, whose version is actual (0:
// absent), is as asked.
func (p Precondition) Check(key string, actual uint64) error {
	if !p.stated || p.version == actual {
		return nil
	}
	return &ConflictError{Subject: fmt.Sprintf("key %q", key), Expected: p.version, Actual: actual, MustBeAbsent: p.version == 0}
}

// SnapshotInfo describes a snapshot.
type SnapshotInfo struct {
	Execution ExecutionID
	// Sequence is that of the last event in the snapshot.
	Sequence uint64
	// Time is when it was taken. Package enact always states it; a driver keeps
	// it as it is.
	Time time.Time
}

// Snapshot is the state of an execution after the event with its sequence, as
// bytes that the driver does not look into.
type Snapshot struct {
	SnapshotInfo
	Data []byte
}

// ValidateSet checks what needs no stored state.
func ValidateSet(key string, value []byte, o SetOptions) error {
	if err := ValidateID("key", key); err != nil {
		return err
	}
	if o.TTL < 0 || o.TTL > MaxTTL {
		return Invalidf("TTL %v of key %q; it must be positive and at most %v, or 0 for none", o.TTL, key, MaxTTL)
	}
	if len(value) > MaxValueBytes { // a subject would cost more than all of the above
		return ValidateSize(fmt.Sprintf("value of key %q", key), len(value), MaxValueBytes, "bytes")
	}
	return nil
}

// ValidateSnapshot checks what needs no stored state.
func ValidateSnapshot(s Snapshot) error {
	if err := ValidateID("execution ID", s.Execution); err != nil {
		return err
	}
	if s.Sequence == 0 {
		return Invalidf("snapshot of execution %q without a sequence; there is nothing to keep before the first event", s.Execution)
	}
	if s.Sequence > math.MaxInt64 {
		return Invalidf("snapshot of execution %q at sequence %d; at most %d can be kept", s.Execution, s.Sequence, uint64(math.MaxInt64))
	}
	if err := ValidateTime("time of the snapshot", s.Time); err != nil {
		return err
	}
	return ValidateSize(fmt.Sprintf("snapshot of execution %q", s.Execution), len(s.Data), MaxValueBytes, "bytes")
}
