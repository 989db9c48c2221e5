package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// backend is an open file: one connection that writes and a few that read. In
// memory there is one connection for both.
type backend struct {
	descriptor
	driver.Gate
	path     string // absolute; empty: in memory
	opened   os.FileInfo
	lockWait time.Duration

	writer   *pool // of one
	readers  *pool
	matrices matrices

	stop     chan struct{} // ends the sweeper
	sweeping sync.WaitGroup
}

// read runs f with a connection for reading.
func (b *backend) read(ctx context.Context, f func(*conn) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	return b.reading(ctx, f)
}

// reading is read for a call that has entered already. f may run again when
// another process was in the way, so it begins from nothing each time.
func (b *backend) reading(ctx context.Context, f func(*conn) error) error {
	c, err := b.acquire(ctx, b.readers)
	if err != nil {
		return err
	}
	defer b.readers.put(c)
	return b.explain(b.waiting(ctx, func() error { return f(c) }), false)
}

// write runs f in a transaction, whole or not at all. A context that ends before
// the commit undoes everything; the commit itself is not interrupted, so that its
// outcome is known.
func (b *backend) write(ctx context.Context, f func(*conn) error) error {
	return b.writing(ctx, func(c *conn) error {
		if err := b.waiting(ctx, func() error { return c.exec("BEGIN IMMEDIATE") }); err != nil {
			return b.explain(err, false)
		}
		err := f(c)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			c.remembered.forget()
			return b.explain(undo(c, err), false)
		}
		if err := c.exec("COMMIT"); err != nil {
			c.remembered.forget()
			return b.explain(undo(c, err), true)
		}
		return nil
	})
}

// writeOne is write for a single statement, which is a transaction by itself and
// needs no other statements to begin and end it. f must run it to its end, where it
// commits. f may run again when another process was in the way.
func (b *backend) writeOne(ctx context.Context, f func(*conn) error) error {
	return b.writing(ctx, func(c *conn) error {
		return b.explain(b.waiting(ctx, func() error { return f(c) }), true)
	})
}

// writing gives f the connection that writes.
func (b *backend) writing(ctx context.Context, f func(*conn) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	c, err := b.acquire(ctx, b.writer)
	if err != nil {
		return err
	}
	defer b.writer.put(c)
	if err := b.sameFile(); err != nil {
		return err
	}
	return f(c)
}

// undo rolls back after err. SQLite has rolled back by itself after some errors;
// then there is nothing to do.
func undo(c *conn, err error) error {
	if rollback := c.exec("ROLLBACK"); rollback != nil && codeOf(rollback) == 0 {
		return fmt.Errorf("%w; and rolling back: %w", err, rollback)
	}
	return err
}

// acquire takes a connection out of a pool, to which it must be put back.
func (b *backend) acquire(ctx context.Context, from *pool) (*conn, error) {
	if err := b.Continue(ctx); err != nil {
		return nil, err
	}
	select {
	case <-from.free:
		return from.take(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.Aborted():
		return nil, driver.ErrClosed
	}
}

const (
	firstPause = 100 * time.Microsecond
	lastPause  = 10 * time.Millisecond
)

// waiting runs f again for as long as another process holds the lock that it
// needs, with growing pauses. SQLite's own waiting is off: it is slow to notice
// that a lock is free.
func (b *backend) waiting(ctx context.Context, f func() error) error {
	err := f()
	if !isBusy(err) {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	pause := firstPause
	for begin := time.Now(); ; pause = min(2*pause, lastPause) {
		if time.Since(begin) > b.lockWait {
			return fmt.Errorf("%w: sqlite: another process has kept %s locked for %v; end it, or raise lock_wait in the DSN", driver.ErrUnavailable, b.where(), b.lockWait)
		}
		timer.Reset(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.Aborted():
			return driver.ErrClosed
		}
		if err = f(); !isBusy(err) {
			return err
		}
	}
}

// sameFile makes sure that the path still leads to the file that is open: what is
// written to one that was moved or deleted would be lost.
func (b *backend) sameFile() error {
	if b.path == "" {
		return nil
	}
	info, err := os.Stat(b.path)
	if err != nil {
		return fmt.Errorf("%w: sqlite: the file is gone while it is in use; put it back: %w", driver.ErrUnavailable, err)
	}
	if !os.SameFile(info, b.opened) {
		return fmt.Errorf("%w: sqlite: %s is another file than the one that was opened; put that back or open the store again", driver.ErrUnavailable, b.where())
	}
	return nil
}

// Shutdown implements driver.Backend.
func (b *backend) Shutdown(ctx context.Context) error {
	return b.ShutDown(ctx, nil, b.release)
}

// release gives everything back; nobody is inside any more. SQLite writes the WAL
// back into the file when the last connection of all processes closes.
func (b *backend) release() error {
	close(b.stop)
	b.sweeping.Wait()
	if err := b.disconnect(); err != nil {
		return fmt.Errorf("sqlite: close %s: %w", b.where(), err)
	}
	return nil
}

// disconnect closes every idle connection, and so all of them once nobody is
// inside.
func (b *backend) disconnect() error {
	var errs []error
	for _, p := range []*pool{b.readers, b.writer} { // in memory they are one
		for p != nil && len(p.free) > 0 {
			<-p.free
			errs = append(errs, p.take().close())
		}
	}
	return errors.Join(errs...)
}
