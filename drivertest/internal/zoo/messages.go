package zoo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var messages = slices.Concat(misfiledMessages, misplacedMessages, undeadMessages, misconnectedMessages, miseditedMessages, miskeptMessages, repeatedMessages, mislistedThreads)

var misfiledMessages = []*Broken{
	{Name: "message-makes-its-thread", Rule: "M1", Fault: "A message for an unknown thread creates the thread.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrNotFound) {
					if _, err := s.CreateThread(ctx, driver.Thread{ID: m.Thread, User: "ann"}); err == nil {
						return s.CreateMessage(ctx, m)
					}
				}
				return stored, err
			}
		})},
	{Name: "unknown-thread-is-empty", Rule: "M1", Fault: "The messages of an unknown thread are an empty list, since no row matches.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, next, err := s.ListMessages(ctx, q)
			if errors.Is(err, driver.ErrNotFound) {
				if _, err := s.GetThread(ctx, q.Thread, true); err != nil {
					return nil, "", nil
				}
			}
			return all, next, err
		})},
	{Name: "deleted-thread-is-empty", Rule: "M1", Fault: "The messages of a deleted thread are an empty list.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, next, err := s.ListMessages(ctx, q)
			if errors.Is(err, driver.ErrNotFound) {
				if _, err := s.GetThread(ctx, q.Thread, true); err == nil {
					return nil, "", nil
				}
			}
			return all, next, err
		})},
	{Name: "deleted-thread-swallows", Rule: "M1", Fault: "A message for a deleted thread is acknowledged and thrown away.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrNotFound) {
					if _, err := s.GetThread(ctx, m.Thread, true); err == nil {
						m.Version, m.Position = 1, 1
						return m, nil
					}
				}
				return stored, err
			}
		})},
	{Name: "deletion-seen-late", Rule: "M1", Fault: "Each handle remembers threads that it has used and acknowledges messages for them after another has deleted them.",
		Messages: messagesCreated(func(s driver.MessageStore, at *Place) messageStep {
			used := Remember[notes[driver.ThreadID, bool]](at.Handle, "used of "+string(at.Tenant))
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if err == nil {
					used.set(m.Thread, true)
				}
				if known, _ := used.get(m.Thread); known && errors.Is(err, driver.ErrNotFound) {
					used.set(m.Thread, false)
					return m, nil
				}
				return stored, err
			}
		})},
	{Name: "same-id-elsewhere", Rule: "M1", Fault: "Creating a message again in another thread returns the first one without an error.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, true); err == nil {
					m.Thread = old.Thread
				}
				return s.CreateMessage(ctx, m)
			}
		})},
	{Name: "move-ignored", Rule: "M1", Fault: "An edit that names another thread is stored in the old one without an error.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, false); err == nil {
					m.Thread = old.Thread
				}
				return s.UpdateMessage(ctx, m)
			}
		})},
	{Name: "taken-id-conflicts", Rule: "M1", Fault: "An ID that is taken by a message in another thread is a conflict instead of one that exists.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if old, lookup := s.GetMessage(ctx, m.ID, true); err != nil && lookup == nil && old.Thread != m.Thread {
					return driver.Message{}, &driver.ConflictError{Subject: "message", Actual: old.Version}
				}
				return stored, err
			}
		})},
}

