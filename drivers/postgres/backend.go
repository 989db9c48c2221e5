package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/sockets"
)

// backend is a pool of connections to one schema.
type backend struct {
	descriptor
	driver.Gate
	pool          *pgxpool.Pool
	open          *sockets.Set // of the pool, unless it is borrowed
	borrowed      bool         // the pool is the application's
	schema        string
	mayLoseData   bool
	sweepInterval time.Duration
	notify        bool // whether appends tell those who tail
	listener      listener
	vector        pgvector
	exactUpTo     int64 // see exactComponents

	statements sync.Map // SQL with the schema's name in it, by SQL without
	lasts      lasts
	// encodes: parameters of appends may be encoded here, since the pool is not the
	// application's, which may trace its statements, and names no statements.
	encodes bool

	// ended is done when calls that are still inside must end.
	ended    context.Context
	end      context.CancelFunc
	sweeping sync.WaitGroup
}

func newBackend(c *connector, pool *pgxpool.Pool, open *sockets.Set) *backend {
	b := &backend{
		descriptor: c.descriptor, pool: pool, open: open, borrowed: c.pool != nil, schema: c.schema,
		mayLoseData: c.mayLoseData, sweepInterval: c.sweepInterval, exactUpTo: exactComponents, notify: c.notify,
	}
	b.encodes = !b.borrowed && c.config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe
	b.ended, b.end = context.WithCancel(context.Background())
	return b
}

// String keeps the password out of what is printed.
func (b *backend) String() string { return "postgres backend" }

// Tenant implements driver.Backend.
func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	v := view{b, string(id)}
	stores := driver.Stores{Events: events{v}, State: state{v}, Messages: messages{v}}
	if b.vector.missing == nil {
		stores.Vectors = vectors{v}
	}
	if b.notify {
		stores.Events = watchedEvents{events{v}}
	}
	return stores
}

// view is one tenant's window on a backend.
type view struct {
	*backend
	tenant string
}

// sql puts the schema's name into a statement, in the place of every "enact.".
func (b *backend) sql(statement string) string {
	if known, ok := b.statements.Load(statement); ok {
		return known.(string)
	}
	named := strings.ReplaceAll(statement, "enact.", pgx.Identifier{b.schema}.Sanitize()+".")
	b.statements.Store(statement, named)
	return named
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// connection is one of the pool. Who has it must not ask the pool for another, which
// others may hold who wait as well.
type connection interface {
	querier
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// call is a running call: its context ends with the backend, too.
func (b *backend) call(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.ended, cancel)
	return ctx, func() { stop(); cancel() }
}

// tries bounds how often a call is repeated that certainly did nothing.
const tries = 10

// read runs f with a connection. What fails for want of a connection, which a
// server that was restarted leaves behind, is tried again: reading twice does no
// harm. f begins from nothing each time.
func (b *backend) read(ctx context.Context, f func(context.Context, connection) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	return b.reading(ctx, f)
}

// reading is read for a call that has entered already.
func (b *backend) reading(ctx context.Context, f func(context.Context, connection) error) error {
	inside, done := b.call(ctx)
	defer done()
	var err error
	for try := range tries {
		if _, err = b.once(inside, f); err == nil || !lostConnection(err) || !b.pause(inside, try) {
			break
		}
	}
	return b.explain(ctx, err, reading)
}

// write runs f in a transaction, whole or not at all. What the server has
// certainly undone because another was in the way is tried again.
func (b *backend) write(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return b.writing(ctx, func(ctx context.Context, _ error) (stage, error) { return b.transaction(ctx, f) })
}

// writeOnce is write for a single statement, which is a transaction of its own. Its
// isolation is the default of the role; where that lets others get in the way, a
// transaction that says which one it needs follows.
func (b *backend) writeOnce(ctx context.Context, f func(context.Context, querier) error) error {
	return b.writing(ctx, func(ctx context.Context, last error) (stage, error) {
		if codeOf(last) == serializationFailure {
			return b.transaction(ctx, func(ctx context.Context, tx pgx.Tx) error { return f(ctx, tx) })
		}
		return b.once(ctx, func(ctx context.Context, conn connection) error { return f(ctx, conn) })
	})
}

// writing tries until it succeeds or must not be tried again; try is told the
// error before.
func (b *backend) writing(ctx context.Context, try func(ctx context.Context, last error) (stage, error)) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	inside, done := b.call(ctx)
	defer done()
	var at stage
	var err error
	for n := range tries {
		if at, err = try(inside, err); err == nil || !undone(err, at) || !b.pause(inside, n) {
			break
		}
	}
	return b.explain(ctx, err, at)
}

// stage is how far a call had come when it failed.
type stage int

const (
	reading    stage = iota // it only reads
	working                 // the server has certainly not done it
	committing              // the server may have done it
)

// transaction runs f in one transaction. An error from f itself rolls back.
func (b *backend) transaction(ctx context.Context, f func(context.Context, pgx.Tx) error) (stage, error) {
	conn, err := b.acquire(ctx)
	if err != nil {
		return working, err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: b.begin()})
	if err != nil {
		return working, err
	}
	// Rolling back must not fail because ctx is done; the pool drops a
	// connection that does not answer.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		tx.Rollback(ctx)
	}()
	if err := f(ctx, tx); err != nil {
		return working, b.whyReadOnly(ctx, tx, err)
	}
	if err := ctx.Err(); err != nil {
		return working, err
	}
	return sent(tx.Commit(ctx))
}

// once runs f, a single statement.
func (b *backend) once(ctx context.Context, f func(context.Context, connection) error) (stage, error) {
	conn, err := b.acquire(ctx)
	if err != nil {
		return working, err
	}
	defer conn.Release()
	return sent(f(ctx, conn))
}

func (b *backend) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return nil, noConnection{err}
	}
	return conn, nil
}

// sent is where a call is after a statement that commits was to be sent. What pgx
// says to be safe to retry may have been sent: of a connection that was lost while it
// waited for the answer it says just that.
func sent(err error) (stage, error) {
	if rejected(err) || errors.Is(err, pgx.ErrTxCommitRollback) {
		return working, err
	}
	return committing, err
}

// pause waits a little before another try; false: there is no time.
func (b *backend) pause(ctx context.Context, try int) bool {
	longest := min(time.Millisecond<<try, 100*time.Millisecond)
	select {
	case <-time.After(rand.N(longest)):
		return true
	case <-ctx.Done():
		return false
	}
}

// HealthCheck implements driver.Backend.
func (b *backend) HealthCheck(ctx context.Context) error {
	err := b.read(ctx, func(ctx context.Context, q connection) error {
		var readOnly bool
		var lossy string
		if err := q.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool, "+lossySetting).Scan(&readOnly, &lossy); err != nil {
			return err
		}
		if readOnly {
			return errReadOnly
		}
		return b.checkKeeps(lossy, driver.ErrUnavailable)
	})
	return driver.HealthError(ctx, err)
}

// Shutdown implements driver.Backend.
func (b *backend) Shutdown(ctx context.Context) error {
	return b.ShutDown(ctx, b.end, b.release)
}

// release gives everything back; nobody is inside any more.
func (b *backend) release() error {
	b.end()
	b.sweeping.Wait()
	b.disconnect()
	return nil
}

// goodbye is how long the server may take to close its connections.
const goodbye = 250 * time.Millisecond

func (b *backend) disconnect() {
	b.end()
	if b.borrowed {
		return
	}
	timer := time.AfterFunc(goodbye, b.open.CutAll)
	defer timer.Stop()
	b.pool.Close()
}
