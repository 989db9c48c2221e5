package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/enactdev/enact"
)

// audit is what the log of an execution says, from its first event to its last.
type audit struct {
	events    uint64
	began     time.Time
	steps     int               // completed
	failed    map[string]string // steps that failed, and why
	repeated  map[string]bool   // steps that were worked on after they had ended
	toolCalls int
	documents int
}

func auditLog(ctx context.Context, events *enact.EventStore, execution enact.ExecutionID) (audit, error) {
	a := audit{failed: map[string]string{}, repeated: map[string]bool{}}
	ended := map[string]bool{}
	end := func(step string) {
		if ended[step] {
			a.repeated[step] = true
		}
		ended[step] = true
	}
	for e, err := range events.Load(ctx, execution, 0) {
		if err != nil {
			return audit{}, err
		}
		a.events = e.Sequence
		switch d := e.Data.(type) {
		case enact.ExecutionStarted:
			a.began = e.Time
		case enact.ToolCallStarted:
			a.toolCalls++
		case enact.StepStarted:
			if ended[d.Step] {
				a.repeated[d.Step] = true
			}
		case enact.StepCompleted:
			end(d.Step)
			a.steps++
			var output struct{ Chunks int }
			if err := json.Unmarshal(d.Output, &output); err != nil {
				return audit{}, fmt.Errorf("event %d of execution %q: output of step %q: %w", e.Sequence, execution, d.Step, err)
			}
			a.documents += output.Chunks
		case enact.StepFailed:
			end(d.Step)
			a.failed[d.Step] = d.Error
		}
	}
	return a, nil
}
