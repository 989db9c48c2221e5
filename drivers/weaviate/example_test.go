package weaviate_test

import (
	"context"
	"log"

	client "github.com/weaviate/weaviate-go-client/v4/weaviate"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/sqlite"
	"github.com/enactdev/enact/drivers/weaviate"
)

// Vectors in Weaviate, everything else in a file.
func Example() {
	ctx := context.Background()
	const file = "sqlite:///var/lib/app/enact.db"
	rt, err := enact.Open(ctx, enact.Config{Events: file, State: file, Messages: file, Vectors: "weaviate://localhost:8080/app"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}

// An application that has a client already lends it.
func ExampleNewConnector() {
	ctx := context.Background()
	c, err := client.NewClient(client.Config{Scheme: "http", Host: "localhost:8080"})
	if err != nil {
		log.Fatal(err)
	}
	vectors := weaviate.NewConnector(c, weaviate.Namespace("app"))
	rt, err := enact.Open(ctx, enact.Config{Connectors: enact.Connectors{Vectors: vectors}})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
}
