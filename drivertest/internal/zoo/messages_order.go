package zoo

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
)

var misplacedMessages = []*Broken{
	{Name: "order-by-creation", Rule: "M2", Fault: "Messages are ordered by creation time, and by position within one time.",
		Messages: messagesSorted(byThread, func(a, b driver.Message) int { return a.CreatedAt.Compare(b.CreatedAt) })},
	{Name: "order-of-text", Rule: "M2", Fault: "Positions are ordered as text: 10 comes before 9.",
		Messages: messagesSorted(always, func(a, b driver.Message) int {
			return cmp.Or(cmp.Compare(a.Thread, b.Thread), strings.Compare(strconv.FormatUint(a.Position, 10), strconv.FormatUint(b.Position, 10)))
		})},
	{Name: "place-in-blocks", Rule: "M2", Fault: "Each handle takes blocks of ten positions, as a sequence with a cache does.",
		Messages: reseated(func(_ context.Context, m driver.Message, b *seats, at *Place) uint64 {
			return Remember[blocks](at.Handle, "blocks of "+string(at.Tenant)).next(b, m.Thread)
		})},
	{Name: "place-race", Rule: "M2", Fault: "The last position is read and the next one written without a lock.",
		Messages: reseated(func(ctx context.Context, m driver.Message, b *seats, _ *Place) uint64 {
			last := b.last(m.Thread)
			ctx.Err()
			b.raise(m.Thread, last+1)
			return last + 1
		})},
	{Name: "place-before-storing", Rule: "M2", Fault: "A position is taken before the message is stored, so that a later one may be seen earlier.",
		Messages: reseated(func(ctx context.Context, m driver.Message, b *seats, _ *Place) uint64 {
			place := b.next(m.Thread)
			for range 3 {
				ctx.Err()
				runtime.Gosched()
			}
			return place
		})},
	{Name: "place-after-last-live", Rule: "M2", Fault: "The position is one more than that of the last message that is not deleted.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			return reseated(func(ctx context.Context, m driver.Message, b *seats, _ *Place) uint64 {
				last := uint64(0)
				live, _ := everyMessage(ctx, s, driver.MessageQuery{Thread: m.Thread})
				for _, other := range live {
					place, _ := b.of.get(other.ID)
					last = max(last, place)
				}
				return last + 1
			})(s, at)
		}},
	{Name: "place-of-the-caller", Rule: "M2", Fault: "A message is stored in the position that the caller's copy has.",
		Messages: reseated(func(_ context.Context, m driver.Message, b *seats, _ *Place) uint64 {
			if m.Position != 0 {
				return m.Position
			}
			return b.next(m.Thread)
		})},
	{Name: "edit-moves-to-the-end", Rule: "M2", Fault: "An edited message gets a new position, as delete and insert give it.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			b := Remember[seats](at.Store, "seats of "+string(at.Tenant))
			r := reseated(func(_ context.Context, m driver.Message, b *seats, _ *Place) uint64 { return b.next(m.Thread) })(s, at).(*aMessageStore)
			update := r.updateMessage
			r.updateMessage = func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := update(ctx, m)
				if err == nil {
					stored.Position = b.next(m.Thread)
					b.of.set(m.ID, stored.Position)
				}
				return stored, err
			}
			return r
		}},
	{Name: "offset-paging", Rule: "M2", Fault: "The cursor counts messages, so that deleting what was read hides what was not.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, err := everyMessage(ctx, s, q)
			if err != nil {
				return nil, "", err
			}
			return pageByOffset(all, q.Page)
		})},
	{Name: "offset-from-the-end", Rule: "M2", Fault: "Backwards the cursor counts from the end, which moves when messages are added.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			if !q.Backward || q.IncludeDeleted {
				return s.ListMessages(ctx, q)
			}
			all, err := everyMessage(ctx, s, driver.MessageQuery{Thread: q.Thread, Execution: q.Execution, IncludeDeleted: true, Backward: true})
			if err != nil {
				return nil, "", err
			}
			if q.Thread != "" {
				if _, err := s.GetThread(ctx, q.Thread, false); err != nil {
					return nil, "", err
				}
			}
			page := q.Page
			all, next, err := pageByOffset(all, page)
			return slices.DeleteFunc(all, func(m driver.Message) bool { return !m.DeletedAt.IsZero() }), next, err
		})},
	{Name: "cursor-names-a-message", Rule: "M2", Fault: "The cursor names a message and starts again when that has been deleted.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, err := everyMessage(ctx, s, q)
			if err != nil {
				return nil, "", err
			}
			return pageByName(all, q.Page, nameOfMessage)
		})},
	{Name: "backwards-page-by-page", Rule: "M2", Fault: "Backwards the pages come from the end, and each one is in forward order.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, next, err := s.ListMessages(ctx, q)
			if q.Backward {
				slices.Reverse(all)
			}
			return all, next, err
		})},
	{Name: "no-more-than-a-hundred", Rule: "M2", Fault: "A listing never has more than a hundred messages in a page, and a larger page is the last one.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			larger := q.Page.Limit > 100
			q.Page.Limit = min(q.Page.Limit, 100)
			all, next, err := s.ListMessages(ctx, q)
			if larger {
				next = ""
			}
			return all, next, err
		})},
	{Name: "deleted-fill-the-page", Rule: "M2", Fault: "Deleted messages are dropped after the page was cut, so that it comes back short.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			if q.IncludeDeleted {
				return s.ListMessages(ctx, q)
			}
			if _, err := s.GetThread(ctx, q.Thread, false); err != nil && q.Thread != "" {
				return nil, "", err
			}
			q.IncludeDeleted = true
			all, next, err := s.ListMessages(ctx, q)
			all = slices.DeleteFunc(all, func(m driver.Message) bool {
				_, err := s.GetMessage(ctx, m.ID, false)
				return err != nil
			})
			return all, next, err
		})},
	{Name: "a-cursor-too-many", Rule: "M2", Fault: "A last page that is full has a cursor, which leads to an empty one.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			if q.Page.Cursor == "end" {
				return nil, "", nil
			}
			all, next, err := s.ListMessages(ctx, q)
			if next == "" && len(all) == q.Page.Limit {
				next = "end"
			}
			return all, next, err
		})},
}

