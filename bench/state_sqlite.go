package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

// stateKeys is how many keys there are that are read and written at random.
const stateKeys = 10_000

// randomKeys returns a function that names a key at random, the same keys in every
// run.
func randomKeys() func() string { return randomKeysOf(stateKeys) }

// randomKeysOf does so for the first n keys.
func randomKeysOf(n int) func() string {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	return func() string { return keyOf(r.IntN(n)) }
}

// stateOfSQLite is the first part of point 5.
func stateOfSQLite(ctx context.Context, b *bench) error {
	store, hand, err := b.sqliteBothWays(ctx)
	if err != nil {
		return err
	}
	value := randomBytes(payloadBytes)
	for i := range stateKeys {
		if _, err := store.State.Set(ctx, keyOf(i), value); err != nil {
			return err
		}
	}
	err = hand.commit(ctx, func() error {
		for i := range stateKeys {
			if err := hand.set(ctx, keyOf(i), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	get, err := hand.db.PrepareContext(ctx, "SELECT version, expires, value FROM state WHERE tenant = ? AND key = ?")
	if err != nil {
		return err
	}
	b.cleanup(get.Close)
	one := load{1, b.sample}
	key, handKey := randomKeys(), randomKeys()
	return b.hold(ctx, contest{
		point: 5, same: sameSQLite,
		contenders: []contender{
			one.each("enact, get", func(ctx context.Context, _ int) error {
				_, err := store.State.Get(ctx, key())
				return err
			}),
			one.each("prepared statement, get", func(ctx context.Context, _ int) error {
				var version int64
				var expires sql.NullInt64
				var value []byte
				return get.QueryRowContext(ctx, tenant, handKey()).Scan(&version, &expires, &value)
			}),
			one.each("enact, set", func(ctx context.Context, _ int) error {
				_, err := store.State.Set(ctx, key(), value)
				return err
			}),
			one.each("prepared statement, set", func(ctx context.Context, _ int) error { return hand.set(ctx, handKey(), value) }),
		},
		verdicts: []verdict{
			{what: "SQLite, get", unit: perSecond, ours: "enact, get", other: "prepared statement, get", goal: atLeast(0.85)},
			{what: "SQLite, set", unit: perSecond, ours: "enact, set", other: "prepared statement, set", goal: atLeast(0.85)},
		},
	})
}

func (h *handSQLite) set(ctx context.Context, key string, value []byte) error {
	var version int64
	return h.row(ctx, `INSERT INTO state (tenant, key, version, expires, value) VALUES (?1, ?2, ?3, NULL, ?4)
		ON CONFLICT (tenant, key) DO UPDATE SET version = version + 1, expires = NULL, value = excluded.value RETURNING version`,
		[]any{tenant, key, time.Now().UnixMicro(), value}, &version)
}
