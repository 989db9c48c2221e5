package driver

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// MessageStore keeps conversations: threads and their messages.
type MessageStore interface {
	// CreateThread stores a new thread and returns it as stored. An ID that
	// exists with the same content ([Thread.SameContent]) is no error and
	// returns the stored thread, deleted or not; with other content it is
	// [ErrExists].
	CreateThread(ctx context.Context, t Thread) (Thread, error)
	// GetThread returns a thread, [ErrNotFound] if it is unknown, or deleted
	// and deleted ones are not included.
	GetThread(ctx context.Context, id ThreadID, includeDeleted bool) (Thread, error)
	// UpdateThread replaces title and metadata and returns the thread as
	// stored. t.Version must be the stored one, else it is a *[ConflictError];
	// what cannot change ([Thread.CheckEdit]) must be as stored, else it is
	// [ErrInvalid]. A deleted thread is [ErrNotFound].
	UpdateThread(ctx context.Context, t Thread) (Thread, error)
	// DeleteThread hides a thread and its messages. Doing it again is no error
	// and keeps the first time; an unknown thread is [ErrNotFound].
	DeleteThread(ctx context.Context, id ThreadID) error
	// ListThreads lists a user's threads, last updated first, without loading
	// messages. A thread is updated when it is edited and when a message in it
	// is created, edited or deleted. A thread that is updated during the
	// listing moves to the front, where a running listing does not see it.
	ListThreads(ctx context.Context, q ThreadQuery) ([]Thread, Cursor, error)

	// CreateMessage stores a new message at the end of its thread and returns
	// it as stored. IDs that exist are treated as in CreateThread, before
	// anything else is looked at. A thread that is unknown or deleted is
	// [ErrNotFound]; a parent that is not in the thread is [ErrInvalid].
	CreateMessage(ctx context.Context, m Message) (Message, error)
	// GetMessage returns a message, [ErrNotFound] if it is unknown, or it or
	// its thread is deleted and deleted ones are not included.
	GetMessage(ctx context.Context, id MessageID, includeDeleted bool) (Message, error)
	// UpdateMessage replaces content, parts and details, by the rules of
	// UpdateThread.
	UpdateMessage(ctx context.Context, m Message) (Message, error)
	// DeleteMessage hides a message, by the rules of DeleteThread.
	DeleteMessage(ctx context.Context, id MessageID) error
	// ListMessages lists the messages of a thread by position, or those that an
	// execution made by thread ID and position. An unknown thread, or a deleted
	// one when deleted ones are not included, is [ErrNotFound].
	ListMessages(ctx context.Context, q MessageQuery) ([]Message, Cursor, error)
}

// Thread is a conversation.
type Thread struct {
	ID   ThreadID
	User UserID
	// Title is any string.
	Title string
	// Metadata is any bytes; the driver does not look into it.
	Metadata []byte

	// CreatedAt may be given for a new thread; zero: the store stamps it.
	CreatedAt time.Time
	// UpdatedAt and DeletedAt are the store's; DeletedAt is zero unless deleted.
	UpdatedAt, DeletedAt time.Time
	// Version starts at 1 and grows by one with every edit; deleting is none.
	Version uint64
}

// Message is a message in a thread.
type Message struct {
	ID     MessageID
	Thread ThreadID
	// Parent is the message that this one answers or replaces; may be empty.
	Parent MessageID
	// Execution is the one that made this message; may be empty.
	Execution ExecutionID
	Role      string
	// Content, Parts and Details are any bytes; the driver does not look into
	// them. Nil and empty are the same.
	Content, Parts, Details []byte

	// Position grows along the thread. The store assigns it; gaps are allowed.
	Position uint64
	// CreatedAt may be given for a new message; zero: the store stamps it.
	CreatedAt time.Time
	// UpdatedAt and DeletedAt are the store's; DeletedAt is zero unless deleted.
	UpdatedAt, DeletedAt time.Time
	// Version starts at 1 and grows by one with every edit.
	Version uint64
}

// ThreadQuery selects threads.
type ThreadQuery struct {
	User           UserID
	IncludeDeleted bool
	Page           Page
}

