package enact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

// snapshotFormat marks the bytes of a snapshot, so that others are recognised.
const snapshotFormat = "enact.snapshot/1"

// builtin is the projection name of the built-in reducer.
const builtin = "enact.execution/1"

// envelope is what a snapshot's bytes hold.
type envelope struct {
	Format     string          `json:"format"`
	Projection string          `json:"projection"`
	Sequence   uint64          `json:"sequence"`
	LastEvent  EventID         `json:"last_event"`
	Time       time.Time       `json:"time"`
	State      json.RawMessage `json:"state"`
}

// errUnreadable: the bytes are not a snapshot.
var errUnreadable = errors.New("the snapshot is unreadable")

// SaveSnapshot keeps s so that [Tenant.Rehydrate] need not fold the events up to
// s.Sequence again. A snapshot with a higher sequence stays; saving an older one
// changes nothing and is no error.
func (s *StateStore) SaveSnapshot(ctx context.Context, snapshot Snapshot) error {
	at := position{snapshot.Sequence, snapshot.LastEvent, snapshot.Time}
	return saveState(ctx, s, builtin, snapshot.Execution, at, snapshot)
}

// LoadSnapshot returns an execution's snapshot or [ErrNotFound]. It is what was
// saved, not checked against the log; [Tenant.Rehydrate] does that.
func (s *StateStore) LoadSnapshot(ctx context.Context, execution ExecutionID) (Snapshot, error) {
	var snapshot Snapshot
	_, err := loadState(ctx, s, builtin, execution, &snapshot)
	if err != nil {
		return Snapshot{}, err
	}
	return snapshot, nil
}

// position is the last event that a state contains: what ties it to a log.
type position struct {
	sequence uint64
	event    EventID
	time     time.Time
}

func saveState(ctx context.Context, s *StateStore, projection string, execution ExecutionID, at position, state any) error {
	if s.closed != nil {
		return s.closed
	}
	raw, err := marshalJSON(state)
	if err != nil {
		return driver.Invalidf("snapshot of execution %q: %v", execution, err)
	}
	data, err := marshalJSON(envelope{snapshotFormat, projection, at.sequence, at.event, at.time, raw})
	if err != nil {
		return driver.Invalidf("snapshot of execution %q: %v", execution, err)
	}
	snapshot := driver.Snapshot{
		SnapshotInfo: driver.SnapshotInfo{Execution: execution, Sequence: at.sequence, Time: driver.Timestamp(time.Now())},
		Data:         data,
	}
	if err := driver.ValidateSnapshot(snapshot); err != nil {
		return err
	}
	return s.store.SaveSnapshot(ctx, snapshot)
}

// loadState reads the snapshot into state. What nobody can use is errUnreadable;
// one of another projection is only an error.
func loadState(ctx context.Context, s *StateStore, projection string, execution ExecutionID, state any) (envelope, error) {
	if err := s.check("execution ID", string(execution)); err != nil {
		return envelope{}, err
	}
	stored, err := s.store.LoadSnapshot(ctx, execution)
	if err != nil {
		return envelope{}, err
	}
	var e envelope
	switch err := json.Unmarshal(stored.Data, &e); {
	case err != nil:
		return envelope{}, fmt.Errorf("%w: %w", errUnreadable, err)
	case e.Format != snapshotFormat:
		return envelope{}, fmt.Errorf("%w: its format is %q, not %q", errUnreadable, e.Format, snapshotFormat)
	case e.Projection != projection:
		return envelope{}, fmt.Errorf("the snapshot is of projection %q, not %q", e.Projection, projection)
	case e.Sequence != stored.Sequence || e.Sequence == 0:
		return envelope{}, fmt.Errorf("%w: it says sequence %d and is stored under %d", errUnreadable, e.Sequence, stored.Sequence)
	}
	if err := json.Unmarshal(e.State, state); err != nil {
		return envelope{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return e, nil
}
