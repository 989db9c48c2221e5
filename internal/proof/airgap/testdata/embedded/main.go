// Command embedded opens an embedded store without asking for air-gapped mode, and
// says in which mode it is. Then it gives a connector by hand, and says what came of it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

func main() {
	ctx := context.Background()
	config := enact.Config{Events: "sqlite::memory:", State: "memory:"}
	rt, err := enact.Open(ctx, config)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer rt.Shutdown(ctx)
	last, err := rt.Tenant("tenant").Events.Append(ctx, "execution", enact.ExpectLast(0), enact.ExecutionStarted{})
	fmt.Println("appended", last, err)
	fmt.Println("air-gapped:", rt.AirGapped())
	fmt.Println(config)
	_, err = enact.Open(ctx, enact.Config{Connectors: enact.Connectors{Events: &byHand{}}})
	fmt.Println("by hand:", err)
}

// byHand says that it needs no network.
type byHand struct{ driver.Connector }

func (*byHand) Name() string            { return "by hand" }
func (*byHand) RequiresNetwork() bool   { return false }
func (*byHand) SupportsAirGapped() bool { return true }

func (*byHand) Connect(context.Context) (driver.Backend, error) {
	return nil, fmt.Errorf("it was connected")
}
