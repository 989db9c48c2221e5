package zoo

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/enactdev/enact/driver"
)

var miseditedMessages = []*Broken{
	{Name: "last-write-wins", Rule: "M5", Fault: "An edit of a message overwrites whatever version is there.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) { return overwrite(ctx, s, m) }
		})},
	{Name: "newer-version-overwrites", Rule: "M5", Fault: "An edit of a thread from a version that is not there yet is stored.",
		Messages: threadsEdited(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				if old, err := s.GetThread(ctx, t.ID, false); err == nil && t.Version > old.Version {
					t.Version = old.Version
				}
				return s.UpdateThread(ctx, t)
			}
		})},
	{Name: "same-content-needs-no-version", Rule: "M5", Fault: "An edit that changes nothing returns what is stored, whatever its version.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, false); err == nil && m.SameContent(old) {
					return old, nil
				}
				return s.UpdateMessage(ctx, m)
			}
		})},
	{Name: "message-edit-race", Rule: "M5", Fault: "The version of a message is compared first and the message written afterwards, without a lock.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				old, err := s.GetMessage(ctx, m.ID, false)
				if err != nil {
					return driver.Message{}, err
				}
				if err := m.CheckEdit(old); err != nil {
					return driver.Message{}, err
				}
				if err := ctx.Err(); err != nil {
					return driver.Message{}, err
				}
				return overwrite(ctx, s, m)
			}
		})},
	{Name: "thread-edit-race", Rule: "M5", Fault: "The version of a thread is compared first and the thread written afterwards, without a lock.",
		Messages: threadsEdited(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				old, err := s.GetThread(ctx, t.ID, false)
				if err != nil {
					return driver.Thread{}, err
				}
				if err := t.CheckEdit(old); err != nil {
					return driver.Thread{}, err
				}
				for {
					if err := ctx.Err(); err != nil {
						return driver.Thread{}, err
					}
					stored, err := s.UpdateThread(ctx, t)
					var conflict *driver.ConflictError
					if !errors.As(err, &conflict) {
						return stored, err
					}
					t.Version = conflict.Actual
				}
			}
		})},
	{Name: "thread-row-rewritten", Rule: "M5", Fault: "A message reads its thread and writes all of it back, without a lock, so that an edit in between is lost.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				old, missing := s.GetThread(ctx, m.Thread, false)
				stored, err := s.UpdateMessage(ctx, m)
				if missing != nil || err != nil || ctx.Err() != nil {
					return stored, err
				}
				if now, err := s.GetThread(ctx, m.Thread, false); err == nil && now.Version != old.Version {
					now.Title, now.Metadata = old.Title, old.Metadata
					s.UpdateThread(ctx, now)
				}
				return stored, err
			}
		})},
	{Name: "messages-cached", Rule: "M5", Fault: "Each handle keeps the messages that it has got, and forgets them at its own writes only.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			kept := Remember[notes[driver.MessageID, driver.Message]](at.Handle, "kept of "+string(at.Tenant))
			forget := func(id driver.MessageID) { kept.set(id, driver.Message{}) }
			return &aMessageStore{MessageStore: s,
				getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
					if m, _ := kept.get(id); m.ID == id && !includeDeleted {
						return m, nil
					}
					m, err := s.GetMessage(ctx, id, includeDeleted)
					if err == nil && !includeDeleted {
						kept.set(id, m)
					}
					return m, err
				},
				updateMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
					defer forget(m.ID)
					return s.UpdateMessage(ctx, m)
				},
				deleteMessage: func(ctx context.Context, id driver.MessageID) error {
					defer forget(id)
					return s.DeleteMessage(ctx, id)
				},
			}
		}},
	{Name: "edit-of-deleted-race", Rule: "M5", Fault: "An edit looks whether the message is there and answers from memory when it was deleted meanwhile.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				old, err := s.GetMessage(ctx, m.ID, false)
				if err != nil {
					return driver.Message{}, err
				}
				if err := ctx.Err(); err != nil {
					return driver.Message{}, err
				}
				stored, err := s.UpdateMessage(ctx, m)
				if errors.Is(err, driver.ErrNotFound) && m.CheckEdit(old) == nil {
					m.Version++
					return m, nil
				}
				return stored, err
			}
		})},
	{Name: "conflict-without-numbers", Rule: "M5", Fault: "A stale edit of a thread is a conflict that does not say which version is there.",
		Messages: threadsEdited(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				stored, err := s.UpdateThread(ctx, t)
				if errors.Is(err, driver.ErrConflict) {
					err = &driver.ConflictError{Subject: "thread", Expected: t.Version}
				}
				return stored, err
			}
		})},
	{Name: "empty-parts-keep", Rule: "M5", Fault: "An edit to no parts keeps those that are there.",
		Messages: messagesEdited(keptFrom(func(edit, old *driver.Message) {
			if len(edit.Parts) == 0 {
				edit.Parts = old.Parts
			}
		}))},
	{Name: "role-change-ignored", Rule: "M5", Fault: "An edit that changes the role, parent or execution is stored without that change.",
		Messages: messagesEdited(keptFrom(func(edit, old *driver.Message) {
			edit.Role, edit.Parent, edit.Execution = old.Role, old.Parent, old.Execution
		}))},
	{Name: "update-time-stays", Rule: "M5", Fault: "The update time of a message is that of its first version.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			first := notesOf[driver.MessageID, time.Time](at, "first updates")
			return messagesRead(func(_ *Place, m *driver.Message) {
				m.UpdatedAt = first.add(m.ID, func(at time.Time) time.Time {
					if at.IsZero() {
						return m.UpdatedAt
					}
					return at
				})
			})(s, at)
		}},
	{Name: "empty-edit-not-counted", Rule: "M5", Fault: "An edit that changes nothing leaves version and time as they are.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, false); err == nil && m.SameContent(old) && m.Version == old.Version {
					return old, nil
				}
				return s.UpdateMessage(ctx, m)
			}
		})},
	{Name: "messages-count-as-edits", Rule: "M5", Fault: "A message makes the version of its thread grow.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				_, known := s.GetMessage(ctx, m.ID, true)
				stored, err := s.CreateMessage(ctx, m)
				if err == nil && known != nil {
					if t, err := s.GetThread(ctx, m.Thread, false); err == nil {
						s.UpdateThread(ctx, t)
					}
				}
				return stored, err
			}
		})},
	{Name: "edit-returned-as-given", Rule: "M5", Fault: "An edit of a thread returns what was given, with the next version.",
		Messages: threadsEdited(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				_, err := s.UpdateThread(ctx, t)
				t.Version++
				return t, err
			}
		})},
	{Name: "stale-list", Rule: "M5", Fault: "Listings show the parts that a message was created with.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			first := notesOf[driver.MessageID, []byte](at, "first parts")
			return &aMessageStore{MessageStore: s,
				createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
					stored, err := s.CreateMessage(ctx, m)
					if err == nil && stored.Version == 1 {
						first.set(m.ID, bytes.Clone(stored.Parts))
					}
					return stored, err
				},
				listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
					all, next, err := s.ListMessages(ctx, q)
					for i := range all {
						parts, _ := first.get(all[i].ID)
						all[i].Parts = bytes.Clone(parts)
					}
					return all, next, err
				}}
		}},
}

