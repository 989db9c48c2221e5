package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/enactdev/enact/driver"
)

var (
	createMessage = writes("messages", "message_create")
	getMessage    = reads("messages", "message_get")
	updateMessage = writes("messages", "message_update")
	deleteMessage = writes("messages", "message_delete")
	listMessages  = reads("messages", "message_list")
)

const messageFields = 13

func messageOf(f []any) driver.Message {
	return driver.Message{
		ID: driver.MessageID(text(f[0])), Thread: driver.ThreadID(text(f[1])), Parent: driver.MessageID(text(f[2])), Execution: driver.ExecutionID(text(f[3])), Role: text(f[4]),
		Content: []byte(text(f[5])), Parts: []byte(text(f[6])), Details: []byte(text(f[7])), Position: number(f[8]),
		CreatedAt: moment(f[9]), UpdatedAt: moment(f[10]), DeletedAt: moment(f[11]), Version: number(f[12]),
	}
}

func unknownMessage(id driver.MessageID) error { return driver.NotFoundf("message %q", id) }

func (s messages) CreateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	answer, fields, err := s.ask(ctx, createMessage, string(m.ID), string(m.Thread), string(m.Parent), string(m.Execution), m.Role,
		string(m.Content), string(m.Parts), string(m.Details), microseconds(m.CreatedAt))
	if err != nil {
		return driver.Message{}, err
	}
	switch answer {
	case "taken":
		return driver.Message{}, fmt.Errorf("%w: message %q, with other content", driver.ErrExists, m.ID)
	case "missing":
		return driver.Message{}, unknownThread(m.Thread)
	case "parent":
		return driver.Message{}, driver.Invalidf("message %q: its parent %q is not in thread %q", m.ID, m.Parent, m.Thread)
	}
	return messageOf(fields), nil
}

func (s messages) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	answer, fields, err := s.ask(ctx, getMessage, string(id), flag(includeDeleted))
	switch {
	case err != nil:
		return driver.Message{}, err
	case answer == "missing":
		return driver.Message{}, unknownMessage(id)
	}
	return messageOf(fields), nil
}

func (s messages) UpdateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	answer, fields, err := s.ask(ctx, updateMessage, string(m.ID), string(m.Thread), string(m.Parent), string(m.Execution), m.Role,
		microseconds(m.CreatedAt), strconv.FormatUint(m.Version, 10), string(m.Content), string(m.Parts), string(m.Details))
	switch {
	case err != nil:
		return driver.Message{}, err
	case answer == "missing":
		return driver.Message{}, unknownMessage(m.ID)
	case answer == "refused":
		return driver.Message{}, m.CheckEdit(messageOf(fields))
	}
	return messageOf(fields), nil
}

func (s messages) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	answer, _, err := s.ask(ctx, deleteMessage, string(id))
	if err == nil && answer == "missing" {
		return unknownMessage(id)
	}
	return err
}

func (s messages) ListMessages(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
	scope := driver.Scope("messages", s.tenant, string(q.Thread), string(q.Execution), strconv.FormatBool(q.Backward), strconv.FormatBool(q.IncludeDeleted))
	after, err := startOf(scope, q.Page, 2)
	if err != nil {
		return nil, "", err
	}
	if err := s.Enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.Leave()
	kind, owner := "thread", string(q.Thread)
	if q.Thread == "" {
		kind, owner = "execution", string(q.Execution)
	}
	from, to := "["+owner+"\x00", "("+owner+"\x01"
	goOn := func(thread string, position uint64) {
		at := fmt.Sprintf("%s\x00%020d", thread, position)
		if kind == "execution" {
			at = owner + "\x00" + at
		}
		if q.Backward {
			to = "(" + at + "\x00"
		} else {
			from = "[" + at + "\x01" // behind the one message that is at this place
		}
	}
	if after[1] != "" {
		goOn(after[0], number(after[1]))
	}
	var list []driver.Message
	for more := true; more && len(list) <= q.Page.Limit; {
		if err := s.Continue(ctx); err != nil {
			return nil, "", err
		}
		reply, err := s.within(ctx, listMessages, keysOfMessages, kind, owner, flag(q.IncludeDeleted), flag(q.Backward), from, to, q.Page.Limit+1-len(list), pageBytes)
		if err != nil {
			return nil, "", err
		}
		if text(reply[0]) == "missing" {
			return nil, "", unknownThread(q.Thread)
		}
		more = reply[1].(int64) == 1
		for _, fields := range grouped(reply[2:], messageFields) {
			m := messageOf(fields)
			list = append(list, m)
			goOn(string(m.Thread), m.Position)
		}
	}
	list, next := endOf(scope, q.Page, list, func(m driver.Message) []string {
		return []string{string(m.Thread), strconv.FormatUint(m.Position, 10)}
	})
	return list, next, nil
}
