package zoo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var mislistedThreads = []*Broken{
	{Name: "newest-thread-first", Rule: "M8", Fault: "Threads are listed by creation time.",
		Messages: threadsSorted(func(a, b driver.Thread) int { return b.CreatedAt.Compare(a.CreatedAt) })},
	{Name: "threads-by-milliseconds", Rule: "M8", Fault: "Threads are listed by update time to the millisecond, and by ID within one.",
		Messages: threadsSorted(func(a, b driver.Thread) int {
			return cmp.Or(cmp.Compare(b.UpdatedAt.UnixMilli(), a.UpdatedAt.UnixMilli()), cmp.Compare(a.ID, b.ID))
		})},
	{Name: "message-edit-is-no-update", Rule: "M8", Fault: "An edit of a message does not update its thread.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore { return unmoved(s, at, "edit") }},
	{Name: "deleting-again-updates", Rule: "M8", Fault: "Deleting a message again updates its thread.",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, deleteMessage: func(ctx context.Context, id driver.MessageID) error {
				m, err := s.GetMessage(ctx, id, true)
				if err == nil && !m.DeletedAt.IsZero() {
					if t, err := s.GetThread(ctx, m.Thread, false); err == nil {
						s.UpdateThread(ctx, t)
					}
				}
				return s.DeleteMessage(ctx, id)
			}}
		}},
	{Name: "thread-time-stays", Rule: "M8", Fault: "A message moves its thread to the front and leaves its update time as it was.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			times := notesOf[driver.ThreadID, time.Time](at, "times of threads")
			r := threadsRead(func(_ *Place, t *driver.Thread) {
				t.UpdatedAt = times.add(t.ID, func(at time.Time) time.Time {
					if at.IsZero() {
						return t.UpdatedAt
					}
					return at
				})
			})(s, at).(*aMessageStore)
			update := r.updateThread
			r.updateThread = func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				stored, err := s.UpdateThread(ctx, t)
				if err != nil {
					return update(ctx, t)
				}
				times.set(t.ID, stored.UpdatedAt)
				return stored, nil
			}
			return r
		}},
	{Name: "no-more-than-fifty-threads", Rule: "M8", Fault: "A listing never has more than fifty threads in a page, and a larger page is the last one.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			larger := q.Page.Limit > 50
			q.Page.Limit = min(q.Page.Limit, 50)
			all, next, err := s.ListThreads(ctx, q)
			if larger {
				next = ""
			}
			return all, next, err
		})},
	{Name: "offset-paging-of-threads", Rule: "M8", Fault: "The cursor counts threads, and those that move to the front push others into the next page.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			all, err := everyThread(ctx, s, q)
			if err != nil {
				return nil, "", err
			}
			return pageByOffset(all, q.Page)
		})},
	{Name: "cursor-names-a-thread", Rule: "M8", Fault: "The cursor names a thread, and the listing goes on from wherever that is now.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			all, err := everyThread(ctx, s, q)
			if err != nil {
				return nil, "", err
			}
			return pageByName(all, q.Page, nameOfThread)
		})},
	{Name: "threads-of-alike-users", Rule: "M8", Fault: "Users are compared without regard to case.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			all, err := everyThread(ctx, s, q)
			if title := strings.ToUpper(string(q.User[:1])) + string(q.User[1:]); err == nil && title != string(q.User) {
				more, _ := everyThread(ctx, s, driver.ThreadQuery{User: driver.UserID(title), IncludeDeleted: q.IncludeDeleted})
				all = append(all, more...)
			}
			if err != nil {
				return nil, "", err
			}
			return pageByName(all, q.Page, nameOfThread)
		})},
	{Name: "deleted-threads-fill-the-page", Rule: "M8", Fault: "Deleted threads are dropped after the page was cut, so that it comes back short.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			live := !q.IncludeDeleted
			q.IncludeDeleted = true
			all, next, err := s.ListThreads(ctx, q)
			all = slices.DeleteFunc(all, func(t driver.Thread) bool { return live && !t.DeletedAt.IsZero() })
			return all, next, err
		})},
	{Name: "list-loads-messages", Rule: "M8", Fault: "Listing threads loads their messages, to look at the last one.",
		Messages: threadsListed(func(ctx context.Context, s driver.MessageStore, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			all, next, err := s.ListThreads(ctx, q)
			for _, t := range all {
				if _, err := everyMessage(ctx, s, driver.MessageQuery{Thread: t.ID, IncludeDeleted: true}); err != nil {
					return nil, "", err
				}
			}
			return all, next, err
		})},
	{Name: "thread-touch-race", Rule: "M8", Fault: "The last place in a user's list is read and the next one written without a lock, so that threads share places.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			n := notesOf[driver.ThreadID, uint64](at, "ranks")
			touch := func(ctx context.Context, id driver.ThreadID) {
				const last = "the last one, of no thread"
				rank, _ := n.get(last)
				ctx.Err()
				n.add(last, func(old uint64) uint64 { return max(old, rank+1) })
				n.set(id, rank+1)
			}
			return &aMessageStore{MessageStore: s,
				createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
					stored, err := s.CreateThread(ctx, t)
					if _, ranked := n.get(t.ID); err == nil && !ranked {
						touch(ctx, t.ID)
					}
					return stored, err
				},
				createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
					stored, err := s.CreateMessage(ctx, m)
					if err == nil {
						touch(ctx, m.Thread)
					}
					return stored, err
				},
				updateThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
					stored, err := s.UpdateThread(ctx, t)
					if err == nil {
						touch(ctx, t.ID)
					}
					return stored, err
				},
				listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
					all, err := everyThread(ctx, s, q)
					if err != nil {
						return nil, "", err
					}
					rank := func(t driver.Thread) uint64 { r, _ := n.get(t.ID); return r }
					slices.SortStableFunc(all, func(a, b driver.Thread) int { return cmp.Compare(rank(b), rank(a)) })
					if q.Page.Cursor != "" {
						after, err := driver.DecodeCursor("ranks", q.Page.Cursor, 1)
						if err != nil {
							return nil, "", err
						}
						all = slices.DeleteFunc(all, func(t driver.Thread) bool { return formatRank(rank(t)) >= after[0] })
					}
					if len(all) <= q.Page.Limit {
						return all, "", nil
					}
					all = all[:q.Page.Limit]
					return all, driver.EncodeCursor("ranks", formatRank(rank(all[len(all)-1]))), nil
				}}
		}},
	{Name: "list-order-lost", Rule: "M8", Durable: true, Fault: "Which thread was updated last is in memory, and after a restart they are listed by creation.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			updated := notesOf[driver.ThreadID, bool](at, "updated here")
			return &aMessageStore{MessageStore: s,
				createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
					updated.set(m.Thread, true)
					return s.CreateMessage(ctx, m)
				},
				createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
					updated.set(t.ID, true)
					return s.CreateThread(ctx, t)
				},
				listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
					all, err := everyThread(ctx, s, q)
					if err != nil {
						return nil, "", err
					}
					if len(all) > 0 {
						if here, _ := updated.get(all[0].ID); !here {
							slices.SortFunc(all, func(a, b driver.Thread) int { return b.CreatedAt.Compare(a.CreatedAt) })
						}
					}
					return pageByName(all, q.Page, nameOfThread)
				}}
		}},
}

