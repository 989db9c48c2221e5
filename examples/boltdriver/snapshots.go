package boltdriver

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

func (s state) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	return s.write(ctx, func(tx *bolt.Tx) error {
		snapshots, err := ensure(tx, bucketSnapshots, s.tenant)
		if err != nil {
			return err
		}
		key := []byte(snapshot.Execution)
		if stored := snapshots.Get(key); stored != nil {
			old, _, err := decodeSnapshot(string(key), stored)
			if err != nil || old.Sequence > snapshot.Sequence {
				return err
			}
		}
		return snapshots.Put(key, encodeSnapshot(snapshot))
	})
}

func (s state) LoadSnapshot(ctx context.Context, id driver.ExecutionID) (snapshot driver.Snapshot, err error) {
	err = s.read(ctx, func(tx *bolt.Tx) error {
		var stored []byte
		if snapshots := find(tx, bucketSnapshots, s.tenant); snapshots != nil {
			stored = snapshots.Get([]byte(id))
		}
		if stored == nil {
			return driver.NotFoundf("snapshot of execution %q", id)
		}
		info, data, err := decodeSnapshot(string(id), stored)
		snapshot = driver.Snapshot{SnapshotInfo: info, Data: copied(data)}
		return err
	})
	return snapshot, err
}

func (s state) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	return s.write(ctx, func(tx *bolt.Tx) error {
		snapshots := find(tx, bucketSnapshots, s.tenant)
		if snapshots == nil {
			return nil
		}
		return snapshots.Delete([]byte(id))
	})
}

func (s state) ListSnapshots(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
	return list(ctx, s.view, bucketSnapshots, "", page, func(id string, stored []byte) (driver.SnapshotInfo, bool, error) {
		info, _, err := decodeSnapshot(id, stored)
		return info, true, err
	})
}

// A snapshot is its sequence, when it was taken, and its data.
func encodeSnapshot(s driver.Snapshot) []byte {
	stored := make([]byte, 0, 16+len(s.Data))
	stored = append(stored, number(s.Sequence)...)
	stored = append(stored, number(micros(s.Time))...)
	return append(stored, s.Data...)
}

func decodeSnapshot(id string, stored []byte) (info driver.SnapshotInfo, data []byte, err error) {
	n, data, err := numbers(stored, 2)
	if err != nil {
		return info, nil, err
	}
	return driver.SnapshotInfo{Execution: driver.ExecutionID(id), Sequence: n[0], Time: fromMicros(n[1])}, data, nil
}
