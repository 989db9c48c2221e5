package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// leastPgvector is the first version of the extension with iterative index scans,
// without which a filtered search may find too little.
var leastPgvector = [2]int{0, 8}

// pgvector is the server's extension "vector", as it was found when connecting.
type pgvector struct {
	schema  string // where its types and operators are
	missing error  // why it cannot be used
}

// Missing implements driver.Explainer.
func (b *backend) Missing(role driver.Role) error {
	if role == driver.RoleVectors {
		return b.vector.missing
	}
	return nil
}

// inspectPgvector finds out whether vectors can be stored, and makes the extension
// if it is installed on the server. Everything else works without it, so what the
// server refuses here is remembered and no error.
func (b *backend) inspectPgvector(ctx context.Context) error {
	available, err := b.findPgvector(ctx, b.pool)
	if err == nil && available {
		if _, err = b.transaction(ctx, b.createPgvector); err == nil {
			_, err = b.findPgvector(ctx, b.pool)
		} else if codeOf(err) != "" && !lostConnection(err) && !strings.HasPrefix(codeOf(err), classResources) {
			b.vector.missing = fmt.Errorf("the extension vector (pgvector) is installed on the server and not in this database; have the database's owner or a superuser run CREATE EXTENSION vector, since the user of the DSN may not: %s", message(err))
			return nil
		}
	}
	return b.explain(ctx, err, reading)
}

// findPgvector looks for the extension in the database. available: it is not there
// and could be created.
func (b *backend) findPgvector(ctx context.Context, q querier) (available bool, err error) {
	var version string
	err = q.QueryRow(ctx, "SELECT e.extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'").Scan(&version, &b.vector.schema)
	if !noRow(err) {
		b.vector.missing = nil
		if err == nil && olderThan(version, leastPgvector) {
			b.vector.missing = fmt.Errorf("the extension vector (pgvector) has version %s; install %d.%d or later and run ALTER EXTENSION vector UPDATE", version, leastPgvector[0], leastPgvector[1])
		}
		return false, err
	}
	b.vector.missing = errors.New("the server has no extension vector (pgvector); install it there, for example with the package postgresql-17-pgvector for PostgreSQL 17, and run CREATE EXTENSION vector in the database as a superuser")
	err = q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')").Scan(&available)
	return available, err
}

func (b *backend) createPgvector(ctx context.Context, tx pgx.Tx) error {
	// One of several programs at a time: an extension belongs to the whole
	// database, so the lock has no schema in it.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, 0)", migrationLock); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
	return err
}

func olderThan(version string, least [2]int) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		return false
	}
	return major < least[0] || major == least[0] && minor < least[1]
}
