package enact

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/enactdev/enact/driver"
)

// FuzzDecodeEvent: whatever is in a log, an event is read or refused; what is read
// keeps its bytes, can be written and is then the same; and a state that it was
// folded into is the same after being saved and loaded (R7, R8).
func FuzzDecodeEvent(f *testing.F) {
	for kind := range builtinEvents {
		for _, payload := range []string{
			`{}`, ``, `null`, `[]`, `{"step":"s","output":{ "n" : 9007199254740993 },"duration_ns":-1}`, `{"metadata":{"user":"ada","":null,"a":1e400}}`, `{"step":1}`,
			`{"metadata":{"user":7,"user":"\ud800"}}`, `{"step":"s","step":"t","STEP":"u"}`, `{"score":1e309}`, `{"size":9223372036854775808}`, "{\"error\":\"\xff\"}", "{\"output\":\"\xff\"}", `{"later":1}`, `{"step":"s"}x`,
		} {
			f.Add(kind, []byte(payload))
		}
	}
	f.Add(variablesSet, []byte(`{"a":1,"b":null,"":"\u0000"}`))
	f.Add(variablesSet, []byte("{\"\xff\":\"\xff\"}"))
	f.Add("own", []byte("\x00\xff{"))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		stored := driver.StoredEvent{Event: driver.Event{ID: "id", Type: kind, Payload: payload, Time: time.Unix(1, 0).UTC()}, Sequence: 1}
		before := bytes.Clone(payload)
		event, err := decodeEvent(stored)
		if !bytes.Equal(payload, before) {
			t.Fatal("decoding changed the payload")
		}
		if _, typed := builtinEvents[kind]; !typed && err != nil {
			t.Fatalf("an event of a type without a struct: error %v; it should pass through", err)
		}
		if err != nil {
			return
		}
		if event.Data.EventType() != kind || event.Sequence != 1 || event.ID != "id" || !event.Time.Equal(stored.Time) || !bytes.Equal(event.Payload, before) {
			t.Fatalf("the event is %+v", event)
		}
		if custom, ok := event.Data.(Custom); ok && !bytes.Equal(custom.Data, before) {
			t.Fatalf("the data of a custom event are %q", custom.Data)
		}
		checkWritingAgain(t, event.Data, stored)
		checkFolding(t, event)
	})
}

// checkWritingAgain: what was read is written in a form that does not change again.
// Raw JSON that is not UTF-8 is only read.
func checkWritingAgain(t *testing.T, data EventData, stored driver.StoredEvent) {
	written, err := encodeEvent(data)
	if err != nil {
		if !errors.Is(err, ErrInvalid) || utf8.Valid(stored.Payload) {
			t.Errorf("%+v was read and cannot be written: %v", data, err)
		}
		return
	}
	stored.Payload = written.Payload
	again, err := decodeEvent(stored)
	if err != nil || again.Data.EventType() != data.EventType() {
		t.Fatalf("%+v was read, written and read as %+v, error %v", data, again.Data, err)
	}
	twice, err := encodeEvent(again.Data)
	if err != nil || !bytes.Equal(twice.Payload, written.Payload) {
		t.Errorf("written as %q and, read again, as %q, error %v", written.Payload, twice.Payload, err)
	}
}

// checkFolding: the state after an event is the same from a snapshot.
func checkFolding(t *testing.T, event Event) {
	empty := NewSnapshot("acme", "run")
	folded := Reduce(empty, event)
	if !reflect.DeepEqual(empty, NewSnapshot("acme", "run")) {
		t.Error("Reduce changed the state that it was given")
	}
	if folded.Sequence != 1 || folded.LastEvent != "id" {
		t.Errorf("after the event the state is %+v", folded)
	}
	store := fuzzedState(t)
	if err := store.SaveSnapshot(t.Context(), folded); err != nil {
		if !errors.Is(err, ErrInvalid) || utf8.Valid(event.Payload) {
			t.Errorf("the state %+v cannot be saved: %v", folded, err)
		}
		return
	}
	loaded, err := store.LoadSnapshot(t.Context(), "run")
	if err != nil || !reflect.DeepEqual(loaded, folded) {
		t.Errorf("the state %+v came back as %+v, error %v", folded, loaded, err)
	}
}
