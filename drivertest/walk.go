package drivertest

import (
	"context"
	"fmt"

	"github.com/enactdev/enact/driver"
)

// lister is any listing of a store.
type lister[T any] func(context.Context, driver.Page) ([]T, driver.Cursor, error)

// walk reads a listing to its end in pages of limit entries, and makes sure that
// each page but the last is full and that only the last has no cursor.
func walk[T any](t *trial, did string, limit int, list lister[T]) []T {
	var all []T
	page := driver.Page{Limit: limit}
	seen := map[driver.Cursor]bool{}
	for n := 1; ; n++ {
		items, next, err := list(t.ctx, page)
		t.ok(fmt.Sprintf("%s, page %d of at most %d entries", did, n, limit), err)
		if len(items) > limit || (next != "" && len(items) < limit) || (n > 1 && len(items) == 0) {
			t.fatal(fmt.Sprintf("%s, page %d of at most %d entries", did, n, limit),
				fmt.Sprintf("%d entries and cursor %q", len(items), next),
				"a full page with a cursor, or the last one without; an empty page only where there is nothing at all")
		}
		if seen[next] {
			t.fatal(fmt.Sprintf("%s, page %d", did, n), fmt.Sprintf("cursor %q, as on a page before", next), "another cursor, or none")
		}
		seen[next] = next != ""
		all = append(all, items...)
		if next == "" {
			return all
		}
		page.Cursor = next
	}
}

// lists ends the check unless a listing is want with every size of page that could
// go wrong.
func lists[T any](t *trial, did string, list lister[T], want []T) {
	for _, limit := range []int{1, 2, 3, max(len(want)-1, 1), max(len(want), 1), len(want) + 1} {
		if limit > driver.MaxPageLimit {
			continue
		}
		got := walk(t, did, limit, list)
		if len(got) == 0 && len(want) == 0 {
			continue
		}
		equal(t, fmt.Sprintf("%s in pages of %d", did, limit), got, want)
	}
}

// listsIDs is lists for what is compared by one field.
func listsIDs[T any, ID ~string](t *trial, did string, list lister[T], id func(T) ID, want ...ID) {
	lists(t, did, func(ctx context.Context, page driver.Page) ([]ID, driver.Cursor, error) {
		items, next, err := list(ctx, page)
		return idsOf(items, id), next, err
	}, want)
}

// idsOf returns id of every item.
func idsOf[T, ID any](items []T, id func(T) ID) []ID {
	ids := make([]ID, len(items))
	for i, item := range items {
		ids[i] = id(item)
	}
	return ids
}

// The listings, in the shape that walk wants.

func keysOf(s driver.StateStore, prefix string) lister[driver.EntryInfo] {
	return func(ctx context.Context, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
		return s.List(ctx, prefix, page)
	}
}

func threadsOf(s driver.MessageStore, q driver.ThreadQuery) lister[driver.Thread] {
	return func(ctx context.Context, page driver.Page) ([]driver.Thread, driver.Cursor, error) {
		q.Page = page
		return s.ListThreads(ctx, q)
	}
}

func messagesIn(s driver.MessageStore, q driver.MessageQuery) lister[driver.Message] {
	return func(ctx context.Context, page driver.Page) ([]driver.Message, driver.Cursor, error) {
		q.Page = page
		return s.ListMessages(ctx, q)
	}
}

func executionOf(x driver.ExecutionInfo) driver.ExecutionID      { return x.ID }
func keyOf(e driver.EntryInfo) string                            { return e.Key }
func snapshotExecution(s driver.SnapshotInfo) driver.ExecutionID { return s.Execution }
func threadID(t driver.Thread) driver.ThreadID                   { return t.ID }
func messageID(m driver.Message) driver.MessageID                { return m.ID }
func matchID(m driver.Match) string                              { return m.ID }
func collectionName(c driver.CollectionInfo) string              { return c.Name }
