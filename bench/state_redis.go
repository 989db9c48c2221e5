package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
)

// redisBothWays opens a server through enact and through its client; nil where there is
// none to compare what on, which the report says then.
func (b *bench) redisBothWays(ctx context.Context, what string) (*enact.Tenant, *redis.Client, error) {
	server, err := b.redisServer(5, "Redis, "+what)
	if server == nil {
		return nil, nil, err
	}
	store, err := b.open(ctx, enact.Config{State: server.DSN()})
	if err != nil {
		return nil, nil, err
	}
	bare := redis.NewClient(&redis.Options{Addr: server.Address()})
	b.cleanup(bare.Close)
	return store, bare, nil
}

// stateOfRedis is the second part of point 5.
func stateOfRedis(ctx context.Context, b *bench) error {
	store, bare, err := b.redisBothWays(ctx, "get and set")
	if store == nil || err != nil {
		return err
	}
	value := randomBytes(payloadBytes)
	err = sideBySide(ctx, stateKeys, func(ctx context.Context, i int) error {
		if _, err := store.State.Set(ctx, keyOf(i), value); err != nil {
			return err
		}
		return bare.Set(ctx, bareKey(keyOf(i)), value, 0).Err()
	})
	if err != nil {
		return err
	}
	c := contest{point: 5, same: "one server that keeps nothing on disk; the values are the same, beside which enact keeps a version and a list of the keys"}
	for _, n := range []int{1, manyGoroutines} {
		l := load{n, b.sample}
		var keys, bareKeys [manyGoroutines]func() string
		for g := range n {
			keys[g], bareKeys[g] = randomKeys(), randomKeys()
		}
		name := func(side, operation string) string { return fmt.Sprintf("%s, %s, %d at a time", side, operation, n) }
		c.contenders = append(c.contenders,
			l.each(name("enact", "get"), func(ctx context.Context, g int) error {
				_, err := store.State.Get(ctx, keys[g]())
				return err
			}),
			l.each(name("go-redis", "get"), func(ctx context.Context, g int) error {
				_, err := bare.Get(ctx, bareKey(bareKeys[g]())).Bytes()
				return err
			}),
			l.each(name("enact", "set"), func(ctx context.Context, g int) error {
				_, err := store.State.Set(ctx, keys[g](), value)
				return err
			}),
			l.each(name("go-redis", "set"), func(ctx context.Context, g int) error {
				return bare.Set(ctx, bareKey(bareKeys[g]()), value, 0).Err()
			}))
		for _, operation := range []string{"get", "set"} {
			c.verdicts = append(c.verdicts, verdict{
				what: fmt.Sprintf("Redis, %s, at a time: %d", operation, n), unit: perSecond,
				ours: name("enact", operation), other: name("go-redis", operation), goal: atLeast(0.9),
			})
		}
	}
	return b.hold(ctx, c)
}

func bareKey(key string) string { return "bare:" + key }
