package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// connect parses a DSN and opens what it names.
func connect(ctx context.Context, dsn string) (*backend, error) {
	c, err := postgresDriver{}.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connectTo(ctx, c)
}

func connectTo(ctx context.Context, c driver.Connector) (*backend, error) {
	b, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return b.(*backend), nil
}

// open opens a store that is shut down when the test ends.
func open(tb testing.TB, dsn string) *backend {
	tb.Helper()
	b, err := connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatalf("open %s: %v", dsn, err)
	}
	tb.Cleanup(func() { shutdown(tb, b) })
	return b
}

func shutdown(tb testing.TB, b *backend) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		tb.Errorf("Shutdown returned %v, want nil", err)
	}
}

// outsider is somebody with a connection of their own to what a DSN of this driver
// names.
type outsider struct {
	*pgx.Conn
	tb     testing.TB
	schema string
}

func outside(tb testing.TB, dsn string) *outsider {
	tb.Helper()
	c, err := parseDSN(dsn)
	testkit.Check(tb, err)
	conn, err := pgx.ConnectConfig(tb.Context(), c.config.ConnConfig)
	testkit.Check(tb, err)
	tb.Cleanup(func() { conn.Close(context.Background()) })
	return &outsider{conn, tb, c.schema}
}

// named puts the schema's name into a statement.
func (o *outsider) named(statement string) string {
	return strings.ReplaceAll(statement, "enact.", pgx.Identifier{o.schema}.Sanitize()+".")
}

func (o *outsider) exec(statements ...string) {
	o.tb.Helper()
	for _, statement := range statements {
		if _, err := o.Exec(context.Background(), o.named(statement), pgx.QueryExecModeSimpleProtocol); err != nil {
			o.tb.Fatalf("%s: %v", statement, err)
		}
	}
}

// valueOf is the only value that a query from outside returns.
func valueOf[T any](o *outsider, query string, args ...any) (value T) {
	o.tb.Helper()
	if err := o.QueryRow(context.Background(), o.named(query), args...).Scan(&value); err != nil {
		o.tb.Fatalf("%s: %v", query, err)
	}
	return value
}
