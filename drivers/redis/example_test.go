package redis_test

import (
	"context"
	"log"
	"os"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/drivers/redis"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

// State in Redis, at the speed of its memory; what must not be lost in a file.
func Example() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{
		State:    "rediss://app:" + os.Getenv("REDIS_PASSWORD") + "@cache.example.com:6380/0?enact_prefix=app",
		Events:   "sqlite:///var/lib/app/enact.db",
		Messages: "sqlite:///var/lib/app/enact.db",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}

// A cluster whose servers have appendonly yes and appendfsync always keeps events and
// messages, too. Each write is acknowledged when a replica has it.
func Example_cluster() {
	ctx := context.Background()
	const dsn = "redis+cluster://app@one.example.com,two.example.com,three.example.com?enact_replicas=1"
	rt, err := enact.Open(ctx, enact.Config{Events: dsn, State: dsn, Messages: dsn})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}

// An application that has a client already lends it.
func ExampleNewConnector() {
	ctx := context.Background()
	client := goredis.NewClient(&goredis.Options{Addr: "cache.example.com:6379", ContextTimeoutEnabled: true})
	defer client.Close() // after Shutdown, which leaves it open
	state := redis.NewConnector(client, redis.Prefix("app"), redis.SweepInterval(time.Minute))
	rt, err := enact.Open(ctx, enact.Config{Connectors: enact.Connectors{State: state}})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}
