package script

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/enactdev/enact"
)

// object is a JSON object with text as a field's name and value.
func object(text string) json.RawMessage {
	data, _ := json.Marshal(map[string]any{text: text, "list": []string{text}})
	return data
}

func deleted(include bool) []enact.GetOption {
	if include {
		return []enact.GetOption{enact.IncludeDeleted()}
	}
	return nil
}

// CreateThread creates a thread whose title and metadata are made of text.
func CreateThread(id, user, text string) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("create thread %q of user %q with %q", id, user, text), do: func(p *Player) (string, error) {
		t, err := p.Tenant.Messages.CreateThread(p.Context, enact.Thread{ID: enact.ThreadID(id), User: enact.UserID(user), Title: text, Metadata: object(text), CreatedAt: longAgo})
		return showThread(t), err
	}}
}

// UpdateThread edits a thread, with the version that is there or one before it.
func UpdateThread(id, text string, stale bool) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("update thread %q with %q, stale: %t", id, text, stale), do: func(p *Player) (string, error) {
		t, err := p.Tenant.Messages.GetThread(p.Context, enact.ThreadID(id))
		if err != nil {
			return "", err
		}
		t.Title, t.Metadata = text, object(text)
		if stale {
			t.Version += 5
		}
		t, err = p.Tenant.Messages.UpdateThread(p.Context, t)
		return showThread(t), err
	}}
}

// GetThread reads a thread.
func GetThread(id string, include bool) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("get thread %q, deleted too: %t", id, include), do: func(p *Player) (string, error) {
		t, err := p.Tenant.Messages.GetThread(p.Context, enact.ThreadID(id), deleted(include)...)
		return showThread(t), err
	}}
}

// DeleteThread hides a thread.
func DeleteThread(id string) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("delete thread %q", id), do: func(p *Player) (string, error) {
		return errOnly(p.Tenant.Messages.DeleteThread(p.Context, enact.ThreadID(id)))
	}}
}

// ListThreads lists the threads of a user.
func ListThreads(user string, include bool, limit int) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("list the threads of user %q by %d, deleted too: %t", user, limit, include), do: func(p *Player) (string, error) {
		return listed(p, limit, func(ctx context.Context, page enact.Page) ([]enact.Thread, enact.Cursor, error) {
			return p.Tenant.Messages.ListThreads(ctx, enact.ThreadQuery{User: enact.UserID(user), IncludeDeleted: include, Page: page})
		}, showThread)
	}}
}

// CreateMessage creates a message made of text.
func CreateMessage(id, thread, parent, run, text string) Step {
	m := enact.Message{
		ID: enact.MessageID(id), Thread: enact.ThreadID(thread), Parent: enact.MessageID(parent), Execution: enact.ExecutionID(run),
		Role: enact.Role(text), Content: text, Metadata: object(text), FinishReason: "stop", CreatedAt: longAgo,
	}
	if part, err := enact.TextPart(text); err == nil {
		m.Parts = []enact.Part{part}
	}
	return Step{needs: messages, Doing: fmt.Sprintf("create message %q in thread %q, parent %q, execution %q, with %q", id, thread, parent, run, text), do: func(p *Player) (string, error) {
		stored, err := p.Tenant.Messages.CreateMessage(p.Context, m)
		return showMessage(stored), err
	}}
}

// UpdateMessage edits a message, with the version that is there or another.
func UpdateMessage(id, text string, stale bool) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("update message %q with %q, stale: %t", id, text, stale), do: func(p *Player) (string, error) {
		m, err := p.Tenant.Messages.GetMessage(p.Context, enact.MessageID(id))
		if err != nil {
			return "", err
		}
		m.Content, m.Metadata = text, object(text)
		if stale {
			m.Version += 5
		}
		m, err = p.Tenant.Messages.UpdateMessage(p.Context, m)
		return showMessage(m), err
	}}
}

// GetMessage reads a message.
func GetMessage(id string, include bool) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("get message %q, deleted too: %t", id, include), do: func(p *Player) (string, error) {
		m, err := p.Tenant.Messages.GetMessage(p.Context, enact.MessageID(id), deleted(include)...)
		return showMessage(m), err
	}}
}

// DeleteMessage hides a message.
func DeleteMessage(id string) Step {
	return Step{needs: messages, Doing: fmt.Sprintf("delete message %q", id), do: func(p *Player) (string, error) {
		return errOnly(p.Tenant.Messages.DeleteMessage(p.Context, enact.MessageID(id)))
	}}
}

// ListMessages lists the messages of a thread or, if that is empty, of an execution.
func ListMessages(thread, run string, backward, include bool, limit int) Step {
	q := enact.MessageQuery{Thread: enact.ThreadID(thread), Execution: enact.ExecutionID(run), Backward: backward, IncludeDeleted: include}
	return Step{needs: messages, Doing: fmt.Sprintf("list the messages of thread %q or execution %q by %d, backward: %t, deleted too: %t", thread, run, limit, backward, include), do: func(p *Player) (string, error) {
		return listed(p, limit, func(ctx context.Context, page enact.Page) ([]enact.Message, enact.Cursor, error) {
			q := q
			q.Page = page
			return p.Tenant.Messages.ListMessages(ctx, q)
		}, showMessage)
	}}
}

func showThread(t enact.Thread) string {
	return fmt.Sprintf("%q of %q, %q %q, version %d, deleted: %t", t.ID, t.User, t.Title, t.Metadata, t.Version, !t.DeletedAt.IsZero())
}

func showMessage(m enact.Message) string {
	return fmt.Sprintf("%q in %q, parent %q, execution %q, role %q, %q %q %q %q, version %d, deleted: %t",
		m.ID, m.Thread, m.Parent, m.Execution, m.Role, m.Content, m.Parts, m.Metadata, m.FinishReason, m.Version, !m.DeletedAt.IsZero())
}
