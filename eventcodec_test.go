package enact

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// R8: every typed event comes back as its own struct with every field.
func TestR8TypedEventsComeBack(t *testing.T) {
	raw := json.RawMessage(`{"n":9007199254740993,"n":1,"s":"<&> \u0000"}`)
	events := []EventData{
		ExecutionStarted{Parent: "p", Metadata: map[string]json.RawMessage{"a": raw, "": json.RawMessage("null")}},
		StepStarted{Step: "s", ParentStep: "p", StepType: "t", Name: "n"},
		StepCompleted{Step: "s", Output: raw, Duration: time.Hour + 1},
		StepFailed{Step: "s", Error: "e\x00\u2028<b>"},
		ExecutionPaused{Reason: "r"},
		ExecutionResumed{},
		ExecutionCompleted{Output: raw, Duration: 1},
		ExecutionFailed{Error: "e"},
		ExecutionCancelled{Reason: "r"},
		ArtifactStored{Artifact: "a", Step: "s", ContentHash: "h", Size: math.MaxInt64},
		StepDiscovered{Step: "s", DiscoveredBy: "d", SourceType: "t", Reason: "r", Depth: 3},
		ToolCallStarted{Step: "s", Call: "c", Tool: "t", Input: raw},
		ToolCallCompleted{Step: "s", Call: "c", Output: json.RawMessage(`"\ud800 stays as it is written"`)},
		CheckpointSaved{Step: "s", Checkpoint: "c", StateHash: "h"},
		GoalEvaluated{Step: "s", Goal: "g", Status: "t", Score: -1e-300, Reason: "r"},
		Custom{Type: "own", Data: []byte{0, 0xff, '{'}},
	}
	if want := len(builtinEvents) + 1; len(events) != want {
		t.Fatalf("%d events are tested; there are %d", len(events), want)
	}
	for _, data := range events {
		encoded, err := encodeEvent(data)
		if err != nil {
			t.Errorf("%T: %v", data, err)
			continue
		}
		stored := driver.StoredEvent{Event: encoded, Sequence: 7}
		stored.ID, stored.Time = "id", time.Unix(1, 0)
		got, err := decodeEvent(stored)
		want := Event{Sequence: 7, ID: "id", Time: time.Unix(1, 0), Data: data, Payload: encoded.Payload}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T came back as %+v, error %v; it was %+v", data, got, err, want)
		}
		if value := reflect.ValueOf(data); value.NumField() > 0 && value.IsZero() {
			t.Errorf("%T is tested without values", data)
		}
	}
}

// R8: what is not known, newer fields included, does not stand in the way.
func TestR8UnknownPassesThrough(t *testing.T) {
	e, err := decodeEvent(driver.StoredEvent{Event: driver.Event{Type: "stepstarted", Payload: []byte("x")}, Sequence: 1})
	if err != nil || !reflect.DeepEqual(e.Data, Custom{Type: "stepstarted", Data: []byte("x")}) {
		t.Errorf("unknown type: %+v, error %v", e.Data, err)
	}
	e, err = decodeEvent(driver.StoredEvent{Event: driver.Event{Type: "StepStarted", Payload: []byte(`{"step":"s","later":1}`)}, Sequence: 1})
	if err != nil || e.Data != (StepStarted{Step: "s"}) {
		t.Errorf("unknown field: %+v, error %v", e.Data, err)
	}
	if _, err = decodeEvent(driver.StoredEvent{Event: driver.Event{Type: "StepStarted", Payload: []byte(`[]`)}, Sequence: 1}); err == nil {
		t.Error("a typed event that does not decode gave no error")
	}
}

type impostor struct{ StepStarted }

// Bad input is refused before anything is written, and nothing is changed on the
// way.
func TestEncodeEventRefuses(t *testing.T) {
	for name, data := range map[string]EventData{
		"nil":                    nil,
		"nil pointer":            (*StepStarted)(nil),
		"pointer":                &StepStarted{Step: "s"},
		"foreign type":           impostor{},
		"custom with taken type": Custom{Type: "StepStarted"},
		"NaN":                    GoalEvaluated{Goal: "g", Score: math.NaN()},
		"infinity":               GoalEvaluated{Goal: "g", Score: math.Inf(1)},
		"bad raw JSON":           StepCompleted{Step: "s", Output: json.RawMessage("{")},
		"invalid UTF-8":          StepFailed{Step: "s", Error: "\xff"},
		"invalid UTF-8 in raw":   StepCompleted{Step: "s", Output: json.RawMessage("\"\xff\"")},
		"invalid UTF-8 in key":   ExecutionStarted{Metadata: map[string]json.RawMessage{"\xff": json.RawMessage("1")}},
		"invalid UTF-8 in value": ExecutionStarted{Metadata: map[string]json.RawMessage{"a": json.RawMessage("\"\xc3\"")}},
	} {
		if _, err := encodeEvent(data); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v; it should be ErrInvalid", name, err)
		}
	}
	replacement := StepFailed{Step: "s", Error: "\ufffd is a character"}
	if _, err := encodeEvent(replacement); err != nil {
		t.Errorf("a valid U+FFFD: %v", err)
	}
}
