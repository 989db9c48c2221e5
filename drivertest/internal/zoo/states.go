package zoo

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/enactdev/enact/driver"
)

var states = slices.Concat(values, versions, keyListings, expiries, snapshots, caches)

// values break S1.
var values = []*Broken{
	{Name: "value-ends-at-nul", Rule: "S1", Fault: "a value is cut at its first NUL byte", State: changedValue(func(value []byte) []byte {
		before, _, _ := bytes.Cut(value, []byte{0})
		return before
	})},
	{Name: "value-is-text", Rule: "S1", Fault: "bytes of a value that are not UTF-8 are replaced", State: changedValue(func(value []byte) []byte {
		return bytes.ToValidUTF8(value, []byte("\ufffd"))
	})},
	{Name: "value-is-trimmed", Rule: "S1", Fault: "white space at the end of a value is lost", State: changedValue(func(value []byte) []byte {
		return bytes.TrimRight(value, " \t\r\n")
	})},
	{Name: "value-of-16-mib", Rule: "S1", Fault: "a value over 16 MiB less a byte is cut", State: changedValue(func(value []byte) []byte {
		return value[:min(len(value), 16<<20-1)]
	})},
	{Name: "value-nil", Rule: "S1", Fault: "an empty value comes back as nil", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
			e, err := s.Get(ctx, key)
			if len(e.Value) == 0 {
				e.Value = nil
			}
			return e, err
		}}
	}},
	{Name: "empty-is-missing", Rule: "S1", Fault: "a key with an empty value is not found", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
			e, err := s.Get(ctx, key)
			if err == nil && len(e.Value) == 0 {
				return driver.Entry{}, driver.NotFoundf("key %q", key)
			}
			return e, err
		}}
	}},
	{Name: "empty-deletes", Rule: "S1", Fault: "setting an empty value over another leaves the other", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if old, err := s.Get(ctx, key); err == nil && len(value) == 0 {
				value = old.Value
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "no-truncate", Rule: "S1", Fault: "a shorter value keeps the end of a longer one before it", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if old, err := s.Get(ctx, key); err == nil && len(old.Value) > len(value) && len(value) > 0 {
				value = append(slices.Clone(value), old.Value[len(value):]...)
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "key-case", Rule: "S1", Fault: "keys that differ in case are one", State: changedKey(strings.ToLower)},
	{Name: "key-pad-space", Rule: "S1", Fault: "keys that differ in spaces at the end are one", State: changedKey(func(key string) string {
		if trimmed := strings.TrimRight(key, " "); trimmed != "" {
			return trimmed
		}
		return key
	})},
	{Name: "key-cut", Rule: "S1", Fault: "keys are cut to 250 bytes", State: changedKey(func(key string) string { return key[:min(len(key), 250)] })},
	{Name: "key-path", Rule: "S1", Fault: "repeated slashes in keys are one", State: changedKey(func(key string) string { return strings.ReplaceAll(key, "//", "/") })},
	{Name: "delete-missing-fails", Rule: "S1", Fault: "deleting a missing key is an error", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, delete: func(ctx context.Context, key string, when driver.Precondition) error {
			if _, err := s.Get(ctx, key); err != nil {
				if _, stated := when.Version(); !stated {
					return err
				}
			}
			return s.Delete(ctx, key, when)
		}}
	}},
	{Name: "cached-reads", Rule: "S1", Fault: "a handle goes on showing what it has read until it writes the key itself", State: cachedReads},
	{Name: "neighbours-lost", Rule: "S1", Fault: "a Set is lost when another key is set meanwhile", State: func(s driver.StateStore, at *Place) driver.StateStore {
		writing := Remember[sync.Map](at.Store, "writing in "+string(at.Tenant))
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			writing.Store(key, true)
			defer writing.Delete(key)
			version, err := s.Set(ctx, key, value, o)
			ctx.Err()
			writing.Range(func(other, _ any) bool {
				if other == key || err != nil {
					return true
				}
				s.Delete(ctx, key, driver.Precondition{})
				return false
			})
			return version, err
		}}
	}},
	{Name: "conditional-key-case", Rule: "S1", Fault: "conditional Sets of keys that differ in case write to one", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if version, _ := o.When.Version(); version != 0 {
				if lower := strings.ToLower(key); lower != key {
					if e, err := s.Get(ctx, lower); err == nil && e.Version == version {
						key = lower
					} else if e, err := s.Get(ctx, key); err == nil && e.Version == version {
						return s.Set(ctx, lower, value, driver.SetOptions{TTL: o.TTL})
					}
				}
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "last-set-lost", Rule: "S1", Fault: "shutting down loses the last Set", Durable: true,
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			last := Remember[lastSet](at.Store, "last set")
			return &aStateStore{StateStore: s,
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					version, err := s.Set(ctx, key, value, o)
					if err == nil {
						last.keep(at.Tenant, key)
					}
					return version, err
				},
				list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
					last.keep("", "")
					return s.List(ctx, prefix, page)
				},
			}
		},
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			last := Remember[lastSet](at.Store, "last set")
			return &aBackend{Backend: b, shutdown: func(ctx context.Context) error {
				if tenant, key := last.take(); key != "" {
					b.Tenant(tenant).State.Delete(ctx, key, driver.Precondition{})
				}
				return b.Shutdown(ctx)
			}}
		}},
}

type lastSet struct {
	mu     sync.Mutex
	tenant driver.TenantID
	key    string
}

func (l *lastSet) keep(tenant driver.TenantID, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tenant, l.key = tenant, key
}

func (l *lastSet) take() (driver.TenantID, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.key = "" }()
	return l.tenant, l.key
}

// changedValue has a store keep another value than it is given.
func changedValue(change func([]byte) []byte) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			return s.Set(ctx, key, change(value), o)
		}}
	}
}

// changedKey has a store use another key than it is given.
func changedKey(change func(string) string) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		key := func(key string) string {
			if changed := change(key); utf8.ValidString(changed) {
				return changed
			}
			return key
		}
		return &aStateStore{StateStore: s,
			get: func(ctx context.Context, k string) (driver.Entry, error) {
				e, err := s.Get(ctx, key(k))
				if err == nil {
					e.Key = k
				}
				return e, err
			},
			set: func(ctx context.Context, k string, value []byte, o driver.SetOptions) (uint64, error) {
				return s.Set(ctx, key(k), value, o)
			},
			delete: func(ctx context.Context, k string, when driver.Precondition) error {
				return s.Delete(ctx, key(k), when)
			},
		}
	}
}

func cachedReads(s driver.StateStore, at *Place) driver.StateStore {
	cache := Remember[sync.Map](at.Handle, "cache of "+string(at.Tenant))
	return &aStateStore{StateStore: s,
		get: func(ctx context.Context, key string) (driver.Entry, error) {
			if e, ok := cache.Load(key); ok {
				e := e.(driver.Entry)
				e.Value = bytes.Clone(e.Value)
				return e, nil
			}
			e, err := s.Get(ctx, key)
			if err == nil && e.ExpiresAt.IsZero() {
				kept := e
				kept.Value = append([]byte{}, e.Value...)
				cache.Store(key, kept)
			}
			return e, err
		},
		set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			cache.Delete(key)
			return s.Set(ctx, key, value, o)
		},
		delete: func(ctx context.Context, key string, when driver.Precondition) error {
			cache.Delete(key)
			return s.Delete(ctx, key, when)
		},
	}
}
