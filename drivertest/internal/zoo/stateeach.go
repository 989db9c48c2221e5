package zoo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// stateEaches keep state as they should, but not several keys at once.
var stateEaches = []*Broken{
	{
		Name: "keys-in-any-order", Rule: "S1",
		Fault: "items are set from the last to the first",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			turned := slices.Clone(items)
			slices.Reverse(turned)
			results := s.SetEach(ctx, turned)
			slices.Reverse(results)
			return results
		}),
	},
	{
		Name: "keys-answered-backwards", Rule: "S1",
		Fault: "the results of GetEach begin with that of the last key",
		State: gettingEach(func(ctx context.Context, s eachStore, _ *Place, keys []string) []driver.GetResult {
			results := s.GetEach(ctx, keys)
			slices.Reverse(results)
			return results
		}),
	},
	{
		Name: "keys-undone-by-one", Rule: "S1",
		Fault: "a conflict of one item is everybody's, and nothing is set",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			for _, item := range items {
				entry, _ := s.Get(ctx, item.Key)
				if err := item.Options.When.Check(item.Key, entry.Version); err != nil {
					return driver.AllSetsFailed(len(items), err)
				}
			}
			return s.SetEach(ctx, items)
		}),
	},
	{
		Name: "keys-without-conditions", Rule: "S1",
		Fault: "SetEach ignores preconditions",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			return s.SetEach(ctx, changedItems(items, func(item *driver.SetItem) { item.Options.When = driver.Precondition{} }))
		}),
	},
	{
		Name: "keys-of-one-version", Rule: "S1",
		Fault: "all keys of a SetEach are said to have the version of the last",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			results := s.SetEach(ctx, items)
			for i := range results {
				if results[i].Err == nil {
					results[i].Version = results[len(results)-1].Version
				}
			}
			return results
		}),
	},
	{
		Name: "keys-twice-are-missing", Rule: "S1",
		Fault: "GetEach answers a key that occurs twice only once",
		State: gettingEach(func(ctx context.Context, s eachStore, _ *Place, keys []string) []driver.GetResult {
			results := s.GetEach(ctx, keys)
			for i, key := range keys {
				if slices.Contains(keys[:i], key) {
					results[i] = driver.GetResult{Err: driver.NotFoundf("key %q", key)}
				}
			}
			return results
		}),
	},
	{
		Name: "keys-that-stay", Rule: "S2",
		Fault: "SetEach leaves out TTLs",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			return s.SetEach(ctx, changedItems(items, func(item *driver.SetItem) { item.Options.TTL = 0 }))
		}),
	},
	{
		Name: "keys-shown-when-expired", Rule: "S2",
		Fault: "GetEach returns keys that have expired",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			last := Remember[lastEntries](at.Store, "entries of tenant "+string(at.Tenant))
			return anEachStore{eachStore: s.(eachStore), getEach: func(ctx context.Context, keys []string) []driver.GetResult {
				return last.shown(s.(eachStore).GetEach(ctx, keys), keys)
			}, setEach: func(ctx context.Context, items []driver.SetItem) []driver.SetResult {
				results := s.(eachStore).SetEach(ctx, items)
				last.keep(items, results)
				return results
			}}
		},
	},
	{
		Name: "keys-checked-then-set", Rule: "S3",
		Fault: "SetEach looks at the versions before it sets anything",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			results := make([]driver.SetResult, len(items))
			for i, item := range items {
				entry, _ := s.Get(ctx, item.Key)
				results[i].Err = item.Options.When.Check(item.Key, entry.Version)
			}
			time.Sleep(time.Millisecond)
			for i, item := range items {
				if results[i].Err == nil {
					item.Options.When = driver.Precondition{}
					results[i].Version, results[i].Err = s.Set(ctx, item.Key, item.Value, item.Options)
				}
			}
			return results
		}),
	},
	{
		Name: "keys-missing-after-shutdown", Rule: "B4",
		Fault: "after Shutdown GetEach finds nothing, and does not say why",
		State: gettingEach(func(ctx context.Context, s eachStore, _ *Place, keys []string) []driver.GetResult {
			results := s.GetEach(ctx, keys)
			for i := range results {
				if errors.Is(results[i].Err, driver.ErrClosed) {
					results[i].Err = driver.NotFoundf("key %q", keys[i])
				}
			}
			return results
		}),
	},
	{
		Name: "keys-of-one-tenant", Rule: "B5",
		Fault: "GetEach asks in the tenant that was there first",
		Stores: func(s driver.Stores, backend driver.Backend, at *Place) driver.Stores {
			own, first := s.State.(eachStore), Remember[firstTenant](at.Store, "first")
			s.State = anEachStore{eachStore: own, getEach: func(ctx context.Context, keys []string) []driver.GetResult {
				return backend.Tenant(first.or(at.Tenant)).State.(eachStore).GetEach(ctx, keys)
			}}
			return s
		},
	},
	{
		Name: "keys-half-unavailable", Rule: "B6",
		Fault: "a SetEach that is cancelled on its way says that it certainly did nothing",
		State: settingEach(func(ctx context.Context, s eachStore, _ *Place, items []driver.SetItem) []driver.SetResult {
			results := make([]driver.SetResult, len(items))
			for i := range items {
				results[i] = s.SetEach(ctx, items[i:i+1])[0]
				if err := results[i].Err; err != nil && ctx.Err() != nil {
					return driver.AllSetsFailed(len(items), fmt.Errorf("%w: %w", driver.ErrUnavailable, err))
				}
			}
			return results
		}),
	},
	{
		Name: "keys-in-the-callers-buffer", Rule: "B8",
		Fault: "GetEach returns the very bytes that SetEach was given",
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			last := Remember[lastEntries](at.Store, "entries of tenant "+string(at.Tenant))
			return anEachStore{eachStore: s.(eachStore), getEach: func(ctx context.Context, keys []string) []driver.GetResult {
				results := s.(eachStore).GetEach(ctx, keys)
				last.given(results)
				return results
			}, setEach: func(ctx context.Context, items []driver.SetItem) []driver.SetResult {
				results := s.(eachStore).SetEach(ctx, items)
				last.keep(items, results)
				return results
			}}
		},
	},
}

