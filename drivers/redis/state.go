package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

var (
	getEntry    = reading("get")
	putState    = writes("state_clock", "state_put")
	deleteState = writes("state", "state_delete")
	rangeByName = reading("zrangebylex")
	readHeads   = reads("state_heads")
)

func (s state) Get(ctx context.Context, key string) (driver.Entry, error) {
	if err := s.Enter(ctx); err != nil {
		return driver.Entry{}, err
	}
	defer s.Leave()
	reply, err := s.ask(ctx, getEntry, []string{s.tag + keyEntry + key}, nil, len(key))
	if err != nil {
		return driver.Entry{}, err
	}
	return entry(key, reply)
}

// entry reads what is stored of a key; nothing, if it is missing or has expired.
func entry(key string, stored any) (driver.Entry, error) {
	if stored == nil {
		return driver.Entry{}, driver.NotFoundf("key %q", key)
	}
	info, value, err := cutEntry(key, text(stored))
	if err != nil {
		return driver.Entry{}, err
	}
	return driver.Entry{EntryInfo: info, Value: []byte(value)}, nil
}

// cutEntry reads "version expiry value", of which the value may be cut off.
func cutEntry(key, stored string) (info driver.EntryInfo, value string, err error) {
	version, rest, _ := strings.Cut(stored, " ")
	expires, value, whole := strings.Cut(rest, " ")
	info = driver.EntryInfo{Key: key, Version: number(version), ExpiresAt: millisecond(expires)}
	if !whole || info.Version == 0 {
		return info, "", fmt.Errorf("redis: what is stored under key %q is not of this driver; set or delete the key", key)
	}
	return info, value, nil
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	if _, stated := o.When.Version(); stated || o.TTL > 0 {
		result := s.SetEach(ctx, []driver.SetItem{{Key: key, Value: value, Options: o}})[0]
		return result.Version, result.Err
	}
	return s.put(ctx, key, value)
}

// put sets a key for ever, at whatever version it is.
func (s state) put(ctx context.Context, key string, value []byte) (version uint64, err error) {
	if err := s.Enter(ctx); err != nil {
		return 0, err
	}
	defer s.Leave()
	keys := []string{s.tag + keyEntry + key, s.tag + keyClock, s.tag + keyNames}
	reply, err := s.ask(ctx, putState, keys, []any{key, string(value)}, len(key)+len(value)) // a copy: see SetEach
	if err != nil {
		return 0, err
	}
	given, ok := reply.(int64)
	if !ok {
		return 0, fmt.Errorf("redis: the server has answered %T for the version of key %q; it is no Redis that this driver knows", reply, key)
	}
	return uint64(given), nil
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	reply, err := s.run(ctx, deleteState, []string{keyEntry + key, keyNames, keyExpiries}, key, expectedVersion(when))
	if err != nil {
		return err
	}
	if text(reply[0]) == "refused" {
		return when.Check(key, number(reply[1]))
	}
	return nil
}

// expectedVersion is empty if none is stated.
func expectedVersion(when driver.Precondition) string {
	version, stated := when.Version()
	if !stated {
		return ""
	}
	return strconv.FormatUint(version, 10)
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	return names(ctx, s.view, driver.Scope("state", s.tenant, prefix), prefix, page, s.stretch, func(e driver.EntryInfo) string { return e.Key })
}

// stretch reads names, and then what there is under them: whose entry has gone is
// none any more.
func (s state) stretch(ctx context.Context, from, to string, limit int) (items []driver.EntryInfo, last string, more bool, err error) {
	keys, err := s.within(ctx, rangeByName, []string{keyNames}, from, to, "LIMIT", 0, limit)
	if err != nil || len(keys) == 0 {
		return nil, "", false, err
	}
	entries := make([]string, len(keys))
	for i, key := range keys {
		entries[i] = keyEntry + text(key)
	}
	heads, err := s.within(ctx, readHeads, entries)
	if err != nil {
		return nil, "", false, err
	}
	for i, head := range heads {
		if text(head) == "" {
			continue
		}
		info, _, err := cutEntry(text(keys[i]), text(head))
		if err != nil {
			return nil, "", false, err
		}
		items = append(items, info)
	}
	return items, text(keys[len(keys)-1]), len(keys) == limit, nil
}
