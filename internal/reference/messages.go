package reference

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/enactdev/enact/driver"
)

type messages struct{ view }

type thread struct {
	driver.Thread
	touched  uint64 // grows with every update; orders the listing
	messages []*driver.Message
}

// touch marks th as updated now.
func (t *tenant) touch(th *thread) {
	t.touched++
	th.touched = t.touched
	th.UpdatedAt = t.now()
}

func copyThread(t driver.Thread) driver.Thread {
	t.Metadata = bytes.Clone(t.Metadata)
	return t
}

func copyMessage(m driver.Message) driver.Message {
	m.Content, m.Parts, m.Details = bytes.Clone(m.Content), bytes.Clone(m.Parts), bytes.Clone(m.Details)
	return m
}

// findThread returns a thread, ErrNotFound when it is unknown or hidden.
func (t *tenant) findThread(id driver.ThreadID, includeDeleted bool) (*thread, error) {
	th := t.threads[id]
	if th == nil || (!includeDeleted && !th.DeletedAt.IsZero()) {
		return nil, driver.NotFoundf("thread %q", id)
	}
	return th, nil
}

// findMessage returns a message, ErrNotFound when it or its thread is hidden.
func (t *tenant) findMessage(id driver.MessageID, includeDeleted bool) (*driver.Message, error) {
	m := t.messages[id]
	if m == nil || (!includeDeleted && (!m.DeletedAt.IsZero() || !t.threads[m.Thread].DeletedAt.IsZero())) {
		return nil, driver.NotFoundf("message %q", id)
	}
	return m, nil
}

func (s messages) CreateThread(ctx context.Context, th driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(t *tenant) error {
		if old := t.threads[th.ID]; old != nil {
			if !th.SameContent(old.Thread) {
				return fmt.Errorf("%w: thread %q, with other content", driver.ErrExists, th.ID)
			}
			stored = copyThread(old.Thread)
			return nil
		}
		created := &thread{Thread: copyThread(th)}
		created.DeletedAt = time.Time{}
		t.touch(created)
		if created.CreatedAt.IsZero() {
			created.CreatedAt = created.UpdatedAt
		}
		created.Version = 1
		t.threads[th.ID] = created
		stored = copyThread(created.Thread)
		return nil
	})
	return stored, err
}

func (s messages) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (stored driver.Thread, err error) {
	err = s.read(ctx, func(t *tenant) error {
		th, err := t.findThread(id, includeDeleted)
		if err == nil {
			stored = copyThread(th.Thread)
		}
		return err
	})
	return stored, err
}

func (s messages) UpdateThread(ctx context.Context, edit driver.Thread) (stored driver.Thread, err error) {
	err = s.write(ctx, func(t *tenant) error {
		th, err := t.findThread(edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(th.Thread); err != nil {
			return err
		}
		th.Title, th.Metadata = edit.Title, bytes.Clone(edit.Metadata)
		th.Version++
		t.touch(th)
		stored = copyThread(th.Thread)
		return nil
	})
	return stored, err
}

func (s messages) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	return s.write(ctx, func(t *tenant) error {
		th, err := t.findThread(id, true)
		if err == nil && th.DeletedAt.IsZero() {
			t.touch(th)
			th.DeletedAt = th.UpdatedAt
		}
		return err
	})
}

func (s messages) ListThreads(ctx context.Context, q driver.ThreadQuery) (list []driver.Thread, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		var found []*thread
		for _, th := range t.threads {
			if th.User == q.User && (q.IncludeDeleted || th.DeletedAt.IsZero()) {
				found = append(found, th)
			}
		}
		slices.SortFunc(found, func(a, b *thread) int { return cmp.Compare(b.touched, a.touched) })
		scope := driver.Scope("threads", string(s.id), string(q.User), strconv.FormatBool(q.IncludeDeleted))
		found, next, err = pageOf(found, scope, q.Page, 1,
			func(th *thread) []string { return []string{formatPosition(th)} },
			func(th *thread, after []string) int { return cmp.Compare(after[0], formatPosition(th)) })
		for _, th := range found {
			list = append(list, copyThread(th.Thread))
		}
		return err
	})
	return list, next, err
}

