package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

var (
	getState    = reads("state", "state_get")
	setState    = writes("state", "state_set")
	deleteState = writes("state", "state_delete")
	listState   = reads("state", "state_list")
)

func (s state) Get(ctx context.Context, key string) (driver.Entry, error) {
	reply, err := s.run(ctx, getState, []string{keyValue + key, keyEntries}, key)
	if err != nil {
		return driver.Entry{}, err
	}
	if len(reply) == 0 {
		return driver.Entry{}, driver.NotFoundf("key %q", key)
	}
	info := driver.EntryInfo{Key: key, Version: number(reply[0]), ExpiresAt: millisecond(reply[1])}
	return driver.Entry{EntryInfo: info, Value: []byte(text(reply[2]))}, nil
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	if err := s.Enter(ctx); err != nil {
		return 0, err
	}
	defer s.Leave()
	ttl := (o.TTL + time.Millisecond - 1).Milliseconds()
	if ttl > 0 {
		s.expectExpiry(ctx, time.Now().Add(o.TTL))
	}
	// The script may be on its way when the caller has gone, so it gets a copy.
	reply, err := s.within(ctx, setState, []string{keyValue + key, keyNames, keyEntries, keyExpiries, keyClock}, key, string(value), ttl, expectedVersion(o.When))
	return checked(key, o.When, reply, err)
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	reply, err := s.run(ctx, deleteState, []string{keyValue + key, keyNames, keyEntries, keyExpiries}, key, expectedVersion(when))
	_, err = checked(key, when, reply, err)
	return err
}

// expectedVersion is empty if none is stated.
func expectedVersion(when driver.Precondition) string {
	version, stated := when.Version()
	if !stated {
		return ""
	}
	return strconv.FormatUint(version, 10)
}

// checked reads the answer of a script that changes a key: done or refused, and a
// version.
func checked(key string, when driver.Precondition, reply []any, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	version := number(reply[1])
	if text(reply[0]) == "refused" {
		return 0, when.Check(key, version)
	}
	return version, nil
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	return names(ctx, s.view, listState, []string{keyNames, keyEntries}, driver.Scope("state", s.tenant, prefix), prefix, page, 3,
		func(fields []any) driver.EntryInfo {
			return driver.EntryInfo{Key: text(fields[0]), Version: number(fields[1]), ExpiresAt: millisecond(fields[2])}
		},
		func(e driver.EntryInfo) string { return e.Key })
}
