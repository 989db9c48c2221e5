package redis

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

// startOf returns the parts of the page's cursor, empty ones at the beginning.
func startOf(scope string, page driver.Page, parts int) ([]string, error) {
	if page.Cursor == "" {
		return make([]string, parts), nil
	}
	return driver.DecodeCursor(scope, page.Cursor, parts)
}

// endOf cuts items, of which one more than the page holds has been looked for, and
// makes the cursor of what follows.
func endOf[T any](scope string, page driver.Page, items []T, position func(T) []string) ([]T, driver.Cursor) {
	if len(items) <= page.Limit {
		return items, ""
	}
	items = items[:page.Limit]
	return items, driver.EncodeCursor(scope, position(items[page.Limit-1])...)
}

// stretch reads what there is in a range of an index of names, of which it looks at
// so many at most. It returns the last name that it has looked at, and whether more may
// follow.
type stretch[T any] func(ctx context.Context, from, to string, limit int) (items []T, last string, more bool, err error)

// names reads a page of an index of names in byte order, those with a prefix.
func names[T any](ctx context.Context, v view, scope, prefix string, page driver.Page, read stretch[T], nameOf func(T) string) ([]T, driver.Cursor, error) {
	after, err := startOf(scope, page, 1)
	if err != nil {
		return nil, "", err
	}
	if err := v.Enter(ctx); err != nil {
		return nil, "", err
	}
	defer v.Leave()
	from, to := "["+prefix, behind(prefix)
	if after[0] != "" && after[0] >= prefix { // a forged cursor stays inside, too
		from = "(" + after[0]
	}
	var items []T
	for more := true; more && len(items) <= page.Limit; {
		if err := v.Continue(ctx); err != nil {
			return nil, "", err
		}
		found, last, follows, err := read(ctx, from, to, page.Limit+1)
		if err != nil {
			return nil, "", err
		}
		items, from, more = append(items, found...), "("+last, follows
	}
	items, next := endOf(scope, page, items, func(item T) []string { return []string{nameOf(item)} })
	return items, next, nil
}

// indexed is a stretch that a script reads: it answers with whether more may follow,
// the last name, and so many fields for each entry.
func indexed[T any](v view, s *script, keys []string, fields int, item func([]any) T) stretch[T] {
	return func(ctx context.Context, from, to string, limit int) (items []T, last string, more bool, err error) {
		reply, err := v.within(ctx, s, keys, from, to, limit)
		if err != nil {
			return nil, "", false, err
		}
		for _, fields := range grouped(reply[2:], fields) {
			items = append(items, item(fields))
		}
		return items, text(reply[1]), reply[0].(int64) == 1, nil
	}
}

// behind is above every name that begins with prefix: no UTF-8 has the byte 0xff.
func behind(prefix string) string { return "(" + prefix + "\xff" }

// grouped cuts a flat reply into groups of n.
func grouped(reply []any, n int) [][]any {
	groups := make([][]any, 0, len(reply)/n)
	for ; len(reply) >= n; reply = reply[n:] {
		groups = append(groups, reply[:n])
	}
	return groups
}

func text(field any) string {
	s, _ := field.(string)
	return s
}

// number reads a number that a script has written.
func number(field any) uint64 {
	n, _ := strconv.ParseUint(text(field), 10, 64)
	return n
}

// microseconds writes a time for a script; empty stands for none.
func microseconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

// moment reads a time that microseconds or a script has written.
func moment(field any) time.Time {
	n, err := strconv.ParseInt(text(field), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// millisecond reads a time in milliseconds, 0 for none.
func millisecond(field any) time.Time {
	n := number(field)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(n)).UTC()
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// two cuts "a b".
func two(field any) (string, string) {
	first, second, _ := strings.Cut(text(field), " ")
	return first, second
}
