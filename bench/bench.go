package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/postgres"
	_ "github.com/enactdev/enact/drivers/redis"
	_ "github.com/enactdev/enact/drivers/sqlite"
	"github.com/enactdev/enact/internal/testserver"
)

// bench is a run: where it works, what it has found, and what must be undone at
// its end.
type bench struct {
	settings
	folder string
	rows   []row
	log    func(format string, args ...any)

	made     int
	cleanups []func() error

	postgres *testserver.Postgres
	redis    *testserver.Redis
}

// newBench makes a folder to work in. Servers keep their data in it as well, under
// an account of their own.
func newBench(parent string, s settings, log func(string, ...any)) (*bench, error) {
	folder, err := os.MkdirTemp(parent, "enact-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, folder: folder, log: log}
	b.cleanup(func() error { return os.RemoveAll(folder) })
	if err := errors.Join(os.Chmod(folder, 0o711), os.Setenv("TMPDIR", folder)); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// cleanup has f run at the end, before what was asked for earlier.
func (b *bench) cleanup(f func() error) { b.cleanups = append(b.cleanups, f) }

// scope runs f and then what f has asked to be cleaned up.
func (b *bench) scope(f func() error) error {
	outer := b.cleanups
	b.cleanups = nil
	err := f()
	err = errors.Join(err, b.close())
	b.cleanups = outer
	return err
}

func (b *bench) close() error {
	var errs []error
	for len(b.cleanups) > 0 {
		last := len(b.cleanups) - 1
		errs = append(errs, b.cleanups[last]())
		b.cleanups = b.cleanups[:last]
	}
	return errors.Join(errs...)
}

// hold holds a contest and adds its rows to the report.
func (b *bench) hold(ctx context.Context, c contest) error {
	rows, err := hold(ctx, c, b.rounds)
	if err != nil {
		return err
	}
	b.add(rows...)
	return nil
}

func (b *bench) add(rows ...row) {
	for _, r := range rows {
		b.log("%s", r.line())
	}
	b.rows = append(b.rows, rows...)
}

// newPath returns the path of a file that is not there yet, in a folder of its own.
func (b *bench) newPath(name string) (string, error) {
	b.made++
	folder := filepath.Join(b.folder, fmt.Sprintf("%s-%d", name, b.made))
	return filepath.Join(folder, name+".db"), os.Mkdir(folder, 0o755)
}

// tenant is whose stores are measured.
const tenant = "bench"

// open opens stores of all four roles, or of those that config names, until the
// end of the scope.
func (b *bench) open(ctx context.Context, config enact.Config) (*enact.Tenant, error) {
	rt, err := enact.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	b.cleanup(func() error { return rt.Shutdown(context.WithoutCancel(ctx)) })
	return rt.Tenant(tenant), nil
}

// openSQLite opens a new file with all four roles.
func (b *bench) openSQLite(ctx context.Context) (*enact.Tenant, error) {
	path, err := b.newPath("enact")
	if err != nil {
		return nil, err
	}
	return b.open(ctx, allRoles("sqlite://"+path))
}

func allRoles(dsn string) enact.Config {
	return enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn}
}

// randomBytes returns bytes that do not compress, the same in every run.
func randomBytes(n int) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}
