package zoo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// expiries break S2.
var expiries = []*Broken{
	{Name: "ttl-up-to-seconds", Rule: "S2", Fault: "a TTL is rounded up to whole seconds", State: changedTTL(func(ttl time.Duration) time.Duration {
		return (ttl + time.Second - 1).Truncate(time.Second)
	})},
	{Name: "ttl-down-to-seconds", Rule: "S2", Fault: "a TTL is cut to whole seconds, and one below a second is none", State: changedTTL(func(ttl time.Duration) time.Duration { return ttl.Truncate(time.Second) })},
	{Name: "ttl-down-to-milliseconds", Rule: "S2", Fault: "a TTL below a millisecond is none", State: changedTTL(func(ttl time.Duration) time.Duration { return ttl.Truncate(time.Millisecond) })},
	{Name: "ttl-halved", Rule: "S2", Fault: "a key may go when half of its TTL has passed", State: changedTTL(func(ttl time.Duration) time.Duration {
		if ttl < 30*time.Second {
			return (ttl + 1) / 2
		}
		return ttl
	})},
	{Name: "ttl-of-30-days", Rule: "S2", Fault: "a TTL of more than 30 days is taken for 30 days", State: changedTTL(func(ttl time.Duration) time.Duration { return min(ttl, 30*24*time.Hour) })},
	{Name: "ttl-of-32-bits", Rule: "S2", Fault: "a TTL in milliseconds overflows 32 bits", State: changedTTL(func(ttl time.Duration) time.Duration {
		if ttl < time.Second {
			return ttl
		}
		return max(time.Duration(int32(ttl.Milliseconds()))*time.Millisecond, time.Second)
	})},
	{Name: "ttl-in-local-time", Rule: "S2", Fault: "the time of expiry is in another zone", State: changedExpiry(func(at time.Time) time.Time { return at.In(time.FixedZone("CET", 3600)) })},
	{Name: "ttl-off-by-a-zone", Rule: "S2", Fault: "the time of expiry is an hour off", State: changedExpiry(func(at time.Time) time.Time { return at.Add(time.Hour) })},
	{Name: "ttl-in-whole-seconds", Rule: "S2", Fault: "the time of expiry is told in whole seconds", State: changedExpiry(func(at time.Time) time.Time { return at.Truncate(time.Second) })},
	{Name: "expired-listed", Rule: "S2", Fault: "expired keys are listed", State: ttlAside(ttlFlaw{lists: true})},
	{Name: "expired-counted", Rule: "S2", Fault: "expired keys count when a page is filled", State: ttlAside(ttlFlaw{counts: true})},
	{Name: "expired-blocks-creation", Rule: "S2", Fault: "a key that has expired cannot be created", State: ttlAside(ttlFlaw{blocks: true})},
	{Name: "expired-can-be-set", Rule: "S2", Fault: "an expired key can be set at the version that it had", State: ttlAside(ttlFlaw{setMatches: true})},
	{Name: "expired-can-be-deleted", Rule: "S2", Fault: "an expired key can be deleted at the version that it had", State: ttlAside(ttlFlaw{deleteMatches: true})},
	{Name: "expired-is-not-reclaimed", Rule: "S2", Fault: "expired keys are hidden and stay for ever", State: ttlAside(ttlFlaw{stays: true})},
	{Name: "expiry-not-listed", Rule: "S2", Fault: "List does not say when a key expires", State: ttlAside(ttlFlaw{untold: true})},
	{Name: "reading-extends", Rule: "S2", Fault: "Get begins the TTL again", State: ttlAside(ttlFlaw{slides: true})},
	{Name: "ttl-kept-by-set", Rule: "S2", Fault: "a Set without a TTL keeps the one before", State: ttlAside(ttlFlaw{keptBySet: true})},
	{Name: "ttl-kept-by-delete", Rule: "S2", Fault: "a key that is made again has the TTL of the one that was deleted", State: ttlAside(ttlFlaw{keptByDelete: true})},
	{Name: "ttl-set-by-refused", Rule: "S2", Fault: "a Set that is refused changes the TTL", State: ttlAside(ttlFlaw{refusedSets: true})},
	{Name: "ttl-of-the-group", Rule: "S2", Fault: "keys that are alike up to the last colon share one TTL", State: ttlAside(ttlFlaw{group: func(key string) string { return key[:strings.LastIndex(key, ":")+1] }})},
	{Name: "ttl-forgotten-on-restart", Rule: "S2", Fault: "a restart forgets TTLs", Durable: true, State: ttlAside(ttlFlaw{stays: true})},
	{Name: "ttl-grows-on-restart", Rule: "S2", Fault: "the time of expiry moves by 30 ms when a store is opened again", Durable: true, State: func(s driver.StateStore, at *Place) driver.StateStore {
		own := Remember[sync.Map](at.Handle, "set by "+string(at.Tenant))
		told := func(info *driver.EntryInfo) {
			if _, here := own.Load(info.Key); !here && !info.ExpiresAt.IsZero() {
				info.ExpiresAt = info.ExpiresAt.Add(30 * time.Millisecond)
			}
		}
		return &aStateStore{StateStore: s,
			get: func(ctx context.Context, key string) (driver.Entry, error) {
				e, err := s.Get(ctx, key)
				told(&e.EntryInfo)
				return e, err
			},
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				own.Store(key, true)
				return s.Set(ctx, key, value, o)
			},
		}
	}},
	{Name: "heirs", Rule: "S2", Fault: "who creates a key that has expired removes it first, and perhaps what another has made meanwhile", State: func(s driver.StateStore, at *Place) driver.StateStore {
		expired := Remember[sync.Map](at.Store, "keys of "+string(at.Tenant))
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if version, stated := o.When.Version(); stated && version == 0 {
				_, had := expired.Load(key)
				if _, err := s.Get(ctx, key); had && errors.Is(err, driver.ErrNotFound) {
					ctx.Err()
					s.Delete(ctx, key, driver.Precondition{})
				}
			}
			version, err := s.Set(ctx, key, value, o)
			if err == nil && o.TTL > 0 {
				expired.Store(key, true)
			}
			return version, err
		}}
	}},
	{Name: "timer-by-name", Rule: "S2", Fault: "the timer of a TTL removes the key though it was set again", State: func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			version, err := s.Set(ctx, key, value, o)
			if err == nil && o.TTL > 0 && o.TTL < time.Second {
				time.AfterFunc(o.TTL, func() { s.Delete(context.Background(), key, driver.Precondition{}) })
			}
			return version, err
		}}
	}},
	{Name: "sweep-by-name", Rule: "S2", Fault: "a sweep looks for what has expired, and removes it a moment later, whatever it is then", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			version, err := s.Set(ctx, key, value, o)
			if err == nil && o.TTL > 0 && o.TTL < time.Second {
				time.AfterFunc(o.TTL, func() {
					if _, err := s.Get(context.Background(), key); errors.Is(err, driver.ErrNotFound) {
						time.Sleep(time.Millisecond)
						s.Delete(context.Background(), key, driver.Precondition{})
					}
				})
			}
			return version, err
		}}
	}},
	{Name: "late-by-the-sweep", Rule: "S2", Fault: "a key is there until something sweeps it away, 150 ms later", State: changedTTL(func(ttl time.Duration) time.Duration {
		if ttl < time.Second {
			return ttl + 150*time.Millisecond
		}
		return ttl
	})},
}

