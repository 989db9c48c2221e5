package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/internal/testserver"
)

// poolSize is the number of connections on both sides.
const poolSize = 32

// handPostgres is the usual way to keep events: a table with the columns and
// unique indexes of drivers/postgres, and a pool. Who appends knows the sequence.
type handPostgres struct{ pool *pgxpool.Pool }

const handPostgresSchema = `
CREATE SCHEMA hand;
CREATE TABLE hand.events (
	execution bigint NOT NULL, sequence bigint NOT NULL, time timestamptz NOT NULL,
	id text COLLATE "C" NOT NULL, type text COLLATE "C" NOT NULL, payload bytea NOT NULL,
	PRIMARY KEY (execution, sequence), UNIQUE (execution, id)
)`

// newHandPostgres makes the table anew and connects the whole pool.
func (b *bench) newHandPostgres(ctx context.Context, server *testserver.Postgres) (*handPostgres, error) {
	config, err := pgxpool.ParseConfig(server.LoopbackDSN())
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = poolSize, poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	b.cleanup(func() error { pool.Close(); return nil })
	for _, statement := range []string{"DROP SCHEMA IF EXISTS hand CASCADE", handPostgresSchema} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	return &handPostgres{pool}, nil
}

func (h *handPostgres) insert(ctx context.Context, execution, sequence int64, payload []byte) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	_, err = h.pool.Exec(ctx, "INSERT INTO hand.events (execution, sequence, time, id, type, payload) VALUES ($1, $2, $3, $4, $5, $6)",
		execution, sequence, time.Now(), id.String(), eventType, payload)
	return err
}

func (h *handPostgres) insertBatch(ctx context.Context, execution, sequence int64, n int, payload []byte) error {
	sequences, ids, types, payloads := make([]int64, n), make([]string, n), make([]string, n), make([][]byte, n)
	for i := range n {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		sequences[i], ids[i], types[i], payloads[i] = sequence+int64(i), id.String(), eventType, payload
	}
	_, err := h.pool.Exec(ctx, "INSERT INTO hand.events (execution, sequence, time, id, type, payload) SELECT $1, s, $2, i, t, p FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bytea[]) AS g (s, i, t, p)",
		execution, time.Now(), sequences, ids, types, payloads)
	return err
}
