package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

// What the checks of state do all the time.

// twoStates returns the tenant's state through two handles.
func (t *trial) twoStates() []driver.StateStore {
	return []driver.StateStore{t.State, t.open().Tenant(tenantID).State}
}

// setKey stores a value under options that must hold.
func (t *trial) setKey(s driver.StateStore, key, value string, o driver.SetOptions) (version uint64) {
	version, err := s.Set(t.ctx, key, []byte(value), o)
	t.ok(fmt.Sprintf("Set of key %q with %s", key, setOptionsText(o)), err)
	if version == 0 {
		t.fatal(fmt.Sprintf("Set of key %q", key), "version 0", "a version above 0, which stands for a key that is absent")
	}
	return version
}

func setOptionsText(o driver.SetOptions) string {
	text := fmt.Sprintf("TTL %v", o.TTL)
	if version, stated := o.When.Version(); stated {
		text += fmt.Sprintf(" if the version is %d", version)
	}
	return text
}

// deleteKey removes a key, which must not fail.
func (t *trial) deleteKey(s driver.StateStore, key string) {
	t.ok(fmt.Sprintf("Delete of key %q", key), s.Delete(t.ctx, key, driver.Precondition{}))
}

// keyHolds ends the check unless the key has this value and version, for ever.
func (t *trial) keyHolds(s driver.StateStore, key, value string, version uint64) {
	got, err := s.Get(t.ctx, key)
	t.ok(fmt.Sprintf("Get of key %q, which was set", key), err)
	want := driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: version}, Value: []byte(value)}
	equal(t, fmt.Sprintf("Get of key %q", key), got, want)
}

// keysAbsent ends the check unless the keys are not there.
func (t *trial) keysAbsent(s driver.StateStore, why string, keys ...string) {
	for _, key := range keys {
		_, err := s.Get(t.ctx, key)
		t.fails(fmt.Sprintf("Get of key %q, %s", key, why), err, driver.ErrNotFound)
	}
}

// setLasting sets a key with no TTL or one that is too long to pass here, and
// returns how it is to be listed.
func (t *trial) setLasting(s driver.StateStore, key, value string, o driver.SetOptions) driver.EntryInfo {
	before := time.Now()
	version := t.setKey(s, key, value, o)
	after := time.Now()
	got := t.get(s, key)
	info := driver.EntryInfo{Key: key, Version: version}
	if o.TTL != 0 {
		t.plausibleExpiry(key, got.ExpiresAt, before.Add(o.TTL), after.Add(o.TTL))
		info.ExpiresAt = got.ExpiresAt
	}
	equal(t, fmt.Sprintf("Get of key %q with TTL %v", key, o.TTL), got, driver.Entry{EntryInfo: info, Value: []byte(value)})
	return info
}

// plausibleExpiry ends the check unless a key expires between two times of the
// caller's clock, as far as that agrees with the store's.
func (t *trial) plausibleExpiry(key string, got, earliest, latest time.Time) {
	off := t.clocksDiffer()
	if got.Before(earliest.Add(-off)) || got.After(latest.Add(off)) || got.Location() != time.UTC {
		t.fatal(fmt.Sprintf("Get of key %q with a TTL", key), fmt.Sprintf("it expires at %v", got),
			fmt.Sprintf("a time in UTC from %v to %v, give or take %v", earliest.UTC(), latest.UTC(), off))
	}
}

// clocksDiffer is how much the store's clock may differ from the caller's.
func (t *trial) clocksDiffer() time.Duration { return t.target.resolution() + time.Second }

// keysLike is a listing of keys in which a time of expiry that is about the one
// wanted is exactly that: some engines know how much is left, not the time.
func (t *trial) keysLike(s driver.StateStore, prefix string, want []driver.EntryInfo) lister[driver.EntryInfo] {
	expires := map[string]time.Time{}
	for _, info := range want {
		expires[info.Key] = info.ExpiresAt
	}
	return func(ctx context.Context, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
		items, next, err := s.List(ctx, prefix, page)
		for i, info := range items {
			if w := expires[info.Key]; t.sameExpiry(info.ExpiresAt, w) {
				items[i].ExpiresAt = w
			}
		}
		return items, next, err
	}
}

func (t *trial) sameExpiry(got, want time.Time) bool {
	if got.IsZero() || want.IsZero() {
		return got.IsZero() && want.IsZero()
	}
	return got.Sub(want).Abs() <= t.clocksDiffer() && got.Location() == time.UTC
}

// infosOf returns how keys without a TTL are listed.
func infosOf(keys []string, versions map[string]uint64) []driver.EntryInfo {
	return idsOf(keys, func(key string) driver.EntryInfo { return driver.EntryInfo{Key: key, Version: versions[key]} })
}

// patterned returns n bytes of which no two stretches are alike.
func (t *trial) patterned(n int) []byte {
	block := make([]byte, 4096)
	for i := range block {
		block[i] = byte(t.rand.Uint32())
	}
	b := bytes.Repeat(block, n/len(block)+1)[:n]
	for i := 0; i+8 < n; i += len(block) {
		b[i], b[i+1], b[i+2], b[i+3] = byte(i>>12), byte(i>>20), byte(i>>28), 0xff
	}
	return b
}

// equalLarge is equal for bytes that are too many to show.
func equalLarge(t *trial, did string, got, want []byte) {
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.fatal(did, fmt.Sprintf("%d bytes, which differ from byte %d on", len(got), at), fmt.Sprintf("the %d bytes that were stored", len(want)))
}