// eachStore is what the reference is in memory.
type eachStore interface {
	driver.StateStore
	driver.StateBatcher
}

// anEachStore replaces what is set.
type anEachStore struct {
	eachStore
	getEach func(ctx context.Context, keys []string) []driver.GetResult
	setEach func(ctx context.Context, items []driver.SetItem) []driver.SetResult
}

func (s anEachStore) GetEach(ctx context.Context, keys []string) []driver.GetResult {
	if s.getEach != nil {
		return s.getEach(ctx, keys)
	}
	return s.eachStore.GetEach(ctx, keys)
}

func (s anEachStore) SetEach(ctx context.Context, items []driver.SetItem) []driver.SetResult {
	if s.setEach != nil {
		return s.setEach(ctx, items)
	}
	return s.eachStore.SetEach(ctx, items)
}

func gettingEach(get func(context.Context, eachStore, *Place, []string) []driver.GetResult) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		engine := s.(eachStore)
		return anEachStore{eachStore: engine, getEach: func(ctx context.Context, keys []string) []driver.GetResult { return get(ctx, engine, at, keys) }}
	}
}

func settingEach(set func(context.Context, eachStore, *Place, []driver.SetItem) []driver.SetResult) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		engine := s.(eachStore)
		return anEachStore{eachStore: engine, setEach: func(ctx context.Context, items []driver.SetItem) []driver.SetResult {
			return set(ctx, engine, at, items)
		}}
	}
}

func changedItems(items []driver.SetItem, change func(*driver.SetItem)) []driver.SetItem {
	changed := slices.Clone(items)
	for i := range changed {
		change(&changed[i])
	}
	return changed
}

// lastEntries are what SetEach has set last, with the caller's bytes.
type lastEntries struct {
	mu    sync.Mutex
	byKey map[string]driver.Entry
}

func (l *lastEntries) keep(items []driver.SetItem, results []driver.SetResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey == nil {
		l.byKey = map[string]driver.Entry{}
	}
	for i, item := range items {
		if results[i].Err == nil {
			l.byKey[item.Key] = driver.Entry{EntryInfo: driver.EntryInfo{Key: item.Key, Version: results[i].Version}, Value: item.Value}
		}
	}
}

// shown puts what was set last in the place of what is not found.
func (l *lastEntries) shown(results []driver.GetResult, keys []string) []driver.GetResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, key := range keys {
		if entry, ok := l.byKey[key]; ok && errors.Is(results[i].Err, driver.ErrNotFound) {
			entry.Value = bytes.Clone(entry.Value)
			results[i] = driver.GetResult{Entry: entry}
		}
	}
	return results
}

// given puts the bytes that were given in the place of those that were stored.
func (l *lastEntries) given(results []driver.GetResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range results {
		if entry, ok := l.byKey[results[i].Entry.Key]; ok && entry.Version == results[i].Entry.Version {
			results[i].Entry.Value = entry.Value
		}
	}
}

// firstTenant is who was there first.
type firstTenant struct {
	mu     sync.Mutex
	tenant driver.TenantID
}

func (f *firstTenant) or(tenant driver.TenantID) driver.TenantID {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tenant == "" {
		f.tenant = tenant
	}
	return f.tenant
}
