package enact

import (
	"context"
	"iter"
)

// All walks a listing to its end, a page at a time:
//
//	for info, err := range enact.All(ctx, acme.Events.ListExecutions) { … }
//
// An error is yielded once and last. For listings that take more than a page,
// wrap them in a function literal.
func All[T any](ctx context.Context, list func(context.Context, Page) ([]T, Cursor, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var page Page
		for {
			items, next, err := list(ctx, page)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			page.Cursor = next
		}
	}
}
