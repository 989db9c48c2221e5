package zoo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// versions break S3.
var versions = []*Broken{
	{Name: "version-begins-again", Rule: "S3", Fault: "after deletion or expiry a key's versions begin at 1 again", State: ownVersions(func(v *versionBook, key string) { delete(v.last, key) })},
	{Name: "version-falls-back", Rule: "S3", Fault: "a new key takes one more than the highest version of the keys that are there", State: ownVersions(func(v *versionBook, key string) {
		delete(v.last, key)
		var highest uint64
		for _, version := range v.last {
			highest = max(highest, version)
		}
		v.last[key] = highest
	})},
	{Name: "version-lost-on-restart", Rule: "S3", Fault: "the counter of versions is in memory, and deleted keys begin at 1 after a restart", Durable: true, State: ownVersions(func(*versionBook, string) {})},
	{Name: "same-value-same-version", Rule: "S3", Fault: "setting the value that is there does nothing", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if e, err := s.Get(ctx, key); err == nil && bytes.Equal(e.Value, value) && o.TTL == 0 && e.ExpiresAt.IsZero() && o.When.Check(key, e.Version) == nil {
				return e.Version, nil
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "check-then-set", Rule: "S3", Fault: "a Set looks at the version before it locks the key", State: checkThenAct(true, true, false)},
	{Name: "check-then-create", Rule: "S3", Fault: "create-only looks whether the key is there before it locks it", State: checkThenAct(true, false, false)},
	{Name: "check-then-delete", Rule: "S3", Fault: "a conditional Delete looks at the version before it locks the key", State: checkThenAct(false, false, true)},
	{Name: "lock-of-the-handle", Rule: "S3", Fault: "a conditional Set is under a lock that each handle has for itself", State: func(s driver.StateStore, at *Place) driver.StateStore {
		mu := Remember[sync.Mutex](at.Handle, "lock")
		unlocked := checkThenAct(true, true, false)(s, at)
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			mu.Lock()
			defer mu.Unlock()
			return unlocked.Set(ctx, key, value, o)
		}}
	}},
	{Name: "conflict-without-actual", Rule: "S3", Fault: "a conflict does not say what is there", State: changedConflict(func(c *driver.ConflictError) { c.Actual = 0 })},
	{Name: "conflict-without-exists", Rule: "S3", Fault: "create-only that fails does not match ErrExists", State: changedConflict(func(c *driver.ConflictError) { c.MustBeAbsent = false })},
	{Name: "conflict-always-exists", Rule: "S3", Fault: "every conflict matches ErrExists", State: changedConflict(func(c *driver.ConflictError) { c.MustBeAbsent = true })},
	{Name: "conflict-of-text", Rule: "S3", Fault: "a conflict is an error without a type", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, delete: func(ctx context.Context, key string, when driver.Precondition) error {
			if err := s.Delete(ctx, key, when); err != nil && !errors.Is(err, driver.ErrConflict) {
				return err
			} else if err != nil {
				return driver.ErrConflict
			}
			return nil
		}}
	}},
	{Name: "at-least-the-version", Rule: "S3", Fault: "a condition holds for every version up to the one that is asked for", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			e, err := s.Get(ctx, key)
			if version, _ := o.When.Version(); err == nil && version > e.Version {
				o.When = driver.IfVersion(e.Version)
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "version-of-32-bits", Rule: "S3", Fault: "conditions compare 32 bits of the version", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if version, _ := o.When.Version(); version > math.MaxUint32 {
				o.When = driver.IfVersion(version & math.MaxUint32)
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
	{Name: "deleting-nothing-at-a-version", Rule: "S3", Fault: "a conditional Delete of a missing key is no conflict", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, delete: func(ctx context.Context, key string, when driver.Precondition) error {
			if _, err := s.Get(ctx, key); errors.Is(err, driver.ErrNotFound) {
				return nil
			}
			return s.Delete(ctx, key, when)
		}}
	}},
	{Name: "refused-set-extends", Rule: "S3", Fault: "a conditional Set that is refused still makes a new version", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			version, err := s.Set(ctx, key, value, o)
			if wanted, _ := o.When.Version(); errors.Is(err, driver.ErrConflict) && wanted != 0 {
				if e, gone := s.Get(ctx, key); gone == nil && e.ExpiresAt.IsZero() {
					s.Set(ctx, key, e.Value, driver.SetOptions{})
				}
			}
			return version, err
		}}
	}},
	{Name: "version-read-after-writing", Rule: "S3", Fault: "Set asks for the version after it has written, and may return that of another writer", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			version, err := s.Set(ctx, key, value, o)
			if ctx.Err(); err == nil {
				if e, err := s.Get(ctx, key); err == nil {
					return e.Version, nil
				}
			}
			return version, err
		}}
	}},
	{Name: "torn-get", Rule: "S3", Fault: "Get reads the version and then the value", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, get: func(ctx context.Context, key string) (driver.Entry, error) {
			first, err := s.Get(ctx, key)
			if ctx.Err(); err != nil {
				return first, err
			}
			if second, err := s.Get(ctx, key); err == nil {
				first.Value = second.Value
			}
			return first, nil
		}}
	}},
	{Name: "late-index", Rule: "S3", Fault: "while another writes, List shows the version before", State: func(s driver.StateStore, at *Place) driver.StateStore {
		index := Remember[sync.Map](at.Store, "index of "+string(at.Tenant))
		return &aStateStore{StateStore: s,
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				if e, err := s.Get(ctx, key); err == nil {
					index.Store(key, e.Version)
				}
				defer index.Delete(key)
				version, err := s.Set(ctx, key, value, o)
				time.Sleep(200 * time.Microsecond) // the index is late
				return version, err
			},
			list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
				list, next, err := s.List(ctx, prefix, page)
				for i := range list {
					if version, ok := index.Load(list[i].Key); ok && version.(uint64) < list[i].Version {
						list[i].Version = version.(uint64)
					}
				}
				return list, next, err
			},
		}
	}},
}

