package zoo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

// What faults of message stores have in common.

type (
	messageStore = func(s driver.MessageStore, at *Place) driver.MessageStore
	messageStep  = func(ctx context.Context, m driver.Message) (driver.Message, error)
	threadStep   = func(ctx context.Context, t driver.Thread) (driver.Thread, error)
)

// notes is what a fault remembers of a tenant's threads or messages.
type notes[K comparable, V any] struct {
	mu sync.Mutex
	of map[K]V
}

// notesOf returns the notes that all handles share.
func notesOf[K comparable, V any](at *Place, key string) *notes[K, V] {
	return Remember[notes[K, V]](at.Store, key+" of "+string(at.Tenant))
}

func (n *notes[K, V]) get(k K) (V, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.of[k]
	return v, ok
}

func (n *notes[K, V]) set(k K, v V) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = map[K]V{}
	}
	n.of[k] = v
}

// add sets what is under k to what f makes of it and returns that.
func (n *notes[K, V]) add(k K, f func(V) V) V {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = map[K]V{}
	}
	n.of[k] = f(n.of[k])
	return n.of[k]
}

func everyMessage(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, error) {
	q.Page = driver.Page{Limit: driver.MaxPageLimit}
	all, _, err := s.ListMessages(ctx, q)
	return all, err
}

func everyThread(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, error) {
	q.Page = driver.Page{Limit: driver.MaxPageLimit}
	all, _, err := s.ListThreads(ctx, q)
	return all, err
}

// pageByOffset cuts a page out of items at a cursor that counts them.
func pageByOffset[T any](items []T, page driver.Page) ([]T, driver.Cursor, error) {
	from := 0
	if page.Cursor != "" {
		if _, err := fmt.Sscanf(string(page.Cursor), "offset-%d", &from); err != nil {
			return nil, "", driver.Invalidf("cursor")
		}
	}
	items = items[min(from, len(items)):]
	if len(items) <= page.Limit {
		return items, "", nil
	}
	return items[:page.Limit], driver.Cursor(fmt.Sprintf("offset-%d", from+page.Limit)), nil
}

// pageByName cuts a page out of items at a cursor that names the last one.
func pageByName[T any, ID ~string](items []T, page driver.Page, id func(T) ID) ([]T, driver.Cursor, error) {
	if page.Cursor != "" {
		last, err := driver.DecodeCursor("name", page.Cursor, 1)
		if err != nil {
			return nil, "", err
		}
		items = items[1+slices.IndexFunc(items, func(item T) bool { return string(id(item)) == last[0] }):]
	}
	if len(items) <= page.Limit {
		return items, "", nil
	}
	return items[:page.Limit], driver.EncodeCursor("name", string(id(items[page.Limit-1]))), nil
}

func nameOfMessage(m driver.Message) driver.MessageID { return m.ID }
func nameOfThread(t driver.Thread) driver.ThreadID    { return t.ID }

// messagesListed replaces how messages are listed.
func messagesListed(list func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error)) messageStore {
	return func(s driver.MessageStore, _ *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			return list(ctx, s, q)
		}}
	}
}

// messagesSorted lists messages in another order.
func messagesSorted(when func(driver.MessageQuery) bool, compare func(a, b driver.Message) int) messageStore {
	return messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
		if !when(q) {
			return s.ListMessages(ctx, q)
		}
		forwards := q
		forwards.Backward = false
		all, err := everyMessage(ctx, s, forwards)
		if err != nil {
			return nil, "", err
		}
		slices.SortStableFunc(all, compare)
		if q.Backward {
			slices.Reverse(all)
		}
		return pageByName(all, q.Page, nameOfMessage)
	})
}

func always(driver.MessageQuery) bool        { return true }
func byExecution(q driver.MessageQuery) bool { return q.Execution != "" }
func byThread(q driver.MessageQuery) bool    { return q.Thread != "" }

// threadsListed replaces how threads are listed.
func threadsListed(list func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error)) messageStore {
	return func(s driver.MessageStore, _ *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			return list(ctx, s, q)
		}}
	}
}

// threadsSorted lists threads in another order.
func threadsSorted(compare func(a, b driver.Thread) int) messageStore {
	return threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
		all, err := everyThread(ctx, s, q)
		if err != nil {
			return nil, "", err
		}
		slices.SortStableFunc(all, compare)
		return pageByName(all, q.Page, nameOfThread)
	})
}

// messagesRead changes every message that is returned.
func messagesRead(change func(at *Place, m *driver.Message)) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		one := func(m driver.Message, err error) (driver.Message, error) {
			if err == nil {
				change(at, &m)
			}
			return m, err
		}
		return &aMessageStore{
			MessageStore: s,
			createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				return one(s.CreateMessage(ctx, m))
			},
			updateMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				return one(s.UpdateMessage(ctx, m))
			},
			getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				return one(s.GetMessage(ctx, id, includeDeleted))
			},
			listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
				all, next, err := s.ListMessages(ctx, q)
				for i := range all {
					change(at, &all[i])
				}
				return all, next, err
			},
		}
	}
}

// threadsRead changes every thread that is returned.
func threadsRead(change func(at *Place, t *driver.Thread)) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		one := func(t driver.Thread, err error) (driver.Thread, error) {
			if err == nil {
				change(at, &t)
			}
			return t, err
		}
		return &aMessageStore{
			MessageStore: s,
			createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) { return one(s.CreateThread(ctx, t)) },
			updateThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) { return one(s.UpdateThread(ctx, t)) },
			getThread: func(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
				return one(s.GetThread(ctx, id, includeDeleted))
			},
			listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
				all, next, err := s.ListThreads(ctx, q)
				for i := range all {
					change(at, &all[i])
				}
				return all, next, err
			},
		}
	}
}

// messagesStored changes every message before it is created or edited.
func messagesStored(change func(m *driver.Message)) messageStore {
	return func(s driver.MessageStore, _ *Place) driver.MessageStore {
		return &aMessageStore{
			MessageStore: s,
			createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				change(&m)
				return s.CreateMessage(ctx, m)
			},
			updateMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				change(&m)
				return s.UpdateMessage(ctx, m)
			},
		}
	}
}

// threadsStored changes every thread before it is created or edited.
func threadsStored(change func(t *driver.Thread)) messageStore {
	return func(s driver.MessageStore, _ *Place) driver.MessageStore {
		return &aMessageStore{
			MessageStore: s,
			createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				change(&t)
				return s.CreateThread(ctx, t)
			},
			updateThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				change(&t)
				return s.UpdateThread(ctx, t)
			},
		}
	}
}

// messagesCreated, messagesEdited, threadsCreated and threadsEdited replace one
// method each.

func messagesCreated(f func(s driver.MessageStore, at *Place) messageStep) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, createMessage: f(s, at)}
	}
}

func messagesEdited(f func(s driver.MessageStore, at *Place) messageStep) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, updateMessage: f(s, at)}
	}
}

func threadsCreated(f func(s driver.MessageStore, at *Place) threadStep) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, createThread: f(s, at)}
	}
}

func threadsEdited(f func(s driver.MessageStore, at *Place) threadStep) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		return &aMessageStore{MessageStore: s, updateThread: f(s, at)}
	}
}
