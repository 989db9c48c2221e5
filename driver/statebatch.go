package driver

import "context"

// StateBatcher is an optional ability of a [StateStore] whose engine reads or writes
// many keys for little more than one: to do so for several keys of the tenant in one
// call. Package enact uses it where an application names several keys at once, with at
// most [MaxEachKeys] of them and [MaxEachBytes] of values, or one larger value.
//
// Each key succeeds or fails alone, as if one call came after the other: what is said
// of versions, TTLs, preconditions and errors there holds here, and a key that occurs
// twice is set twice. Nothing is atomic beyond one key. Only a failure of the engine is
// everybody's that it concerns, and then a Set whose error matches [ErrUnavailable] was
// certainly not done. Arguments are neither kept nor changed.
type StateBatcher interface {
	// GetEach does what [StateStore].Get does for each key, and returns as many
	// results, in the order of keys.
	GetEach(ctx context.Context, keys []string) []GetResult
	// SetEach does what [StateStore].Set does for each item in turn, and returns as
	// many results, in the order of items.
	SetEach(ctx context.Context, items []SetItem) []SetResult
}

// What package enact asks of a [StateBatcher] at once.
const (
	// MaxEachKeys bounds the keys of one GetEach and the items of one SetEach.
	MaxEachKeys = 256
	// MaxEachBytes bounds the values of one SetEach of more than one item.
	MaxEachBytes = 4 << 20
)

// SetItem is what one Set is given, valid as [ValidateSet] has it.
type SetItem struct {
	Key     string
	Value   []byte
	Options SetOptions
}

// GetResult is what [StateStore].Get returns.
type GetResult struct {
	Entry Entry
	Err   error
}

// SetResult is what [StateStore].Set returns.
type SetResult struct {
	Version uint64
	Err     error
}

// AllGetsFailed is what GetEach returns when all of n keys failed for one reason.
func AllGetsFailed(n int, err error) []GetResult {
	results := make([]GetResult, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}

// AllSetsFailed is what SetEach returns when all of n items failed for one reason.
func AllSetsFailed(n int, err error) []SetResult {
	results := make([]SetResult, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}
