package enact

import (
	"context"

	"github.com/enactdev/enact/driver"
)

// MessageStore is a handle on a tenant's conversations.
type MessageStore struct {
	access
	store driver.MessageStore
}

// ThreadQuery selects the threads of a user.
type ThreadQuery = driver.ThreadQuery

// MessageQuery selects messages: exactly one of Thread and Execution is set.
type MessageQuery = driver.MessageQuery

// GetOption refines [MessageStore.GetThread] and [MessageStore.GetMessage].
type GetOption func(*bool)

// IncludeDeleted returns what was deleted, too.
func IncludeDeleted() GetOption { return func(include *bool) { *include = true } }

func includesDeleted(options []GetOption) (include bool) {
	for _, option := range options {
		option(&include)
	}
	return include
}

// CreateThread stores a new thread and returns it as stored. UpdatedAt, DeletedAt
// and Version are the store's. Repeating it with the same content is no error;
// the same ID with other content is [ErrExists].
func (s *MessageStore) CreateThread(ctx context.Context, t Thread) (Thread, error) {
	return s.withThread(ctx, t, driver.MessageStore.CreateThread)
}

// GetThread returns a thread. One that is unknown, or deleted and not asked for
// with [IncludeDeleted], is [ErrNotFound].
func (s *MessageStore) GetThread(ctx context.Context, id ThreadID, options ...GetOption) (Thread, error) {
	if err := s.check("thread ID", string(id)); err != nil {
		return Thread{}, err
	}
	t, err := s.store.GetThread(ctx, id, includesDeleted(options))
	return decodeThread(t), err
}

// UpdateThread replaces title and metadata of a thread: change what GetThread
// returned and give it back. If it has been edited in between it is [ErrConflict];
// a changed user or creation time is [ErrInvalid]; a deleted thread [ErrNotFound].
func (s *MessageStore) UpdateThread(ctx context.Context, t Thread) (Thread, error) {
	return s.withThread(ctx, t, driver.MessageStore.UpdateThread)
}

// DeleteThread hides a thread and its messages, and keeps them. Deleting again is
// no error; an unknown thread is [ErrNotFound].
func (s *MessageStore) DeleteThread(ctx context.Context, id ThreadID) error {
	if err := s.check("thread ID", string(id)); err != nil {
		return err
	}
	return s.store.DeleteThread(ctx, id)
}

// ListThreads lists a user's threads, last updated first, without loading
// messages. A thread that is updated while a listing is under way moves to the
// front, where that listing has already been. The cursor is empty on the last page.
func (s *MessageStore) ListThreads(ctx context.Context, q ThreadQuery) ([]Thread, Cursor, error) {
	if err := s.check("user ID", string(q.User)); err != nil {
		return nil, "", err
	}
	var err error
	if q.Page, err = q.Page.Normalize(); err != nil {
		return nil, "", err
	}
	stored, next, err := s.store.ListThreads(ctx, q)
	if err != nil {
		return nil, "", err
	}
	threads := make([]Thread, len(stored))
	for i, t := range stored {
		threads[i] = decodeThread(t)
	}
	return threads, next, nil
}

// CreateMessage stores a new message at the end of its thread and returns it as
// stored. Position, UpdatedAt, DeletedAt and Version are the store's. Repeating it
// with the same content is no error; the same ID with other content is
// [ErrExists]. An unknown or deleted thread is [ErrNotFound], a parent that is not
// in the thread is [ErrInvalid].
func (s *MessageStore) CreateMessage(ctx context.Context, m Message) (Message, error) {
	return s.withMessage(ctx, m, driver.MessageStore.CreateMessage)
}

// GetMessage returns a message. One that is unknown, or that is deleted or in a
// deleted thread and not asked for with [IncludeDeleted], is [ErrNotFound].
func (s *MessageStore) GetMessage(ctx context.Context, id MessageID, options ...GetOption) (Message, error) {
	if err := s.check("message ID", string(id)); err != nil {
		return Message{}, err
	}
	m, err := s.store.GetMessage(ctx, id, includesDeleted(options))
	if err != nil {
		return Message{}, err
	}
	return decodeMessage(m)
}

// UpdateMessage replaces content, parts, metadata and statistics of a message:
// change what GetMessage returned and give it back. If it has been edited in
// between it is [ErrConflict]; a changed thread, parent, execution, role or
// creation time is [ErrInvalid]; a deleted message [ErrNotFound].
func (s *MessageStore) UpdateMessage(ctx context.Context, m Message) (Message, error) {
	return s.withMessage(ctx, m, driver.MessageStore.UpdateMessage)
}

// DeleteMessage hides a message and keeps it. Deleting again is no error; an
// unknown message is [ErrNotFound].
func (s *MessageStore) DeleteMessage(ctx context.Context, id MessageID) error {
	if err := s.check("message ID", string(id)); err != nil {
		return err
	}
	return s.store.DeleteMessage(ctx, id)
}

// ListMessages lists the messages of a thread by position, or those that an
// execution made by thread and position, forwards or backwards. Paging is exact
// while others are added. The cursor is empty on the last page.
func (s *MessageStore) ListMessages(ctx context.Context, q MessageQuery) ([]Message, Cursor, error) {
	if s.closed != nil {
		return nil, "", s.closed
	}
	if err := driver.ValidateMessageQuery(q); err != nil {
		return nil, "", err
	}
	var err error
	if q.Page, err = q.Page.Normalize(); err != nil {
		return nil, "", err
	}
	stored, next, err := s.store.ListMessages(ctx, q)
	if err != nil {
		return nil, "", err
	}
	messages := make([]Message, len(stored))
	for i, m := range stored {
		if messages[i], err = decodeMessage(m); err != nil {
			return nil, "", err
		}
	}
	return messages, next, nil
}

func (s *MessageStore) withThread(ctx context.Context, t Thread, write func(driver.MessageStore, context.Context, driver.Thread) (driver.Thread, error)) (Thread, error) {
	if s.closed != nil {
		return Thread{}, s.closed
	}
	encoded, err := encodeThread(t)
	if err != nil {
		return Thread{}, err
	}
	stored, err := write(s.store, ctx, encoded)
	return decodeThread(stored), err
}

func (s *MessageStore) withMessage(ctx context.Context, m Message, write func(driver.MessageStore, context.Context, driver.Message) (driver.Message, error)) (Message, error) {
	if s.closed != nil {
		return Message{}, s.closed
	}
	encoded, err := encodeMessage(m)
	if err != nil {
		return Message{}, err
	}
	stored, err := write(s.store, ctx, encoded)
	if err != nil {
		return Message{}, err
	}
	return decodeMessage(stored)
}
