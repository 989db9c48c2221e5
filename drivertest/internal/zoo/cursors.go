package zoo

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/enactdev/enact/driver"
)

// listingKeys replaces the listing of keys.
func listingKeys(list func(ctx context.Context, s driver.StateStore, at *Place, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error)) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			return list(ctx, s, at, prefix, page)
		}}
	}
}

// under lists keys with cursors that are made for another scope than the right
// one, which must contain the place of the listing itself.
func under(scope func(at *Place, prefix string) string) func(driver.StateStore, *Place) driver.StateStore {
	return listingKeys(func(ctx context.Context, s driver.StateStore, at *Place, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
		after := ""
		if page.Cursor != "" {
			position, err := driver.DecodeCursor(scope(at, prefix), page.Cursor, 1)
			if err != nil {
				return nil, "", err
			}
			after, page.Cursor = position[0], ""
		}
		return keysAfter(ctx, s, prefix, after, page.Limit, func(last string) driver.Cursor { return driver.EncodeCursor(scope(at, prefix), last) })
	})
}

// keysAfter lists the keys behind one.
func keysAfter(ctx context.Context, s driver.StateStore, prefix, after string, limit int, cursor func(last string) driver.Cursor) (list []driver.EntryInfo, next driver.Cursor, err error) {
	page := driver.Page{Limit: driver.MaxPageLimit}
	for {
		keys, following, err := s.List(ctx, prefix, page)
		if err != nil {
			return nil, "", err
		}
		for _, k := range keys {
			if k.Key <= after {
				continue
			}
			if len(list) == limit {
				return list, cursor(list[limit-1].Key), nil
			}
			list = append(list, k)
		}
		if page.Cursor = following; following == "" {
			return list, "", nil
		}
	}
}

var looseCursors = []*Broken{
	{
		Name: "bad-cursors-start-again", Rule: "B11", Fault: "a cursor that cannot be read is ignored, and the listing starts again",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				list, next, err := s.ListExecutions(ctx, page)
				if errors.Is(err, driver.ErrInvalid) {
					page.Cursor = ""
					return s.ListExecutions(ctx, page)
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "cursors-without-the-prefix", Rule: "B11", Fault: "a cursor of the keys with one prefix is taken for those with another",
		State: under(func(at *Place, _ string) string { return driver.Scope("keys", string(at.Tenant)) }),
	},
	{
		Name: "cursors-without-the-tenant", Rule: "B11", Fault: "a cursor of one tenant is taken for another's",
		State: under(func(_ *Place, prefix string) string { return driver.Scope("keys", prefix) }),
	},
	{
		Name: "cursors-without-a-sum", Rule: "B11", Fault: "a cursor is the last key in base64, and so is any text",
		State: listingKeys(func(ctx context.Context, s driver.StateStore, at *Place, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			scope := base64.RawURLEncoding.EncodeToString([]byte(driver.Scope(string(at.Tenant), prefix)))
			encoded, ok := strings.CutPrefix(string(page.Cursor), scope+".")
			after, err := base64.RawURLEncoding.DecodeString(encoded)
			if page.Cursor != "" && (!ok || err != nil) {
				return nil, "", driver.Invalidf("the cursor is not of this listing")
			}
			return keysAfter(ctx, s, prefix, string(after), page.Limit, func(last string) driver.Cursor {
				return driver.Cursor(scope + "." + base64.RawURLEncoding.EncodeToString([]byte(last)))
			})
		}),
	},
	{
		Name: "pages-of-a-hundred", Rule: "B11", Fault: "a page never has more than a hundred entries, whatever was asked for",
		State: listingKeys(func(ctx context.Context, s driver.StateStore, _ *Place, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			page.Limit = min(page.Limit, 100)
			return s.List(ctx, prefix, page)
		}),
	},
	{
		Name: "cursors-of-both-directions", Rule: "B11", Fault: "a cursor of a thread read forward is taken when it is read backward",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			scope := func(q driver.MessageQuery) string {
				if q.IncludeDeleted {
					return driver.Scope("messages", string(at.Tenant), string(q.Thread), "deleted too")
				}
				return driver.Scope("messages", string(at.Tenant), string(q.Thread))
			}
			return &aMessageStore{MessageStore: s, listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
				if q.Thread == "" {
					return s.ListMessages(ctx, q)
				}
				after, limit := "", q.Page.Limit
				if q.Page.Cursor != "" {
					position, err := driver.DecodeCursor(scope(q), q.Page.Cursor, 1)
					if err != nil {
						return nil, "", err
					}
					after = position[0]
				}
				q.Page = driver.Page{Limit: driver.MaxPageLimit}
				all, _, err := s.ListMessages(ctx, q)
				if err != nil {
					return nil, "", err
				}
				for i, m := range all {
					if string(m.ID) == after {
						all = all[i+1:]
						break
					}
				}
				if len(all) <= limit {
					return all, "", nil
				}
				return all[:limit], driver.EncodeCursor(scope(q), string(all[limit-1].ID)), nil
			}}
		},
	},
}
