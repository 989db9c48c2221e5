package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"

	"github.com/enactdev/enact/driver"
)

type messages struct{ view }

const threadColumns = "id, user, title, metadata, created, updated, deleted, version, touched"

func scanThread(row scanner) (t driver.Thread, touched int64, err error) {
	var title []byte
	var created, updated int64
	var deleted sql.NullInt64
	err = row.Scan(&t.ID, &t.User, &title, &t.Metadata, &created, &updated, &deleted, &t.Version, &touched)
	t.Title = string(title)
	t.CreatedAt, t.UpdatedAt, t.DeletedAt = fromMicros(created), fromMicros(updated), optionalTime(deleted)
	return t, touched, err
}

// findThread returns a thread, ErrNotFound when it is unknown or hidden.
func (s messages) findThread(c *conn, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
	t, _, err := scanThread(c.row("SELECT "+threadColumns+" FROM threads WHERE tenant = ? AND id = ?", s.tenant, string(id)))
	if noRow(err) || (err == nil && !includeDeleted && !t.DeletedAt.IsZero()) {
		return driver.Thread{}, driver.NotFoundf("thread %q", id)
	}
	return t, err
}

// nextTouch is the value of touched that puts a thread of user before all others.
const nextTouch = "(SELECT coalesce(max(touched), 0) + 1 FROM threads WHERE tenant = ?1 AND user = ?2)"

// touch marks a thread as updated at the time at.
func (s messages) touch(c *conn, t driver.Thread, at int64) error {
	return c.exec("UPDATE threads SET updated = ?3, touched = "+nextTouch+" WHERE tenant = ?1 AND id = ?4", s.tenant, string(t.User), at, string(t.ID))
}

func (s messages) CreateThread(ctx context.Context, t driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(c *conn) error {
		old, err := s.findThread(c, t.ID, true)
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
		at := now()
		created := at
		if !t.CreatedAt.IsZero() {
			created = t.CreatedAt
		}
		err = c.exec("INSERT INTO threads (tenant, id, user, title, metadata, created, updated, version, touched) VALUES (?1, ?3, ?2, ?4, ?5, ?6, ?7, 1, "+nextTouch+")",
			s.tenant, string(t.User), string(t.ID), []byte(t.Title), blob(t.Metadata), micros(created), micros(at))
		if err != nil {
			return err
		}
		stored, err = s.findThread(c, t.ID, true)
		return err
	})
	if err != nil {
		return driver.Thread{}, err
	}
	return stored, nil
}

func (s messages) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (stored driver.Thread, err error) {
	err = s.read(ctx, func(c *conn) error {
		stored, err = s.findThread(c, id, includeDeleted)
		return err
	})
	return stored, err
}

func (s messages) UpdateThread(ctx context.Context, edit driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(c *conn) error {
		old, err := s.findThread(c, edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(old); err != nil {
			return err
		}
		if err := s.touch(c, old, micros(now())); err != nil {
			return err
		}
		err = c.exec("UPDATE threads SET title = ?, metadata = ?, version = version + 1 WHERE tenant = ? AND id = ?",
			[]byte(edit.Title), blob(edit.Metadata), s.tenant, string(edit.ID))
		if err != nil {
			return err
		}
		stored, err = s.findThread(c, edit.ID, false)
		return err
	})
	if err != nil {
		return driver.Thread{}, err
	}
	return stored, nil
}

func (s messages) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	return s.write(ctx, func(c *conn) error {
		t, err := s.findThread(c, id, true)
		if err != nil || !t.DeletedAt.IsZero() {
			return err
		}
		at := micros(now())
		if err := s.touch(c, t, at); err != nil {
			return err
		}
		return c.exec("UPDATE threads SET deleted = ? WHERE tenant = ? AND id = ?", at, s.tenant, string(id))
	})
}

func (s messages) ListThreads(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
	scope := driver.Scope("threads", s.tenant, string(q.User), strconv.FormatBool(q.IncludeDeleted))
	return list(ctx, s.view, scope, q.Page, 1,
		func(after []string) (string, []any, error) {
			query := "SELECT " + threadColumns + " FROM threads WHERE tenant = ? AND user = ? AND touched < ?"
			if !q.IncludeDeleted {
				query += " AND deleted IS NULL"
			}
			touched, err := number(after[0], math.MaxInt64)
			return query + " ORDER BY touched DESC LIMIT ?", []any{s.tenant, string(q.User), touched}, err
		},
		func(row scanner) (driver.Thread, []string, error) {
			t, touched, err := scanThread(row)
			return t, []string{strconv.FormatInt(touched, 10)}, err
		})
}

const messageColumns = "m.id, m.thread, m.position, m.parent, m.execution, m.role, m.content, m.parts, m.details, m.created, m.updated, m.deleted, m.version"

func scanMessage(row scanner) (m driver.Message, err error) {
	var created, updated int64
	var deleted sql.NullInt64
	err = row.Scan(&m.ID, &m.Thread, &m.Position, &m.Parent, &m.Execution, &m.Role, &m.Content, &m.Parts, &m.Details, &created, &updated, &deleted, &m.Version)
	m.CreatedAt, m.UpdatedAt, m.DeletedAt = fromMicros(created), fromMicros(updated), optionalTime(deleted)
	return m, err
}

// liveMessages joins a message with its thread where neither is deleted.
const liveMessages = " FROM messages m JOIN threads t ON t.tenant = m.tenant AND t.id = m.thread AND m.deleted IS NULL AND t.deleted IS NULL"

