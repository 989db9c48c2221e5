package airgap

import (
	"context"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivers/postgres"
	"github.com/enactdev/enact/drivers/redis"
)

// silent keeps go-redis from looking the address of a client up in DNS when the client
// is made, which it does for the path of a Unix socket too.
var silent = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

// byConnector gives connectors by hand, around pools and clients of the application's
// own.
func byConnector() []attempt {
	byHand := func(what string, make func() driver.Connector) attempt {
		a := dsn("a connector by hand: "+what, "")
		a.open = func() enact.Config { return enact.Config{Connectors: enact.Connectors{Events: make()}} }
		return a
	}
	pool := func(what, text string, change func(*pgxpool.Config)) attempt {
		return byHand(what, func() driver.Connector {
			config, err := pgxpool.ParseConfig(text)
			if err != nil {
				panic(err)
			}
			if change != nil {
				change(config)
			}
			p, err := pgxpool.NewWithConfig(context.Background(), config)
			if err != nil {
				panic(err)
			}
			return postgres.NewConnector(p)
		})
	}
	client := func(what string, make func() goredis.UniversalClient) attempt {
		return byHand(what, func() driver.Connector { return redis.NewConnector(make()) })
	}
	dialsOut := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", beyond)
	}
	return []attempt{
		pool("a pool", "postgres://u@db.example/d", nil),
		pool("a pool with a second host", "postgres://u@%2Fnowhere,db.example/d", nil),
		pool("a pool that is told its host when it connects", nowhere, func(c *pgxpool.Config) {
			c.BeforeConnect = func(_ context.Context, config *pgx.ConnConfig) error {
				config.Host = "127.0.0.1"
				return nil
			}
		}),
		pool("a pool that dials by itself", nowhere, func(c *pgxpool.Config) { c.ConnConfig.DialFunc = dialsOut }),
		pool("a pool at a Unix socket", nowhere, nil).staysAt(nobody),
		pool("a pool at a Unix socket with a time limit", nowhere+"?connect_timeout=5", nil).staysAt(nobody),
		client("a client", func() goredis.UniversalClient {
			return goredis.NewClient(&goredis.Options{Addr: "db.example:6379", MaintNotificationsConfig: silent})
		}),
		client("a client without an address", func() goredis.UniversalClient {
			return goredis.NewClient(&goredis.Options{MaintNotificationsConfig: silent})
		}),
		client("a client that dials by itself", func() goredis.UniversalClient {
			return goredis.NewClient(&goredis.Options{Network: "unix", Addr: "/nowhere/redis.sock", Dialer: dialsOut, MaintNotificationsConfig: silent})
		}),
		client("a client of a cluster", func() goredis.UniversalClient {
			return goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: []string{"db.example:6379"}, MaintNotificationsConfig: silent})
		}),
		client("a client of sentinels", func() goredis.UniversalClient {
			return goredis.NewFailoverClient(&goredis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"db.example:26379"}})
		}),
		client("no client", func() goredis.UniversalClient { return (*goredis.Client)(nil) }),
		client("a client at a Unix socket", func() goredis.UniversalClient {
			return goredis.NewClient(&goredis.Options{Network: "unix", Addr: "/nowhere/redis.sock", MaintNotificationsConfig: silent})
		}).staysAt("/nowhere/redis.sock"),
	}
}
