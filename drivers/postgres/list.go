package postgres

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// maxSequence is the largest number that a bigint holds.
const maxSequence = math.MaxInt64

// list reads one page of the listing called scope, whose positions have so many
// parts. query says how to read what stands after a position, whose parts are
// empty at the beginning; the limit is added here. item reads an entry and its
// position.
func list[T any](ctx context.Context, v view, scope string, page driver.Page, parts int,
	query func(after []string) (string, []any, error), item func(pgx.CollectableRow) (T, []string, error),
) (items []T, next driver.Cursor, err error) {
	after, err := startOf(scope, page, parts)
	if err != nil {
		return nil, "", err
	}
	err = v.read(ctx, func(ctx context.Context, q connection) error {
		items, next, err = listWith(ctx, v, q, scope, page, after, query, item)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// startOf returns the parts of the page's cursor. What the server would not take as
// text has come from no listing.
func startOf(scope string, page driver.Page, parts int) ([]string, error) {
	if page.Cursor == "" {
		return make([]string, parts), nil
	}
	after, err := driver.DecodeCursor(scope, page.Cursor, parts)
	if err != nil {
		return nil, err
	}
	for _, part := range after {
		if !utf8.ValidString(part) || strings.ContainsRune(part, 0) {
			return nil, foreignCursor()
		}
	}
	return after, nil
}

func foreignCursor() error {
	return driver.Invalidf("cursor does not belong to this listing; start again without one")
}

// listWith is list on a connection that is already held.
func listWith[T any](ctx context.Context, v view, q querier, scope string, page driver.Page, after []string,
	query func(after []string) (string, []any, error), item func(pgx.CollectableRow) (T, []string, error),
) (items []T, next driver.Cursor, err error) {
	statement, args, err := query(after)
	if err != nil {
		return nil, "", err
	}
	args = append(args, page.Limit+1)
	rows, err := q.Query(ctx, v.sql(fmt.Sprintf("%s LIMIT $%d", statement, len(args))), args...)
	if err != nil {
		return nil, "", err
	}
	var last []string
	more := false
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		if more = len(items) == page.Limit; more {
			return none, nil
		}
		entry, position, err := item(row)
		items, last = append(items, entry), position
		return none, err
	})
	if more {
		next = driver.EncodeCursor(scope, last...)
	}
	return items, next, err
}

// number reads a number out of a position; empty stands for otherwise.
func number(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, foreignCursor()
	}
	return n, nil
}

// blob keeps empty apart from NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
