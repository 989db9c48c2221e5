package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var (
	getEntries = reading("mget")
	setState   = writes("state", "state_clock", "state_set")
)

// GetEach implements driver.StateBatcher with one command.
func (s state) GetEach(ctx context.Context, keys []string) []driver.GetResult {
	if len(keys) == 0 {
		return nil
	}
	if err := s.Enter(ctx); err != nil {
		return driver.AllGetsFailed(len(keys), err)
	}
	defer s.Leave()
	entries := make([]string, len(keys))
	for i, key := range keys {
		entries[i] = s.tag + keyEntry + key
	}
	reply, err := list(s.ask(ctx, getEntries, entries, nil, unshared))
	if err == nil {
		err = s.complete(reply, len(keys))
	}
	if err != nil {
		return driver.AllGetsFailed(len(keys), err)
	}
	results := make([]driver.GetResult, len(keys))
	for i, key := range keys {
		results[i].Entry, results[i].Err = entry(key, reply[i])
		reply[i] = nil // what has become an entry need not stay
	}
	return results
}

// SetEach implements driver.StateBatcher with one script.
func (s state) SetEach(ctx context.Context, items []driver.SetItem) []driver.SetResult {
	if len(items) == 0 {
		return nil
	}
	if err := s.Enter(ctx); err != nil {
		return driver.AllSetsFailed(len(items), err)
	}
	defer s.Leave()
	s.expectExpiries(ctx, items)
	keys := make([]string, 0, 3+len(items))
	keys = append(keys, s.tag+keyClock, s.tag+keyNames, s.tag+keyExpiries)
	args := make([]any, 0, 4*len(items))
	for i := range items {
		item := &items[i]
		keys = append(keys, s.tag+keyEntry+item.Key)
		ttl := (item.Options.TTL + time.Millisecond - 1).Milliseconds()
		// The script may be on its way when the caller has gone, so it gets a copy.
		args = append(args, item.Key, string(item.Value), ttl, expectedVersion(item.Options.When))
	}
	size := unshared
	if len(items) == 1 {
		size = len(items[0].Key) + len(items[0].Value)
	}
	reply, err := list(s.ask(ctx, setState, keys, args, size))
	if err == nil {
		err = s.complete(reply, len(items))
	}
	if err != nil {
		return driver.AllSetsFailed(len(items), err)
	}
	results := make([]driver.SetResult, len(items))
	for i := range items {
		if version, done := reply[i].(int64); done {
			results[i].Version = uint64(version)
		} else {
			results[i].Err = items[i].Options.When.Check(items[i].Key, number(reply[i]))
		}
	}
	return results
}

// expectExpiries has the tenant swept when the first of what is to be set expires.
func (s state) expectExpiries(ctx context.Context, items []driver.SetItem) {
	var first time.Duration
	for i := range items {
		if ttl := items[i].Options.TTL; ttl > 0 && (first == 0 || ttl < first) {
			first = ttl
		}
	}
	if first > 0 {
		s.expectExpiry(ctx, time.Now().Add(first))
	}
}

// complete checks that there is an answer for each key.
func (s state) complete(reply []any, keys int) error {
	if len(reply) != keys {
		return fmt.Errorf("redis: the server has given %d answers for %d keys; it is no Redis that this driver knows", len(reply), keys)
	}
	return nil
}