// MessageQuery selects messages: exactly one of Thread and Execution is set.
type MessageQuery struct {
	Thread    ThreadID
	Execution ExecutionID
	// Backward lists from the end.
	Backward       bool
	IncludeDeleted bool
	Page           Page
}

// SameContent reports whether t, a thread to be created, is the stored one again:
// user, title and metadata, and the creation time if t states one.
func (t Thread) SameContent(stored Thread) bool {
	return t.ID == stored.ID && t.User == stored.User && t.Title == stored.Title && bytes.Equal(t.Metadata, stored.Metadata) &&
		(t.CreatedAt.IsZero() || t.CreatedAt.Equal(stored.CreatedAt))
}

// CheckEdit compares t, the edited thread, with the stored one: the version, and
// what cannot change.
func (t Thread) CheckEdit(stored Thread) error {
	if t.User != stored.User || !t.CreatedAt.Equal(stored.CreatedAt) {
		return Invalidf("thread %q: user and creation time cannot change; edit what GetThread returned", t.ID)
	}
	return checkVersion(fmt.Sprintf("thread %q", t.ID), t.Version, stored.Version)
}

// SameContent reports whether m, a message to be created, is the stored one
// again: everything that the creator states, and the creation time if stated.
func (m Message) SameContent(stored Message) bool {
	return m.ID == stored.ID && m.Thread == stored.Thread && m.Parent == stored.Parent && m.Execution == stored.Execution && m.Role == stored.Role &&
		bytes.Equal(m.Content, stored.Content) && bytes.Equal(m.Parts, stored.Parts) && bytes.Equal(m.Details, stored.Details) &&
		(m.CreatedAt.IsZero() || m.CreatedAt.Equal(stored.CreatedAt))
}

// CheckEdit compares m, the edited message, with the stored one: the version, and
// what cannot change.
func (m Message) CheckEdit(stored Message) error {
	if m.Thread != stored.Thread || m.Parent != stored.Parent || m.Execution != stored.Execution || m.Role != stored.Role || !m.CreatedAt.Equal(stored.CreatedAt) {
		return Invalidf("message %q: thread, parent, execution, role and creation time cannot change; edit what GetMessage returned", m.ID)
	}
	return checkVersion(fmt.Sprintf("message %q", m.ID), m.Version, stored.Version)
}

func checkVersion(subject string, expected, actual uint64) error {
	if expected == actual {
		return nil
	}
	return &ConflictError{Subject: subject, Expected: expected, Actual: actual}
}

// ValidateThread checks what needs no stored state.
func ValidateThread(t Thread) error {
	if err := ValidateID("thread ID", t.ID); err != nil {
		return err
	}
	if err := ValidateID("user ID", t.User); err != nil {
		return err
	}
	subject := fmt.Sprintf("thread %q", t.ID)
	if err := ValidateTime("creation time of "+subject, t.CreatedAt); err != nil {
		return err
	}
	return ValidateSize(subject, len(t.Title)+len(t.Metadata), MaxMessageBytes, "bytes")
}

// ValidateMessage checks what needs no stored state.
func ValidateMessage(m Message) error {
	if err := ValidateID("message ID", m.ID); err != nil {
		return err
	}
	if err := ValidateID("thread ID", m.Thread); err != nil {
		return err
	}
	if err := ValidateID("role", m.Role); err != nil {
		return err
	}
	if m.Parent != "" {
		if err := ValidateID("parent message ID", m.Parent); err != nil {
			return err
		}
	}
	if m.Execution != "" {
		if err := ValidateID("execution ID", m.Execution); err != nil {
			return err
		}
	}
	subject := fmt.Sprintf("message %q", m.ID)
	if err := ValidateTime("creation time of "+subject, m.CreatedAt); err != nil {
		return err
	}
	return ValidateSize(subject, len(m.Content)+len(m.Parts)+len(m.Details), MaxMessageBytes, "bytes")
}

// ValidateMessageQuery checks that exactly one of thread and execution is named.
func ValidateMessageQuery(q MessageQuery) error {
	switch {
	case (q.Thread == "") == (q.Execution == ""):
		return Invalidf("list messages: name either a thread or an execution")
	case q.Thread != "":
		return ValidateID("thread ID", q.Thread)
	}
	return ValidateID("execution ID", q.Execution)
}
