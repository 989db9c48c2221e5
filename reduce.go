package enact

import (
	"bytes"
	"encoding/json"
	"maps"
	"time"
)

// Status is where an execution stands.
type Status string

// The statuses. The last three are final: no later event changes them.
const (
	StatusCreated   Status = "created"
	StatusRunning   Status = "running"
	StatusPaused    Status = "paused"
	StatusCompleted Status = "completed"
	StatusFailed    Status = "failed"
	StatusCancelled Status = "cancelled"
)

// Final reports whether an execution in this status has ended.
func (s Status) Final() bool {
	return s == StatusCompleted || s == StatusFailed || s == StatusCancelled
}

// Snapshot is the state of an execution after the event with its sequence, as the
// built-in reducer makes it.
type Snapshot struct {
	Execution ExecutionID `json:"execution"`
	Tenant    TenantID    `json:"tenant"`
	User      UserID      `json:"user,omitempty"`
	State     Status      `json:"state"`
	// CurrentStep is the step that was started last and has not ended.
	CurrentStep string `json:"current_step,omitempty"`
	// StepOutputs has an entry for every completed step; null if it has no
	// output.
	StepOutputs map[string]json.RawMessage `json:"step_outputs"`
	Variables   map[string]json.RawMessage `json:"variables"`
	// Time and LastEvent are those of the last event.
	Time      time.Time `json:"time"`
	LastEvent EventID   `json:"last_event"`
	Sequence  uint64    `json:"sequence"`
}

// NewSnapshot is the state of an execution before its first event.
func NewSnapshot(tenant TenantID, execution ExecutionID) Snapshot {
	return Snapshot{
		Execution: execution, Tenant: tenant, State: StatusCreated,
		StepOutputs: map[string]json.RawMessage{}, Variables: map[string]json.RawMessage{},
	}
}

// variablesSet is the type of the event that SetVariables makes.
const variablesSet = "enact.VariablesSet"

// SetVariables returns an event that sets variables of the execution; one that is
// JSON's null is removed.
func SetVariables(variables map[string]json.RawMessage) (Custom, error) {
	data, err := marshalJSON(variables)
	if err != nil {
		return Custom{}, err
	}
	return Custom{Type: variablesSet, Data: data}, nil
}

// Reduce returns the state after e. It is a pure function: s is not changed. An
// event that s already contains, by its sequence, changes nothing.
//
//	ExecutionStarted     created → running; metadata become variables
//	ExecutionPaused      running → paused
//	ExecutionResumed     paused → running
//	ExecutionCompleted, ExecutionFailed, ExecutionCancelled
//	                     → completed, failed, cancelled, unless it has ended
//	StepStarted          becomes the current step
//	StepCompleted        its output is kept; it is no longer the current step
//	StepFailed           it is no longer the current step
//	SetVariables         sets and removes variables
//
// Every other event only moves time and sequence.
func Reduce(s Snapshot, e Event) Snapshot {
	s.StepOutputs, s.Variables = maps.Clone(s.StepOutputs), maps.Clone(s.Variables)
	s.apply(e)
	return s
}

// apply is Reduce in place.
func (s *Snapshot) apply(e Event) {
	if e.Sequence <= s.Sequence {
		return
	}
	s.Sequence, s.LastEvent, s.Time = e.Sequence, e.ID, e.Time
	switch d := e.Data.(type) {
	case ExecutionStarted:
		s.move(StatusCreated, StatusRunning)
		s.setVariables(d.Metadata)
		var user string
		if json.Unmarshal(d.Metadata["user"], &user) == nil {
			s.User = UserID(user)
		}
	case ExecutionPaused:
		s.move(StatusRunning, StatusPaused)
	case ExecutionResumed:
		s.move(StatusPaused, StatusRunning)
	case ExecutionCompleted:
		s.end(StatusCompleted)
	case ExecutionFailed:
		s.end(StatusFailed)
	case ExecutionCancelled:
		s.end(StatusCancelled)
	case StepStarted:
		s.CurrentStep = d.Step
	case StepCompleted:
		s.leave(d.Step)
		if s.StepOutputs == nil {
			s.StepOutputs = map[string]json.RawMessage{}
		}
		s.StepOutputs[d.Step] = compact(d.Output)
	case StepFailed:
		s.leave(d.Step)
	case Custom:
		var variables map[string]json.RawMessage
		if d.Type == variablesSet && json.Unmarshal(d.Data, &variables) == nil {
			s.setVariables(variables)
		}
	}
}

func (s *Snapshot) move(from, to Status) {
	if s.State == from {
		s.State = to
	}
}

func (s *Snapshot) end(status Status) {
	if !s.State.Final() {
		s.State, s.CurrentStep = status, ""
	}
}

func (s *Snapshot) leave(step string) {
	if s.CurrentStep == step {
		s.CurrentStep = ""
	}
}

func (s *Snapshot) setVariables(variables map[string]json.RawMessage) {
	if s.Variables == nil {
		s.Variables = map[string]json.RawMessage{}
	}
	for name, value := range variables {
		if value = compact(value); string(value) == "null" {
			delete(s.Variables, name)
		} else {
			s.Variables[name] = value
		}
	}
}

// compact returns raw as encoding/json writes it, so that a snapshot that was
// saved and loaded equals one that was not.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return json.RawMessage("null")
	}
	return b.Bytes()
}