// findMessage returns a message, ErrNotFound when it or its thread is hidden.
func (s messages) findMessage(c *conn, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	from := liveMessages
	if includeDeleted {
		from = " FROM messages m"
	}
	m, err := scanMessage(c.row("SELECT "+messageColumns+from+" WHERE m.tenant = ? AND m.id = ?", s.tenant, string(id)))
	if noRow(err) {
		return driver.Message{}, driver.NotFoundf("message %q", id)
	}
	return m, err
}

func (s messages) CreateMessage(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(c *conn) error {
		old, err := s.findMessage(c, m.ID, true)
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
		thread, err := s.findThread(c, m.Thread, false)
		if err != nil {
			return err
		}
		if m.Parent != "" {
			parent, err := s.findMessage(c, m.Parent, true)
			if isNotFound(err) || (err == nil && parent.Thread != m.Thread) {
				return driver.Invalidf("message %q: its parent %q is not in thread %q", m.ID, m.Parent, m.Thread)
			}
			if err != nil {
				return err
			}
		}
		at := micros(now())
		created := at
		if !m.CreatedAt.IsZero() {
			created = micros(m.CreatedAt)
		}
		err = c.exec(`INSERT INTO messages (tenant, id, thread, position, parent, execution, role, content, parts, details, created, updated, version)
			VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM messages WHERE tenant = ?1 AND thread = ?3), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)`,
			s.tenant, string(m.ID), string(m.Thread), string(m.Parent), string(m.Execution), m.Role, blob(m.Content), blob(m.Parts), blob(m.Details), created, at)
		if err != nil {
			return err
		}
		if err := s.touch(c, thread, at); err != nil {
			return err
		}
		stored, err = s.findMessage(c, m.ID, true)
		return err
	})
	if err != nil {
		return driver.Message{}, err
	}
	return stored, nil
}

func (s messages) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (stored driver.Message, err error) {
	err = s.read(ctx, func(c *conn) error {
		stored, err = s.findMessage(c, id, includeDeleted)
		return err
	})
	return stored, err
}

func (s messages) UpdateMessage(ctx context.Context, edit driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(c *conn) error {
		old, err := s.findMessage(c, edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(old); err != nil {
			return err
		}
		at := micros(now())
		err = c.exec("UPDATE messages SET content = ?, parts = ?, details = ?, updated = ?, version = version + 1 WHERE tenant = ? AND id = ?",
			blob(edit.Content), blob(edit.Parts), blob(edit.Details), at, s.tenant, string(edit.ID))
		if err != nil {
			return err
		}
		if err := s.touchThread(c, old.Thread, at); err != nil {
			return err
		}
		stored, err = s.findMessage(c, edit.ID, false)
		return err
	})
	if err != nil {
		return driver.Message{}, err
	}
	return stored, nil
}

func (s messages) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	return s.write(ctx, func(c *conn) error {
		m, err := s.findMessage(c, id, true)
		if err != nil || !m.DeletedAt.IsZero() {
			return err
		}
		at := micros(now())
		if err := c.exec("UPDATE messages SET deleted = ?1, updated = ?1 WHERE tenant = ?2 AND id = ?3", at, s.tenant, string(id)); err != nil {
			return err
		}
		return s.touchThread(c, m.Thread, at)
	})
}

func (s messages) touchThread(c *conn, id driver.ThreadID, at int64) error {
	thread, err := s.findThread(c, id, true)
	if err != nil {
		return err
	}
	return s.touch(c, thread, at)
}

func (s messages) ListMessages(ctx context.Context, q driver.MessageQuery) (items []driver.Message, next driver.Cursor, err error) {
	scope := driver.Scope("messages", s.tenant, string(q.Thread), string(q.Execution), strconv.FormatBool(q.Backward), strconv.FormatBool(q.IncludeDeleted))
	after := []string{"", ""}
	if q.Page.Cursor != "" {
		if after, err = driver.DecodeCursor(scope, q.Page.Cursor, len(after)); err != nil {
			return nil, "", err
		}
	}
	err = s.read(ctx, func(c *conn) error {
		return c.snapshot(func() error {
			if q.Thread != "" {
				if _, err := s.findThread(c, q.Thread, q.IncludeDeleted); err != nil {
					return err
				}
			}
			items, next, err = listWith(ctx, c, scope, q.Page, after,
				func(after []string) (string, []any, error) { return s.messageQuery(q, after) },
				func(row scanner) (driver.Message, []string, error) {
					m, err := scanMessage(row)
					return m, []string{string(m.Thread), strconv.FormatUint(m.Position, 10)}, err
				})
			return err
		})
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
		from = " FROM messages m"
	}
	compare, order, start := ">", "ASC", int64(0)
	if q.Backward {
		compare, order, start = "<", "DESC", math.MaxInt64
	}
	query := "SELECT " + messageColumns + from + " WHERE m.tenant = ?"
	position, err := number(after[1], start)
	if q.Thread != "" {
		return query + " AND m.thread = ? AND m.position " + compare + " ? ORDER BY m.position " + order + " LIMIT ?",
			[]any{s.tenant, string(q.Thread), position}, err
	}
	thread := after[0]
	if thread == "" && q.Backward {
		thread = behind("")
	}
	return query + " AND m.execution = ? AND m.execution <> '' AND (m.thread, m.position) " + compare + " (?, ?) ORDER BY m.thread " + order + ", m.position " + order + " LIMIT ?",
		[]any{s.tenant, string(q.Execution), thread, position}, err
}

// blob keeps empty apart from NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