// seats are positions that replace the reference's.
type seats struct {
	mu   sync.Mutex
	most map[driver.ThreadID]uint64
	of   notes[driver.MessageID, uint64]
}

func (b *seats) next(thread driver.ThreadID) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.most == nil {
		b.most = map[driver.ThreadID]uint64{}
	}
	b.most[thread]++
	return b.most[thread]
}

func (b *seats) last(thread driver.ThreadID) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most[thread]
}

func (b *seats) raise(thread driver.ThreadID, to uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.most == nil {
		b.most = map[driver.ThreadID]uint64{}
	}
	b.most[thread] = max(b.most[thread], to)
}

// blocks are the positions that a handle has taken and not given out.
type blocks struct {
	mu   sync.Mutex
	left map[driver.ThreadID][]uint64
}

func (h *blocks) next(b *seats, thread driver.ThreadID) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left == nil {
		h.left = map[driver.ThreadID][]uint64{}
	}
	if len(h.left[thread]) == 0 {
		for range 10 {
			h.left[thread] = append(h.left[thread], b.next(thread))
		}
	}
	place := h.left[thread][0]
	h.left[thread] = h.left[thread][1:]
	return place
}

// reseated gives a message the position that take returns before it is stored, and
// lists by these positions.
func reseated(take func(ctx context.Context, m driver.Message, b *seats, at *Place) uint64) messageStore {
	return func(s driver.MessageStore, at *Place) driver.MessageStore {
		b := Remember[seats](at.Store, "seats of "+string(at.Tenant))
		r := messagesRead(func(_ *Place, m *driver.Message) {
			if place, ok := b.of.get(m.ID); ok {
				m.Position = place
			}
		})(s, at).(*aMessageStore)
		create := r.createMessage
		r.createMessage = func(ctx context.Context, m driver.Message) (driver.Message, error) {
			if _, err := s.GetMessage(ctx, m.ID, true); err != nil {
				b.of.set(m.ID, take(ctx, m, b, at))
			}
			return create(ctx, m)
		}
		list := r.listMessages
		r.listMessages = func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all := q
			all.Page = driver.Page{Limit: driver.MaxPageLimit}
			items, _, err := list(ctx, all)
			if err != nil {
				return nil, "", err
			}
			direction := 1
			if q.Backward {
				direction = -1
			}
			compare := func(thread driver.ThreadID, place uint64, m driver.Message) int {
				return direction * cmp.Or(cmp.Compare(thread, m.Thread), cmp.Compare(place, m.Position))
			}
			slices.SortStableFunc(items, func(a, b driver.Message) int { return compare(a.Thread, a.Position, b) })
			if q.Page.Cursor != "" {
				after, err := driver.DecodeCursor("seats", q.Page.Cursor, 2)
				if err != nil {
					return nil, "", err
				}
				place, err := strconv.ParseUint(after[1], 10, 64)
				if err != nil {
					return nil, "", err
				}
				items = slices.DeleteFunc(items, func(m driver.Message) bool { return compare(driver.ThreadID(after[0]), place, m) >= 0 })
			}
			if len(items) <= q.Page.Limit {
				return items, "", nil
			}
			last := items[q.Page.Limit-1]
			return items[:q.Page.Limit], driver.EncodeCursor("seats", string(last.Thread), strconv.FormatUint(last.Position, 10)), nil
		}
		return r
	}
}
