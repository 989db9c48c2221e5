// Package sqlite is the embedded default of enact: all four roles in one file, on
// modernc.org/sqlite, without cgo. Several processes may use one file.
//
// Importing it registers the DSN scheme "sqlite":
//
//	sqlite:///var/lib/app/enact.db    an absolute path
//	sqlite:data/enact.db              a path relative to the working directory
//	sqlite:///srv/my%20data/enact.db  percent-encoded; a plain space works as well
//	sqlite::memory:                   in memory, for as long as it is open
//
// What follows "sqlite:" or "sqlite://", up to a "?", is the path; "%" begins an
// escape, and a "?" or "%" in a file name is written %3F or %25. The folder must
// exist. The file is created readable and writable by its owner only. These
// parameters may follow, each once; any other is refused:
//
//	lock_wait       how long a call waits for a lock that another process
//	                holds before it fails with ErrUnavailable, if its context
//	                does not end first; default 30s
//	sweep_interval  how often expired state is reclaimed; default 30s
//	readers         how many reads may run at once; default 4
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL: a write returns after its commit
// record has been synced to disk, so it survives a killed process, and a power cut
// as far as the disk keeps what it has synced. What a killed process has written and
// not synced is synced when the file is next opened. Nothing in the DSN can weaken
// this.
//
// # Concurrency
//
// Each open store has one connection that writes, with BEGIN IMMEDIATE or in one
// statement, and several that read beside it. Appends that arrive during a commit
// share the next one. Waiting for another process's lock is part of a call and ends
// with its context. Streams are read in short pieces, so that a slow reader holds up
// neither writers nor the WAL's checkpoints.
//
// # Immutability
//
// Triggers refuse every UPDATE, DELETE and REPLACE of an event, whoever tries.
// At most 2³¹-1 executions, of at most 2³²-1 events, fit a file.
//
// # Vectors
//
// Search is exact. Embeddings are scored from a copy in memory, 4 bytes a
// component, made at the first search in a collection, brought up to date from the
// file at every search, whichever process has written, and let go when it has not
// been used for a while. Filters narrow the candidates before anything is scored.
// They are answered by an index where it finds few documents, else from copies of
// the fields that they ask for, which take at most an eighth of what the embeddings
// take, or 4 MiB; where that is not enough, by the index. On amd64 with AVX2 the
// scoring kernel comes from github.com/viterin/vek; elsewhere it is plain Go. It only pre-selects:
// the scores returned are those of driver.Score.
package sqlite

import (
	"context"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func init() { enact.Register("sqlite", sqliteDriver{}) }

type sqliteDriver struct{}

func (sqliteDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// descriptor: a file needs no network.
type descriptor struct{}

func (descriptor) Name() string            { return "sqlite" }
func (descriptor) RequiresNetwork() bool   { return false }
func (descriptor) SupportsAirGapped() bool { return true }

// connector is a parsed DSN.
type connector struct {
	descriptor
	path          string // as in the DSN, decoded; empty: in memory
	lockWait      time.Duration
	sweepInterval time.Duration
	readers       int
}

func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	v := view{b, string(id)}
	return driver.Stores{Events: events{v}, State: state{v}, Messages: messages{v}, Vectors: vectors{v}}
}

// view is one tenant's window on a backend.
type view struct {
	*backend
	tenant string
}

// micros is a time as the file keeps it: microseconds since 1970, UTC.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// now is the store's clock.
func now() time.Time { return driver.Timestamp(time.Now()) }

// HealthCheck asks the file, and sees whether it is still the one that was opened.
func (b *backend) HealthCheck(ctx context.Context) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	if err := b.sameFile(); err != nil {
		return err
	}
	return b.reading(ctx, func(c *conn) error {
		var version int
		return c.row("SELECT user_version FROM pragma_user_version").Scan(&version)
	})
}
