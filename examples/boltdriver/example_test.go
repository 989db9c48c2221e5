package boltdriver_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/examples/boltdriver" // registers the scheme "bolt"
)

func Example() {
	folder, err := os.MkdirTemp("", "boltdriver")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	ctx := context.Background()
	dsn := "bolt:" + filepath.Join(folder, "enact.bolt")
	rt, err := enact.Open(ctx, enact.Config{Events: dsn, State: dsn})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)

	acme := rt.Tenant("acme")
	last, err := acme.Events.Append(ctx, "order-17", enact.ExpectLast(0),
		enact.ExecutionStarted{}, enact.StepStarted{Step: "pay"})
	fmt.Println(last, err)
	_, err = acme.State.Set(ctx, "cursor", []byte("42"))
	fmt.Println(err)
	entry, err := acme.State.Get(ctx, "cursor")
	fmt.Printf("%s %v\n", entry.Value, err)
	// Output:
	// 2 <nil>
	// <nil>
	// 42 <nil>
}
