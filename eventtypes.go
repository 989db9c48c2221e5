package enact

import (
	"encoding/json"
	"time"
)

// EventData is what happened: one of the event structs of this package, or
// [Custom]. EventType names it in the log.
type EventData interface{ EventType() string }

// The typed events. They are stored as JSON objects under the type named after
// the struct. Raw JSON fields come back equal as JSON, without insignificant
// space; durations are stored in nanoseconds.
type (
	// ExecutionStarted begins an execution. The metadata become its first
	// variables; a string under "user" becomes the snapshot's user.
	ExecutionStarted struct {
		Parent   ExecutionID                `json:"parent,omitempty"`
		Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
	}
	// StepStarted says that work on a step has begun.
	StepStarted struct {
		Step       string `json:"step"`
		ParentStep string `json:"parent_step,omitempty"`
		StepType   string `json:"step_type,omitempty"`
		Name       string `json:"name,omitempty"`
	}
	// StepCompleted says that a step is done, and what came of it.
	StepCompleted struct {
		Step     string          `json:"step"`
		Output   json.RawMessage `json:"output,omitempty"`
		Duration time.Duration   `json:"duration_ns,omitempty"`
	}
	// StepFailed says that a step has failed, and why.
	StepFailed struct {
		Step  string `json:"step"`
		Error string `json:"error"`
	}
	// ExecutionPaused suspends a running execution.
	ExecutionPaused struct {
		Reason string `json:"reason,omitempty"`
	}
	// ExecutionResumed continues a paused execution.
	ExecutionResumed struct{}
	// ExecutionCompleted ends an execution well.
	ExecutionCompleted struct {
		Output   json.RawMessage `json:"output,omitempty"`
		Duration time.Duration   `json:"duration_ns,omitempty"`
	}
	// ExecutionFailed ends an execution badly.
	ExecutionFailed struct {
		Error string `json:"error"`
	}
	// ExecutionCancelled ends an execution by somebody's will.
	ExecutionCancelled struct {
		Reason string `json:"reason,omitempty"`
	}
	// ArtifactStored says that a step has produced an artifact that is kept
	// elsewhere. Size is in bytes.
	ArtifactStored struct {
		Artifact    string `json:"artifact"`
		Step        string `json:"step,omitempty"`
		ContentHash string `json:"content_hash,omitempty"`
		Size        int64  `json:"size"`
	}
	// StepDiscovered says that there is a step to do, and how it was found.
	StepDiscovered struct {
		Step         string `json:"step"`
		DiscoveredBy string `json:"discovered_by,omitempty"`
		SourceType   string `json:"source_type,omitempty"`
		Reason       string `json:"reason,omitempty"`
		Depth        int    `json:"depth,omitempty"`
	}
	// ToolCallStarted says that a step calls a tool.
	ToolCallStarted struct {
		Step  string          `json:"step"`
		Call  string          `json:"call"`
		Tool  string          `json:"tool"`
		Input json.RawMessage `json:"input,omitempty"`
	}
	// ToolCallCompleted says what a tool has returned.
	ToolCallCompleted struct {
		Step   string          `json:"step"`
		Call   string          `json:"call"`
		Output json.RawMessage `json:"output,omitempty"`
	}
	// CheckpointSaved says that a checkpoint was made elsewhere.
	CheckpointSaved struct {
		Step       string `json:"step,omitempty"`
		Checkpoint string `json:"checkpoint"`
		StateHash  string `json:"state_hash,omitempty"`
	}
	// GoalEvaluated says how near a step has come to a goal. Score is whatever
	// scale the evaluator uses; it must be finite.
	GoalEvaluated struct {
		Step   string  `json:"step,omitempty"`
		Goal   string  `json:"goal"`
		Status string  `json:"status"`
		Score  float64 `json:"score"`
		Reason string  `json:"reason,omitempty"`
	}
)

// Custom is an event of any other type. Data is any bytes and comes back exactly.
// The types of the structs above are taken.
type Custom struct {
	Type string
	Data []byte
}

// EventType implements EventData.
func (ExecutionStarted) EventType() string   { return "ExecutionStarted" }
func (StepStarted) EventType() string        { return "StepStarted" }
func (StepCompleted) EventType() string      { return "StepCompleted" }
func (StepFailed) EventType() string         { return "StepFailed" }
func (ExecutionPaused) EventType() string    { return "ExecutionPaused" }
func (ExecutionResumed) EventType() string   { return "ExecutionResumed" }
func (ExecutionCompleted) EventType() string { return "ExecutionCompleted" }
func (ExecutionFailed) EventType() string    { return "ExecutionFailed" }
func (ExecutionCancelled) EventType() string { return "ExecutionCancelled" }
func (ArtifactStored) EventType() string     { return "ArtifactStored" }
func (StepDiscovered) EventType() string     { return "StepDiscovered" }
func (ToolCallStarted) EventType() string    { return "ToolCallStarted" }
func (ToolCallCompleted) EventType() string  { return "ToolCallCompleted" }
func (CheckpointSaved) EventType() string    { return "CheckpointSaved" }
func (GoalEvaluated) EventType() string      { return "GoalEvaluated" }

// EventType returns c.Type.
func (c Custom) EventType() string { return c.Type }
