package main

import (
	"context"
	"fmt"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/testserver"
)

const samePostgres = "one server with its defaults, fsync and synchronous_commit on; the same columns and unique indexes; 32 connections over loopback"

// openPostgres opens the roles that need no extension, in a schema of their own.
func (b *bench) openPostgres(ctx context.Context, server *testserver.Postgres, schema string) (*enact.Tenant, error) {
	dsn := server.LoopbackDSN("enact_schema="+schema, fmt.Sprintf("pool_max_conns=%d", poolSize), fmt.Sprintf("pool_min_conns=%d", poolSize))
	return b.open(ctx, enact.Config{Events: dsn, State: dsn, Messages: dsn})
}

// postgresManyWriters is point 3.
func postgresManyWriters(ctx context.Context, b *bench) error {
	server, err := b.postgresServer(3, "PostgreSQL, 64 goroutines")
	if server == nil {
		return err
	}
	store, err := b.openPostgres(ctx, server, "point3")
	if err != nil {
		return err
	}
	hand, err := b.newHandPostgres(ctx, server)
	if err != nil {
		return err
	}
	one, many := load{1, b.sample}, load{manyGoroutines, b.sample}
	payload := randomBytes(payloadBytes)
	var last [manyGoroutines]int64
	var batched int64
	const usual, unnest = "an INSERT each, pgxpool of 32", "unnest of 100 events a commit"
	return b.hold(ctx, contest{
		point: 3, same: samePostgres,
		contenders: []contender{
			appendOneByOne(many, "enact", store.Events),
			many.each(usual, func(ctx context.Context, g int) error {
				last[g]++
				return hand.insert(ctx, int64(g), last[g], payload)
			}),
			one.several(unnest, batch, func(ctx context.Context, _ int) error {
				batched += batch
				return hand.insertBatch(ctx, manyGoroutines, batched, batch, payload)
			}),
		},
		verdicts: []verdict{
			{what: "PostgreSQL, 64 goroutines against the usual pattern", unit: perSecond, ours: "enact", other: usual, goal: atLeast(4)},
			{what: "PostgreSQL, 64 goroutines against batches", unit: perSecond, ours: "enact", other: unnest, goal: atLeast(0.7)},
			{what: "PostgreSQL, 64 goroutines, latency", unit: slowTime, ours: "enact", other: usual, goal: atMost(1)},
		},
	})
}
