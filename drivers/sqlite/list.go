package sqlite

import (
	"context"
	"strconv"

	"github.com/enactdev/enact/driver"
)

// list reads one page of the listing called scope, whose positions have so many
// parts. query says how to read what stands after a position, whose parts are
// empty at the beginning; its last parameter, the limit, is added here. item reads
// an entry and its position. An error of query, which a position that makes no
// sense deserves, becomes that of the call.
func list[T any](ctx context.Context, v view, scope string, page driver.Page, parts int,
	query func(after []string) (string, []any, error), item func(scanner) (T, []string, error),
) (items []T, next driver.Cursor, err error) {
	after := make([]string, parts)
	if page.Cursor != "" {
		if after, err = driver.DecodeCursor(scope, page.Cursor, parts); err != nil {
			return nil, "", err
		}
	}
	err = v.read(ctx, func(c *conn) error {
		items, next, err = listWith(ctx, c, scope, page, after, query, item)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// listWith is list on a connection that is already held.
func listWith[T any](ctx context.Context, c *conn, scope string, page driver.Page, after []string,
	query func(after []string) (string, []any, error), item func(scanner) (T, []string, error),
) (items []T, next driver.Cursor, err error) {
	var last []string
	sql, args, err := query(after)
	if err != nil {
		return nil, "", err
	}
	err = c.each(ctx, sql, append(args, page.Limit+1), func(row scanner) (bool, error) {
		if len(items) == page.Limit {
			next = driver.EncodeCursor(scope, last...)
			return false, nil
		}
		entry, position, err := item(row)
		if err != nil {
			return false, err
		}
		items, last = append(items, entry), position
		return true, nil
	})
	return items, next, err
}

// number reads a number out of a position; empty stands for otherwise.
func number(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, driver.Invalidf("cursor does not belong to this listing; start again without one")
	}
	return n, nil
}
