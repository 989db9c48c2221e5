package model

import (
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact"
)

// Thread is what is known about the messages of one thread.
type Thread struct {
	Name string

	mu       sync.Mutex
	messages map[enact.MessageID]*Message
}

// Message is a message and what was done to it.
type Message struct {
	ID      enact.MessageID
	Content string

	write
	repeated bool
	position uint64
	edits    []*Edit
	deletes  []*write
	// deletedAt is when it was deleted, as a read said once.
	deletedAt time.Time
}

// Edit is a change of content, from a version to the next.
type Edit struct {
	Version uint64
	Content string

	write
}

// NewThread is a thread without messages.
func NewThread(name string) *Thread {
	return &Thread{Name: name, messages: map[enact.MessageID]*Message{}}
}

// Begin notes that a message is going to be created, for the first time or again.
func (t *Thread) Begin(m *Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.began == 0 {
		m.began = Now()
		t.messages[m.ID] = m
		return
	}
	m.repeated = m.repeated || m.fate == Unknown
	m.fate, m.told = Unknown, 0
}

// End notes what came of it.
func (t *Thread) End(m *Message, fate Fate, position uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.end(fate, m.repeated, false)
	m.position = position
}

// BeginEdit notes that a message is going to be changed.
func (t *Thread) BeginEdit(m *Message, e *Edit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.began = Now()
	m.edits = append(m.edits, e)
}

// EndEdit notes what came of it; a conflict is Refused.
func (t *Thread) EndEdit(m *Message, e *Edit, fate Fate) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.end(fate, false, false)
	for _, other := range m.edits {
		if other != e && fate == Acknowledged && other.fate == Acknowledged && other.Version == e.Version {
			return broken("M5", "%s: version %d of message %q was edited twice: an update was lost", t.Name, e.Version, m.ID)
		}
	}
	return nil
}

// BeginDelete notes that a message is going to be deleted.
func (t *Thread) BeginDelete(m *Message) (deleting *write) {
	t.mu.Lock()
	defer t.mu.Unlock()
	deleting = &write{began: Now()}
	m.deletes = append(m.deletes, deleting)
	return deleting
}

// EndDelete notes what came of it.
func (t *Thread) EndDelete(deleting *write, fate Fate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	deleting.end(fate, false, false)
}

// Known returns a message that was acknowledged, by turns another, or nil.
func (t *Thread) Known(turn int) *Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []enact.MessageID
	for id, m := range t.messages {
		if m.fate == Acknowledged {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return t.messages[ids[turn%len(ids)]]
}

// CheckMessage judges a message that was read on its own, deleted or not.
func (t *Thread) CheckMessage(id enact.MessageID, got enact.Message, found bool, during Span) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m := t.messages[id]; {
	case !found && m.surely(during.From):
		return broken("M3", "%s: the acknowledged message %q is missing", t.Name, id)
	case !found:
		return nil
	case got.ID != id:
		return broken("M6", "%s: message %q was asked for, and is %q", t.Name, id, got.ID)
	}
	return t.check(got, during)
}

// CheckListing judges all pages of a listing of the thread.
func (t *Thread) CheckListing(list []enact.Message, backward, includeDeleted bool, during Span) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := map[enact.MessageID]bool{}
	for i, got := range list {
		if i > 0 && (got.Position > list[i-1].Position) == backward || found[got.ID] {
			return broken("M2", "%s: message %q at position %d follows %q at %d, backward %t", t.Name, got.ID, got.Position, list[max(i, 1)-1].ID, list[max(i, 1)-1].Position, backward)
		}
		if !includeDeleted && !got.DeletedAt.IsZero() {
			return broken("M3", "%s: the deleted message %q is listed", t.Name, got.ID)
		}
		if err := t.check(got, during); err != nil {
			return err
		}
		found[got.ID] = true
	}
	for id, m := range t.messages {
		if m.surely(during.From) && !found[id] && (includeDeleted || !m.perhapsDeleted()) {
			return broken("M3", "%s: the acknowledged message %q is missing among %d, deleted ones included: %t", t.Name, id, len(list), includeDeleted)
		}
		if m.surelyDeleted(during.From) && found[id] && !includeDeleted {
			return broken("M3", "%s: message %q is listed, and its deletion was acknowledged", t.Name, id)
		}
	}
	return nil
}

// check judges a message that a read has found.
func (t *Thread) check(got enact.Message, during Span) error {
	m, known := t.messages[got.ID]
	switch {
	case !known:
		return broken("M1", "%s has message %q, which nobody has created here", t.Name, got.ID)
	case m.fate == Refused:
		return broken("B9", "%s has message %q, which was refused", t.Name, got.ID)
	case m.fate == Acknowledged && m.position != got.Position:
		return broken("M2", "%s: message %q is at position %d and was acknowledged at %d", t.Name, got.ID, got.Position, m.position)
	}
	if err := m.checkContent(t.Name, got, during); err != nil {
		return err
	}
	return m.checkDeletion(t.Name, got, during)
}

func (m *Message) checkContent(thread string, got enact.Message, during Span) error {
	least, possible := uint64(1), got.Version == 1 && got.Content == m.Content
	for _, e := range m.edits {
		if e.surely(during.From) {
			least = max(least, e.Version+1)
		}
		if e.Version+1 == got.Version && e.Content == got.Content {
			if e.fate == Refused {
				return broken("B9", "%s: message %q has the content of an edit that was refused", thread, m.ID)
			}
			possible = true
		}
	}
	switch {
	case !possible:
		return broken("M6", "%s: message %q has content %q at version %d, which nobody has given it", thread, m.ID, got.Content, got.Version)
	case got.Version < least:
		return broken("M5", "%s: message %q is at version %d, and version %d was acknowledged", thread, m.ID, got.Version, least)
	}
	return nil
}

func (m *Message) checkDeletion(thread string, got enact.Message, during Span) error {
	switch {
	case got.DeletedAt.IsZero() && m.surelyDeleted(during.From):
		return broken("M3", "%s: message %q is not deleted, and its deletion was acknowledged", thread, m.ID)
	case got.DeletedAt.IsZero():
		return nil
	case !m.perhapsDeleted():
		return broken("M3", "%s: message %q is deleted, which nobody has done", thread, m.ID)
	case m.deletedAt.IsZero():
		m.deletedAt = got.DeletedAt
	case !m.deletedAt.Equal(got.DeletedAt):
		return broken("M3", "%s: message %q was deleted at %v, and before that it said %v", thread, m.ID, got.DeletedAt, m.deletedAt)
	}
	return nil
}

func (m *Message) perhapsDeleted() bool {
	return slices.ContainsFunc(m.deletes, func(w *write) bool { return w.fate != Refused })
}

func (m *Message) surelyDeleted(before Moment) bool {
	return slices.ContainsFunc(m.deletes, func(w *write) bool { return w.surely(before) })
}
