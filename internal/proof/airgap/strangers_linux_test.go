package airgap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// stranger is a driver of somebody else, its connector and its backend in one. It
// dials an address when it is connected.
type stranger struct {
	requires, supports bool
	// address is where it dials. Empty: it does not.
	address string
	// afterwards is what its backend says. Nil: the same as its connector.
	afterwards *stranger
}

func (s *stranger) OpenConnector(string) (driver.Connector, error) { return s, nil }

func (s *stranger) Name() string            { return "stranger" }
func (s *stranger) RequiresNetwork() bool   { return s.requires }
func (s *stranger) SupportsAirGapped() bool { return s.supports }

func (s *stranger) Connect(ctx context.Context) (driver.Backend, error) {
	if s.address != "" {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err != nil {
			return nil, err
		}
		conn.Close()
	}
	if s.afterwards != nil {
		return s.afterwards, nil
	}
	return s, nil
}

func (s *stranger) Tenant(driver.TenantID) driver.Stores {
	return driver.Stores{Events: struct{ driver.EventStore }{}}
}
func (s *stranger) HealthCheck(context.Context) error { return nil }
func (s *stranger) Shutdown(context.Context) error    { return nil }

// beyond is an address that nobody is asked at.
const beyond = "127.0.0.1:1"

// registerLate registers a driver when the program has long started.
var registerLate = sync.OnceFunc(func() { enact.Register("late", &stranger{requires: true, address: beyond}) })

// byStranger are drivers that are not of this module.
func byStranger() []attempt {
	late := dsn("a driver registered later", "late:x")
	late.open = func() enact.Config {
		registerLate()
		return enact.Config{Events: "late:x"}
	}
	byHand := func(what string, s *stranger) attempt {
		a := dsn(what, "")
		a.open = func() enact.Config { return enact.Config{Connectors: enact.Connectors{Events: s}} }
		a.words = []string{"events", `"stranger"`}
		return a
	}
	return []attempt{
		late,
		byHand("a connector that needs the network", &stranger{requires: true, address: beyond}),
		byHand("a connector that needs none and does not support the mode", &stranger{address: beyond}),

		byHand("a connector whose backend needs the network", &stranger{supports: true, afterwards: &stranger{requires: true}}),
		byHand("a connector whose backend does not support the mode", &stranger{supports: true, afterwards: &stranger{}}),
	}
}

// TestLiarGetsOut: a driver that says it needs no network, and dials, is not stopped
// by the mode, as docs/air-gapped.md says. The trace shows it, so that an attempt that
// got out would have been seen.
func TestLiarGetsOut(t *testing.T) {
	server := startRedirecting(t)
	made, printed := watch(t, liesOnce, server.address)
	if printed[0] != "opened" {
		t.Errorf("the liar said %q, want that it was opened", printed)
	}
	_, port, _ := net.SplitHostPort(server.address)
	if found := others(made[0], server.socket); !reaches(found, "sin_port=htons("+port+")") {
		t.Errorf("the trace does not show how the liar got out: %q", made[0])
	}
	testkit.Await(t, "the server to count the liar", func() bool { return server.connections.Load() > 0 })
}

// TestLiarIsStoppedByNamespace: without interfaces it reaches nobody.
func TestLiarIsStoppedByNamespace(t *testing.T) {
	server := startRedirecting(t)
	printed := isolated(t, liesOnce, server.address).Rest()
	if !strings.Contains(printed[0], "network is unreachable") {
		t.Errorf("the liar said %q, want that the network is unreachable", printed)
	}
	if n := server.connections.Load(); n != 0 {
		t.Errorf("the server was reached %d times", n)
	}
}

// openLiar is the child in which a driver lies.
func openLiar(ctx context.Context, args []string) error {
	testkit.EndWithParent()
	enact.Register("liar", &stranger{supports: true, address: args[0]})
	rt, err := enact.Open(ctx, enact.Config{Events: "liar:x", AirGapped: true})
	if err != nil {
		fmt.Println(err)
		return nil
	}
	fmt.Println("opened")
	return errors.Join(rt.Shutdown(ctx))
}
