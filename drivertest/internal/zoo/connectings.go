package zoo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// connecting replaces how a connector connects.
func connecting(f func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error)) func(driver.Connector, string) driver.Connector {
	return func(c driver.Connector, dsn string) driver.Connector {
		return &aConnector{Connector: c, connect: func(ctx context.Context) (driver.Backend, error) { return f(ctx, c, dsn) }}
	}
}

// uncomparable is a connector that == panics for.
type uncomparable struct {
	driver.Connector
	_ []string
}

// forgetful is a connector that is a value and changes no answer, but equals every
// other one.
type forgetful struct{}

func (forgetful) Name() string            { return "zoo" }
func (forgetful) RequiresNetwork() bool   { return false }
func (forgetful) SupportsAirGapped() bool { return true }

func (forgetful) Connect(ctx context.Context) (driver.Backend, error) {
	lastForgotten.Lock()
	defer lastForgotten.Unlock()
	return lastForgotten.connector.Connect(ctx)
}

var lastForgotten struct {
	sync.Mutex
	connector driver.Connector
}

// greeted connects to the host in a DSN, if there is one, before anything else,
// and waits for its greeting as wait says.
func greeted(network bool, wait func(ctx context.Context, conn net.Conn) error) func(driver.Connector, string) driver.Connector {
	return func(c driver.Connector, dsn string) driver.Connector {
		host := hostIn(dsn)
		if host == "" {
			return c
		}
		return &aConnector{
			Connector:       c,
			requiresNetwork: func() bool { return network },
			connect: func(ctx context.Context) (driver.Backend, error) {
				var d net.Dialer
				conn, err := d.DialContext(ctx, "tcp", host)
				if err != nil {
					return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
				}
				if err := wait(ctx, conn); err != nil {
					return nil, err
				}
				conn.Close()
				return c.Connect(ctx)
			},
		}
	}
}

// greeting waits for a word as it should be done.
func greeting(ctx context.Context, conn net.Conn) error {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	return nil
}

