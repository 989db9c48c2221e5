package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact"
)

// maxUpsert is how many documents are stored in one call.
const maxUpsert = 1000

// badFile: the step cannot be done, but others can.
type badFile struct{ error }

// step indexes one file. A file that cannot be indexed ends its step, not the
// job; an error of a store ends the job.
func (j *job) step(ctx context.Context, f file) error {
	err := j.indexFile(ctx, f)
	var bad badFile
	switch {
	case err == nil:
		return j.stepCompleted(ctx)
	case errors.As(err, &bad) || errors.Is(err, errDiffers):
		return j.stepFailed(ctx, f, err)
	}
	return err
}

// indexFile is a chain of tools: read, chunk, embed, upsert. What a tool has
// returned is appended together with the call of the next one, so that the log
// never shows a step between two tools.
func (j *job) indexFile(ctx context.Context, f file) error {
	began := time.Now()
	err := j.log.append(ctx,
		enact.Identified{ID: f.event("started"), Data: enact.StepStarted{Step: f.step(), StepType: "file", Name: f.name()}},
		f.calls("read", object{"file": f.name()}))
	if err != nil {
		return err
	}

	content, err := f.read(j.files.root)
	if err != nil {
		return badFile{err}
	}
	sum := sha256.Sum256(content)
	err = j.log.append(ctx,
		f.returned("read", object{"bytes": len(content), "sha256": hex.EncodeToString(sum[:])}),
		f.calls("chunk", object{"lines": chunkLines, "overlap": chunkOverlap}))
	if err != nil {
		return err
	}

	chunks := split(string(content))
	err = j.log.append(ctx,
		f.returned("chunk", object{"chunks": len(chunks)}),
		f.calls("embed", object{"texts": len(chunks)}))
	if err != nil {
		return err
	}

	docs := f.documents(chunks)
	collection := j.folder.collection(j.run)
	err = j.log.append(ctx,
		f.returned("embed", object{"vectors": len(docs), "dimension": dimension}),
		f.calls("upsert", object{"collection": collection, "documents": len(docs)}))
	if err != nil {
		return err
	}

	// Between this and the next append lies the moment at which a crash leaves
	// documents that the log does not know of yet. They have fixed IDs, so the
	// next attempt replaces them.
	for first := 0; first < len(docs); first += maxUpsert {
		if err := j.tenant.Vectors.Upsert(ctx, collection, docs[first:min(first+maxUpsert, len(docs))]...); err != nil {
			return err
		}
	}
	return j.log.append(ctx,
		f.returned("upsert", object{"documents": len(docs)}),
		enact.Identified{ID: f.event("completed"), Data: enact.StepCompleted{
			Step: f.step(), Output: raw(object{"chunks": len(chunks)}), Duration: time.Since(began),
		}})
}

// stepFailed records why a step could not be done. It removes documents that an
// earlier attempt may have left, so that the index holds completed steps only. The
// call is appended before anything is removed: another process may have completed
// the step in the meantime, and then the append is refused.
func (j *job) stepFailed(ctx context.Context, f file, reason error) error {
	collection := j.folder.collection(j.run)
	if err := j.log.append(ctx, f.calls("discard", object{"collection": collection})); err != nil {
		return err
	}
	if err := j.deleteDocuments(ctx, f); err != nil {
		return err
	}
	err := j.log.append(ctx,
		f.returned("discard", object{}),
		enact.Identified{ID: f.event("failed"), Data: enact.StepFailed{Step: f.step(), Error: reason.Error()}})
	if err != nil {
		return err
	}
	fmt.Fprintf(j.warnings, "warning: %s is not indexed: %v\n", f.name(), reason)
	return nil
}

// calls and returned are the two ends of a call of a tool.
func (f file) calls(tool string, input object) enact.EventData {
	return enact.Identified{ID: f.event(tool + "-started"), Data: enact.ToolCallStarted{
		Step: f.step(), Call: tool, Tool: tool, Input: raw(input),
	}}
}

func (f file) returned(tool string, output object) enact.EventData {
	return enact.Identified{ID: f.event(tool + "-completed"), Data: enact.ToolCallCompleted{
		Step: f.step(), Call: tool, Output: raw(output),
	}}
}
