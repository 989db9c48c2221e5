package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/sockets"
)

func init() {
	enact.Register("postgres", postgresDriver{})
	enact.Register("postgresql", postgresDriver{})
}

type postgresDriver struct{}

func (postgresDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return c, nil
}

type descriptor struct{ needsNetwork bool }

func (descriptor) Name() string              { return "postgres" }
func (d descriptor) RequiresNetwork() bool   { return d.needsNetwork }
func (d descriptor) SupportsAirGapped() bool { return !d.needsNetwork }

type connector struct {
	descriptor
	schema        string
	sweepInterval time.Duration
	notify        bool
	mayLoseData   bool
	// One of them: the parsed DSN, or the application's pool.
	config *pgxpool.Config
	pool   *pgxpool.Pool
}

// String keeps the password out of what is printed.
func (c *connector) String() string { return "postgres connector" }

// Option changes what NewConnector returns, as a parameter of a DSN would.
type Option func(*connector)

// Schema says in which schema the tables are; it is made if it is not there. The
// default is "enact".
func Schema(name string) Option { return func(c *connector) { c.schema = name } }

// SweepInterval says how often expired state is reclaimed. The default is 30 s.
func SweepInterval(interval time.Duration) Option {
	return func(c *connector) { c.sweepInterval = interval }
}

// Notify is enact_notify=on: appends tell at once who tails an execution. The
// listener has a connection of its own, beside the pool.
func Notify() Option { return func(c *connector) { c.notify = true } }

// ServerMayLoseData is enact_durability=server-may-lose-data: it accepts a server
// that may lose what it has acknowledged.
func ServerMayLoseData() Option { return func(c *connector) { c.mayLoseData = true } }

// NewConnector returns a connector to what pool is connected to, for applications
// that have one already. Shutdown leaves the pool open. Every connection of the
// pool must be to the same database. RequiresNetwork goes by the hosts of the pool's
// configuration; a pool with BeforeConnect or a DialFunc of its own, which may go
// elsewhere, requires it.
func NewConnector(pool *pgxpool.Pool, options ...Option) driver.Connector {
	config := pool.Config()
	c := &connector{
		descriptor: descriptor{config.BeforeConnect != nil || !dialsAsParsed(&config.ConnConfig.Config) || needsNetwork(&config.ConnConfig.Config)},
		schema:     defaultSchema, sweepInterval: defaultSweepInterval, pool: pool,
	}
	for _, option := range options {
		option(c)
	}
	return c
}

// settling is how long a call whose context is done still waits for the answer of the
// server. What it had asked for might else be carried out after what follows it. The
// server is not asked to cancel: PgBouncer 1.18 does not survive many such requests.
const settling = 500 * time.Millisecond

func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkSchema(c.schema); err != nil {
		return nil, err
	}
	if c.sweepInterval <= 0 {
		return nil, driver.Invalidf("postgres: the sweep interval is %v; it must be positive", c.sweepInterval)
	}
	pool, open := c.pool, &sockets.Set{}
	if pool == nil {
		config := c.config.Copy()
		config.ConnConfig.DialFunc = open.Dialer(config.ConnConfig.DialFunc)
		config.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn(), DeadlineDelay: settling}
		}
		var err error
		// The pool outlives ctx, which is for connecting only.
		if pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
			return nil, fmt.Errorf("%w: postgres: %s", driver.ErrUnavailable, message(err))
		}
	}
	b := newBackend(c, pool, open)
	err := b.prepare(ctx)
	if err == nil {
		err = b.inspectPgvector(ctx)
	}
	if err != nil {
		b.disconnect()
		return nil, err
	}
	b.startSweeping()
	return b, nil
}
