package main

import (
	"context"
	"fmt"

	"github.com/enactdev/enact"
)

// eventType is the type of the events that are appended.
const eventType = "benchmark"

const sameSQLite = "both WAL with synchronous=FULL: synced before a commit returns; the same columns and unique indexes"

// appendOneByOne makes a contender of which each goroutine appends events to an
// execution of its own.
func appendOneByOne(l load, name string, events *enact.EventStore) contender {
	event := enact.Custom{Type: eventType, Data: randomBytes(payloadBytes)}
	return l.each(name, func(ctx context.Context, g int) error {
		_, err := events.Append(ctx, executionOf(g), enact.Expectation{}, event)
		return err
	})
}

func executionOf(n int) enact.ExecutionID { return enact.ExecutionID(fmt.Sprintf("execution-%06d", n)) }

// sqliteOneWriter is point 1.
func sqliteOneWriter(ctx context.Context, b *bench) error {
	store, hand, err := b.sqliteBothWays(ctx)
	if err != nil {
		return err
	}
	disk, err := b.fsyncs()
	if err != nil {
		return err
	}
	one := load{1, b.sample}
	payload := randomBytes(payloadBytes)
	return b.hold(ctx, contest{
		point: 1, same: sameSQLite,
		contenders: []contender{
			disk,
			appendOneByOne(one, "enact", store.Events),
			one.each("by hand", func(ctx context.Context, g int) error {
				return hand.commit(ctx, func() error { return hand.appendEvents(ctx, string(executionOf(g)), 1, payload) })
			}),
		},
		verdicts: []verdict{
			{what: "raw fsync of the disk", unit: perSecond, ours: disk.name, note: "a 4 KiB append, then fsync"},
			{what: "SQLite, one writer, an event per commit", unit: perSecond, ours: "enact", other: "by hand", goal: atLeast(0.9)},
		},
	})
}

// batch is how many events hand-written code commits at a time.
const batch = 100

// sqliteManyWriters is point 2.
func sqliteManyWriters(ctx context.Context, b *bench) error {
	store, hand, err := b.sqliteBothWays(ctx)
	if err != nil {
		return err
	}
	one, many := load{1, b.sample}, load{manyGoroutines, b.sample}
	payload := randomBytes(payloadBytes)
	event := enact.Custom{Type: eventType, Data: payload}
	next := 0
	return b.hold(ctx, contest{
		point: 2, same: sameSQLite,
		contenders: []contender{
			appendOneByOne(many, "enact, 64 goroutines", store.Events),
			appendOneByOne(one, "enact, 1 goroutine", store.Events),
			one.several("by hand, 100 events of 64 executions a commit", batch, func(ctx context.Context, _ int) error {
				return hand.commit(ctx, func() error {
					for range batch {
						next++
						if err := hand.appendEvents(ctx, string(executionOf(next%manyGoroutines)), 1, payload); err != nil {
							return err
						}
					}
					return nil
				})
			}),
			one.several("by hand, 100 events of one execution a commit", batch, func(ctx context.Context, _ int) error {
				return hand.commit(ctx, func() error { return hand.appendEvents(ctx, "one", batch, payload) })
			}),
			many.each("enact, 64 goroutines, one execution", func(ctx context.Context, _ int) error {
				_, err := store.Events.Append(ctx, "one", enact.Expectation{}, event)
				return err
			}),
		},
		verdicts: []verdict{
			{what: "SQLite, 64 goroutines against one", unit: perSecond, ours: "enact, 64 goroutines", other: "enact, 1 goroutine", goal: atLeast(15)},
			{what: "SQLite, 64 goroutines against one, the 64 in one execution", unit: perSecond, ours: "enact, 64 goroutines, one execution", other: "enact, 1 goroutine", goal: atLeast(15)},
			{what: "SQLite, 64 goroutines against batches, the same executions", unit: perSecond, ours: "enact, 64 goroutines", other: "by hand, 100 events of 64 executions a commit", goal: atLeast(0.7)},
			{what: "SQLite, 64 goroutines against batches, one execution", unit: perSecond, ours: "enact, 64 goroutines, one execution", other: "by hand, 100 events of one execution a commit", goal: atLeast(0.7)},
		},
	})
}
