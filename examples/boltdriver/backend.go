package boltdriver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

// backend is one handle on a file.
type backend struct {
	descriptor
	driver.Gate
	path  string // absolute
	file  *file
	stop  context.CancelFunc // ends the sweeper
	swept chan struct{}      // closed when the sweeper has ended
}

func (b *backend) open(ctx context.Context, path string, lockWait time.Duration) (err error) {
	if b.path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("%w: bolt: the working directory is unknown: %w", driver.ErrUnavailable, err)
	}
	b.file, err = acquire(ctx, b.path, lockWait)
	return err
}

func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	v := view{b, string(id)}
	return driver.Stores{Events: events{v}, State: state{v}}
}

// view is one tenant's window on a backend.
type view struct {
	*backend
	tenant string
}

// read runs f in a transaction. What f finds is in the mapped file: it must be
// copied before f returns.
func (b *backend) read(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	return b.reading(f)
}

// reading is read for a call that has entered already.
func (b *backend) reading(f func(*bolt.Tx) error) error {
	var failed error
	err := b.file.db.View(func(tx *bolt.Tx) error {
		failed = f(tx)
		return failed
	})
	if failed != nil {
		return failed
	}
	return explain(b.path, err)
}

// write runs f in a transaction, whole or not at all. A context that ends before
// the commit undoes everything; nobody looks at it afterwards, so that its error
// always means that nothing was written. Where f changes nothing there is a commit
// all the same: a repeated append must not return before what an earlier commit
// left in doubt is durable.
func (b *backend) write(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	select {
	case b.file.writer <- struct{}{}:
		defer func() { <-b.file.writer }()
	case <-ctx.Done():
		return ctx.Err()
	case <-b.Aborted():
		return driver.ErrClosed
	}
	if err := b.present(); err != nil {
		return err
	}
	var failed error
	err := b.file.db.Update(func(tx *bolt.Tx) error {
		if failed = b.Continue(ctx); failed == nil {
			failed = f(tx)
		}
		if failed == nil {
			failed = ctx.Err()
		}
		return failed
	})
	if failed != nil {
		return failed
	}
	return explain(b.path, err)
}

// present makes sure that the path still leads to the file that is open: what is
// written to one that was moved or deleted would be lost.
func (b *backend) present() error {
	info, err := os.Stat(b.path)
	if err != nil {
		return fmt.Errorf("%w: bolt: the file is gone while it is in use; put it back: %w", driver.ErrUnavailable, err)
	}
	if !os.SameFile(info, b.file.info) {
		return fmt.Errorf("%w: bolt: %q is another file than the one that was opened; put that back or open the store again", driver.ErrUnavailable, b.path)
	}
	return nil
}

// HealthCheck implements driver.Backend.
func (b *backend) HealthCheck(ctx context.Context) error {
	return b.read(ctx, func(tx *bolt.Tx) error {
		if err := b.present(); err != nil {
			return err
		}
		return checkFormat(tx)
	})
}

// Shutdown implements driver.Backend.
func (b *backend) Shutdown(ctx context.Context) error {
	return b.ShutDown(ctx, nil, b.release)
}

// release gives everything back; nobody is inside any more.
func (b *backend) release() error {
	b.stop()
	<-b.swept
	return explain(b.path, b.file.release())
}
