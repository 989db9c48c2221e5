// Package boltdriver keeps events and state in one file, on go.etcd.io/bbolt. It
// is the worked example of docs/writing-a-driver.md and a real driver: it passes
// the whole suite of package drivertest with one declared deviation.
//
// Importing it registers the DSN scheme "bolt":
//
//	bolt:/var/lib/app/enact.bolt      an absolute path
//	bolt:///var/lib/app/enact.bolt    the same
//	bolt:data/enact.bolt              a path relative to the working directory
//
// "%" begins an escape in the path; a "?", "#" or "%" in a file name is written
// %3F, %23 or %25. The folder must exist. The file is created readable and writable
// by its owner only. These parameters may follow a "?", each once; any other is
// refused:
//
//	lock_wait       how long opening waits for a file that another process has
//	                open before it fails with ErrUnavailable, if its context does
//	                not end first; default 30s
//	sweep_interval  how often expired state is reclaimed; default 30s
//
// # Durability
//
// A write returns after bbolt has synced the changed pages and then the page that
// makes them valid, so it survives a killed process, and a power cut as far as the
// disk keeps what it has synced. NoSync is never set. The folder is synced when the
// file is opened, so that a new file is not lost either.
//
// # Concurrency
//
// bbolt locks its file for one process. Within the process all handles on a file,
// by whatever path, share one database. A second process waits in Connect until the
// first has closed the file: rule B7 is not kept between processes at the same
// time. Writes take turns; reads run beside them, in short transactions.
//
// # Immutability
//
// No method changes or deletes an event. bbolt has nothing that would refuse it to
// another program that opens the file.
package boltdriver

import (
	"context"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func init() { enact.Register("bolt", boltDriver{}) }

type boltDriver struct{}

func (boltDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// descriptor: a file needs no network.
type descriptor struct{}

func (descriptor) Name() string            { return "bolt" }
func (descriptor) RequiresNetwork() bool   { return false }
func (descriptor) SupportsAirGapped() bool { return true }

// connector is a parsed DSN.
type connector struct {
	descriptor
	path          string // as in the DSN, decoded
	lockWait      time.Duration
	sweepInterval time.Duration
}

func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	b := &backend{swept: make(chan struct{})}
	if err := b.open(ctx, c.path, c.lockWait); err != nil {
		return nil, err
	}
	var sweeping context.Context
	sweeping, b.stop = context.WithCancel(context.Background())
	go b.sweepEvery(sweeping, c.sweepInterval)
	return b, nil
}
