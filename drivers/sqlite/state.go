package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

// version returns the key's version as far as it is alive, and as it is stored; 0
// when there is none.
func (s state) version(c *conn, key string) (alive, stored uint64, err error) {
	var expires sql.NullInt64
	err = c.row("SELECT version, expires FROM state WHERE tenant = ? AND key = ?", s.tenant, key).Scan(&stored, &expires)
	if noRow(err) {
		return 0, 0, nil
	}
	if err != nil || (expires.Valid && expires.Int64 <= micros(now())) {
		return 0, stored, err
	}
	return stored, stored, nil
}

func (s state) Get(ctx context.Context, key string) (entry driver.Entry, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		entry, err = s.get(c, key)
		return err
	})
	if err != nil {
		return driver.Entry{}, err
	}
	return entry, nil
}

func (s state) get(c *conn, key string) (entry driver.Entry, err error) {
	entry.Key = key
	var expires sql.NullInt64
	err = c.row("SELECT version, expires, value FROM state WHERE tenant = ? AND key = ?", s.tenant, key).Scan(&entry.Version, &expires, &entry.Value)
	if noRow(err) || (err == nil && expires.Valid && expires.Int64 <= micros(now())) {
		return driver.Entry{}, driver.NotFoundf("key %q", key)
	}
	entry.ExpiresAt = optionalTime(expires)
	entry.Value = blob(entry.Value)
	return entry, err
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	write := s.write
	if _, stated := o.When.Version(); !stated {
		write = s.writeOne
	}
	err = write(ctx, func(c *conn) (err error) {
		version, err = s.set(c, key, value, o)
		return err
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// set inserts a key, with a version above all that its tenant's removed keys have
// had, or replaces its value. Without a precondition it is one statement, which it runs
// to its end.
func (s state) set(c *conn, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	if _, stated := o.When.Version(); stated {
		alive, _, err := s.version(c, key)
		if err != nil {
			return 0, err
		}
		if err := o.When.Check(key, alive); err != nil {
			return 0, err
		}
	}
	var expires any
	if o.TTL > 0 {
		expires = micros(time.Now().Add(o.TTL + time.Microsecond - 1))
	}
	const query = `INSERT INTO state (tenant, key, version, expires, value)
		VALUES (?1, ?2, 1 + coalesce((SELECT version FROM state_floor WHERE tenant = ?1), 0), ?3, ?4)
		ON CONFLICT (tenant, key) DO UPDATE SET version = version + 1, expires = excluded.expires, value = excluded.value
		RETURNING version`
	err = c.each(context.Background(), query, []any{s.tenant, key, expires, blob(value)}, func(row scanner) (bool, error) { return true, row.Scan(&version) })
	return version, err
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	return s.write(ctx, func(c *conn) error {
		alive, stored, err := s.version(c, key)
		if err != nil {
			return err
		}
		if err := when.Check(key, alive); err != nil || stored == 0 {
			return err
		}
		if err := c.exec("DELETE FROM state WHERE tenant = ? AND key = ?", s.tenant, key); err != nil {
			return err
		}
		return raiseFloor(c, s.tenant, stored)
	})
}

// raiseFloor remembers the version of a key that was removed.
func raiseFloor(c *conn, tenant string, version uint64) error {
	return c.exec("INSERT INTO state_floor (tenant, version) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET version = max(version, excluded.version)", tenant, version)
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	scope := driver.Scope("state", s.tenant, prefix)
	return list(ctx, s.view, scope, page, 1,
		func(after []string) (string, []any, error) {
			const columns = "SELECT key, version, expires FROM state WHERE tenant = ? AND (expires IS NULL OR expires > ?)"
			args := []any{s.tenant, micros(now())}
			if after[0] == "" || after[0] < prefix { // a forged cursor stays inside, too
				return columns + " AND key >= ? AND key < ? ORDER BY key LIMIT ?", append(args, prefix, behind(prefix)), nil
			}
			return columns + " AND key > ? AND key < ? ORDER BY key LIMIT ?", append(args, after[0], behind(prefix)), nil
		},
		func(row scanner) (info driver.EntryInfo, position []string, err error) {
			var expires sql.NullInt64
			err = row.Scan(&info.Key, &info.Version, &expires)
			info.ExpiresAt = optionalTime(expires)
			return info, []string{info.Key}, err
		})
}

// behind returns the least string that is greater than every key that begins with
// prefix. Keys are UTF-8, in which no byte is 0xff.
func behind(prefix string) string {
	if prefix == "" {
		return "\xff"
	}
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}

func optionalTime(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}

func (s state) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	return s.writeOne(ctx, func(c *conn) error {
		return c.exec(`INSERT INTO snapshots (tenant, execution, sequence, time, data) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant, execution) DO UPDATE SET sequence = excluded.sequence, time = excluded.time, data = excluded.data
			WHERE excluded.sequence >= snapshots.sequence`,
			s.tenant, string(snapshot.Execution), snapshot.Sequence, micros(snapshot.Time), blob(snapshot.Data))
	})
}

func (s state) LoadSnapshot(ctx context.Context, id driver.ExecutionID) (snapshot driver.Snapshot, err error) {
	err = s.read(ctx, func(c *conn) error {
		snapshot = driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: id}}
		var taken int64
		err := c.row("SELECT sequence, time, data FROM snapshots WHERE tenant = ? AND execution = ?", s.tenant, string(id)).Scan(&snapshot.Sequence, &taken, &snapshot.Data)
		if noRow(err) {
			return driver.NotFoundf("snapshot of execution %q", id)
		}
		snapshot.Time = fromMicros(taken)
		snapshot.Data = blob(snapshot.Data)
		return err
	})
	if err != nil {
		return driver.Snapshot{}, err
	}
	return snapshot, nil
}

func (s state) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	return s.writeOne(ctx, func(c *conn) error {
		return c.exec("DELETE FROM snapshots WHERE tenant = ? AND execution = ?", s.tenant, string(id))
	})
}

func (s state) ListSnapshots(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
	scope := driver.Scope("snapshots", s.tenant)
	return list(ctx, s.view, scope, page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT execution, sequence, time FROM snapshots WHERE tenant = ? AND execution > ? ORDER BY execution LIMIT ?", []any{s.tenant, after[0]}, nil
		},
		func(row scanner) (info driver.SnapshotInfo, position []string, err error) {
			var taken int64
			err = row.Scan(&info.Execution, &info.Sequence, &taken)
			info.Time = fromMicros(taken)
			return info, []string{string(info.Execution)}, err
		})
}
