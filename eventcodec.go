package enact

import (
	"encoding/json"
	"reflect"

	"github.com/enactdev/enact/driver"
)

// builtinEvent is how the payload of a typed event is read.
type builtinEvent struct {
	goType reflect.Type
	decode func(payload []byte) (EventData, error)
}

// builtinEvents are the typed events by the name that they have in the log.
var builtinEvents = map[string]builtinEvent{}

func init() {
	addBuiltin[ExecutionStarted]()
	addBuiltin[StepStarted]()
	addBuiltin[StepCompleted]()
	addBuiltin[StepFailed]()
	addBuiltin[ExecutionPaused]()
	addBuiltin[ExecutionResumed]()
	addBuiltin[ExecutionCompleted]()
	addBuiltin[ExecutionFailed]()
	addBuiltin[ExecutionCancelled]()
	addBuiltin[ArtifactStored]()
	addBuiltin[StepDiscovered]()
	addBuiltin[ToolCallStarted]()
	addBuiltin[ToolCallCompleted]()
	addBuiltin[CheckpointSaved]()
	addBuiltin[GoalEvaluated]()
}

func addBuiltin[T EventData]() {
	var zero T
	builtinEvents[zero.EventType()] = builtinEvent{reflect.TypeFor[T](), func(payload []byte) (EventData, error) {
		var data T
		err := json.Unmarshal(payload, &data)
		return data, err
	}}
}

// encodeEvent turns data into what a driver stores, without ID and time.
func encodeEvent(data EventData) (driver.Event, error) {
	if v := reflect.ValueOf(data); !v.IsValid() || (v.Kind() == reflect.Pointer && v.IsNil()) {
		return driver.Event{}, driver.Invalidf("event without data")
	}
	kind := data.EventType()
	known, isBuiltin := builtinEvents[kind]
	if custom, ok := data.(Custom); ok {
		if isBuiltin {
			return driver.Event{}, driver.Invalidf("custom event of type %q, which is a built-in one; use its struct or another type", kind)
		}
		return driver.Event{Type: kind, Payload: custom.Data}, nil
	}
	if !isBuiltin || reflect.TypeOf(data) != known.goType {
		return driver.Event{}, driver.Invalidf("event %T of type %q is no built-in struct, by value; wrap events of your own in enact.Custom", data, kind)
	}
	payload, err := marshalJSON(data)
	if err != nil {
		return driver.Event{}, driver.Invalidf("event of type %q: %v", kind, err)
	}
	return driver.Event{Type: kind, Payload: payload}, nil
}

// decodeEvent is the inverse: every type without a struct of its own passes
// through as Custom.
func decodeEvent(e driver.StoredEvent) (Event, error) {
	event := Event{Sequence: e.Sequence, ID: e.ID, Time: e.Time, Payload: e.Payload}
	known, ok := builtinEvents[e.Type]
	if !ok {
		event.Data = Custom{Type: e.Type, Data: e.Payload}
		return event, nil
	}
	var err error
	event.Data, err = known.decode(e.Payload)
	return event, err
}
