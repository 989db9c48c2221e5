package redis

import (
	"context"
	"errors"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// connect parses a DSN and opens what it names.
func connect(ctx context.Context, dsn string) (driver.Backend, error) {
	c, err := redisDriver{}.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx)
}

// open opens a store that is shut down when the test ends.
func open(tb testing.TB, dsn string) driver.Backend {
	tb.Helper()
	b, err := connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatalf("open %s: %v", dsn, err)
	}
	tb.Cleanup(func() { shutdown(tb, b) })
	return b
}

func shutdown(tb testing.TB, b driver.Backend) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		tb.Errorf("Shutdown returned %v, want nil", err)
	}
}

// configure changes a setting of a running server.
func configure(tb testing.TB, server *testserver.Redis, name, value string) {
	tb.Helper()
	testkit.Check(tb, server.Do("CONFIG", "SET", name, value).Err())
}

// wantUnknown checks an error of a write that may have been done: it is none of the
// contract's, and says certain things.
func wantUnknown(tb testing.TB, what string, err error, words ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatalf("%s succeeded, want an error", what)
	}
	for _, kind := range []error{driver.ErrUnavailable, driver.ErrConflict, driver.ErrNotFound, driver.ErrInvalid, driver.ErrExists, driver.ErrClosed} {
		if errors.Is(err, kind) {
			tb.Errorf("%s: the error %q matches %q, want none of the contract's", what, err, kind)
		}
	}
	testkit.WantError(tb, what, err, err, words...)
}
