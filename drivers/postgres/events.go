package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

type events struct{ view }

// Append implements driver.EventStore.
func (s events) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
	one := [1]driver.Append{{Tenant: driver.TenantID(s.tenant), Execution: id, Expect: expect, Events: batch}}
	result := s.AppendEach(ctx, one[:])[0]
	return result.Last, result.Err
}

func (s events) LatestSequence(ctx context.Context, id driver.ExecutionID) (last uint64, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		err := q.QueryRow(ctx, s.sql("SELECT sequence FROM enact.events WHERE execution = (SELECT key FROM enact.executions WHERE tenant = $1 AND id = $2) ORDER BY sequence DESC LIMIT 1"), s.tenant, string(id)).Scan(&last)
		if noRow(err) {
			return nil
		}
		return err
	})
	return last, err
}

func (s events) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	return list(ctx, s.view, driver.Scope("executions", s.tenant), page, 1,
		func(after []string) (string, []any, error) {
			return `SELECT x.id, e.sequence, x.created, greatest(x.created, e.stored) FROM enact.executions x, LATERAL (
				SELECT sequence, coalesce(stored, time) AS stored FROM enact.events WHERE execution = x.key ORDER BY sequence DESC LIMIT 1
			) e WHERE x.tenant = $1 AND x.id > $2 ORDER BY x.id`, []any{s.tenant, after[0]}, nil
		},
		func(row pgx.CollectableRow) (x driver.ExecutionInfo, position []string, err error) {
			err = row.Scan(&x.ID, &x.LastSequence, &x.CreatedAt, &x.UpdatedAt)
			x.CreatedAt, x.UpdatedAt = x.CreatedAt.UTC(), x.UpdatedAt.UTC()
			return x, []string{string(x.ID)}, err
		})
}
