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

type messages struct{ view }

const messageColumns = "m.id, m.thread, m.position, m.parent, m.execution, m.role, m.content, m.parts, m.details, m.created, m.updated, m.deleted, m.version"

func scanMessage(row pgx.Row) (m driver.Message, err error) {
	var deleted *time.Time
	err = row.Scan(&m.ID, &m.Thread, &m.Position, &m.Parent, &m.Execution, &m.Role, &m.Content, &m.Parts, &m.Details, &m.CreatedAt, &m.UpdatedAt, &deleted, &m.Version)
	m.CreatedAt, m.UpdatedAt, m.DeletedAt = m.CreatedAt.UTC(), m.UpdatedAt.UTC(), optionalTime(deleted)
	return m, err
}

// liveMessages joins a message with its thread where neither is deleted.
const liveMessages = " FROM enact.messages m JOIN enact.threads t ON t.tenant = m.tenant AND t.id = m.thread AND m.deleted IS NULL AND t.deleted IS NULL"

// findMessage returns a message, ErrNotFound when it or its thread is hidden.
func (s messages) findMessage(ctx context.Context, q querier, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	from := liveMessages
	if includeDeleted {
		from = " FROM enact.messages m"
	}
	m, err := scanMessage(q.QueryRow(ctx, s.sql("SELECT "+messageColumns+from+" WHERE m.tenant = $1 AND m.id = $2"), s.tenant, string(id)))
	if noRow(err) {
		return driver.Message{}, driver.NotFoundf("message %q", id)
	}
	return m, err
}

// CreateMessage locks the thread, so that positions are handed out one at a time
// and are seen in their order.
func (s messages) CreateMessage(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		old, err := s.findMessage(ctx, tx, m.ID, true)
		if err == nil {
			if !m.SameContent(old) {
				return fmt.Errorf("%w: message %q, with other content", driver.ErrExists, m.ID)
			}
			stored = old
			return nil
		}
		if !isNotFound(err) {
			return err
		}
		thread, err := s.lockThread(ctx, tx, m.Thread, false)
		if err != nil {
			return err
		}
		if m.Parent != "" {
			parent, err := s.findMessage(ctx, tx, m.Parent, true)
			if isNotFound(err) || (err == nil && parent.Thread != m.Thread) {
				return driver.Invalidf("message %q: its parent %q is not in thread %q", m.ID, m.Parent, m.Thread)
			}
			if err != nil {
				return err
			}
		}
		at, err := s.touch(ctx, tx, thread.ID)
		if err != nil {
			return err
		}
		created := at
		if !m.CreatedAt.IsZero() {
			created = m.CreatedAt
		}
		stored, err = scanMessage(tx.QueryRow(ctx, s.sql(`INSERT INTO enact.messages AS m (tenant, id, thread, position, parent, execution, role, content, parts, details, created, updated, version)
			VALUES ($1, $2, $3, (SELECT positions FROM enact.threads WHERE tenant = $1 AND id = $3), $4, $5, $6, $7, $8, $9, $10, $11, 1) RETURNING `+messageColumns),
			s.tenant, string(m.ID), string(m.Thread), string(m.Parent), string(m.Execution), m.Role, blob(m.Content), blob(m.Parts), blob(m.Details), created, at))
		return err
	})
	if err != nil {
		return driver.Message{}, err
	}
	return stored, nil
}

func (s messages) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (stored driver.Message, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		stored, err = s.findMessage(ctx, q, id, includeDeleted)
		return err
	})
	if err != nil {
		return driver.Message{}, err
	}
	return stored, nil
}

func (s messages) UpdateMessage(ctx context.Context, edit driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		old, err := s.lockMessage(ctx, tx, edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(old); err != nil {
			return err
		}
		at, err := s.touch(ctx, tx, old.Thread)
		if err != nil {
			return err
		}
		stored, err = scanMessage(tx.QueryRow(ctx, s.sql("UPDATE enact.messages AS m SET content = $3, parts = $4, details = $5, updated = $6, version = version + 1 WHERE tenant = $1 AND id = $2 RETURNING "+messageColumns),
			s.tenant, string(edit.ID), blob(edit.Content), blob(edit.Parts), blob(edit.Details), at))
		return err
	})
	if err != nil {
		return driver.Message{}, err
	}
	return stored, nil
}

// lockMessage locks a message's thread and returns the message as it is then.
func (s messages) lockMessage(ctx context.Context, tx pgx.Tx, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	m, err := s.findMessage(ctx, tx, id, includeDeleted)
	if err != nil {
		return m, err
	}
	if _, err := s.lockThread(ctx, tx, m.Thread, true); err != nil {
		return m, err
	}
	return s.findMessage(ctx, tx, id, includeDeleted)
}

func (s messages) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		m, err := s.lockMessage(ctx, tx, id, true)
		if err != nil || !m.DeletedAt.IsZero() {
			return err
		}
		at, err := s.touch(ctx, tx, m.Thread)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.sql("UPDATE enact.messages SET deleted = $3, updated = $3 WHERE tenant = $1 AND id = $2"), s.tenant, string(id), at)
		return err
	})
}

func (s messages) ListMessages(ctx context.Context, q driver.MessageQuery) (items []driver.Message, next driver.Cursor, err error) {
	scope := driver.Scope("messages", s.tenant, string(q.Thread), string(q.Execution), strconv.FormatBool(q.Backward), strconv.FormatBool(q.IncludeDeleted))
	after, err := startOf(scope, q.Page, 2)
	if err != nil {
		return nil, "", err
	}
	err = s.read(ctx, func(ctx context.Context, c connection) error {
		items, next, err = listWith(ctx, s.view, c, scope, q.Page, after,
			func(after []string) (string, []any, error) { return s.messageQuery(q, after) },
			func(row pgx.CollectableRow) (driver.Message, []string, error) {
				m, err := scanMessage(row)
				return m, []string{string(m.Thread), strconv.FormatUint(m.Position, 10)}, err
			})
		if err != nil || len(items) > 0 || q.Thread == "" {
			return err
		}
		// Without messages it may be that there is no thread.
		_, err = s.findThread(ctx, c, q.Thread, q.IncludeDeleted, "")
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// messageQuery selects what follows a thread and position, in q's direction.
func (s messages) messageQuery(q driver.MessageQuery, after []string) (string, []any, error) {
	from := liveMessages
	if q.IncludeDeleted {
		from = " FROM enact.messages m"
	}
	compare, order, start := ">", "ASC", int64(-1)
	if q.Backward {
		compare, order, start = "<", "DESC", math.MaxInt64
	}
	position, err := number(after[1], start)
	statement := "SELECT " + messageColumns + from + " WHERE m.tenant = $1"
	if q.Thread != "" {
		return statement + " AND m.thread = $2 AND m.position " + compare + " $3 ORDER BY m.position " + order, []any{s.tenant, string(q.Thread), position}, err
	}
	statement += " AND m.execution = $2 AND m.execution <> ''"
	args := []any{s.tenant, string(q.Execution)}
	if after[1] != "" {
		statement, args = statement+" AND (m.thread, m.position) "+compare+" ($3, $4)", append(args, after[0], position)
	}
	return statement + " ORDER BY m.thread " + order + ", m.position " + order, args, err
}
