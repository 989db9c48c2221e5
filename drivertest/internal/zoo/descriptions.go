package zoo

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

// whenConnected changes the backend of a connector that it leaves as it is.
func whenConnected(change func(b *aBackend, dsn string)) func(driver.Connector, string) driver.Connector {
	return connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
		b, err := c.Connect(ctx)
		if err != nil {
			return nil, err
		}
		changed := &aBackend{Backend: b}
		change(changed, dsn)
		return changed, nil
	})
}

var descriptions = []*Broken{
	{
		Name: "backend-has-another-name", Rule: "B2", Fault: "adds the server's version to the name once it is connected",
		Connector: whenConnected(func(b *aBackend, _ string) { b.name = func() string { return b.Backend.Name() + " 1.2" } }),
	},
	{
		Name: "network-known-when-connected", Rule: "B2", Fault: "knows only once it is connected that it requires the network",
		Connector: whenConnected(func(b *aBackend, _ string) {
			b.requiresNetwork = func() bool { return true }
		}),
	},
	{
		Name: "name-goes-with-shutdown", Rule: "B2", Fault: "has no name any more after Shutdown",
		Connector: whenConnected(func(b *aBackend, _ string) {
			var down atomic.Bool
			b.name = func() string {
				if down.Load() {
					return ""
				}
				return b.Backend.Name()
			}
			b.shutdown = func(ctx context.Context) error {
				down.Store(true)
				return b.Backend.Shutdown(ctx)
			}
		}),
	},
	{
		Name: "connector-describes-the-last-attempt", Rule: "B2", Fault: "says after a failed Connect that it requires the network",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			var failed atomic.Bool
			return &aConnector{Connector: c, requiresNetwork: failed.Load, connect: func(ctx context.Context) (driver.Backend, error) {
				b, err := c.Connect(ctx)
				if err != nil {
					failed.Store(true)
				}
				return b, err
			}}
		},
	},
	{
		Name: "no-network-and-not-air-gapped", Rule: "B2", Fault: "requires no network, and is not for air-gapped mode",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			no := func() bool { return false }
			changed := whenConnected(func(b *aBackend, _ string) { b.supportsAirGapped = no })(c, "").(*aConnector)
			changed.supportsAirGapped = no
			return changed
		},
	},
	{
		Name: "has-no-name", Rule: "B2", Fault: "has an empty name",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			none := func() string { return "" }
			changed := whenConnected(func(b *aBackend, _ string) { b.name = none })(c, "").(*aConnector)
			changed.name = none
			return changed
		},
	},
	{
		Name: "host-is-no-network", Rule: "B2", Fault: "says of a DSN with a host, to which it connects, that it requires no network",
		Connector: greeted(false, greeting),
	},
	{
		Name: "serves-metrics", Rule: "B2", Fault: "listens for those who collect metrics, and says that it requires no network",
		Connector: whenConnected(func(b *aBackend, _ string) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			b.shutdown = func(ctx context.Context) error {
				if err == nil {
					listener.Close()
				}
				return b.Backend.Shutdown(ctx)
			}
		}),
	},
	{
		Name: "reports-usage", Rule: "B2", Fault: "tells somebody by UDP when it is used, and says that it requires no network",
		Backend: func(b driver.Backend, _ *Place) driver.Backend {
			var conn atomic.Pointer[net.Conn]
			tell := func() {
				if conn.Load() == nil {
					if c, err := net.Dial("udp", "127.0.0.1:8125"); err == nil && !conn.CompareAndSwap(nil, &c) {
						c.Close()
					}
				}
			}
			return &aBackend{
				Backend:     b,
				healthCheck: func(ctx context.Context) error { tell(); return b.HealthCheck(ctx) },
				shutdown: func(ctx context.Context) error {
					if c := conn.Swap(nil); c != nil {
						(*c).Close()
					}
					return b.Shutdown(ctx)
				},
			}
		},
	},
	{
		Name: "offers-no-vectors", Rule: "B2", Fault: "offers a role less than it declares",
		Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
			s.Vectors = nil
			return s
		},
	},
	{
		Name: "offers-by-tenant", Rule: "B2", Fault: "offers messages only to tenants whose names are short",
		Stores: func(s driver.Stores, _ driver.Backend, at *Place) driver.Stores {
			if len(at.Tenant) > 64 {
				s.Messages = nil
			}
			return s
		},
	},
	{
		Name: "offers-nothing-after-shutdown", Rule: "B2", Fault: "returns no stores for a tenant after Shutdown, so that calling one panics instead of returning ErrClosed",
		Backend: func(b driver.Backend, _ *Place) driver.Backend {
			var down atomic.Bool
			return &aBackend{
				Backend: b,
				tenant: func(id driver.TenantID) driver.Stores {
					if down.Load() {
						return driver.Stores{}
					}
					return b.Tenant(id)
				},
				shutdown: func(ctx context.Context) error {
					down.Store(true)
					return b.Shutdown(ctx)
				},
			}
		},
	},
	{
		Name: "a-file-for-every-tenant", Rule: "B2", Fault: "opens a file for every view of a tenant, until Shutdown",
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			files := make(chan *os.File, 5000)
			return &aBackend{
				Backend: b,
				tenant: func(id driver.TenantID) driver.Stores {
					if file, err := os.Open(os.DevNull); err == nil && at.DSN != "" {
						select {
						case files <- file:
						default:
							file.Close()
						}
					}
					return b.Tenant(id)
				},
				shutdown: func(ctx context.Context) error {
					for len(files) > 0 {
						(<-files).Close()
					}
					return b.Shutdown(ctx)
				},
			}
		},
	},
	{
		Name: "a-goroutine-for-every-tenant", Rule: "B2", Fault: "starts a goroutine for every view of a tenant, until Shutdown",
		Backend: func(b driver.Backend, _ *Place) driver.Backend {
			down, stop := context.WithCancel(context.Background())
			return &aBackend{
				Backend: b,
				tenant: func(id driver.TenantID) driver.Stores {
					go func() { <-down.Done() }()
					return b.Tenant(id)
				},
				shutdown: func(ctx context.Context) error { stop(); return b.Shutdown(ctx) },
			}
		},
	},
}

// gone is the error of an engine that is not there.
func gone(err any) error { return fmt.Errorf("%w: zoo: %v", driver.ErrUnavailable, err) }
