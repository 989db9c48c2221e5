package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact"
)

// How many histories are loaded, and how long they are.
const (
	histories   = 20
	shortEvents = 100
	longEvents  = 5_000
)

// historiesAgainstScan compares loading histories with the scan of the same rows
// in the same file or server, without the library.
func historiesAgainstScan(ctx context.Context, b *bench) error {
	if err := b.scope(func() error { return historiesOfSQLite(ctx, b) }); err != nil {
		return err
	}
	server, err := b.postgresServer(4, "PostgreSQL, histories loaded")
	if server == nil {
		return err
	}
	return b.scope(func() error {
		store, err := b.openPostgres(ctx, server, "histories")
		if err != nil {
			return err
		}
		pool, err := pgxpool.New(ctx, server.LoopbackDSN())
		if err != nil {
			return err
		}
		b.cleanup(func() error { pool.Close(); return nil })
		return b.holdHistories(ctx, "PostgreSQL", "reads from the same tables; the scan knows the execution's key and reads every column into variables, the payload into memory of its own", store,
			func(ctx context.Context, execution enact.ExecutionID) (int64, error) {
				var key int64
				return key, pool.QueryRow(ctx, "SELECT key FROM histories.executions WHERE id = $1", string(execution)).Scan(&key)
			},
			func(ctx context.Context, key int64) (n int, err error) {
				rows, err := pool.Query(ctx, "SELECT sequence, id, type, payload, time FROM histories.events WHERE execution = $1 ORDER BY sequence", key)
				if err != nil {
					return 0, err
				}
				defer rows.Close()
				for ; rows.Next(); n++ {
					var sequence int64
					var id []byte
					var kind string
					var payload []byte
					var at time.Time
					if err := rows.Scan(&sequence, &id, &kind, &payload, &at); err != nil {
						return n, err
					}
				}
				return n, rows.Err()
			})
	})
}

func historiesOfSQLite(ctx context.Context, b *bench) error {
	path, err := b.newPath("enact")
	if err != nil {
		return err
	}
	store, err := b.open(ctx, allRoles("sqlite://"+path))
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", handSQLiteName(path))
	if err != nil {
		return err
	}
	b.cleanup(db.Close)
	scan, err := db.PrepareContext(ctx, "SELECT sequence, id, time, type, payload FROM events WHERE execution = ? ORDER BY sequence")
	if err != nil {
		return err
	}
	b.cleanup(scan.Close)
	return b.holdHistories(ctx, "SQLite", "reads from the same file; the scan knows the execution's key and reads every column into variables, the payload into memory of its own", store,
		func(ctx context.Context, execution enact.ExecutionID) (int64, error) {
			var key int64
			return key, db.QueryRowContext(ctx, "SELECT key FROM executions WHERE id = ?", string(execution)).Scan(&key)
		},
		func(ctx context.Context, key int64) (n int, err error) {
			rows, err := scan.QueryContext(ctx, key)
			if err != nil {
				return 0, err
			}
			defer rows.Close()
			for ; rows.Next(); n++ {
				var sequence, at int64
				var id, payload []byte
				var kind string
				if err := rows.Scan(&sequence, &id, &at, &kind, &payload); err != nil {
					return n, err
				}
			}
			return n, rows.Err()
		})
}

// holdHistories fills a store with short and long histories and compares.
func (b *bench) holdHistories(ctx context.Context, engine, same string, store *enact.Tenant,
	keyOf func(context.Context, enact.ExecutionID) (int64, error), scan func(ctx context.Context, key int64) (int, error),
) error {
	c := contest{point: 4, same: same}
	for _, size := range []int{shortEvents, longEvents} {
		var names [histories]enact.ExecutionID
		var keys [histories]int64
		for i := range histories {
			names[i] = enact.ExecutionID(fmt.Sprintf("history-%d-%d", size, i))
			if err := fillExecution(ctx, store.Events, names[i], size); err != nil {
				return err
			}
			var err error
			if keys[i], err = keyOf(ctx, names[i]); err != nil {
				return err
			}
		}
		ours, other := fmt.Sprintf("enact, %d events", size), fmt.Sprintf("row scan, %d events", size)
		at := 0
		l := load{1, b.sample}
		c.contenders = append(c.contenders,
			l.each(ours, func(ctx context.Context, _ int) error {
				at++
				n := 0
				for _, err := range store.Events.Load(ctx, names[at%histories], 0) {
					if err != nil {
						return err
					}
					n++
				}
				return wantCount(n, size)
			}),
			l.each(other, func(ctx context.Context, _ int) error {
				at++
				n, err := scan(ctx, keys[at%histories])
				if err != nil {
					return err
				}
				return wantCount(n, size)
			}))
		c.verdicts = append(c.verdicts, verdict{
			what: fmt.Sprintf("%s, histories of %d events loaded", engine, size), unit: perSecond, ours: ours, other: other, goal: atLeast(0.8),
		})
	}
	return b.hold(ctx, c)
}

// wantCount makes sure that a side has read what it should have.
func wantCount(got, want int) error {
	if got != want {
		return fmt.Errorf("%d entries were read, want %d", got, want)
	}
	return nil
}
