package sqlite

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"modernc.org/sqlite"

	"github.com/enactdev/enact/driver"
)

// settings of every connection. busy_timeout is 0 because backend.waiting waits;
// a WAL that has grown is cut back to 64 MiB. The rest is defence in depth against
// a file that somebody else has prepared. In a file mode=rw is added, so that
// SQLite makes none: ensureFile does.
const settings = "_pragma=busy_timeout(0)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=trusted_schema(OFF)&_defensive=1&_dqs=0"

// Connect opens or makes the file, in this order, so that a file that is not ours
// is left as it is: look at it, refuse it or switch it to WAL, bring its schema up
// to date.
func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &backend{lockWait: c.lockWait, stop: make(chan struct{}), writer: newPool(1)}
	name := "file::memory:?"
	if c.path != "" {
		path, err := filepath.Abs(c.path)
		if err != nil {
			return nil, fmt.Errorf("%w: sqlite: %q cannot be made absolute: %w", driver.ErrUnavailable, c.path, err)
		}
		b.path = path
		if b.opened, err = ensureFile(path); err != nil {
			return nil, err
		}
		name = fileURI(path) + "?mode=rw&"
	}
	source, err := sqlite.NewConnector(name + settings)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", b.where(), err)
	}
	if err := b.prepare(ctx, source, c.readers); err != nil {
		b.disconnect() // what went wrong is err
		return nil, err
	}
	b.sweepEvery(c.sweepInterval)
	return b, nil
}

// fileURI writes a path so that SQLite reads it back
// (https://www.sqlite.org/uri.html, section 3.1).
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// prepare makes all connections at once. One made later would open whatever file
// is at the path by then, and SQLite deletes the WAL beside a file that is empty.
func (b *backend) prepare(ctx context.Context, source sqldriver.Connector, readers int) error {
	c, err := b.connect(ctx, source)
	if err != nil {
		return err
	}
	b.writer.put(c)
	if err := b.makeReady(ctx, c); err != nil {
		return b.explain(err, false)
	}
	if b.path == "" {
		b.readers = b.writer // a database in memory has this one connection only
		return nil
	}
	b.readers = newPool(readers)
	for range readers {
		c, err := b.connect(ctx, source)
		if err != nil {
			return err
		}
		b.readers.put(c)
		if err := b.waiting(ctx, func() error { return makeReader(c) }); err != nil {
			return b.explain(err, false)
		}
	}
	if err := b.waiting(ctx, func() error { return syncWAL(c) }); err != nil {
		return b.explain(err, false)
	}
	return b.sameFile()
}

// syncWAL makes durable what a process has written to the WAL that was killed before
// it synced. The connections that are open by now take that for committed, and a
// call that is repeated for it writes nothing. The folder is synced for the name of
// the WAL, which SQLite does too, but not minding an error. SQLite knows where the
// WAL is, also behind a link, and holds no lock on it that closing it here could
// take away.
func syncWAL(c *conn) error {
	var path string
	if err := c.row("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		return err
	}
	file, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(file.Sync(), file.Close(), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("%w: sqlite: the WAL of %q cannot be synced: %w", driver.ErrUnavailable, path, err)
	}
	return nil
}

// makeReader also reads something, which makes SQLite open the WAL.
func makeReader(c *conn) error {
	if err := c.exec("PRAGMA query_only = ON"); err != nil {
		return err
	}
	var tables int
	return c.row("SELECT count(*) FROM sqlite_schema").Scan(&tables)
}

func (b *backend) makeReady(ctx context.Context, c *conn) error {
	if err := b.waiting(ctx, func() error { _, err := inspect(c, b.where()); return err }); err != nil {
		return err
	}
	if b.path != "" {
		if err := b.waiting(ctx, func() error { return useWAL(c, b.where()) }); err != nil {
			return err
		}
	}
	if err := b.waiting(ctx, func() error { return c.exec("BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	if err := migrate(c, b.where()); err != nil {
		return undo(c, err)
	}
	if err := ctx.Err(); err != nil {
		return undo(c, err)
	}
	if err := c.exec("COMMIT"); err != nil {
		return undo(c, err)
	}
	return nil
}

// connect opens one connection.
func (b *backend) connect(ctx context.Context, source sqldriver.Connector) (*conn, error) {
	var made sqldriver.Conn
	err := b.waiting(ctx, func() (err error) {
		made, err = source.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, b.explain(err, false)
	}
	return newConn(made), nil
}

func useWAL(c *conn, where string) error {
	var mode string
	if err := c.row("PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%w: sqlite: %s cannot be in WAL mode (it stays in %q); put it on a local file system", driver.ErrUnsupported, where, mode)
	}
	return nil
}

// creating keeps this process from opening a file between its creation and the
// close that follows: that close would take away the locks of the connection that
// has it open (https://www.sqlite.org/howtocorrupt.html, section 2.2).
var creating sync.Mutex

// ensureFile makes the file, for its owner only, if it is not there. It never
// opens one that is, for the same reason.
func ensureFile(path string) (fs.FileInfo, error) {
	creating.Lock()
	defer creating.Unlock()
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("%w: sqlite: the folder of %q cannot be used; create it first: %w", driver.ErrUnavailable, path, err)
	} else if !info.IsDir() {
		return nil, driver.Invalidf("sqlite: %q, which should be the folder of the file, is not one", folder)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		if err := errors.Join(file.Close(), syncFolder(folder)); err != nil {
			return nil, fmt.Errorf("%w: sqlite: create %q: %w", driver.ErrUnavailable, path, err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("%w: sqlite: create %q: %w", driver.ErrUnavailable, path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: sqlite: %w", driver.ErrUnavailable, err)
	case !info.Mode().IsRegular():
		return nil, driver.Invalidf("sqlite: %q is not a regular file; name another", path)
	case info.Mode().Perm()&0o222 == 0:
		// Root may write to it all the same, but somebody has said not to.
		return nil, fmt.Errorf("%w: sqlite: %q is read-only; make it writable (chmod u+w) or name another: %w", driver.ErrUnavailable, path, fs.ErrPermission)
	}
	// SQLite would open it for reading, and leave a WAL behind that its owner
	// cannot use.
	if err := checkWritable(path); err != nil {
		return nil, fmt.Errorf("%w: sqlite: %q is not writable by this process; change its permissions or name another: %w", driver.ErrUnavailable, path, err)
	}
	return info, nil
}

// syncFolder makes the new file's name as durable as what will be in it. Windows
// has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
