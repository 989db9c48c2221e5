package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// leastServer is the oldest server that is tested, as server_version_num has it.
const leastServer = 150000

// migrationLock is the key of the advisory lock under which the schema is changed;
// transaction-scoped, so that a pooler cannot lose it. The second key is the
// schema's.
const migrationLock = 0x656e6163 // "enac"

// migrations lead from each schema version to the next; version n is what the
// first n have made. They are never changed once released, only added to.
var migrations = []string{version1, version2, version3}

// prepare makes sure that the server can keep what it is given, and brings the
// schema up to date.
func (b *backend) prepare(ctx context.Context) error {
	var version int
	err := b.reading(ctx, func(ctx context.Context, q connection) (err error) {
		if err = b.inspectServer(ctx, q); err == nil {
			version, err = b.schemaVersion(ctx, q)
		}
		return err
	})
	if err != nil || version == len(migrations) {
		return err
	}
	return b.write(ctx, b.migrate)
}

// inspectServer refuses a server whose settings make promises empty.
func (b *backend) inspectServer(ctx context.Context, q querier) error {
	var version int
	var ofDatabase, ofConnection, lossy string
	err := q.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('client_encoding'), "+lossySetting).
		Scan(&version, &ofDatabase, &ofConnection, &lossy)
	switch {
	case err != nil:
		return err
	case version < leastServer:
		return fmt.Errorf("%w: postgres: the server is version %d.%d; use 15 or later", driver.ErrUnsupported, version/10000, version%10000)
	case ofDatabase != encoding:
		return fmt.Errorf("%w: postgres: the database is encoded in %s; use one in UTF8", driver.ErrUnsupported, ofDatabase)
	case ofConnection != encoding:
		return fmt.Errorf("%w: postgres: client_encoding is %s on the pool's connections; set it to UTF8", driver.ErrUnsupported, ofConnection)
	}
	return b.checkKeeps(lossy, driver.ErrUnsupported)
}

// schemaVersion returns how many migrations were applied.
func (b *backend) schemaVersion(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRow(ctx, "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'enact_version'", b.schema).Scan(&version)
	if err != nil || version == 0 {
		return 0, err
	}
	err = q.QueryRow(ctx, b.sql("SELECT version FROM enact.enact_version")).Scan(&version)
	if noRow(err) {
		return 0, driver.Invalidf("postgres: schema %q has an empty table enact_version; restore it from a backup", b.schema)
	}
	if err == nil && version > len(migrations) {
		return 0, fmt.Errorf("%w: postgres: schema %q has version %d, this program knows versions up to %d; use a newer release", driver.ErrUnsupported, b.schema, version, len(migrations))
	}
	return version, err
}

// migrate brings the schema up to date. Of several processes that start at once
// one migrates and the others find it done.
func (b *backend) migrate(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, hashtext($2))", migrationLock, b.schema); err != nil {
		return err
	}
	version, err := b.schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	var readOnly, exists bool
	err = tx.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool, EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", b.schema).Scan(&readOnly, &exists)
	switch {
	case err != nil:
		return err
	case readOnly:
		return errReadOnly
	case !exists:
		// Only then, since it needs a right on the database that the owner of a
		// schema need not have.
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{b.schema}.Sanitize()); err != nil {
			return err
		}
	}
	for i := version; i < len(migrations); i++ {
		// Several statements at once need the simple protocol.
		if _, err := tx.Exec(ctx, b.sql(migrations[i]), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("bring schema %q up to date: %w", b.schema, err)
		}
	}
	_, err = tx.Exec(ctx, b.sql("UPDATE enact.enact_version SET version = $1"), len(migrations))
	return err
}