var undeadMessages = []*Broken{
	{Name: "hard-delete", Rule: "M3", Fault: "A deleted message is removed: asking for deleted ones does not find it.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s,
				getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
					m, err := s.GetMessage(ctx, id, includeDeleted)
					if err == nil && !m.DeletedAt.IsZero() {
						return driver.Message{}, driver.NotFoundf("message %q", id)
					}
					return m, err
				}}
		}},
	{Name: "deletion-time-moves", Rule: "M3", Fault: "Deleting a message again sets the time of deletion again.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			again := notesOf[driver.MessageID, time.Time](at, "deleted again")
			r := messagesRead(func(at *Place, m *driver.Message) {
				if later, ok := again.get(m.ID); ok && !m.DeletedAt.IsZero() {
					m.DeletedAt = later
				}
			})(s, at).(*aMessageStore)
			r.deleteMessage = func(ctx context.Context, id driver.MessageID) error {
				if m, err := s.GetMessage(ctx, id, true); err == nil && !m.DeletedAt.IsZero() {
					again.set(id, driver.Timestamp(time.Now()))
				}
				return s.DeleteMessage(ctx, id)
			}
			return r
		}},
	{Name: "deletion-race", Rule: "M3", Fault: "Deleting a thread looks whether it is deleted and writes the time afterwards, without a lock.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			times := notesOf[driver.ThreadID, time.Time](at, "deletions")
			r := threadsRead(func(at *Place, t *driver.Thread) {
				if later, ok := times.get(t.ID); ok && !t.DeletedAt.IsZero() {
					t.DeletedAt = later
				}
			})(s, at).(*aMessageStore)
			r.deleteThread = func(ctx context.Context, id driver.ThreadID) error {
				_, err := s.GetThread(ctx, id, false)
				if err != nil {
					return s.DeleteThread(ctx, id)
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				err = s.DeleteThread(ctx, id)
				if err == nil {
					times.set(id, driver.Timestamp(time.Now()))
				}
				return err
			}
			return r
		}},
	{Name: "delete-again-not-found", Rule: "M3", Fault: "Deleting a message that is deleted says that it is not found, since no row was updated.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, deleteMessage: func(ctx context.Context, id driver.MessageID) error {
				if m, err := s.GetMessage(ctx, id, true); err == nil && !m.DeletedAt.IsZero() {
					return driver.NotFoundf("message %q", id)
				}
				return s.DeleteMessage(ctx, id)
			}}
		}},
	{Name: "hidden-is-unknown", Rule: "M3", Fault: "A message of a deleted thread cannot be deleted: it is not found.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, deleteMessage: func(ctx context.Context, id driver.MessageID) error {
				if m, err := s.GetMessage(ctx, id, true); err == nil {
					if _, err := s.GetThread(ctx, m.Thread, false); err != nil {
						return driver.NotFoundf("message %q", id)
					}
				}
				return s.DeleteMessage(ctx, id)
			}}
		}},
	{Name: "message-outlives-thread", Rule: "M3", Fault: "A message of a deleted thread can still be got by its ID.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				m, err := s.GetMessage(ctx, id, true)
				if err == nil && !includeDeleted && !m.DeletedAt.IsZero() {
					return driver.Message{}, driver.NotFoundf("message %q", id)
				}
				return m, err
			}}
		}},
	{Name: "execution-shows-deleted-threads", Rule: "M3", Fault: "Listing by execution shows the messages of deleted threads.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			if q.Execution == "" || q.IncludeDeleted {
				return s.ListMessages(ctx, q)
			}
			q.IncludeDeleted = true
			all, err := everyMessage(ctx, s, q)
			all = slices.DeleteFunc(all, func(m driver.Message) bool { return !m.DeletedAt.IsZero() })
			if err != nil {
				return nil, "", err
			}
			return pageByName(all, q.Page, nameOfMessage)
		})},
	{Name: "deletion-cascades", Rule: "M3", Fault: "Deleting a thread marks its messages as deleted too.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, deleteThread: func(ctx context.Context, id driver.ThreadID) error {
				all, err := everyMessage(ctx, s, driver.MessageQuery{Thread: id})
				for _, m := range all {
					if err == nil {
						err = s.DeleteMessage(ctx, m.ID)
					}
				}
				if err != nil && !errors.Is(err, driver.ErrNotFound) {
					return err
				}
				return s.DeleteThread(ctx, id)
			}}
		}},
	{Name: "edit-of-deleted-forgotten", Rule: "M3", Fault: "Editing a deleted message reports success and does nothing.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.UpdateMessage(ctx, m)
				if errors.Is(err, driver.ErrNotFound) {
					if old, err := s.GetMessage(ctx, m.ID, true); err == nil {
						return old, nil
					}
				}
				return stored, err
			}
		})},
	{Name: "born-deleted", Rule: "M3", Fault: "A message is created with the deletion time that the caller's copy has.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				_, known := s.GetMessage(ctx, m.ID, true)
				stored, err := s.CreateMessage(ctx, m)
				if err == nil && known != nil && !m.DeletedAt.IsZero() {
					err = s.DeleteMessage(ctx, m.ID)
				}
				return stored, err
			}
		})},
	{Name: "version-as-given", Rule: "M3", Fault: "A thread is created with the version that the caller's copy has.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			more := notesOf[driver.ThreadID, uint64](at, "versions")
			r := threadsRead(func(_ *Place, t *driver.Thread) {
				n, _ := more.get(t.ID)
				t.Version += n
			})(s, at).(*aMessageStore)
			create, update := r.createThread, r.updateThread
			r.createThread = func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				if _, err := s.GetThread(ctx, t.ID, true); err != nil && t.Version > 1 {
					more.set(t.ID, t.Version-1)
				}
				return create(ctx, t)
			}
			r.updateThread = func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				n, _ := more.get(t.ID)
				t.Version -= n
				return update(ctx, t)
			}
			return r
		}},
	{Name: "deleted-at-creation", Rule: "M3", Fault: "The time of a thread's deletion is that of its creation.",
		Messages: threadsRead(func(_ *Place, t *driver.Thread) {
			if !t.DeletedAt.IsZero() {
				t.DeletedAt = t.CreatedAt
			}
		})},
}

