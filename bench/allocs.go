package main

import (
	"context"
	"runtime"

	"github.com/enactdev/enact"
)

// appendsCounted is how many appends the allocations are counted of.
const appendsCounted = 200

// allocationsOfAppend is point 8.
func allocationsOfAppend(ctx context.Context, b *bench) error {
	if err := b.scope(func() error { return allocationsOnSQLite(ctx, b) }); err != nil {
		return err
	}
	server, err := b.postgresServer(8, "PostgreSQL, allocations of an append")
	if server == nil {
		return err
	}
	return b.scope(func() error {
		store, err := b.openPostgres(ctx, server, "point8")
		if err != nil {
			return err
		}
		hand, err := b.newHandPostgres(ctx, server)
		if err != nil {
			return err
		}
		sequence := int64(0)
		return b.holdAllocations(ctx, "PostgreSQL", samePostgres, store, func(ctx context.Context, payload []byte) error {
			sequence++
			return hand.insert(ctx, 1, sequence, payload)
		})
	})
}

func allocationsOnSQLite(ctx context.Context, b *bench) error {
	store, hand, err := b.sqliteBothWays(ctx)
	if err != nil {
		return err
	}
	return b.holdAllocations(ctx, "SQLite", sameSQLite, store, func(ctx context.Context, payload []byte) error {
		return hand.commit(ctx, func() error { return hand.appendEvents(ctx, longExecution, 1, payload) })
	})
}

func (b *bench) holdAllocations(ctx context.Context, engine, same string, store *enact.Tenant, byHand func(context.Context, []byte) error) error {
	payload := randomBytes(16)
	const ours, hand = "enact", "by hand"
	return b.hold(ctx, contest{
		point: 8, same: same,
		contenders: []contender{
			counted(ours, func(ctx context.Context) error {
				_, err := store.Events.Append(ctx, longExecution, enact.Expectation{}, enact.Custom{Type: eventType, Data: payload})
				return err
			}),
			counted(hand, func(ctx context.Context) error { return byHand(ctx, payload) }),
		},
		verdicts: []verdict{{what: engine + ", allocations of an append", unit: allocations, ours: ours, other: hand, goal: atMostMore(12)}},
	})
}

// counted makes a contender that counts the allocations of a call, those of all
// goroutines.
func counted(name string, f func(context.Context) error) contender {
	return contender{name, func(ctx context.Context) (figures, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range appendsCounted {
			if err := f(ctx); err != nil {
				return nil, err
			}
		}
		runtime.ReadMemStats(&after)
		return figures{allocations: float64(after.Mallocs-before.Mallocs) / appendsCounted}, nil
	}}
}
