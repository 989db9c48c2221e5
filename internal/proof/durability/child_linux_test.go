package durability

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

// childVariable makes this test binary the child, with an order as JSON.
const childVariable = "ENACT_DURABILITY_CHILD"

// order is what the child has to do.
type order struct {
	Path string
	// Only is the one writer that writes. Empty: all do.
	Only string
	// Acknowledged are the writes that were acknowledged to an earlier child, by
	// writer. It goes on with the next.
	Acknowledged map[string]int
	// Until is up to which write each session goes, after which the store is closed.
	Until []int
	// Maintained has another connection empty the WAL and rewrite the file all the
	// time from the second session on, as tools for backups do.
	Maintained bool
	// Killed: the process kills itself instead of closing the store the last time.
	Killed bool
	// KilledAtSync has strace kill the process at the sync of this number in the
	// thread that opens the store, in which a writer that is alone writes too.
	KilledAtSync int
	// FailedSync has strace make the sync of this number in that thread fail. Then
	// the child opens or writes again.
	FailedSync int
	// Synchronous breaks the settings of every connection. Empty: they stay.
	Synchronous string
}

// patience is how long anything may take that must come to an end.
const patience = 2 * time.Minute

func childMain(text string) (code int) {
	runtime.LockOSThread()
	go func() { // ends with the parent
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.carryOut(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o order) carryOut(ctx context.Context) error {
	if o.Synchronous != "" {
		sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
			_, err := c.ExecContext(context.Background(), "PRAGMA synchronous = "+o.Synchronous, []sqldriver.NamedValue{})
			return err
		})
	}
	for i := range o.Until {
		if err := o.session(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// session opens the store, has all writers write at the same time, and closes it.
func (o order) session(ctx context.Context, i int) error {
	rt, err := openStore(ctx, dsnFor(o.Path))
	if o.FailedSync > 0 && err != nil {
		rt, err = openStore(ctx, dsnFor(o.Path))
	}
	if err != nil {
		return err
	}
	var writing, maintaining sync.WaitGroup
	errs := make(chan error, len(writers)+1)
	for name := range writers {
		from := o.Acknowledged[name]
		if i > 0 {
			from = o.Until[i-1]
		}
		write := func() { errs <- o.writeAll(ctx, rt.Tenant("tenant"), name, from, o.Until[i]) }
		switch {
		case o.Only == name:
			write() // in this thread
		case o.Only == "":
			writing.Go(write)
		}
	}
	stop := make(chan struct{})
	maintaining.Go(func() {
		if o.Maintained && i > 0 {
			errs <- maintain(ctx, o.Path, stop)
		}
	})
	writing.Wait()
	close(stop)
	maintaining.Wait()
	close(errs)
	for failed := range errs {
		err = errors.Join(err, failed)
	}
	if err == nil && o.Killed && i == len(o.Until)-1 {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return errors.Join(err, rt.Shutdown(ctx))
}

func (o order) writeAll(ctx context.Context, t *enact.Tenant, name string, from, to int) error {
	for n := from; n < to; n++ {
		receipt, err := writers[name].write(ctx, t, n)
		if o.FailedSync > 0 && err != nil && !errors.Is(err, enact.ErrUnavailable) {
			receipt, err = writers[name].write(ctx, t, n) // what became of it was left open (B9)
		}
		if err != nil {
			return fmt.Errorf("write %d of %s: %w", n, name, err)
		}
		// One system call, which strace sees.
		if _, err := os.Stdout.WriteString(fmt.Sprintf(acknowledgementFormat, name, n, receipt)); err != nil {
			return err
		}
	}
	return nil
}

const acknowledgementFormat = "acknowledged %s %d %d\n"

// maintain does what an administrator may do to a file that is in use.
func maintain(ctx context.Context, path string, stop <-chan struct{}) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(60000)&_pragma=synchronous(FULL)"}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	statements := []string{"PRAGMA wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"}
	for i := 0; ; i++ {
		select {
		case <-stop:
			if i >= len(statements) {
				return nil
			}
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := db.ExecContext(ctx, statements[i%len(statements)]); err != nil {
			return fmt.Errorf("%s: %w", statements[i%len(statements)], err)
		}
	}
}

func dsnFor(path string, parameters ...string) string {
	dsn := "sqlite://" + (&url.URL{Path: path}).EscapedPath()
	for i, p := range parameters {
		dsn += []string{"?", "&"}[min(i, 1)] + p
	}
	return dsn
}

// openStore opens all four roles as an application does.
func openStore(ctx context.Context, dsn string) (*enact.Runtime, error) {
	return enact.Open(ctx, enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn})
}