var connectings = []*Broken{
	{
		Name: "connector-not-comparable", Rule: "B1", Fault: "has connectors that panic when they are compared",
		Connector: func(c driver.Connector, _ string) driver.Connector { return uncomparable{Connector: c} },
	},
	{
		Name: "connectors-all-equal", Rule: "B1", Fault: "has one connector for all DSNs",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			lastForgotten.Lock()
			defer lastForgotten.Unlock()
			lastForgotten.connector = c
			return forgetful{}
		},
	},
	{
		Name: "connects-once", Rule: "B1", Fault: "refuses to connect a connector for the second time",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			var once sync.Once
			return &aConnector{Connector: c, connect: func(ctx context.Context) (b driver.Backend, err error) {
				err = driver.ErrClosed
				once.Do(func() { b, err = c.Connect(ctx) })
				return b, err
			}}
		},
	},
	{
		Name: "connects-to-the-same-backend", Rule: "B1", Fault: "returns one backend for every Connect of a connector, which the first Shutdown closes for all",
		Connector: func(c driver.Connector, _ string) driver.Connector {
			var mu sync.Mutex
			var first driver.Backend
			return &aConnector{Connector: c, connect: func(ctx context.Context) (b driver.Backend, err error) {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first, err = c.Connect(ctx)
				}
				return first, err
			}}
		},
	},
	{
		Name: "connect-ignores-the-context", Rule: "B1", Fault: "connects although the context is done",
		Connector: connecting(func(ctx context.Context, c driver.Connector, _ string) (driver.Backend, error) {
			return c.Connect(context.WithoutCancel(ctx))
		}),
	},
	{
		Name: "connect-hides-the-context", Rule: "B1", Fault: "returns ErrUnavailable when the context of Connect is done",
		Connector: connecting(func(ctx context.Context, c driver.Connector, _ string) (driver.Backend, error) {
			b, err := c.Connect(ctx)
			if err != nil {
				return nil, fmt.Errorf("%w: %v", driver.ErrUnavailable, err)
			}
			return b, nil
		}),
	},
	{
		Name: "connect-gives-up-and-leaks", Rule: "B1", Fault: "leaves a file open when Connect fails", Durable: true,
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			file, err := os.Open(filepath.Dir(pathIn(dsn)))
			if err != nil {
				return c.Connect(ctx)
			}
			if err := ctx.Err(); err != nil {
				keptOpen.Lock()
				defer keptOpen.Unlock()
				keptOpen.files = append(keptOpen.files, file)
				return nil, err
			}
			file.Close()
			return c.Connect(ctx)
		}),
	},
	{
		Name: "connect-gives-up-half-way", Rule: "B1", Fault: "leaves a lock behind when Connect is cancelled after it began to make a new store, so that it can never be opened", Durable: true,
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			path := pathIn(dsn)
			lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				if _, there := os.Stat(path); there != nil {
					return nil, fmt.Errorf("%w: somebody else is making the store", driver.ErrUnavailable)
				}
				return c.Connect(ctx)
			}
			lock.Close()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b, err := c.Connect(ctx)
			os.Remove(path + ".lock")
			return b, err
		}),
	},
	{
		Name: "lives-as-long-as-connecting", Rule: "B1", Fault: "is unavailable once the context of Connect has ended",
		Connector: connecting(func(connecting context.Context, c driver.Connector, _ string) (driver.Backend, error) {
			b, err := c.Connect(connecting)
			if err != nil {
				return nil, err
			}
			return &aBackend{Backend: b, healthCheck: func(ctx context.Context) error {
				if connecting.Err() != nil {
					return fmt.Errorf("%w: %w", driver.ErrUnavailable, connecting.Err())
				}
				return b.HealthCheck(ctx)
			}}, nil
		}),
	},
	{
		Name: "connect-waits-for-ever", Rule: "B1", Fault: "waits for the server's greeting without a look at the context", Hangs: true,
		Connector: greeted(true, func(_ context.Context, conn net.Conn) error { return greeting(context.Background(), conn) }),
	},
	{
		Name: "connect-minds-deadlines-only", Rule: "B1", Fault: "minds the deadline of Connect's context, but not that it is cancelled", Hangs: true,
		Connector: greeted(true, func(ctx context.Context, conn net.Conn) error {
			deadline, ok := ctx.Deadline()
			if !ok {
				return greeting(context.Background(), conn)
			}
			ctx, cancel := context.WithDeadline(context.Background(), deadline)
			defer cancel()
			return greeting(ctx, conn)
		}),
	},
	{
		Name: "connect-returns-the-timeout", Rule: "B1", Fault: "returns the network's own timeout when the context of Connect has ended",
		Connector: greeted(true, func(ctx context.Context, conn net.Conn) error {
			defer conn.Close()
			deadline, ok := ctx.Deadline()
			if !ok {
				return greeting(ctx, conn)
			}
			conn.SetReadDeadline(deadline.Add(5 * time.Millisecond))
			_, err := conn.Read(make([]byte, 1))
			return err
		}),
	},
	{
		Name: "connect-leaves-the-connection", Rule: "B1", Fault: "does not close the connection when the greeting does not come in time", Hangs: true,
		Connector: greeted(true, func(ctx context.Context, conn net.Conn) error {
			keptConnections.Lock()
			keptConnections.conns = append(keptConnections.conns, conn)
			keptConnections.Unlock()
			<-ctx.Done()
			return ctx.Err()
		}),
	},
	{
		Name: "connects-later", Rule: "B1", Fault: "returns a backend that does not work when the store cannot be opened", Durable: true,
		Connector: connecting(func(ctx context.Context, c driver.Connector, _ string) (driver.Backend, error) {
			b, err := c.Connect(ctx)
			if !errors.Is(err, driver.ErrUnavailable) {
				return b, err
			}
			empty, err := (&zooConnector{broken: Correct(false), name: "empty"}).Connect(ctx)
			if err != nil {
				return nil, err
			}
			return &aBackend{Backend: empty, healthCheck: func(context.Context) error { return gone("it could not be opened") }}, nil
		}),
	},
	{
		Name: "refused-with-an-error-of-its-own", Rule: "B1", Fault: "returns the file system's error when the store cannot be opened", Durable: true,
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			b, err := c.Connect(ctx)
			if errors.Is(err, driver.ErrUnavailable) {
				_, err = os.Stat(filepath.Dir(pathIn(dsn)))
				return nil, fmt.Errorf("zoo: %w", err)
			}
			return b, err
		}),
	},
	{
		Name: "connects-when-asked", Rule: "B1", Fault: "connects at the first call instead of in Connect, as sql.Open does",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			host := hostIn(dsn)
			if host == "" {
				return c
			}
			return &aConnector{Connector: c, requiresNetwork: func() bool { return true }, connect: func(ctx context.Context) (driver.Backend, error) {
				b, err := c.Connect(ctx)
				if err != nil {
					return nil, err
				}
				return &aBackend{Backend: b, requiresNetwork: func() bool { return true }, healthCheck: func(ctx context.Context) error {
					var d net.Dialer
					conn, err := d.DialContext(ctx, "tcp", host)
					if err != nil {
						return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
					}
					defer conn.Close()
					return greeting(ctx, conn)
				}}, nil
			}}
		},
	},
}

var keptConnections struct {
	sync.Mutex
	conns []net.Conn
}
