package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// setsAtOnce is how many keys one transaction sets. Each of them is a lock, of which
// the server's default has room for so many in every transaction.
const setsAtOnce = 64

// GetEach implements driver.StateBatcher with one query.
func (s state) GetEach(ctx context.Context, keys []string) []driver.GetResult {
	var found map[string]driver.Entry
	err := s.read(ctx, func(ctx context.Context, q connection) error {
		found = make(map[string]driver.Entry, len(keys))
		rows, err := q.Query(ctx, s.sql("SELECT key, version, expires, value FROM enact.state WHERE tenant = $1 AND key = ANY ($2::text[]) AND "+live), s.tenant, keys)
		if err != nil {
			return err
		}
		var entry driver.Entry
		var expires *time.Time
		_, err = pgx.ForEachRow(rows, []any{&entry.Key, &entry.Version, &expires, &entry.Value}, func() error {
			entry.ExpiresAt, entry.Value = optionalTime(expires), blob(entry.Value)
			found[entry.Key] = entry
			entry.Value = nil
			return nil
		})
		return err
	})
	if err != nil {
		return driver.AllGetsFailed(len(keys), err)
	}
	results := make([]driver.GetResult, len(keys))
	given := make(map[string]bool, len(found))
	for i, key := range keys {
		entry, ok := found[key]
		if !ok {
			results[i].Err = driver.NotFoundf("key %q", key)
			continue
		}
		if given[key] {
			entry.Value = bytes.Clone(entry.Value)
		}
		results[i].Entry, given[key] = entry, true
	}
	return results
}

// SetEach implements driver.StateBatcher with as few statements as there may be, each
// of which is a transaction. Their keys are in an order, so that none waits for another
// that waits for it.
func (s state) SetEach(ctx context.Context, items []driver.SetItem) []driver.SetResult {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(items[i].Key, items[j].Key) })
	results := make([]driver.SetResult, len(items))
	for some := range slices.Chunk(order, setsAtOnce) {
		if err := s.setSome(ctx, items, some, results); err != nil {
			for _, i := range some {
				results[i] = driver.SetResult{Err: err}
			}
		}
	}
	return results
}

// setSome sets some of items, which follow one another in one statement.
func (s state) setSome(ctx context.Context, items []driver.SetItem, some []int, results []driver.SetResult) error {
	keys, values := make([]string, len(some)), make([][]byte, len(some))
	lives, conditions := make([]int64, len(some)), make([]*int64, len(some))
	for at, i := range some {
		item := &items[i]
		keys[at], values[at], lives[at], conditions[at] = item.Key, blob(item.Value), lifetime(item.Options.TTL), condition(item.Options.When)
	}
	var outcomes []putOutcome
	err := s.writeOnce(ctx, func(ctx context.Context, q querier) error {
		rows, err := q.Query(ctx, s.sql(putEach), s.tenant, keys, values, lives, conditions)
		if err != nil {
			return err
		}
		outcomes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[putOutcome])
		return err
	})
	if err == nil && len(outcomes) != len(some) {
		err = fmt.Errorf("postgres: %d keys have %d outcomes; the function put in schema %q is not this release's", len(some), len(outcomes), s.schema)
	}
	if err != nil {
		return err
	}
	for at, i := range some {
		results[i] = driver.SetResult{Version: outcomes[at].Actual}
		if !outcomes[at].Done {
			results[i] = driver.SetResult{Err: items[i].Options.When.Check(items[i].Key, outcomes[at].Actual)}
		}
	}
	return nil
}

// putOutcome is whether a key was set, and the version that it has.
type putOutcome struct {
	Done   bool
	Actual uint64
}

// putEach calls put for one key after the other: each sees what those before it did.
const putEach = `SELECT p.done, p.actual
	FROM unnest($2::text[], $3::bytea[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS item(key, value, ttl, expected, place),
		LATERAL enact.put($1, item.key, item.value, item.ttl, item.expected) p ORDER BY item.place`
