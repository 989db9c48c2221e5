package enact

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

// StateStore is a handle on a tenant's state: a cache of snapshots and working
// memory. Losing all of it changes no answer of the runtime, only how long it
// takes.
type StateStore struct {
	access
	store driver.StateStore
}

// SetOption refines [StateStore.Set] and [StateStore.Delete].
type SetOption func(*driver.SetOptions)

// WithTTL makes the key expire after ttl, counted by the store's clock, rounded up
// to a millisecond by some stores. Zero means never, negative is [ErrInvalid].
func WithTTL(ttl time.Duration) SetOption {
	return func(o *driver.SetOptions) { o.TTL = ttl }
}

// IfVersion writes only if the key is at exactly this version, else it is
// [ErrConflict]. Version 0 stands for a key that does not exist.
func IfVersion(version uint64) SetOption {
	return func(o *driver.SetOptions) { o.When = driver.IfVersion(version) }
}

// IfAbsent writes only if the key does not exist, else the error matches both
// [ErrConflict] and [ErrExists].
func IfAbsent() SetOption {
	return func(o *driver.SetOptions) { o.When = driver.IfAbsent() }
}

func setOptions(options []SetOption) (o driver.SetOptions) {
	for _, option := range options {
		option(&o)
	}
	return o
}

// Get returns what the last Set stored. A key that is missing and one that has
// expired are both [ErrNotFound]; an empty value is a value.
func (s *StateStore) Get(ctx context.Context, key string) (Entry, error) {
	if err := s.check("key", key); err != nil {
		return Entry{}, err
	}
	return s.store.Get(ctx, key)
}

// Set stores value under key and returns the key's new version. Setting again
// replaces the TTL or, without [WithTTL], removes it.
func (s *StateStore) Set(ctx context.Context, key string, value []byte, options ...SetOption) (version uint64, err error) {
	if s.closed != nil {
		return 0, s.closed
	}
	o := setOptions(options)
	if err := driver.ValidateSet(key, value, o); err != nil {
		return 0, err
	}
	return s.store.Set(ctx, key, value, o)
}

// Delete removes a key. A missing key is no error, unless [IfVersion] asks for
// one. A TTL is [ErrInvalid] here.
func (s *StateStore) Delete(ctx context.Context, key string, options ...SetOption) error {
	if err := s.check("key", key); err != nil {
		return err
	}
	o := setOptions(options)
	if o.TTL != 0 {
		return driver.Invalidf("delete of key %q with a TTL", key)
	}
	return s.store.Delete(ctx, key, o.When)
}

// List lists the keys that begin with prefix, literally, in byte order, without
// values. Expired keys are not there. The cursor is empty on the last page.
func (s *StateStore) List(ctx context.Context, prefix string, page Page) ([]EntryInfo, Cursor, error) {
	page, err := s.page(page)
	if err != nil {
		return nil, "", err
	}
	if prefix != "" {
		if err := driver.ValidateID("key prefix", prefix); err != nil {
			return nil, "", err
		}
	}
	return s.store.List(ctx, prefix, page)
}

// GetJSON reads the JSON value under key into a T and returns its version too. A
// value that is not the JSON of a T is an error that is none of the contract's.
func GetJSON[T any](ctx context.Context, s *StateStore, key string) (value T, version uint64, err error) {
	entry, err := s.Get(ctx, key)
	if err != nil {
		return value, 0, err
	}
	if err := json.Unmarshal(entry.Value, &value); err != nil {
		var zero T
		return zero, entry.Version, fmt.Errorf("value of key %q: %w", key, err)
	}
	return value, entry.Version, nil
}

// SetJSON stores value as JSON under key. A value that JSON cannot hold is
// [ErrInvalid].
func SetJSON[T any](ctx context.Context, s *StateStore, key string, value T, options ...SetOption) (version uint64, err error) {
	data, err := marshalJSON(value)
	if err != nil {
		return 0, driver.Invalidf("value of key %q: %v", key, err)
	}
	return s.Set(ctx, key, data, options...)
}

// DeleteSnapshot removes an execution's snapshot; a missing one is no error.
func (s *StateStore) DeleteSnapshot(ctx context.Context, execution ExecutionID) error {
	if err := s.check("execution ID", string(execution)); err != nil {
		return err
	}
	return s.store.DeleteSnapshot(ctx, execution)
}

// ListSnapshots lists snapshots in byte order of the execution IDs, without
// loading them. The cursor is empty on the last page.
func (s *StateStore) ListSnapshots(ctx context.Context, page Page) ([]SnapshotInfo, Cursor, error) {
	page, err := s.page(page)
	if err != nil {
		return nil, "", err
	}
	return s.store.ListSnapshots(ctx, page)
}