// changedTTL has a store count another TTL than it is given. 0 stays none.
func changedTTL(change func(time.Duration) time.Duration) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			o.TTL = change(o.TTL)
			return s.Set(ctx, key, value, o)
		}}
	}
}

// changedExpiry has a store tell another time of expiry.
func changedExpiry(change func(time.Time) time.Time) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		told := func(info *driver.EntryInfo) {
			if !info.ExpiresAt.IsZero() {
				info.ExpiresAt = change(info.ExpiresAt)
			}
		}
		return &aStateStore{StateStore: s,
			get: func(ctx context.Context, key string) (driver.Entry, error) {
				e, err := s.Get(ctx, key)
				told(&e.EntryInfo)
				return e, err
			},
			list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
				list, next, err := s.List(ctx, prefix, page)
				for i := range list {
					told(&list[i])
				}
				return list, next, err
			},
		}
	}
}

// ttlFlaw says what is wrong with a store that keeps TTLs beside its keys.
type ttlFlaw struct {
	lists, counts, untold           bool // List
	blocks, setMatches, refusedSets bool // Set
	deleteMatches                   bool // Delete
	slides                          bool // Get
	keptBySet, keptByDelete, stays  bool
	group                           func(key string) string
}

// ttls are the TTLs of a tenant's keys.
type ttls struct {
	mu sync.Mutex
	of map[string]ttl
}

