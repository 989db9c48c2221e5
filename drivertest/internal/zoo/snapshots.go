package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// snapshots break S4.
var snapshots = []*Broken{
	{Name: "snapshot-last-stays", Rule: "S4", Fault: "an older snapshot replaces a newer one", State: savedIf(func(old, s driver.Snapshot) bool { return true })},
	{Name: "snapshot-same-is-refused", Rule: "S4", Fault: "a snapshot with the same sequence does not replace", State: savedIf(func(old, s driver.Snapshot) bool { return s.Sequence > old.Sequence })},
	{Name: "snapshot-by-time", Rule: "S4", Fault: "the snapshot that was taken last stays, not that with the highest sequence", State: savedIf(func(old, s driver.Snapshot) bool { return !s.Time.Before(old.Time) })},
	{Name: "snapshot-sequence-is-text", Rule: "S4", Fault: "sequences are compared as text", State: savedIf(func(old, s driver.Snapshot) bool {
		return strconv.FormatUint(s.Sequence, 10) >= strconv.FormatUint(old.Sequence, 10)
	})},
	{Name: "snapshot-sequence-is-float", Rule: "S4", Fault: "sequences are compared as floating-point numbers", State: savedIf(func(old, s driver.Snapshot) bool {
		return float64(s.Sequence) >= float64(old.Sequence)
	})},
	{Name: "snapshot-sequence-of-32-bits", Rule: "S4", Fault: "sequences are compared in 32 bits", State: savedIf(func(old, s driver.Snapshot) bool {
		return uint32(s.Sequence) >= uint32(old.Sequence)
	})},
	{Name: "snapshot-older-fails", Rule: "S4", Fault: "saving an older snapshot is an error", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if old, err := s.LoadSnapshot(ctx, snapshot.Execution); err == nil && old.Sequence > snapshot.Sequence {
				return &driver.ConflictError{Subject: "snapshot", Expected: snapshot.Sequence, Actual: old.Sequence}
			}
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}},
	{Name: "snapshot-older-touches", Rule: "S4", Fault: "saving an older snapshot changes the time of the one that is there", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if old, err := s.LoadSnapshot(ctx, snapshot.Execution); err == nil && old.Sequence > snapshot.Sequence {
				old.Time = snapshot.Time
				snapshot = old
			}
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}},
	{Name: "snapshot-remembers-deleted", Rule: "S4", Fault: "after deletion an older snapshot is still too old", State: func(s driver.StateStore, at *Place) driver.StateStore {
		highest := Remember[sync.Map](at.Store, "highest of "+string(at.Tenant))
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if last, ok := highest.Load(snapshot.Execution); ok && last.(uint64) > snapshot.Sequence {
				return ctx.Err()
			}
			highest.Store(snapshot.Execution, snapshot.Sequence)
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}},
	{Name: "snapshot-check-then-save", Rule: "S4", Fault: "SaveSnapshot looks for a newer one before it locks", State: func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			old, err := s.LoadSnapshot(ctx, snapshot.Execution)
			if err == nil && old.Sequence > snapshot.Sequence {
				return nil
			}
			ctx.Err()
			return saveOver(ctx, s, at, snapshot)
		}}
	}},
	{Name: "snapshot-highest-in-handle", Rule: "S4", Fault: "each handle remembers the highest sequence that it has saved itself", Durable: true, State: func(s driver.StateStore, at *Place) driver.StateStore {
		highest := Remember[sync.Map](at.Handle, "highest of "+string(at.Tenant))
		return &aStateStore{StateStore: s,
			saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
				if last, ok := highest.Load(snapshot.Execution); ok && last.(uint64) > snapshot.Sequence {
					return ctx.Err()
				}
				highest.Store(snapshot.Execution, snapshot.Sequence)
				return saveOver(ctx, s, at, snapshot)
			},
			deleteSnapshot: func(ctx context.Context, id driver.ExecutionID) error {
				highest.Delete(id)
				return s.DeleteSnapshot(ctx, id)
			},
		}
	}},
	{Name: "snapshot-torn", Rule: "S4", Fault: "LoadSnapshot reads the sequence and then the data", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, loadSnapshot: func(ctx context.Context, id driver.ExecutionID) (driver.Snapshot, error) {
			first, err := s.LoadSnapshot(ctx, id)
			if ctx.Err(); err != nil {
				return first, err
			}
			if second, err := s.LoadSnapshot(ctx, id); err == nil {
				first.Data = second.Data
			}
			return first, nil
		}}
	}},
	{Name: "snapshot-gone-while-saved", Rule: "S4", Fault: "replacing a snapshot deletes it for a moment", State: func(s driver.StateStore, at *Place) driver.StateStore {
		mu := Remember[sync.Mutex](at.Store, "lock")
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			mu.Lock()
			defer mu.Unlock()
			if old, err := s.LoadSnapshot(ctx, snapshot.Execution); err == nil && old.Sequence <= snapshot.Sequence {
				s.DeleteSnapshot(ctx, snapshot.Execution)
				ctx.Err()
			}
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}},
	{Name: "snapshot-compacted", Rule: "S4", Fault: "the data of a snapshot is kept as JSON, where it is JSON", State: changedSnapshot(func(s *driver.Snapshot) {
		var compact bytes.Buffer
		if json.Compact(&compact, s.Data) == nil {
			s.Data = compact.Bytes()
		}
	})},
	{Name: "snapshot-of-16-mib", Rule: "S4", Fault: "a snapshot over 16 MiB is cut", State: changedSnapshot(func(s *driver.Snapshot) { s.Data = s.Data[:min(len(s.Data), 16<<20)] })},
	{Name: "snapshot-time-in-milliseconds", Rule: "S4", Fault: "the time of a snapshot is kept to the millisecond", State: changedSnapshot(func(s *driver.Snapshot) { s.Time = s.Time.Truncate(time.Millisecond) })},
	{Name: "snapshot-time-in-nanoseconds", Rule: "S4", Fault: "the time of a snapshot overflows 64 bits of nanoseconds", State: changedSnapshot(func(s *driver.Snapshot) { s.Time = time.Unix(0, s.Time.UnixNano()).UTC() })},
	{Name: "snapshot-stamped", Rule: "S4", Fault: "the time of a snapshot is when it was saved", State: changedSnapshot(func(s *driver.Snapshot) { s.Time = driver.Timestamp(time.Now()) })},
	{Name: "snapshot-is-a-key", Rule: "S4", Fault: "snapshots show up as keys", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if _, err := s.Set(ctx, "snapshot/"+string(snapshot.Execution)[:min(len(snapshot.Execution), 9)], nil, driver.SetOptions{}); err != nil {
				return err
			}
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}},
	{Name: "snapshots-of-the-family", Rule: "S4", Fault: "deleting a snapshot deletes those of executions whose IDs go on from there", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, deleteSnapshot: func(ctx context.Context, id driver.ExecutionID) error {
			list, _, err := s.ListSnapshots(ctx, driver.Page{Limit: driver.MaxPageLimit})
			for _, info := range list {
				if strings.HasPrefix(string(info.Execution), string(id)+"/") {
					s.DeleteSnapshot(ctx, info.Execution)
				}
			}
			return errors.Join(err, s.DeleteSnapshot(ctx, id))
		}}
	}},
	{Name: "snapshots-by-sequence", Rule: "S4", Fault: "snapshots are listed by sequence", State: listedSnapshots(func(list []driver.SnapshotInfo) []driver.SnapshotInfo {
		slices.SortStableFunc(list, func(a, b driver.SnapshotInfo) int { return int(int64(a.Sequence) - int64(b.Sequence)) })
		return list
	})},
	{Name: "snapshots-by-letter", Rule: "S4", Fault: "snapshots are listed in the order of a dictionary", State: listedSnapshots(func(list []driver.SnapshotInfo) []driver.SnapshotInfo {
		slices.SortStableFunc(list, func(a, b driver.SnapshotInfo) int {
			return strings.Compare(strings.ToLower(string(a.Execution)), strings.ToLower(string(b.Execution)))
		})
		return list
	})},
	{Name: "snapshot-cursor-is-offset", Rule: "S4", Fault: "a page of snapshots begins after so many, though some have gone", State: listedSnapshots(nil)},
	{Name: "snapshot-listing-reads-data", Rule: "S4", Fault: "ListSnapshots reads the data, too", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, listSnapshots: func(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
			list, next, err := s.ListSnapshots(ctx, page)
			for _, info := range list {
				s.LoadSnapshot(ctx, info.Execution)
			}
			return list, next, err
		}}
	}},
	{Name: "snapshots-in-memory", Rule: "S4", Fault: "shutting down loses the snapshots that the handle has saved", Durable: true,
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			saved := Remember[sync.Map](at.Handle, "saved")
			return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
				saved.Store(snapshot.Execution, at.Tenant)
				return s.SaveSnapshot(ctx, snapshot)
			}}
		},
		Backend: func(b driver.Backend, at *Place) driver.Backend {
			saved := Remember[sync.Map](at.Handle, "saved")
			return &aBackend{Backend: b, shutdown: func(ctx context.Context) error {
				saved.Range(func(id, tenant any) bool {
					b.Tenant(tenant.(driver.TenantID)).State.DeleteSnapshot(ctx, id.(driver.ExecutionID))
					return true
				})
				return b.Shutdown(ctx)
			}}
		}},
}

