package main

import (
	"context"
	"fmt"

	"github.com/enactdev/enact"
)

// rehydration is the part of point 7 about snapshots.
func rehydration(ctx context.Context, b *bench) error {
	store, err := b.openSQLite(ctx)
	if err != nil {
		return err
	}
	long := 100_000
	if b.quick {
		long = 10_000
	}
	sizes := []int{long / 100, long}
	one := load{1, b.sample}
	c := contest{point: 7, same: "reads; the snapshot is 10 events old"}
	for _, n := range sizes {
		execution := executionOf(n)
		if err := fillExecution(ctx, store.Events, execution, n); err != nil {
			return err
		}
		snapshot, err := store.Rehydrate(ctx, execution)
		if err != nil {
			return err
		}
		if err := store.State.SaveSnapshot(ctx, snapshot); err != nil {
			return err
		}
		if err := fillExecution(ctx, store.Events, execution, tailEvents); err != nil {
			return err
		}
		c.contenders = append(c.contenders, one.each(fmt.Sprintf("rehydrate %d events", n), func(ctx context.Context, _ int) error {
			state, err := store.Rehydrate(ctx, execution)
			if err != nil {
				return err
			}
			return wantCount(int(state.Sequence), n+tailEvents)
		}))
	}
	tail := one.each("load snapshot and tail", func(ctx context.Context, _ int) error { return loadTail(ctx, store, executionOf(long), long) })
	c.contenders = append(c.contenders, tail)
	c.verdicts = []verdict{
		{what: "SQLite, rehydrate a long execution against one of a hundredth", unit: typicalTime, ours: c.contenders[1].name, other: c.contenders[0].name, goal: atMost(1.3)},
		{what: "SQLite, rehydrate a long execution against reading snapshot and tail", unit: typicalTime, ours: c.contenders[1].name, other: tail.name, goal: atMost(1.3)},
	}
	return b.hold(ctx, c)
}

// loadTail reads what a rehydration needs.
func loadTail(ctx context.Context, store *enact.Tenant, execution enact.ExecutionID, after int) error {
	if _, err := store.State.LoadSnapshot(ctx, execution); err != nil {
		return err
	}
	n := 0
	for _, err := range store.Events.Load(ctx, execution, uint64(after)) {
		if err != nil {
			return err
		}
		n++
	}
	return wantCount(n, tailEvents)
}
