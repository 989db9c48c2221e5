package enact

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Projection folds an execution's events into a state of the application's own.
// The state is kept in snapshots as JSON, so for every history S must be the same
// after being written and read as JSON.
type Projection[S any] struct {
	// Name marks snapshots. Change it when S or Apply changes its meaning; older
	// snapshots are then dropped. An execution has one snapshot, so it should
	// be saved by one projection only.
	Name string
	// New returns the state before the first event.
	New func() S
	// Apply changes the state by one event. It must depend on nothing else.
	Apply func(state *S, e Event) error

	// fits refuses a state that is not that of the snapshot's place in the log; nil:
	// the state does not say.
	fits func(state S, e envelope) error
}

// Rehydrated is the state of an execution.
type Rehydrated[S any] struct {
	State S
	// Sequence, LastEvent and Time are those of the last event folded; zero
	// when the execution has none.
	Sequence  uint64
	LastEvent EventID
	Time      time.Time
	// SnapshotSequence is where the snapshot stood that was used; 0: none.
	SnapshotSequence uint64
}

// Rehydrate returns the state of an execution as the built-in reducer makes it:
// from its snapshot, if there is one, and the events after it. An unknown
// execution is in status created, with sequence 0.
//
// The log decides. A snapshot that is missing, unreadable, ahead of the log, or
// whose last event is not the one in the log, by ID and time, is dropped with a warning, and all
// events are folded. So is one that the state store cannot deliver; only the
// event store's errors and the context's are returned.
func (t *Tenant) Rehydrate(ctx context.Context, execution ExecutionID) (Snapshot, error) {
	r, err := RehydrateAs(ctx, t, execution, Projection[Snapshot]{
		Name:  builtin,
		New:   func() Snapshot { return NewSnapshot(t.id, execution) },
		Apply: func(s *Snapshot, e Event) error { s.apply(e); return nil },
		fits:  func(s Snapshot, e envelope) error { return s.fits(t.id, execution, e) },
	})
	return r.State, err
}

// RehydrateAs is [Tenant.Rehydrate] for a projection of the application's own.
func RehydrateAs[S any](ctx context.Context, t *Tenant, execution ExecutionID, p Projection[S]) (Rehydrated[S], error) {
	if err := t.Events.check("execution ID", string(execution)); err != nil {
		return Rehydrated[S]{}, err
	}
	start := Rehydrated[S]{State: p.New()}
	if t.State.closed == nil {
		snapshot, err := fromSnapshot(ctx, t, execution, p)
		if err == nil {
			var stale staleError
			if snapshot, err = fold(ctx, t, execution, p, snapshot); !errors.As(err, &stale) {
				return snapshot, err
			}
		}
		if ctx.Err() != nil {
			return Rehydrated[S]{}, ctx.Err()
		}
		if !errors.Is(err, ErrNotFound) {
			t.dropSnapshot(ctx, execution, err)
		}
	}
	return fold(ctx, t, execution, p, start)
}

// SaveSnapshotAs keeps what [RehydrateAs] returned, for the next time.
func SaveSnapshotAs[S any](ctx context.Context, t *Tenant, execution ExecutionID, p Projection[S], r Rehydrated[S]) error {
	return saveState(ctx, t.State, p.Name, execution, position{r.Sequence, r.LastEvent, r.Time}, r.State)
}

// staleError: the snapshot does not fit the log.
type staleError string

func (e staleError) Error() string { return string(e) }

func fromSnapshot[S any](ctx context.Context, t *Tenant, execution ExecutionID, p Projection[S]) (Rehydrated[S], error) {
	r := Rehydrated[S]{State: p.New()}
	e, err := loadState(ctx, t.State, p.Name, execution, &r.State)
	if err == nil && p.fits != nil {
		err = p.fits(r.State, e)
	}
	if err != nil {
		return Rehydrated[S]{}, err
	}
	r.Sequence, r.LastEvent, r.Time, r.SnapshotSequence = e.Sequence, e.LastEvent, e.Time, e.Sequence
	return r, nil
}

// fits refuses a state of another execution or of another place in the log than its
// envelope names: events would be left out or folded twice.
func (s Snapshot) fits(tenant TenantID, execution ExecutionID, e envelope) error {
	if s.Tenant == tenant && s.Execution == execution && s.Sequence == e.Sequence && s.LastEvent == e.LastEvent && s.Time.Equal(e.Time) {
		return nil
	}
	return fmt.Errorf("%w: it holds the state of execution %q of tenant %q after event %d", errUnreadable, s.Execution, s.Tenant, s.Sequence)
}

// fold applies the events after r. The last event that r contains is read again,
// to see that r belongs to this log.
func fold[S any](ctx context.Context, t *Tenant, execution ExecutionID, p Projection[S], r Rehydrated[S]) (Rehydrated[S], error) {
	checked := r.Sequence == 0
	for e, err := range t.Events.Load(ctx, execution, max(r.Sequence, 1)-1) {
		if err != nil {
			return Rehydrated[S]{}, err
		}
		if !checked {
			if e.Sequence != r.Sequence || e.ID != r.LastEvent || !e.Time.Equal(r.Time) {
				return Rehydrated[S]{}, staleError(fmt.Sprintf("event %d in the log is %q of %v, in the snapshot %q of %v", r.Sequence, e.ID, e.Time, r.LastEvent, r.Time))
			}
			checked = true
			continue
		}
		if e.Sequence != r.Sequence+1 {
			return Rehydrated[S]{}, fmt.Errorf("execution %q: event %d follows event %d; the log has a gap", execution, e.Sequence, r.Sequence)
		}
		if err := p.Apply(&r.State, e); err != nil {
			return Rehydrated[S]{}, fmt.Errorf("execution %q: apply event %d (%s): %w", execution, e.Sequence, e.Data.EventType(), err)
		}
		r.Sequence, r.LastEvent, r.Time = e.Sequence, e.ID, e.Time
	}
	if !checked {
		return Rehydrated[S]{}, staleError(fmt.Sprintf("the log ends before event %d, where the snapshot stands", r.Sequence))
	}
	return r, nil
}

// dropSnapshot warns, and removes a snapshot that does not fit the log or that
// nobody can read: it would otherwise keep right ones with lower sequences out.
// Losing it is harmless: it is a cache.
func (t *Tenant) dropSnapshot(ctx context.Context, execution ExecutionID, why error) {
	t.log.WarnContext(ctx, "enact: snapshot dropped, all events are folded", "execution", string(execution), "reason", why.Error())
	var stale staleError
	if errors.As(why, &stale) || errors.Is(why, errUnreadable) {
		if err := t.State.DeleteSnapshot(ctx, execution); err != nil {
			t.log.WarnContext(ctx, "enact: dropped snapshot could not be deleted", "execution", string(execution), "reason", err.Error())
		}
	}
}