// saveOver replaces the snapshot that is there, at once.
func saveOver(ctx context.Context, s driver.StateStore, at *Place, snapshot driver.Snapshot) error {
	mu := Remember[sync.Mutex](at.Store, "saving")
	mu.Lock()
	defer mu.Unlock()
	if err := s.DeleteSnapshot(ctx, snapshot.Execution); err != nil {
		return err
	}
	return s.SaveSnapshot(ctx, snapshot)
}

// savedIf has a store decide in its own way whether a snapshot replaces another.
func savedIf(replaces func(old, s driver.Snapshot) bool) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		mu := Remember[sync.Mutex](at.Store, "deciding")
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			mu.Lock()
			defer mu.Unlock()
			if old, err := s.LoadSnapshot(ctx, snapshot.Execution); err == nil && !replaces(old, snapshot) {
				return nil
			}
			return saveOver(ctx, s, at, snapshot)
		}}
	}
}

// changedSnapshot has a store keep another snapshot than it is given.
func changedSnapshot(change func(*driver.Snapshot)) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			change(&snapshot)
			return s.SaveSnapshot(ctx, snapshot)
		}}
	}
}

// listedSnapshots lists snapshots in an order of the driver's own, by cursors that
// are offsets when there is none.
func listedSnapshots(sort func([]driver.SnapshotInfo) []driver.SnapshotInfo) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, listSnapshots: func(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
			list, _, err := s.ListSnapshots(ctx, driver.Page{Limit: driver.MaxPageLimit})
			if err != nil {
				return nil, "", err
			}
			if sort != nil {
				list = sort(list)
			}
			scope, skip := driver.Scope("offset of snapshots", string(at.Tenant)), 0
			if page.Cursor != "" {
				parts, err := driver.DecodeCursor(scope, page.Cursor, 1)
				if err != nil {
					return nil, "", err
				}
				skip, _ = strconv.Atoi(parts[0])
			}
			list = list[min(skip, len(list)):]
			if len(list) <= page.Limit {
				return list, "", nil
			}
			return list[:page.Limit], driver.EncodeCursor(scope, strconv.Itoa(skip+page.Limit)), nil
		}}
	}
}
