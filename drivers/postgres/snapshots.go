package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

func (s state) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	return s.writeOnce(ctx, func(ctx context.Context, q querier) error {
		return exec(ctx, q, s.sql(`INSERT INTO enact.snapshots AS s (tenant, execution, sequence, time, data) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tenant, execution) DO UPDATE SET sequence = excluded.sequence, time = excluded.time, data = excluded.data WHERE s.sequence <= excluded.sequence`),
			s.tenant, string(snapshot.Execution), int64(snapshot.Sequence), snapshot.Time, blob(snapshot.Data))
	})
}

func (s state) LoadSnapshot(ctx context.Context, id driver.ExecutionID) (snapshot driver.Snapshot, err error) {
	err = s.read(ctx, func(ctx context.Context, q connection) error {
		err := q.QueryRow(ctx, s.sql("SELECT sequence, time, data FROM enact.snapshots WHERE tenant = $1 AND execution = $2"), s.tenant, string(id)).
			Scan(&snapshot.Sequence, &snapshot.Time, &snapshot.Data)
		if noRow(err) {
			return driver.NotFoundf("snapshot of execution %q", id)
		}
		return err
	})
	if err != nil {
		return driver.Snapshot{}, err
	}
	snapshot.Execution, snapshot.Time, snapshot.Data = id, snapshot.Time.UTC(), blob(snapshot.Data)
	return snapshot, nil
}

func (s state) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	return s.writeOnce(ctx, func(ctx context.Context, q querier) error {
		return exec(ctx, q, s.sql("DELETE FROM enact.snapshots WHERE tenant = $1 AND execution = $2"), s.tenant, string(id))
	})
}

func (s state) ListSnapshots(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
	return list(ctx, s.view, driver.Scope("snapshots", s.tenant), page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT execution, sequence, time FROM enact.snapshots WHERE tenant = $1 AND execution > $2 ORDER BY execution", []any{s.tenant, after[0]}, nil
		},
		func(row pgx.CollectableRow) (i driver.SnapshotInfo, position []string, err error) {
			err = row.Scan(&i.Execution, &i.Sequence, &i.Time)
			i.Time = i.Time.UTC()
			return i, []string{string(i.Execution)}, err
		})
}

// exec runs a statement that returns no rows.
func exec(ctx context.Context, q querier, statement string, args ...any) error {
	rows, err := q.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
