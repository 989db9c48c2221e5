package zoo

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/enactdev/enact/driver"
)

// appendEaches append as they should, but not for several callers at once.
var appendEaches = []*Broken{
	{
		Name: "each-undone-by-one", Rule: "E3",
		Fault: "an append that is refused takes those of the same commit with it",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			for i := range appends {
				if r := engine.AppendEach(ctx, appends[i:i+1]); r[0].Err != nil {
					return driver.AllFailed(appends, r[0].Err)
				}
			}
			return engine.AppendEach(ctx, appends)
		},
	},
	{
		Name: "each-expects-the-beginning", Rule: "E2",
		Fault: "expectations are compared with the logs as they were before all appends",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			expected := slices.Clone(appends)
			grown := map[[2]string]uint64{}
			for i, a := range appends {
				name := [2]string{string(a.Tenant), string(a.Execution)}
				if last, stated := a.Expect.Last(); stated {
					expected[i].Expect = driver.ExpectLast(last + grown[name])
				}
				grown[name] += uint64(len(a.Events))
			}
			return engine.AppendEach(ctx, expected)
		},
	},
	{
		Name: "each-in-any-order", Rule: "E2",
		Fault: "appends to one execution are done from the last to the first",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			turned := slices.Clone(appends)
			slices.Reverse(turned)
			results := engine.AppendEach(ctx, turned)
			slices.Reverse(results)
			return results
		},
	},
	{
		Name: "each-of-one-tenant", Rule: "E2",
		Fault: "all appends of a commit go to the tenant of the first",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			same := slices.Clone(appends)
			for i := range same {
				same[i].Tenant = appends[0].Tenant
			}
			return engine.AppendEach(ctx, same)
		},
	},
	{
		Name: "each-known-is-forgotten", Rule: "E2",
		Fault: "a repeated append beside others is a conflict, because only its expectation is looked at",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			results := engine.AppendEach(ctx, appends)
			for i, a := range appends {
				last, stated := a.Expect.Last()
				if stated && results[i].Err == nil && results[i].Last != last+uint64(len(a.Events)) {
					results[i] = driver.AppendResult{Err: &driver.ConflictError{Subject: "execution", Expected: last, Actual: results[i].Last}}
				}
			}
			return results
		},
	},
	{
		Name: "each-cancelled-by-half", Rule: "E3",
		Fault: "appends that were done before the context ended are reported as certainly not done",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			for i := range appends {
				r := engine.AppendEach(ctx, appends[i:i+1])
				if errors.Is(r[0].Err, context.Canceled) {
					return driver.AllFailed(appends, errors.Join(driver.ErrUnavailable, r[0].Err))
				}
			}
			return engine.AppendEach(context.WithoutCancel(ctx), appends)
		},
	},
	{
		Name: "each-before-the-commit", Rule: "E1", Durable: true,
		Fault: "appends of a commit are acknowledged when they are in a buffer, which the next one writes",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			late := Remember[locked[[]driver.Append]](at.Handle, "late")
			late.Lock()
			defer late.Unlock()
			if len(late.value) > 0 {
				engine.AppendEach(ctx, late.value)
			}
			late.value = slices.Clone(appends[1:])
			results := engine.AppendEach(ctx, appends[:1])
			for _, a := range appends[1:] {
				results = append(results, driver.AppendResult{Last: results[len(results)-1].Last + uint64(len(a.Events)), Err: results[0].Err})
			}
			return results
		},
	},
	{
		Name: "each-locks-in-any-order", Rule: "B7", Hangs: true,
		Fault: "two commits that hold executions which the other needs wait for one another for ever",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			locks := Remember[locked[map[driver.ExecutionID]*sync.Mutex]](at.Store, "locks")
			held := map[driver.ExecutionID]*sync.Mutex{}
			for _, a := range appends {
				if held[a.Execution] != nil {
					continue
				}
				locks.Lock()
				if locks.value == nil {
					locks.value = map[driver.ExecutionID]*sync.Mutex{}
				}
				if locks.value[a.Execution] == nil {
					locks.value[a.Execution] = new(sync.Mutex)
				}
				held[a.Execution] = locks.value[a.Execution]
				locks.Unlock()
				held[a.Execution].Lock()
				yieldHere()
			}
			defer func() {
				for _, lock := range held {
					lock.Unlock()
				}
			}()
			return engine.AppendEach(ctx, appends)
		},
	},
	{
		Name: "each-after-shutdown", Rule: "B4",
		Fault: "Shutdown does not refuse appends for several callers",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			results := engine.AppendEach(ctx, appends)
			for i := range results {
				if errors.Is(results[i].Err, driver.ErrClosed) {
					results[i] = driver.AppendResult{Last: 1}
				}
			}
			return results
		},
	},
	{
		Name: "each-sorted-in-place", Rule: "B8",
		Fault: "it sorts the caller's slice to lock executions in order",
		Each: func(ctx context.Context, engine driver.EventBatcher, at *Place, appends []driver.Append) []driver.AppendResult {
			slices.SortStableFunc(appends, func(a, b driver.Append) int { return len(a.Execution) - len(b.Execution) })
			if len(appends) == 2 && appends[0].Execution > appends[1].Execution {
				appends[0], appends[1] = appends[1], appends[0]
				results := engine.AppendEach(ctx, appends)
				return []driver.AppendResult{results[1], results[0]}
			}
			return engine.AppendEach(ctx, appends)
		},
	},
}
