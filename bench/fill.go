package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/enactdev/enact"
)

// fillExecution appends n events to an execution, many at a time.
func fillExecution(ctx context.Context, events *enact.EventStore, execution enact.ExecutionID, n int) error {
	const most = 5_000
	event := enact.Custom{Type: eventType, Data: randomBytes(payloadBytes)}
	full := make([]enact.EventData, min(n, most))
	for i := range full {
		full[i] = event
	}
	for n > 0 {
		part := full[:min(n, len(full))]
		if _, err := events.Append(ctx, execution, enact.Expectation{}, part...); err != nil {
			return err
		}
		n -= len(part)
	}
	return nil
}

// sideBySide calls f for every number below n, in several goroutines.
func sideBySide(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range manyGoroutines {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// fillLists makes executions with one event each, keys of state, and threads of
// one user.
func fillLists(ctx context.Context, store *enact.Tenant, executions, threads int) error {
	event := enact.Custom{Type: eventType, Data: randomBytes(payloadBytes)}
	err := sideBySide(ctx, executions, func(ctx context.Context, i int) error {
		_, err := store.Events.Append(ctx, executionOf(i), enact.Expectation{}, event)
		return err
	})
	if err != nil {
		return err
	}
	err = sideBySide(ctx, threads, func(ctx context.Context, i int) error {
		_, err := store.Messages.CreateThread(ctx, enact.Thread{ID: threadOf(i), User: user, Title: "A thread"})
		return err
	})
	if err != nil {
		return err
	}
	value := randomBytes(payloadBytes)
	return sideBySide(ctx, executions, func(ctx context.Context, i int) error {
		_, err := store.State.Set(ctx, keyOf(i), value)
		return err
	})
}

// user is whose threads are listed.
const user = "user"

func threadOf(n int) enact.ThreadID { return enact.ThreadID(fmt.Sprintf("thread-%06d", n)) }
func keyOf(n int) string            { return fmt.Sprintf("key-%06d", n) }
