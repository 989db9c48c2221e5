package durability

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/enactdev/enact"
)

// messageWriter makes a thread and creates, edits and deletes messages in it.
type messageWriter struct{}

const thread = "thread"

type messageWrite int

const (
	createsThread messageWrite = iota
	createsMessage
	editsMessage
	deletesMessage
)

// what says what write n does. The message that it edits or deletes is that of the
// write before.
func (messageWriter) what(n int) messageWrite {
	switch {
	case n == 0:
		return createsThread
	case n%4 == 0:
		return editsMessage
	case n%8 == 2:
		return deletesMessage
	}
	return createsMessage
}

func (messageWriter) id(n int) enact.MessageID { return enact.MessageID(strconv.Itoa(n)) }

func (w messageWriter) marked(n int) bool { return w.what(n) != deletesMessage }

func (w messageWriter) write(ctx context.Context, t *enact.Tenant, n int) (uint64, error) {
	text := content("messages", n, n%900)
	switch w.what(n) {
	case createsThread:
		_, err := t.Messages.CreateThread(ctx, enact.Thread{ID: thread, User: "user", Title: text})
		return 0, err
	case editsMessage:
		m, err := t.Messages.GetMessage(ctx, w.id(n-1))
		if err != nil {
			return 0, err
		}
		m.Content = text
		m, err = t.Messages.UpdateMessage(ctx, m)
		return m.Position, err
	case deletesMessage:
		return 0, t.Messages.DeleteMessage(ctx, w.id(n-1))
	}
	m, err := t.Messages.CreateMessage(ctx, enact.Message{ID: w.id(n), Thread: thread, Role: enact.RoleUser, Content: text})
	return m.Position, err
}

func (w messageWriter) check(ctx context.Context, t *enact.Tenant, n int, receipts []uint64) error {
	type message struct {
		id      enact.MessageID
		write   int
		deleted bool
	}
	var want []message
	for i := range n {
		switch last := len(want) - 1; w.what(i) {
		case createsMessage:
			want = append(want, message{w.id(i), i, false})
		case editsMessage:
			want[last].write = i
		case deletesMessage:
			want[last].deleted = true
		}
	}
	found := 0
	for m, err := range enact.All(ctx, func(ctx context.Context, p enact.Page) ([]enact.Message, enact.Cursor, error) {
		return t.Messages.ListMessages(ctx, enact.MessageQuery{Thread: thread, IncludeDeleted: true, Page: p})
	}) {
		if n == 0 && errors.Is(err, enact.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if found == len(want) {
			return fmt.Errorf("message %q is stored after the last of %d", m.ID, found)
		}
		x := want[found]
		found++
		if m.ID != x.id || m.Content != content("messages", x.write, x.write%900) || m.DeletedAt.IsZero() == x.deleted {
			return fmt.Errorf("message %q (deleted: %t) is stored, want %q (deleted: %t) as of write %d", m.ID, !m.DeletedAt.IsZero(), x.id, x.deleted, x.write)
		}
		if x.write < len(receipts) && m.Position != receipts[x.write] {
			return fmt.Errorf("message %q is at position %d, it was acknowledged to be at %d", m.ID, m.Position, receipts[x.write])
		}
	}
	if found != len(want) || n == 0 {
		return fmt.Errorf("thread with %d messages is stored, want %d of %d writes", found, len(want), n)
	}
	return nil
}
