package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func init() {
	for _, f := range forms {
		enact.Register(f.scheme, redisDriver{})
	}
}

type redisDriver struct{}

func (redisDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return c, nil
}

type descriptor struct{ needsNetwork bool }

func (descriptor) Name() string              { return "redis" }
func (d descriptor) RequiresNetwork() bool   { return d.needsNetwork }
func (d descriptor) SupportsAirGapped() bool { return !d.needsNetwork }

// settings are the driver's own.
type settings struct {
	prefix         string
	sweepInterval  time.Duration
	vouched        bool // for a server that does not tell its settings
	replicas       int  // that must have a write before it is acknowledged
	replicaTimeout time.Duration
}

func defaults() settings {
	return settings{prefix: defaultPrefix, sweepInterval: 30 * time.Second, replicaTimeout: 3 * time.Second}
}

func (s settings) check() error {
	switch {
	case s.sweepInterval <= 0:
		return driver.Invalidf("redis: the sweep interval is %v; it must be positive", s.sweepInterval)
	case s.replicas < 0:
		return driver.Invalidf("redis: the number of replicas is %d; it must not be negative", s.replicas)
	case s.replicaTimeout < time.Millisecond:
		return driver.Invalidf("redis: the timeout of replicas is %v; it must be at least 1ms", s.replicaTimeout)
	}
	return checkPrefix(s.prefix)
}

type connector struct {
	descriptor
	settings
	caFile string // certificates to trust instead of the system's
	// One of them: the parsed DSN, or the application's client.
	single   *redis.Options
	cluster  *redis.ClusterOptions
	sentinel *redis.FailoverOptions
	client   redis.UniversalClient
	borrowed bool // the client is the application's
}

// String keeps the password out of what is printed.
func (c *connector) String() string { return "redis connector" }

// GoString keeps the password out of what is printed.
func (c *connector) GoString() string { return c.String() }

// Option changes what NewConnector returns, as a parameter of a DSN would.
type Option func(*connector)

// Prefix is what all keys begin with. The default is "enact".
func Prefix(prefix string) Option { return func(c *connector) { c.prefix = prefix } }

// SweepInterval says how often expired state is reclaimed. The default is 30 s.
func SweepInterval(interval time.Duration) Option {
	return func(c *connector) { c.sweepInterval = interval }
}

// Replicas is enact_replicas and enact_replica_timeout: a write is acknowledged when
// so many replicas have it, which they must within timeout.
func Replicas(n int, timeout time.Duration) Option {
	return func(c *connector) { c.replicas, c.replicaTimeout = n, timeout }
}

// ServerSyncsAlways is enact_durability: it vouches for a server that does not tell
// its settings to have appendonly yes and appendfsync always.
func ServerSyncsAlways() Option { return func(c *connector) { c.vouched = true } }

// NewConnector returns a connector to what client is connected to, for applications
// that have one already. It must be a *redis.Client, with or without Sentinel, or a
// *redis.ClusterClient that reads from masters only. Calls end with their contexts;
// what they have left with a server that does not answer holds a connection until the
// client's ReadTimeout, or with ContextTimeoutEnabled until shortly after the
// deadline. Shutdown leaves the client open. RequiresNetwork is false only for a Unix
// socket that go-redis dials by itself.
func NewConnector(client redis.UniversalClient, options ...Option) driver.Connector {
	c := &connector{descriptor: descriptor{needsNetwork(client)}, settings: defaults(), client: client, borrowed: true}
	for _, option := range options {
		option(c)
	}
	return c
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	b, err := c.newBackend()
	if err != nil {
		return nil, err
	}
	if err := b.inspect(ctx); err != nil {
		b.abandon()
		return nil, err
	}
	b.startSweeping()
	b.startWatching()
	return b, nil
}
