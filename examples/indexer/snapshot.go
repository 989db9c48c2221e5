package main

import (
	"context"
	"fmt"
)

// saveSnapshot spares the next process from reading the whole log. It returns
// the log's errors only: the state store is a cache, and no job fails because of
// it.
func (j *job) saveSnapshot(ctx context.Context) error {
	if j.stateBroken {
		return nil
	}
	snapshot, err := j.tenant.Rehydrate(ctx, j.log.execution)
	if err != nil {
		return err
	}
	if err := j.tenant.State.SaveSnapshot(ctx, snapshot); err != nil {
		j.stateFailed(err)
	}
	return ctx.Err()
}

// stateFailed warns, once, and gives the state store up for this process.
func (x *indexer) stateFailed(err error) {
	if !x.stateBroken {
		x.stateBroken = true
		fmt.Fprintf(x.warnings, "warning: going on without snapshots: %v\n", err)
	}
}
