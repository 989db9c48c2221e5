package redis

import (
	"context"
	"fmt"

	"github.com/enactdev/enact/driver"
)

var (
	saveSnapshot   = writes("snapshot_save")
	loadSnapshot   = reads("snapshot_load")
	deleteSnapshot = writes("snapshot_delete")
	listIndex      = reads("index_list")
)

func (s state) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	execution := string(snapshot.Execution)
	_, err := s.run(ctx, saveSnapshot, []string{keySnapshot + execution, keySnapshots, keyTaken}, execution, fmt.Sprintf("%020d", snapshot.Sequence), microseconds(snapshot.Time), string(snapshot.Data))
	return err
}

func (s state) LoadSnapshot(ctx context.Context, id driver.ExecutionID) (driver.Snapshot, error) {
	reply, err := s.run(ctx, loadSnapshot, []string{keySnapshot + string(id), keyTaken}, string(id))
	if err != nil {
		return driver.Snapshot{}, err
	}
	if len(reply) == 0 {
		return driver.Snapshot{}, driver.NotFoundf("snapshot of execution %q", id)
	}
	return driver.Snapshot{SnapshotInfo: snapshotInfo(id, reply[0]), Data: []byte(text(reply[1]))}, nil
}

func snapshotInfo(id driver.ExecutionID, field any) driver.SnapshotInfo {
	sequence, time := two(field)
	return driver.SnapshotInfo{Execution: id, Sequence: number(sequence), Time: moment(time)}
}

func (s state) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	_, err := s.run(ctx, deleteSnapshot, []string{keySnapshot + string(id), keySnapshots, keyTaken}, string(id))
	return err
}

func (s state) ListSnapshots(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
	read := indexed(s.view, listIndex, []string{keySnapshots, keyTaken}, 2, func(fields []any) driver.SnapshotInfo {
		return snapshotInfo(driver.ExecutionID(text(fields[0])), fields[1])
	})
	return names(ctx, s.view, driver.Scope("snapshots", s.tenant), "", page, read, func(i driver.SnapshotInfo) string { return string(i.Execution) })
}
