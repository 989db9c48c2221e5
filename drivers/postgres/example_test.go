package postgres_test

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/drivers/postgres"
)

// All roles in one database, the schema named after the application. Roles with
// equal DSNs share a pool.
func Example() {
	ctx := context.Background()
	const dsn = "postgres://app@db.example.com/app?sslmode=verify-full&enact_schema=app_enact"
	rt, err := enact.Open(ctx, enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}

// An application that has a pool already lends it; its own transactions and those
// of the stores share the connections.
func ExampleNewConnector() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close() // after Shutdown, which leaves it open
	stores := postgres.NewConnector(pool, postgres.Schema("app_enact"), postgres.Notify())
	rt, err := enact.Open(ctx, enact.Config{Connectors: enact.Connectors{Events: stores, State: stores, Messages: stores, Vectors: stores}})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}
