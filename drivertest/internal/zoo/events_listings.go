package zoo

import (
	"context"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

var eventListings = []*Broken{
	{
		Name: "listed-without-case", Rule: "E9",
		Fault: "executions are ordered as a language does it, without regard to case",
		Events: listingAll(func(list []driver.ExecutionInfo) {
			slices.SortStableFunc(list, func(a, b driver.ExecutionInfo) int {
				return strings.Compare(strings.ToLower(string(a.ID)), strings.ToLower(string(b.ID)))
			})
		}),
	},
	{
		Name: "listed-by-creation", Rule: "E9",
		Fault: "executions are listed in the order in which they began",
		Events: listingAll(func(list []driver.ExecutionInfo) {
			slices.SortStableFunc(list, func(a, b driver.ExecutionInfo) int { return a.CreatedAt.Compare(b.CreatedAt) })
		}),
	},
	{
		Name: "listed-by-offset", Rule: "E9",
		Fault:  "a cursor is a number of executions to leave out",
		Events: listingAll(func([]driver.ExecutionInfo) {}),
	},
	{
		Name: "listed-up-to-a-hundred", Rule: "E9",
		Fault: "a page of more than a hundred executions is cut, and is the last",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				list, next, err := s.ListExecutions(ctx, page)
				if len(list) > 100 {
					return list[:100], "", err
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "listed-last-one-missing", Rule: "E9",
		Fault: "the last page has no cursor when it is nearly full, and its last execution is missing",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				list, next, err := s.ListExecutions(ctx, page)
				if next == "" && len(list) > 1 && len(list) == page.Limit-1 && page.Limit < 100 {
					list = list[:len(list)-1]
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "listed-by-loading", Rule: "E9",
		Fault: "the last sequences in a listing are counted by loading the events",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				list, next, err := s.ListExecutions(ctx, page)
				for i, x := range list {
					list[i].LastSequence = uint64(len(wholly(s.Load(ctx, x.ID, 0)).events))
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "listed-with-times-of-events", Rule: "E9",
		Fault: "an execution is listed as updated when its last event happened",
		Events: func(s driver.EventStore, _ *Place) driver.EventStore {
			return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
				list, next, err := s.ListExecutions(ctx, page)
				for i, x := range list {
					for e, err := range s.Load(ctx, x.ID, x.LastSequence-1) {
						if err == nil {
							list[i].UpdatedAt = e.Time
						}
						break
					}
				}
				return list, next, err
			}}
		},
	},
	{
		Name: "listed-as-created-again", Rule: "E9",
		Fault: "an append changes when the execution is said to be created, as an upsert of the row does",
		Events: listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
			for i, x := range list {
				list[i].CreatedAt = x.UpdatedAt
			}
			return list
		}),
	},
	{
		Name: "listed-as-never-updated", Rule: "E9",
		Fault: "when an execution was updated is set by the first append only",
		Events: listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
			for i, x := range list {
				list[i].UpdatedAt = x.CreatedAt
			}
			return list
		}),
	},
	{
		Name: "listed-with-batches", Rule: "E9",
		Fault: "the last sequence in a listing is that of the first event of the last batch",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			sizes := Remember[locked[map[driver.ExecutionID]int]](at.Store, "sizes "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, id, expect, events)
				sizes.Lock()
				defer sizes.Unlock()
				if sizes.value == nil {
					sizes.value = map[driver.ExecutionID]int{}
				}
				if err == nil && len(events) > 2 {
					sizes.value[id] = len(events)
				} else if err == nil {
					delete(sizes.value, id)
				}
				return last, err
			})(s, at)
			return listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
				sizes.Lock()
				defer sizes.Unlock()
				for i, x := range list {
					if n := sizes.value[x.ID]; n > 0 {
						list[i].LastSequence -= uint64(n - 1)
					}
				}
				return list
			})(first, at)
		},
	},
}

// listing changes each page of executions.
func listing(change func(page driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo) eventFault {
	return func(s driver.EventStore, _ *Place) driver.EventStore {
		return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
			list, next, err := s.ListExecutions(ctx, page)
			if err != nil {
				return nil, "", err
			}
			return change(page, list), next, nil
		}}
	}
}

// listingAll orders all executions and cuts pages out of them by number.
func listingAll(order func([]driver.ExecutionInfo)) eventFault {
	return func(s driver.EventStore, at *Place) driver.EventStore {
		return &anEventStore{EventStore: s, listExecutions: func(ctx context.Context, page driver.Page) (list []driver.ExecutionInfo, _ driver.Cursor, err error) {
			for all := (driver.Page{Limit: driver.MaxPageLimit}); ; {
				items, next, err := s.ListExecutions(ctx, all)
				if err != nil {
					return nil, "", err
				}
				list = append(list, items...)
				if all.Cursor = next; next == "" {
					break
				}
			}
			order(list)
			scope, from := driver.Scope("by number", string(at.Tenant)), 0
			if page.Cursor != "" {
				position, err := driver.DecodeCursor(scope, page.Cursor, 1)
				if err != nil {
					return nil, "", err
				}
				from = len(position[0])
			}
			to := min(from+page.Limit, len(list))
			if to == len(list) {
				return list[min(from, to):], "", nil
			}
			return list[from:to], driver.EncodeCursor(scope, strings.Repeat("x", to)), nil
		}}
	}
}