var misconnectedMessages = []*Broken{
	{Name: "parent-anywhere", Rule: "M4", Fault: "A parent may be in another thread.", Messages: parentsNoted(func(ctx context.Context, s driver.MessageStore, m driver.Message) bool {
		_, err := s.GetMessage(ctx, m.Parent, true)
		return err == nil
	})},
	{Name: "unknown-parent-dropped", Rule: "M4", Fault: "A message with an unknown parent is stored without one.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrInvalid) {
					m.Parent = ""
					return s.CreateMessage(ctx, m)
				}
				return stored, err
			}
		})},
	{Name: "unknown-parent-not-found", Rule: "M4", Fault: "An unknown parent is reported as not found instead of invalid.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrInvalid) {
					err = driver.NotFoundf("message %q", m.Parent)
				}
				return stored, err
			}
		})},
	{Name: "deleted-parent-refused", Rule: "M4", Fault: "A deleted message cannot be answered.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if parent, err := s.GetMessage(ctx, m.Parent, true); err == nil && !parent.DeletedAt.IsZero() {
					return driver.Message{}, driver.Invalidf("parent %q", m.Parent)
				}
				return s.CreateMessage(ctx, m)
			}
		})},
	{Name: "refused-message-updates-thread", Rule: "M4", Fault: "The thread is marked as updated before the parent is found missing.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrInvalid) {
					if t, err := s.GetThread(ctx, m.Thread, false); err == nil {
						s.UpdateThread(ctx, t)
					}
				}
				return stored, err
			}
		})},
	{Name: "parent-cleared-by-deletion", Rule: "M4", Fault: "Deleting a message takes it from its answers, as ON DELETE SET NULL does.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			deleted := notesOf[driver.MessageID, bool](at, "deleted parents")
			r := messagesRead(func(_ *Place, m *driver.Message) {
				if gone, _ := deleted.get(m.Parent); gone {
					m.Parent = ""
				}
			})(s, at).(*aMessageStore)
			r.deleteMessage = func(ctx context.Context, id driver.MessageID) error {
				deleted.set(id, true)
				return s.DeleteMessage(ctx, id)
			}
			return r
		}},
	{Name: "execution-by-time", Rule: "M4", Fault: "The messages of an execution come in the order of their update times.",
		Messages: messagesSorted(byExecution, func(a, b driver.Message) int { return a.UpdatedAt.Compare(b.UpdatedAt) })},
	{Name: "threads-ignore-case", Rule: "M4", Fault: "The threads of an execution's messages are ordered without regard to case.",
		Messages: messagesSorted(byExecution, func(a, b driver.Message) int {
			if c := strings.Compare(strings.ToLower(string(a.Thread)), strings.ToLower(string(b.Thread))); c != 0 {
				return c
			}
			return int(a.Position) - int(b.Position)
		})},
}

// parentsNoted accepts parents that the reference does not.
func parentsNoted(accept func(context.Context, driver.MessageStore, driver.Message) bool) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		parents := notesOf[driver.MessageID, driver.MessageID](at, "parents")
		r := messagesRead(func(_ *Place, m *driver.Message) {
			if parent, ok := parents.get(m.ID); ok {
				m.Parent = parent
			}
		})(s, at).(*aMessageStore)
		create := r.createMessage
		r.createMessage = func(ctx context.Context, m driver.Message) (driver.Message, error) {
			stored, err := create(ctx, m)
			if errors.Is(err, driver.ErrInvalid) && accept(ctx, s, m) {
				parents.set(m.ID, m.Parent)
				m.Parent = ""
				return create(ctx, m)
			}
			return stored, err
		}
		return r
	}
}
