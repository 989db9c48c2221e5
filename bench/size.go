package main

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact"
)

// eventsOnDisk is how many events the size of one is measured by.
const eventsOnDisk = 100_000

// sizeOfEvents is the part of point 7 about bytes on disk.
func sizeOfEvents(ctx context.Context, b *bench) error {
	path, err := b.newPath("enact")
	if err != nil {
		return err
	}
	err = b.scope(func() error {
		store, err := b.open(ctx, enact.Config{Events: "sqlite://" + path})
		if err != nil {
			return err
		}
		return fillExecution(ctx, store.Events, longExecution, eventsOnDisk)
	})
	if err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	b.addSize("SQLite, bytes on disk of an event of 256 bytes", float64(file.Size())/float64(eventsOnDisk), "the whole file, indexes included, after closing")
	return b.sizeOfPostgres(ctx)
}

func (b *bench) sizeOfPostgres(ctx context.Context) error {
	const what = "PostgreSQL, bytes on disk of an event of 256 bytes"
	server, err := b.postgresServer(7, what)
	if server == nil {
		return err
	}
	store, err := b.openPostgres(ctx, server, "size")
	if err != nil {
		return err
	}
	if err := fillExecution(ctx, store.Events, longExecution, eventsOnDisk); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.LoopbackDSN())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var bytes int64
	if err := conn.QueryRow(ctx, "SELECT pg_total_relation_size('size.events')").Scan(&bytes); err != nil {
		return err
	}
	b.addSize(what, float64(bytes)/float64(eventsOnDisk), "the table with its indexes")
	return nil
}

func (b *bench) addSize(what string, each float64, note string) {
	b.add(once(7, what, bytesEach, side{"enact", each}, side{"payload", payloadBytes}, atMost(1.4), note))
}

// once is a row of what was measured a single time, because it does not vary.
func once(point int, what, unit string, ours, other side, g goal, note string) row {
	x := g.combine(ours.Value, other.Value)
	r := row{Point: point, What: what, Unit: unit, Ours: ours, Other: &other, Ratio: &spread{x, x, x}, Rounds: 1, Note: note}
	r.setGoal(g)
	return r
}
