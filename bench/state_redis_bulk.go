package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
)

// bulkKeys is how many keys one bulk call names.
const bulkKeys = 1_000

// bulkOfRedis is the third part of point 5.
func bulkOfRedis(ctx context.Context, b *bench) error {
	store, bare, err := b.redisBothWays(ctx, "bulk get and set")
	if store == nil || err != nil {
		return err
	}
	state, value := store.State, randomBytes(payloadBytes)
	keys, items := make([]string, bulkKeys), make([]enact.SetItem, bulkKeys)
	for i := range keys {
		keys[i] = keyOf(i)
		items[i] = enact.SetItem{Key: keys[i], Value: value}
	}
	getMany := func(ctx context.Context, _ int) error {
		results, err := state.GetMany(ctx, keys)
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
		return err
	}
	setMany := func(ctx context.Context, _ int) error {
		results, err := state.SetMany(ctx, items)
		for _, r := range results {
			err = errors.Join(err, r.Err)
		}
		return err
	}
	if err := setMany(ctx, 0); err != nil {
		return err
	}
	one := load{1, b.sample}
	getKey, setKey := randomKeysOf(bulkKeys), randomKeysOf(bulkKeys)
	bulkGet, bulkSet := fmt.Sprintf("enact, get of %d", bulkKeys), fmt.Sprintf("enact, set of %d", bulkKeys)
	pipeGet, pipeSet := fmt.Sprintf("go-redis, pipeline of %d gets", bulkKeys), fmt.Sprintf("go-redis, pipeline of %d sets", bulkKeys)
	return b.hold(ctx, contest{
		point: 5, same: "one server that keeps nothing on disk; the values are the same, beside which enact keeps a version and a list of the keys",
		contenders: []contender{
			one.several(bulkGet, bulkKeys, getMany),
			one.each("enact, get", func(ctx context.Context, _ int) error {
				_, err := state.Get(ctx, getKey())
				return err
			}),
			one.several(pipeGet, bulkKeys, func(ctx context.Context, _ int) error {
				_, err := bare.Pipelined(ctx, func(p redis.Pipeliner) error {
					for _, key := range keys {
						p.Get(ctx, bareKey(key))
					}
					return nil
				})
				return err
			}),
			one.several(bulkSet, bulkKeys, setMany),
			one.each("enact, set", func(ctx context.Context, _ int) error {
				_, err := state.Set(ctx, setKey(), value)
				return err
			}),
			one.several(pipeSet, bulkKeys, func(ctx context.Context, _ int) error {
				_, err := bare.Pipelined(ctx, func(p redis.Pipeliner) error {
					for _, key := range keys {
						p.Set(ctx, bareKey(key), value, 0)
					}
					return nil
				})
				return err
			}),
		},
		verdicts: []verdict{
			{what: "Redis, bulk get against one by one", unit: perSecond, ours: bulkGet, other: "enact, get", goal: atLeast(10)},
			{what: "Redis, bulk set against one by one", unit: perSecond, ours: bulkSet, other: "enact, set", goal: atLeast(10)},
			{what: "Redis, bulk get against a pipeline of go-redis", unit: perSecond, ours: bulkGet, other: pipeGet},
			{what: "Redis, bulk set against a pipeline of go-redis", unit: perSecond, ours: bulkSet, other: pipeSet},
		},
	})
}
