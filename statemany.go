package enact

import (
	"context"
	"errors"
	"fmt"

	"github.com/enactdev/enact/driver"
)

// SetItem is what one Set of [StateStore.SetMany] is given.
type SetItem struct {
	Key   string
	Value []byte
	// Options are those of [StateStore.Set].
	Options []SetOption
}

// GetMany does what [StateStore.Get] does for each key, and returns as many results, in
// the order of keys. Where the engine can it asks for hundreds at once, which takes
// little longer than to ask for one. The results do not show one moment: others may
// write between two keys. All values are in memory at the same time.
//
// The error says that nothing was asked for, because a key is [ErrInvalid] or ctx is
// done. What befalls one key is in its result: [ErrNotFound], if it is missing or has
// expired. When the engine cannot be used, or ctx ends, the keys that are left are not
// tried and have that error, too.
func (s *StateStore) GetMany(ctx context.Context, keys []string) ([]GetResult, error) {
	if s.closed != nil {
		return nil, s.closed
	}
	for _, key := range keys {
		if err := driver.ValidateID("key", key); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]GetResult, 0, len(keys))
	for len(results) < len(keys) {
		rest := keys[len(results):]
		piece := s.getPiece(ctx, rest)
		results = append(results, piece...)
		if err := over(ctx, piece[len(piece)-1].Err); err != nil {
			results = append(results, driver.AllGetsFailed(len(rest)-len(piece), err)...)
		}
	}
	return results, nil
}

// getPiece gets the first of some keys, at least one.
func (s *StateStore) getPiece(ctx context.Context, keys []string) []GetResult {
	batcher, ok := s.store.(driver.StateBatcher)
	if !ok {
		entry, err := s.store.Get(ctx, keys[0])
		return []GetResult{{Entry: entry, Err: err}}
	}
	n := min(len(keys), driver.MaxEachKeys)
	results := batcher.GetEach(ctx, keys[:n:n])
	if len(results) != n {
		return driver.AllGetsFailed(n, miscounted(len(results), n))
	}
	return results
}

// SetMany does what [StateStore.Set] does for each item in turn, and returns as many
// results, in the order of items: the new versions. Where the engine can it sets
// hundreds at once, up to 4 MiB of values, which takes little longer than to set one.
// It is not atomic beyond one key: others may see some keys set and others not yet, and
// each succeeds or fails alone. A key that occurs twice is set twice.
//
// The error says that nothing was written, because an item is [ErrInvalid] or
// [ErrTooLarge], or ctx is done. What befalls one key is in its result: [ErrConflict],
// if the key is not as its options ask. Of a key whose error matches [ErrUnavailable]
// nothing was written; any other error but a conflict leaves it open, and the same item
// can be set again. When the engine cannot be used, or ctx ends, the items that are left
// are not tried and have that error, too.
func (s *StateStore) SetMany(ctx context.Context, items []SetItem) ([]SetResult, error) {
	if s.closed != nil {
		return nil, s.closed
	}
	sets := make([]driver.SetItem, len(items))
	for i, item := range items {
		sets[i] = driver.SetItem{Key: item.Key, Value: item.Value, Options: setOptions(item.Options)}
		if err := driver.ValidateSet(item.Key, item.Value, sets[i].Options); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]SetResult, 0, len(sets))
	for len(results) < len(sets) {
		rest := sets[len(results):]
		piece := s.setPiece(ctx, rest)
		results = append(results, piece...)
		if err := over(ctx, piece[len(piece)-1].Err); err != nil {
			results = append(results, driver.AllSetsFailed(len(rest)-len(piece), err)...)
		}
	}
	return results, nil
}

// setPiece sets the first of some items, at least one.
func (s *StateStore) setPiece(ctx context.Context, items []driver.SetItem) []SetResult {
	batcher, ok := s.store.(driver.StateBatcher)
	if !ok {
		version, err := s.store.Set(ctx, items[0].Key, items[0].Value, items[0].Options)
		return []SetResult{{Version: version, Err: err}}
	}
	n := fittingItems(items)
	results := batcher.SetEach(ctx, items[:n:n])
	if len(results) != n {
		return driver.AllSetsFailed(n, miscounted(len(results), n))
	}
	return results
}

// fittingItems is how many of some items one SetEach takes.
func fittingItems(items []driver.SetItem) int {
	n, size := 0, 0
	for n < min(len(items), driver.MaxEachKeys) && (n == 0 || size+len(items[n].Value) <= driver.MaxEachBytes) {
		size += len(items[n].Value)
		n++
	}
	return n
}

// over is why what is left need not be tried: the last key failed because the engine
// cannot be used, or nobody waits any more.
func over(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed):
		return err
	}
	return nil
}

func miscounted(results, keys int) error {
	return fmt.Errorf("the driver returned %d results for %d keys; it is not known what it has done", results, keys)
}
