package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/enactdev/enact"
)

const (
	// discoveryBatch is how many files are announced in one append.
	discoveryBatch = 100
	// snapshotEvery is how many steps are completed between two snapshots.
	snapshotEvery = 25
)

// indexer has what all runs on a directory share.
type indexer struct {
	tenant *enact.Tenant
	folder folder
	files  listing

	crashAfter int    // completed steps; 0: never
	crash      func() // ends the process at once

	notes       io.Writer // for people, while it works
	warnings    io.Writer
	progress    *progress
	stateBroken bool
}

func (x *indexer) note(format string, args ...any) { fmt.Fprintf(x.notes, format+"\n", args...) }

// job is one run: a durable execution.
type job struct {
	*indexer
	run         int
	log         *journal
	resumedFrom uint64
	complete    bool            // it has nothing left to do
	done        map[string]bool // steps that an earlier process has completed or failed
	completed   int             // steps that this process has completed
}

// index brings the index of the directory up to date.
func (x *indexer) index(ctx context.Context) (report, error) {
	j, err := x.choose(ctx)
	if err != nil {
		return report{}, err
	}
	x.note("%s: %d text files, execution %s", x.folder.path, len(x.files.files), j.log.execution)
	switch {
	case j.complete:
		x.note("nothing to do: the index is up to date")
	case j.resumedFrom > 0:
		x.note("resuming from sequence %d: %d of %d files are done", j.resumedFrom, len(j.done), len(x.files.files))
	}
	if !j.complete {
		if err := j.work(ctx); err != nil {
			return report{}, err
		}
	}
	return j.conclude(ctx)
}

// work does everything that is not done yet, from the beginning: what an earlier
// process has got into the log is recognised there.
func (j *job) work(ctx context.Context) error {
	if err := j.start(ctx); err != nil {
		return err
	}
	if err := j.discover(ctx); err != nil {
		return err
	}
	collection := enact.Collection{Name: j.folder.collection(j.run), Dimension: dimension, Metric: enact.Cosine}
	if err := j.tenant.Vectors.EnsureCollection(ctx, collection); err != nil {
		return fmt.Errorf("make the collection: %w", err)
	}
	j.progress.begin(len(j.files.files), len(j.done))
	defer j.progress.end()
	for _, f := range j.files.files {
		if j.done[f.step()] {
			continue
		}
		if err := j.step(ctx, f); err != nil {
			return fmt.Errorf("step %q: %w", f.step(), err)
		}
		j.progress.step()
	}
	return j.finish(ctx)
}

func (j *job) start(ctx context.Context) error {
	started := enact.ExecutionStarted{Metadata: map[string]json.RawMessage{
		"dir": raw(printable(j.folder.path)), "digest": raw(j.files.digest), "files": raw(len(j.files.files)),
	}}
	if err := j.log.append(ctx, enact.Identified{ID: eventStarted, Data: started}); err != nil {
		return err
	}
	return j.announce(ctx)
}

// discover puts the list of files into the log, in batches whose borders depend
// on the list alone.
func (j *job) discover(ctx context.Context) error {
	for first := 0; first < len(j.files.files); first += discoveryBatch {
		var batch []enact.EventData
		for _, f := range j.files.files[first:min(first+discoveryBatch, len(j.files.files))] {
			batch = append(batch, enact.Identified{ID: f.discovery(), Data: enact.StepDiscovered{
				Step: f.step(), DiscoveredBy: "walk", SourceType: "file", Reason: fmt.Sprintf("text file, %d bytes", f.size),
			}})
		}
		if err := j.log.append(ctx, batch...); err != nil {
			return err
		}
	}
	return nil
}

// stepCompleted is called when a step's last event is durable.
func (j *job) stepCompleted(ctx context.Context) error {
	if j.completed++; j.completed == j.crashAfter {
		j.crash()
	}
	if j.completed%snapshotEvery == 0 {
		return j.saveSnapshot(ctx)
	}
	return nil
}

// finish ends the execution.
func (j *job) finish(ctx context.Context) error {
	log, err := auditLog(ctx, j.tenant.Events, j.log.execution)
	if err != nil {
		return err
	}
	completed := enact.Identified{ID: eventCompleted, Data: enact.ExecutionCompleted{
		Output:   raw(object{"steps": log.steps, "failed": len(log.failed), "documents": log.documents}),
		Duration: max(0, time.Since(log.began)),
	}}
	if err := j.log.append(ctx, completed); err != nil {
		return err
	}
	return j.saveSnapshot(ctx)
}

// conclude does what follows the end of an execution. A crash may have come in
// between, so it is done for one that was found complete, too.
func (j *job) conclude(ctx context.Context) (report, error) {
	log, err := j.settle(ctx)
	if err != nil {
		return report{}, err
	}
	if err := j.dropEarlier(ctx); err != nil {
		return report{}, err
	}
	collection, err := j.tenant.Vectors.GetCollection(ctx, j.folder.collection(j.run))
	if err != nil {
		return report{}, err
	}
	return report{
		Execution: j.log.execution, Events: log.events, Steps: log.steps, ResumedFrom: j.resumedFrom,
		Repeated: len(log.repeated), Documents: collection.Count, Hits: []hit{},
		failed: log.failed, collection: collection.Name,
	}, nil
}

// settle makes sure that people can read what came of the execution.
func (j *job) settle(ctx context.Context) (audit, error) {
	log, err := auditLog(ctx, j.tenant.Events, j.log.execution)
	if err != nil {
		return audit{}, err
	}
	return log, j.summarize(ctx, log)
}

// dropEarlier deletes the collections of earlier runs.
func (j *job) dropEarlier(ctx context.Context) error {
	for collection, err := range enact.All(ctx, j.tenant.Vectors.ListCollections) {
		if err != nil {
			return fmt.Errorf("list collections: %w", err)
		}
		if run := j.folder.runOf(collection.Name); run == 0 || run >= j.run {
			continue
		}
		if err := j.tenant.Vectors.DeleteCollection(ctx, collection.Name); err != nil {
			return fmt.Errorf("delete the collection of an earlier run: %w", err)
		}
	}
	return nil
}