type ttl struct {
	at    time.Time
	after time.Duration
}

func (t *ttls) passed(key string) bool {
	ttl, ok := t.of[key]
	return ok && !time.Now().Before(ttl.at)
}

func (t *ttls) begin(key string, after time.Duration) {
	t.of[key] = ttl{driver.Timestamp(time.Now().Add(after + time.Microsecond - 1)), after}
}

// ttlAside keeps TTLs beside the keys, in the memory of the process. What has
// expired stays underneath for another second.
func ttlAside(flaw ttlFlaw) func(driver.StateStore, *Place) driver.StateStore {
	name := func(key string) string {
		if flaw.group != nil && flaw.group(key) != "" {
			return flaw.group(key)
		}
		return key
	}
	return func(s driver.StateStore, at *Place) driver.StateStore {
		t := Remember[ttls](at.Store, "TTLs of "+string(at.Tenant))
		locked := func() func() {
			t.mu.Lock()
			if t.of == nil {
				t.of = map[string]ttl{}
			}
			return t.mu.Unlock
		}
		return &aStateStore{StateStore: s,
			get: func(ctx context.Context, key string) (driver.Entry, error) {
				defer locked()()
				e, err := s.Get(ctx, key)
				if err == nil && t.passed(name(key)) {
					return driver.Entry{}, driver.NotFoundf("key %q", key)
				}
				if ttl, ok := t.of[name(key)]; ok && flaw.slides && err == nil {
					t.begin(name(key), ttl.after)
				}
				e.ExpiresAt = t.of[name(key)].at
				return e, err
			},
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				defer locked()()
				under := driver.SetOptions{When: o.When}
				if o.TTL > 0 && !flaw.stays {
					under.TTL = o.TTL + time.Second
				}
				expired := t.passed(name(key))
				if version, _ := o.When.Version(); expired && !(flaw.blocks && version == 0) && !(flaw.setMatches && version != 0) {
					if err := o.When.Check(key, 0); err != nil {
						return 0, err
					}
					under.When = driver.Precondition{}
				}
				version, err := s.Set(ctx, key, value, under)
				switch {
				case err != nil && !flaw.refusedSets:
				case o.TTL > 0:
					t.begin(name(key), o.TTL)
				case !flaw.keptBySet || expired:
					if _, kept := t.of["deleted "+key]; !kept {
						delete(t.of, name(key))
					}
				}
				return version, err
			},
			delete: func(ctx context.Context, key string, when driver.Precondition) error {
				defer locked()()
				if t.passed(name(key)) && !flaw.deleteMatches {
					if err := when.Check(key, 0); err != nil {
						return err
					}
					when = driver.Precondition{}
				}
				err := s.Delete(ctx, key, when)
				if _, had := t.of[key]; had && err == nil && flaw.keptByDelete {
					t.of["deleted "+key] = ttl{}
				} else if err == nil {
					delete(t.of, name(key))
				}
				return err
			},
			list: func(ctx context.Context, prefix string, page driver.Page) (list []driver.EntryInfo, next driver.Cursor, err error) {
				defer locked()()
				if flaw.counts {
					list, next, err = s.List(ctx, prefix, page)
				} else {
					list, err = everyKey(ctx, s, prefix)
				}
				list = slices.DeleteFunc(list, func(info driver.EntryInfo) bool { return t.passed(name(info.Key)) && !flaw.lists })
				for i := range list {
					list[i].ExpiresAt = t.of[name(list[i].Key)].at
					if flaw.untold {
						list[i].ExpiresAt = time.Time{}
					}
				}
				if err != nil || flaw.counts {
					return list, next, err
				}
				return pageOfKeys(list, driver.Scope("aside", string(at.Tenant), prefix), page)
			},
		}
	}
}