// checkThenAct looks at conditions first and writes then without them, of Sets
// that create, of other Sets, and of Deletes.
func checkThenAct(create, set, remove bool) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		check := func(ctx context.Context, key string, when driver.Precondition) error {
			e, err := s.Get(ctx, key)
			if err != nil && !errors.Is(err, driver.ErrNotFound) {
				return err
			}
			defer ctx.Err() // somebody else's turn
			return when.Check(key, e.Version)
		}
		return &aStateStore{StateStore: s,
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				if version, stated := o.When.Version(); stated && ((version == 0 && create) || (version != 0 && set)) {
					if err := check(ctx, key, o.When); err != nil {
						return 0, err
					}
					o.When = driver.Precondition{}
				}
				return s.Set(ctx, key, value, o)
			},
			delete: func(ctx context.Context, key string, when driver.Precondition) error {
				if _, stated := when.Version(); stated && remove {
					if err := check(ctx, key, when); err != nil {
						return err
					}
					when = driver.Precondition{}
				}
				return s.Delete(ctx, key, when)
			},
		}
	}
}

func changedConflict(change func(*driver.ConflictError)) func(driver.StateStore, *Place) driver.StateStore {
	changed := func(err error) error {
		var conflict *driver.ConflictError
		if errors.As(err, &conflict) {
			c := *conflict
			change(&c)
			return &c
		}
		return err
	}
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s,
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				version, err := s.Set(ctx, key, value, o)
				return version, changed(err)
			},
			delete: func(ctx context.Context, key string, when driver.Precondition) error {
				return changed(s.Delete(ctx, key, when))
			},
		}
	}
}

// versionBook is how a faulty store counts versions: for each key of its own.
type versionBook struct {
	mu   sync.Mutex
	last map[string]uint64
}

// ownVersions counts versions in the memory of the process. gone is called before
// a key is made that was deleted or has expired. What is there keeps its version
// in front of its value.
func ownVersions(gone func(v *versionBook, key string)) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		book := Remember[versionBook](at.Store, "versions of "+string(at.Tenant))
		get := func(ctx context.Context, key string) (driver.Entry, error) {
			e, err := s.Get(ctx, key)
			if err == nil {
				e.Version, e.Value = binary.BigEndian.Uint64(e.Value), e.Value[8:]
			}
			return e, err
		}
		check := func(ctx context.Context, key string, when driver.Precondition) (actual uint64, err error) {
			e, err := get(ctx, key)
			if err != nil && !errors.Is(err, driver.ErrNotFound) {
				return 0, err
			}
			return e.Version, when.Check(key, e.Version)
		}
		return &aStateStore{StateStore: s, get: get,
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				book.mu.Lock()
				defer book.mu.Unlock()
				actual, err := check(ctx, key, o.When)
				if err != nil {
					return 0, err
				}
				if book.last == nil {
					book.last = map[string]uint64{}
				}
				if actual == 0 {
					gone(book, key)
				}
				version := max(actual, book.last[key]) + 1
				if _, err := s.Set(ctx, key, append(binary.BigEndian.AppendUint64(nil, version), value...), driver.SetOptions{TTL: o.TTL}); err != nil {
					return 0, err
				}
				book.last[key] = version
				return version, nil
			},
			delete: func(ctx context.Context, key string, when driver.Precondition) error {
				book.mu.Lock()
				defer book.mu.Unlock()
				if _, err := check(ctx, key, when); err != nil {
					return err
				}
				return s.Delete(ctx, key, driver.Precondition{})
			},
			list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
				list, next, err := s.List(ctx, prefix, page)
				for i := range list {
					if e, err := get(ctx, list[i].Key); err == nil {
						list[i].Version = e.Version
					}
				}
				return list, next, err
			},
		}
	}
}