// overwrite edits whatever version is there.
func overwrite(ctx context.Context, s driver.MessageStore, m driver.Message) (driver.Message, error) {
	for {
		stored, err := s.UpdateMessage(ctx, m)
		var conflict *driver.ConflictError
		if !errors.As(err, &conflict) {
			return stored, err
		}
		m.Version = conflict.Actual
	}
}

// keptFrom edits with something of what is stored.
func keptFrom(keep func(edit, old *driver.Message)) func(driver.MessageStore, *Place) messageStep {
	return func(s driver.MessageStore, _ *Place) messageStep {
		return func(ctx context.Context, m driver.Message) (driver.Message, error) {
			if old, err := s.GetMessage(ctx, m.ID, false); err == nil {
				keep(&m, &old)
			}
			return s.UpdateMessage(ctx, m)
		}
	}
}

var repeatedMessages = []*Broken{
	{Name: "other-content-ignored", Rule: "M7", Fault: "Creating a message again with other content returns the stored one, as ON CONFLICT DO NOTHING does.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrExists) {
					return s.GetMessage(ctx, m.ID, true)
				}
				return stored, err
			}
		})},
	{Name: "create-overwrites", Rule: "M7", Fault: "Creating a thread again with another title changes the title.",
		Messages: threadsCreated(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				stored, err := s.CreateThread(ctx, t)
				if errors.Is(err, driver.ErrExists) {
					if old, err := s.GetThread(ctx, t.ID, false); err == nil && old.User == t.User {
						old.Title, old.Metadata = t.Title, t.Metadata
						return s.UpdateThread(ctx, old)
					}
				}
				return stored, err
			}
		})},
	{Name: "again-always-exists", Rule: "M7", Fault: "Creating a thread again is ErrExists even with the same content.",
		Messages: threadsCreated(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				if _, err := s.GetThread(ctx, t.ID, true); err == nil {
					return driver.Thread{}, driver.ErrExists
				}
				return s.CreateThread(ctx, t)
			}
		})},
	{Name: "again-returns-the-given", Rule: "M7", Fault: "Creating a message again returns what was given instead of what is stored.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				_, known := s.GetMessage(ctx, m.ID, true)
				stored, err := s.CreateMessage(ctx, m)
				if known == nil && err == nil {
					m.Version = 1
					return m, nil
				}
				return stored, err
			}
		})},
	{Name: "again-without-details", Rule: "M7", Fault: "Whether a message is the same is decided without its details.",
		Messages: messagesCreated(againWith(func(given, old *driver.Message) { given.Details = old.Details }))},
	{Name: "again-as-text", Rule: "M7", Fault: "Whether content is the same is decided by what stands before a NUL.",
		Messages: messagesCreated(againWith(func(given, old *driver.Message) {
			a, _, _ := bytes.Cut(given.Content, []byte{0})
			b, _, _ := bytes.Cut(old.Content, []byte{0})
			if bytes.Equal(a, b) {
				given.Content = old.Content
			}
		}))},
	{Name: "undated-again-exists", Rule: "M7", Fault: "A message that states no time is another one when it is created again.",
		Messages: messagesCreated(againWith(func(given, old *driver.Message) {
			if given.CreatedAt.IsZero() {
				given.CreatedAt = old.CreatedAt.Add(time.Hour)
			}
		}))},
	{Name: "again-by-first-content", Rule: "M7", Fault: "Whether a message is the same is decided by what it was created with, not by what is stored.",
		Messages: messagesCreated(func(s driver.MessageStore, at *Place) messageStep {
			first := notesOf[driver.MessageID, driver.Message](at, "created")
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if f, ok := first.get(m.ID); ok && m.SameContent(f) {
					return s.GetMessage(ctx, m.ID, true)
				}
				stored, err := s.CreateMessage(ctx, m)
				if err == nil && stored.Version == 1 {
					first.set(m.ID, stored)
				}
				return stored, err
			}
		})},
	{Name: "again-needs-live-thread", Rule: "M7", Fault: "Creating a message again whose thread was deleted meanwhile is not found.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if _, err := s.GetThread(ctx, m.Thread, false); err != nil {
					if _, known := s.GetMessage(ctx, m.ID, true); known == nil {
						return driver.Message{}, err
					}
				}
				return s.CreateMessage(ctx, m)
			}
		})},
	{Name: "again-updates-thread", Rule: "M7", Fault: "Creating a message again marks its thread as updated.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				_, known := s.GetMessage(ctx, m.ID, true)
				stored, err := s.CreateMessage(ctx, m)
				if known == nil && err == nil {
					if t, err := s.GetThread(ctx, m.Thread, false); err == nil {
						s.UpdateThread(ctx, t)
					}
				}
				return stored, err
			}
		})},
	{Name: "message-twin-race", Rule: "M7", Fault: "Of equal messages created at once all but one are ErrExists: they are looked for before and not after.",
		Messages: messagesCreated(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if old, err := s.GetMessage(ctx, m.ID, true); err == nil && m.SameContent(old) {
					return old, nil
				}
				if err := ctx.Err(); err != nil {
					return driver.Message{}, err
				}
				if _, err := s.GetMessage(ctx, m.ID, true); err == nil {
					return driver.Message{}, driver.ErrExists
				}
				return s.CreateMessage(ctx, m)
			}
		})},
	{Name: "thread-twin-race", Rule: "M7", Fault: "Of different threads created at once with one ID the last one is stored: they are looked for before.",
		Messages: threadsCreated(func(s driver.MessageStore, _ *Place) threadStep {
			return func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				_, known := s.GetThread(ctx, t.ID, true)
				if err := ctx.Err(); err != nil {
					return driver.Thread{}, err
				}
				stored, err := s.CreateThread(ctx, t)
				if known != nil && errors.Is(err, driver.ErrExists) {
					if old, err := s.GetThread(ctx, t.ID, true); err == nil {
						old.Title = t.Title
						return old, nil
					}
				}
				return stored, err
			}
		})},
	{Name: "known-until-restart", Rule: "M7", Durable: true, Fault: "Which messages are the same is known to the process that created them only.",
		Messages: messagesCreated(func(s driver.MessageStore, at *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				mine := Remember[notes[driver.MessageID, bool]](at.Store, "created in this process")
				if _, err := s.GetMessage(ctx, m.ID, true); err == nil {
					if known, _ := mine.get(m.ID); !known {
						return driver.Message{}, driver.ErrExists
					}
				}
				stored, err := s.CreateMessage(ctx, m)
				if err == nil {
					mine.set(m.ID, true)
				}
				return stored, err
			}
		})},
}

// againWith creates a message again with something of what is stored.
func againWith(change func(given, old *driver.Message)) func(driver.MessageStore, *Place) messageStep {
	return func(s driver.MessageStore, _ *Place) messageStep {
		return func(ctx context.Context, m driver.Message) (driver.Message, error) {
			if old, err := s.GetMessage(ctx, m.ID, true); err == nil && old.Thread == m.Thread {
				change(&m, &old)
			}
			return s.CreateMessage(ctx, m)
		}
	}
}