func formatRank(rank uint64) string { return fmt.Sprintf("%020d", rank) }

// unmoved lists threads as if some things that happen to messages were no updates.
func unmoved(s driver.MessageStore, at *Place, not ...string) driver.MessageStore {
	ranks := notesOf[driver.ThreadID, uint64](at, "ranks")
	touch := func(id driver.ThreadID) {
		last := ranks.add("", func(n uint64) uint64 { return n + 1 })
		ranks.set(id, last)
	}
	happened := func(what string, id driver.ThreadID, err error) {
		if err == nil && !slices.Contains(not, what) {
			touch(id)
		}
	}
	return &aMessageStore{MessageStore: s,
		createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
			_, known := s.GetThread(ctx, t.ID, true)
			stored, err := s.CreateThread(ctx, t)
			if known != nil {
				happened("", t.ID, err)
			}
			return stored, err
		},
		updateThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
			stored, err := s.UpdateThread(ctx, t)
			happened("", t.ID, err)
			return stored, err
		},
		createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
			_, known := s.GetMessage(ctx, m.ID, true)
			stored, err := s.CreateMessage(ctx, m)
			if known != nil {
				happened("create", m.Thread, err)
			}
			return stored, err
		},
		updateMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
			stored, err := s.UpdateMessage(ctx, m)
			happened("edit", m.Thread, err)
			return stored, err
		},
		deleteMessage: func(ctx context.Context, id driver.MessageID) error {
			m, known := s.GetMessage(ctx, id, true)
			err := s.DeleteMessage(ctx, id)
			if known == nil && m.DeletedAt.IsZero() {
				happened("delete", m.Thread, err)
			}
			return err
		},
		listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			all, err := everyThread(ctx, s, q)
			if err != nil {
				return nil, "", err
			}
			rank := func(t driver.Thread) uint64 { r, _ := ranks.get(t.ID); return r }
			slices.SortStableFunc(all, func(a, b driver.Thread) int { return cmp.Compare(rank(b), rank(a)) })
			return pageByName(all, q.Page, nameOfThread)
		}}
}
