package postgres

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

// live leaves out what has expired, by the server's clock.
const live = "(expires IS NULL OR expires > clock_timestamp())"

func (s state) Get(ctx context.Context, key string) (entry driver.Entry, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		var expires *time.Time
		err := q.QueryRow(ctx, s.sql("SELECT version, expires, value FROM enact.state WHERE tenant = $1 AND key = $2 AND "+live), s.tenant, key).
			Scan(&entry.Version, &expires, &entry.Value)
		if noRow(err) {
			return driver.NotFoundf("key %q", key)
		}
		entry.Key, entry.ExpiresAt, entry.Value = key, optionalTime(expires), blob(entry.Value)
		return err
	})
	if err != nil {
		return driver.Entry{}, err
	}
	return entry, nil
}

func optionalTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	return s.change(ctx, key, o.When, "SELECT done, actual FROM enact.put($1, $2, $4, $5, $3)", blob(value), lifetime(o.TTL))
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	_, err := s.change(ctx, key, when, "SELECT done, actual FROM enact.remove($1, $2, $3)")
	return err
}

// change calls a function of the schema that changes a key if it is as when says.
func (s state) change(ctx context.Context, key string, when driver.Precondition, statement string, args ...any) (actual uint64, err error) {
	var done bool
	err = s.writeOnce(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRow(ctx, s.sql(statement), append([]any{s.tenant, key, condition(when)}, args...)...).Scan(&done, &actual)
	})
	if err == nil && !done {
		err = when.Check(key, actual)
	}
	if err != nil {
		return 0, err
	}
	return actual, nil
}

// condition is a precondition as the functions of the schema take it.
func condition(when driver.Precondition) *int64 {
	if expected, stated := when.Version(); stated {
		return new(int64(min(expected, maxSequence)))
	}
	return nil
}

// lifetime is a TTL in microseconds, 0 for none.
func lifetime(ttl time.Duration) int64 { return (ttl + time.Microsecond - 1).Microseconds() }

// behind is a bound above every string that begins with prefix, "" if there is
// none. In the collation "C" strings are ordered by their bytes, and no string in
// UTF-8 lies between the bound and the prefix's last successor.
func behind(prefix string) string {
	for len(prefix) > 0 {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if r++; r == 0xd800 {
			r = 0xe000
		}
		if r <= utf8.MaxRune {
			return prefix + string(r)
		}
	}
	return ""
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	return list(ctx, s.view, driver.Scope("state", s.tenant, prefix), page, 1,
		func(after []string) (string, []any, error) {
			statement, args := "SELECT key, version, expires FROM enact.state WHERE tenant = $1 AND key >= $2 AND key > $3 AND "+live, []any{s.tenant, prefix, after[0]}
			if bound := behind(prefix); bound != "" {
				statement, args = statement+" AND key < $4", append(args, bound)
			}
			return statement + " ORDER BY key", args, nil
		},
		func(row pgx.CollectableRow) (e driver.EntryInfo, position []string, err error) {
			var expires *time.Time
			err = row.Scan(&e.Key, &e.Version, &expires)
			e.ExpiresAt = optionalTime(expires)
			return e, []string{e.Key}, err
		})
}