// formatPosition writes a thread's place so that strings order as numbers do.
func formatPosition(th *thread) string {
	return fmt.Sprintf("%020d", th.touched)
}

func (s messages) CreateMessage(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(t *tenant) error {
		if old := t.messages[m.ID]; old != nil {
			if !m.SameContent(*old) {
				return fmt.Errorf("%w: message %q, with other content", driver.ErrExists, m.ID)
			}
			stored = copyMessage(*old)
			return nil
		}
		th, err := t.findThread(m.Thread, false)
		if err != nil {
			return err
		}
		if m.Parent != "" {
			if parent := t.messages[m.Parent]; parent == nil || parent.Thread != m.Thread {
				return driver.Invalidf("message %q: its parent %q is not in thread %q", m.ID, m.Parent, m.Thread)
			}
		}
		t.touch(th)
		created := copyMessage(m)
		created.UpdatedAt, created.DeletedAt, created.Version = th.UpdatedAt, th.DeletedAt, 1
		if created.CreatedAt.IsZero() {
			created.CreatedAt = th.UpdatedAt
		}
		created.Position = uint64(len(th.messages) + 1)
		th.messages = append(th.messages, &created)
		t.messages[m.ID] = &created
		stored = copyMessage(created)
		return nil
	})
	return stored, err
}

func (s messages) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (stored driver.Message, err error) {
	err = s.read(ctx, func(t *tenant) error {
		m, err := t.findMessage(id, includeDeleted)
		if err == nil {
			stored = copyMessage(*m)
		}
		return err
	})
	return stored, err
}

func (s messages) UpdateMessage(ctx context.Context, edit driver.Message) (stored driver.Message, err error) {
	err = s.write(ctx, func(t *tenant) error {
		m, err := t.findMessage(edit.ID, false)
		if err != nil {
			return err
		}
		if err := edit.CheckEdit(*m); err != nil {
			return err
		}
		th := t.threads[m.Thread]
		t.touch(th)
		edit = copyMessage(edit)
		m.Content, m.Parts, m.Details = edit.Content, edit.Parts, edit.Details
		m.Version++
		m.UpdatedAt = th.UpdatedAt
		stored = copyMessage(*m)
		return nil
	})
	return stored, err
}

func (s messages) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	return s.write(ctx, func(t *tenant) error {
		m, err := t.findMessage(id, true)
		if err == nil && m.DeletedAt.IsZero() {
			th := t.threads[m.Thread]
			t.touch(th)
			m.UpdatedAt, m.DeletedAt = th.UpdatedAt, th.UpdatedAt
		}
		return err
	})
}

func (s messages) ListMessages(ctx context.Context, q driver.MessageQuery) (list []driver.Message, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		var found []*driver.Message
		if q.Thread != "" {
			th, err := t.findThread(q.Thread, q.IncludeDeleted)
			if err != nil {
				return err
			}
			found = slices.Clone(th.messages)
		} else {
			for _, m := range t.messages {
				if m.Execution == q.Execution && (q.IncludeDeleted || t.threads[m.Thread].DeletedAt.IsZero()) {
					found = append(found, m)
				}
			}
		}
		if !q.IncludeDeleted {
			found = slices.DeleteFunc(found, func(m *driver.Message) bool { return !m.DeletedAt.IsZero() })
		}
		direction := 1
		if q.Backward {
			direction = -1
		}
		slices.SortFunc(found, func(a, b *driver.Message) int {
			return direction * slices.Compare(messagePosition(a), messagePosition(b))
		})
		scope := driver.Scope("messages", string(s.id), string(q.Thread), string(q.Execution), strconv.FormatBool(q.Backward), strconv.FormatBool(q.IncludeDeleted))
		found, next, err = pageOf(found, scope, q.Page, 2, messagePosition,
			func(m *driver.Message, after []string) int {
				return direction * slices.Compare(messagePosition(m), after)
			})
		for _, m := range found {
			list = append(list, copyMessage(*m))
		}
		return err
	})
	return list, next, err
}

func messagePosition(m *driver.Message) []string {
	return []string{string(m.Thread), fmt.Sprintf("%020d", m.Position)}
}
