package enact

import (
	"encoding/json"

	"github.com/enactdev/enact/driver"
)

// decoders reads the payload of each typed event.
var decoders = map[string]func([]byte) (EventData, error){
	"ExecutionStarted":   decodeAs[ExecutionStarted],
	"StepStarted":        decodeAs[StepStarted],
	"StepCompleted":      decodeAs[StepCompleted],
	"StepFailed":         decodeAs[StepFailed],
	"ExecutionPaused":    decodeAs[ExecutionPaused],
	"ExecutionResumed":   decodeAs[ExecutionResumed],
	"ExecutionCompleted": decodeAs[ExecutionCompleted],
	"ExecutionFailed":    decodeAs[ExecutionFailed],
	"ExecutionCancelled": decodeAs[ExecutionCancelled],
	"ArtifactStored":     decodeAs[ArtifactStored],
	"StepDiscovered":     decodeAs[StepDiscovered],
	"ToolCallStarted":    decodeAs[ToolCallStarted],
	"ToolCallCompleted":  decodeAs[ToolCallCompleted],
	"CheckpointSaved":    decodeAs[CheckpointSaved],
	"GoalEvaluated":      decodeAs[GoalEvaluated],
}

func decodeAs[T EventData](payload []byte) (EventData, error) {
	var data T
	err := json.Unmarshal(payload, &data)
	return data, err
}

// encodeEvent turns data into what a driver stores, without ID and time.
func encodeEvent(data EventData) (driver.Event, error) {
	if data == nil {
		return driver.Event{}, driver.Invalidf("event without data")
	}
	kind := data.EventType()
	if custom, ok := data.(Custom); ok {
		if _, taken := decoders[kind]; taken {
			return driver.Event{}, driver.Invalidf("custom event of type %q, which is a built-in one; use its struct or another type", kind)
		}
		return driver.Event{Type: kind, Payload: custom.Data}, nil
	}
	decode, known := decoders[kind]
	if !known {
		return driver.Event{}, driver.Invalidf("event of type %q (%T) is not built in; use enact.Custom", kind, data)
	}
	payload, err := marshalJSON(data)
	if err != nil {
		return driver.Event{}, driver.Invalidf("event of type %q: %v", kind, err)
	}
	if _, err := decode(payload); err != nil {
		return driver.Event{}, driver.Invalidf("event of type %q (%T) does not read back: %v", kind, data, err)
	}
	return driver.Event{Type: kind, Payload: payload}, nil
}

// decodeEvent is the inverse: every type without a struct of its own passes
// through as Custom.
func decodeEvent(e driver.StoredEvent) (Event, error) {
	event := Event{Sequence: e.Sequence, ID: e.ID, Time: e.Time, Payload: e.Payload}
	decode, known := decoders[e.Type]
	if !known {
		event.Data = Custom{Type: e.Type, Data: e.Payload}
		return event, nil
	}
	var err error
	event.Data, err = decode(e.Payload)
	return event, err
}
