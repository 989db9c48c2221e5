package boltdriver

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

func (s state) Get(ctx context.Context, key string) (entry driver.Entry, err error) {
	err = s.read(ctx, func(tx *bolt.Tx) error {
		info, value, err := lookUp(find(tx, bucketState, s.tenant), key)
		if err != nil {
			return err
		}
		if !alive(info) {
			return driver.NotFoundf("key %q", key)
		}
		entry = driver.Entry{EntryInfo: info, Value: copied(value)}
		return nil
	})
	return entry, err
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	err = s.write(ctx, func(tx *bolt.Tx) error {
		keys, err := ensure(tx, bucketState, s.tenant)
		if err != nil {
			return err
		}
		if err := s.replace(tx, keys, key, o.When); err != nil {
			return err
		}
		info := driver.EntryInfo{Key: key}
		if info.Version, err = keys.NextSequence(); err != nil {
			return err
		}
		version = info.Version
		if o.TTL > 0 {
			info.ExpiresAt = driver.Timestamp(time.Now().Add(o.TTL + time.Microsecond - 1))
			if err := find(tx, bucketExpiry).Put(expiryKey(s.tenant, info), nil); err != nil {
				return err
			}
		}
		return keys.Put([]byte(key), encodeEntry(info, value))
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	return s.write(ctx, func(tx *bolt.Tx) error {
		return s.replace(tx, find(tx, bucketState, s.tenant), key, when)
	})
}

// replace makes room for a new value, or for none: it checks the precondition and
// removes the entry under key, expired or not. keys is nil when the tenant has none.
func (s state) replace(tx *bolt.Tx, keys *bolt.Bucket, key string, when driver.Precondition) error {
	old, _, err := lookUp(keys, key)
	if err != nil {
		return err
	}
	actual := old.Version
	if !alive(old) {
		actual = 0
	}
	if err := when.Check(key, actual); err != nil || old.Version == 0 {
		return err
	}
	if !old.ExpiresAt.IsZero() {
		if err := find(tx, bucketExpiry).Delete(expiryKey(s.tenant, old)); err != nil {
			return err
		}
	}
	return keys.Delete([]byte(key))
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	return list(ctx, s.view, bucketState, prefix, page, func(key string, value []byte) (driver.EntryInfo, bool, error) {
		info, _, err := decodeEntry(key, value)
		return info, alive(info), err
	})
}

// alive says whether there is an entry that has not expired, by the store's clock.
func alive(info driver.EntryInfo) bool {
	return info.Version != 0 && (info.ExpiresAt.IsZero() || time.Now().Before(info.ExpiresAt))
}

// lookUp returns the entry under key, expired or not; version 0: there is none.
func lookUp(keys *bolt.Bucket, key string) (info driver.EntryInfo, value []byte, err error) {
	if keys == nil {
		return info, nil, nil
	}
	stored := keys.Get([]byte(key))
	if stored == nil {
		return info, nil, nil
	}
	return decodeEntry(key, stored)
}

// An entry is its version, when it expires (0: never) and its value.
func encodeEntry(info driver.EntryInfo, value []byte) []byte {
	stored := make([]byte, 0, 16+len(value))
	stored = append(stored, number(info.Version)...)
	stored = append(stored, number(expiry(info))...)
	return append(stored, value...)
}

func decodeEntry(key string, stored []byte) (info driver.EntryInfo, value []byte, err error) {
	n, value, err := numbers(stored, 2)
	if err != nil {
		return info, nil, err
	}
	info = driver.EntryInfo{Key: key, Version: n[0]}
	if n[1] != 0 {
		info.ExpiresAt = fromMicros(n[1])
	}
	return info, value, nil
}

func expiry(info driver.EntryInfo) uint64 {
	if info.ExpiresAt.IsZero() {
		return 0
	}
	return micros(info.ExpiresAt)
}

// expiryKey is an entry's place among those that expire.
func expiryKey(tenant string, info driver.EntryInfo) []byte {
	return append(number(expiry(info)), tenant+"\x00"+info.Key...)
}
