package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/enactdev/enact"
)

// choose finds the run to go on with, or begins the next one. Only the log and
// the directory decide.
func (x *indexer) choose(ctx context.Context) (*job, error) {
	run, err := x.latestRun(ctx)
	if err != nil {
		return nil, err
	}
	if run == 0 {
		return x.newJob(1), nil
	}
	execution := x.folder.execution(run)
	snapshot, err := x.tenant.Rehydrate(ctx, execution)
	if err != nil {
		return nil, err
	}
	j := &job{
		indexer: x, run: run, resumedFrom: snapshot.Sequence, complete: snapshot.State == enact.StatusCompleted,
		log:  &journal{events: x.tenant.Events, execution: execution, last: snapshot.Sequence},
		done: map[string]bool{},
	}
	obsolete, err := x.obsolete(ctx, run, snapshot)
	switch {
	case err != nil:
		return nil, err
	case j.complete && obsolete != "":
		if _, err := j.settle(ctx); err != nil {
			return nil, err
		}
		return x.newJob(run + 1), nil
	case snapshot.State.Final() && !j.complete:
		return x.newJob(run + 1), nil
	case obsolete != "":
		cancelled := enact.Identified{ID: eventCancelled, Data: enact.ExecutionCancelled{Reason: obsolete}}
		if err := j.log.append(ctx, cancelled); err != nil {
			return nil, err
		}
		x.note("run %s is cancelled: %s", execution, obsolete)
		return x.newJob(run + 1), nil
	}
	for step := range snapshot.StepOutputs {
		j.done[step] = true
	}
	// A snapshot does not say which steps have failed. They are done, too.
	log, err := auditLog(ctx, x.tenant.Events, execution)
	if err != nil {
		return nil, err
	}
	for step := range log.failed {
		j.done[step] = true
	}
	return j, nil
}

// latestRun returns the number of the latest run, 0 if there is none.
func (x *indexer) latestRun(ctx context.Context) (int, error) {
	for run := 1; ; run++ {
		last, err := x.tenant.Events.LatestSequence(ctx, x.folder.execution(run))
		if err != nil || last == 0 {
			return run - 1, err
		}
	}
}

// obsolete says why a run cannot be used any more; empty: it can.
func (x *indexer) obsolete(ctx context.Context, run int, snapshot enact.Snapshot) (string, error) {
	var digest string
	if json.Unmarshal(snapshot.Variables["digest"], &digest) != nil || digest != x.files.digest {
		return "the directory has changed since the run began", nil
	}
	// The log does not hold the documents. If the vector store has lost them,
	// steps that are done have to be done again, and that is another run.
	if len(snapshot.StepOutputs) > 0 || snapshot.State == enact.StatusCompleted {
		exists, err := x.tenant.Vectors.CollectionExists(ctx, x.folder.collection(run))
		if err != nil {
			return "", fmt.Errorf("look for collection %q: %w", x.folder.collection(run), err)
		}
		if !exists {
			return "its collection is gone", nil
		}
	}
	return "", nil
}

// newJob is a run of which there is no event yet.
func (x *indexer) newJob(run int) *job {
	return &job{
		indexer: x, run: run, done: map[string]bool{},
		log: &journal{events: x.tenant.Events, execution: x.folder.execution(run)},
	}
}
