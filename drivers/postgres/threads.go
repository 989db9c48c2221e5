package postgres

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

const threadColumns = "id, person, title, metadata, created, updated, deleted, version, touched"

func scanThread(row pgx.Row) (t driver.Thread, touched int64, err error) {
	var title []byte
	var deleted *time.Time
	err = row.Scan(&t.ID, &t.User, &title, &t.Metadata, &t.CreatedAt, &t.UpdatedAt, &deleted, &t.Version, &touched)
	t.Title = string(title)
	t.CreatedAt, t.UpdatedAt, t.DeletedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC(), optionalTime(deleted)
	return t, touched, err
}

// findThread returns a thread, ErrNotFound when it is unknown or hidden. lock is
// a clause that locks it, or empty.
func (s messages) findThread(ctx context.Context, q querier, id driver.ThreadID, includeDeleted bool, lock string) (driver.Thread, error) {
	t, _, err := scanThread(q.QueryRow(ctx, s.sql("SELECT "+threadColumns+" FROM enact.threads WHERE tenant = $1 AND id = $2"+lock), s.tenant, string(id)))
	if noRow(err) || (err == nil && !includeDeleted && !t.DeletedAt.IsZero()) {
		return driver.Thread{}, driver.NotFoundf("thread %q", id)
	}
	return t, err
}

// lockThread returns a thread that nobody else can change until the transaction
// ends.
func (s messages) lockThread(ctx context.Context, tx pgx.Tx, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
	return s.findThread(ctx, tx, id, includeDeleted, " FOR NO KEY UPDATE")
}

// placeAt is the place in a user's list of a thread that is updated at a time, an
// expression. Those of the same microsecond have places of their own.
func placeAt(at string) string {
	return "(extract(epoch FROM " + at + ") * 1000000)::bigint * 1024 + nextval('enact.touches') % 1024"
}

// touch marks a locked thread as updated, hands out a position, and returns the
// time.
func (s messages) touch(ctx context.Context, tx pgx.Tx, id driver.ThreadID) (at time.Time, err error) {
	err = tx.QueryRow(ctx, s.sql(`UPDATE enact.threads t SET updated = greatest(n.now, t.updated), touched = `+placeAt("greatest(n.now, t.updated)")+`, positions = positions + 1
		FROM (SELECT clock_timestamp() AS now) n WHERE t.tenant = $1 AND t.id = $2 RETURNING t.updated`), s.tenant, string(id)).Scan(&at)
	return at.UTC(), err
}

func (s messages) CreateThread(ctx context.Context, t driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		old, err := s.findThread(ctx, tx, t.ID, true, "")
		if err == nil {
			if !t.SameContent(old) {
				return fmt.Errorf("%w: thread %q, with other content", driver.ErrExists, t.ID)
			}
			stored = old
			return nil
		}
		if !isNotFound(err) {
			return err
		}
		var created *time.Time
		if !t.CreatedAt.IsZero() {
			created = &t.CreatedAt
		}
		stored, _, err = scanThread(tx.QueryRow(ctx, s.sql(`INSERT INTO enact.threads (tenant, id, person, title, metadata, created, updated, touched, version, positions)
			SELECT $1, $2, $3, $4, $5, coalesce($6, n.now), n.now, `+placeAt("n.now")+`, 1, 0 FROM (SELECT clock_timestamp() AS now) n RETURNING `+threadColumns),
			s.tenant, string(t.ID), string(t.User), []byte(t.Title), blob(t.Metadata), created))
		return err
	})
	if err != nil {
		return driver.Thread{}, err
	}
	return stored, nil
}

func (s messages) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (stored driver.Thread, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		stored, err = s.findThread(ctx, q, id, includeDeleted, "")
		return err
	})
	if err != nil {
		return driver.Thread{}, err
	}
	return stored, nil
}

func (s messages) UpdateThread(ctx context.Context, edit driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		old, err := s.lockThread(ctx, tx, edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(old); err != nil {
			return err
		}
		if _, err := s.touch(ctx, tx, edit.ID); err != nil {
			return err
		}
		stored, _, err = scanThread(tx.QueryRow(ctx, s.sql("UPDATE enact.threads SET title = $3, metadata = $4, version = version + 1 WHERE tenant = $1 AND id = $2 RETURNING "+threadColumns),
			s.tenant, string(edit.ID), []byte(edit.Title), blob(edit.Metadata)))
		return err
	})
	if err != nil {
		return driver.Thread{}, err
	}
	return stored, nil
}

func (s messages) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		t, err := s.lockThread(ctx, tx, id, true)
		if err != nil || !t.DeletedAt.IsZero() {
			return err
		}
		at, err := s.touch(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.sql("UPDATE enact.threads SET deleted = $3 WHERE tenant = $1 AND id = $2"), s.tenant, string(id), at)
		return err
	})
}

func (s messages) ListThreads(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
	scope := driver.Scope("threads", s.tenant, string(q.User), strconv.FormatBool(q.IncludeDeleted))
	return list(ctx, s.view, scope, q.Page, 1,
		func(after []string) (string, []any, error) {
			statement := "SELECT " + threadColumns + " FROM enact.threads WHERE tenant = $1 AND person = $2 AND touched < $3"
			if !q.IncludeDeleted {
				statement += " AND deleted IS NULL"
			}
			touched, err := number(after[0], math.MaxInt64)
			return statement + " ORDER BY touched DESC", []any{s.tenant, string(q.User), touched}, err
		},
		func(row pgx.CollectableRow) (driver.Thread, []string, error) {
			t, touched, err := scanThread(row)
			return t, []string{strconv.FormatInt(touched, 10)}, err
		})
}
