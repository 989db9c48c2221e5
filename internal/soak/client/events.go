package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/enactdev/enact"
)

// Append appends events and returns the last sequence.
type Append struct {
	Tenant    enact.TenantID
	Execution enact.ExecutionID
	Expect    uint64
	Expects   bool
	Events    []enact.Identified
}

// Do implements Call.
func (c Append) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	expect := enact.ExpectAny()
	if c.Expects {
		expect = enact.ExpectLast(c.Expect)
	}
	events := make([]enact.EventData, len(c.Events))
	for i, e := range c.Events {
		events[i] = e
	}
	return rt.Tenant(c.Tenant).Events.Append(ctx, c.Execution, expect, events...)
}

// Load returns the events after a sequence.
type Load struct {
	Tenant    enact.TenantID
	Execution enact.ExecutionID
	After     uint64
}

// Do implements Call.
func (c Load) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	history := []enact.StoredEvent{}
	for e, err := range rt.Tenant(c.Tenant).Events.LoadRaw(ctx, c.Execution, c.After) {
		if err != nil {
			return nil, err
		}
		history = append(history, e)
	}
	return history, nil
}

// Latest returns the last sequence.
type Latest struct {
	Tenant    enact.TenantID
	Execution enact.ExecutionID
}

// Do implements Call.
func (c Latest) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).Events.LatestSequence(ctx, c.Execution)
}

// Executions lists all executions.
type Executions struct {
	Tenant enact.TenantID
	Limit  int
}

// Do implements Call.
func (c Executions) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return pages(c.Limit, func(p enact.Page) ([]enact.ExecutionInfo, enact.Cursor, error) {
		return rt.Tenant(c.Tenant).Events.ListExecutions(ctx, p)
	})
}

// Rehydrate compares what Rehydrate returns with what all events up to there fold to.
type Rehydrate struct {
	Tenant    enact.TenantID
	Execution enact.ExecutionID
	// Save has the state saved as a snapshot.
	Save bool
}

// Rehydrated is how they compare.
type Rehydrated struct {
	Sequence uint64
	// Difference is empty if they are equal.
	Difference string
}

// Do implements Call.
func (c Rehydrate) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	t := rt.Tenant(c.Tenant)
	got, err := t.Rehydrate(ctx, c.Execution)
	if err != nil {
		return nil, err
	}
	want := enact.NewSnapshot(c.Tenant, c.Execution)
	for e, err := range t.Events.Load(ctx, c.Execution, 0) {
		if err != nil {
			return nil, err
		}
		if e.Sequence > got.Sequence {
			break
		}
		want = enact.Reduce(want, e)
	}
	answer := Rehydrated{Sequence: got.Sequence}
	gotText, err := json.Marshal(got)
	if err != nil {
		return nil, err
	}
	wantText, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	if string(gotText) != string(wantText) {
		answer.Difference = fmt.Sprintf("rehydrated %s, folded %s", gotText, wantText)
	} else if c.Save && got.Sequence > 0 {
		err = t.State.SaveSnapshot(ctx, got)
	}
	return answer, err
}
