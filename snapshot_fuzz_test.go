package enact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

// fuzzedTenant is a tenant on a store of its own.
func fuzzedTenant() (*Tenant, driver.Stores) {
	s := reference.NewStore(nil).Tenant("acme", &driver.Gate{})
	return &Tenant{Events: &EventStore{store: s.Events}, State: &StateStore{store: s.State}, id: "acme", log: slog.New(slog.DiscardHandler)}, s
}

func fuzzedState(t *testing.T) *StateStore {
	tenant, _ := fuzzedTenant()
	return tenant.State
}

// FuzzSnapshot: whatever the cache holds for an execution, it is loaded or refused;
// what is loaded can be saved and is then the same; and rehydration goes on from a
// snapshot of this execution at this place of the log, or from the events alone, to
// the end of the log (R7, S6).
func FuzzSnapshot(f *testing.F) {
	tenant, stores := fuzzedTenant()
	history := []EventData{
		ExecutionStarted{Metadata: map[string]json.RawMessage{"user": json.RawMessage(`"ada"`)}}, StepStarted{Step: "s"},
		StepCompleted{Step: "s", Output: json.RawMessage(`{"n":1}`)}, ExecutionCompleted{},
	}
	for i, data := range history {
		history[i] = Identified{ID: EventID(fmt.Sprint("e", i+1)), Time: time.Unix(int64(i+1), 0), Data: data}
		if _, err := tenant.Events.Append(f.Context(), "run", ExpectAny(), history[i]); err != nil {
			f.Fatal(err)
		}
		state, err := tenant.Rehydrate(f.Context(), "run")
		if err != nil {
			f.Fatal(err)
		}
		if err := tenant.State.SaveSnapshot(f.Context(), state); err != nil {
			f.Fatal(err)
		}
		saved, err := stores.State.LoadSnapshot(f.Context(), "run")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(saved.Data, saved.Sequence)
		f.Add(saved.Data, saved.Sequence+1)
		f.Add(saved.Data[:len(saved.Data)/2], saved.Sequence)
	}
	at2 := `{"format":"enact.snapshot/1","projection":"enact.execution/1","sequence":2,"last_event":"e2","time":"1970-01-01T00:00:02Z","state":`
	for _, text := range []string{
		``, `{}`, `null`, `[]`, `{"format":"enact.snapshot/2"}`, `{"format":"enact.snapshot/1","projection":"own/1","sequence":2}`, at2 + `null}`, at2 + `{}}`, at2 + `[]}`,
		at2 + `{"execution":"run","tenant":"acme","sequence":9,"last_event":"e2","time":"1970-01-01T00:00:02Z","state":"completed"}}`,
		at2 + `{"execution":"run","tenant":"other","sequence":2,"last_event":"e2","time":"1970-01-01T00:00:02Z","state":"running"}}`,
		at2 + `{"execution":"walk","tenant":"acme","sequence":2,"last_event":"e2","time":"1970-01-01T00:00:02Z","state":"running","step_outputs":null,"variables":{"a":null}}}`,
		at2 + `{"execution":"run","tenant":"acme","sequence":2,"last_event":"e2","time":"1970-01-01T00:00:02Z","state":"running","step_outputs":null,"variables":null}}`,
	} {
		f.Add([]byte(text), uint64(2))
	}
	events := tenant.Events
	f.Fuzz(func(t *testing.T, data []byte, sequence uint64) {
		tenant, stores := fuzzedTenant()
		tenant.Events = events
		forged := driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "run", Sequence: sequence}, Data: data}
		if err := stores.State.SaveSnapshot(t.Context(), forged); err != nil {
			t.Fatal(err)
		}
		loaded, err := tenant.State.LoadSnapshot(t.Context(), "run")
		if err == nil {
			checkSavingAgain(t, loaded, data)
		} else if errors.Is(err, ErrNotFound) {
			t.Error("the snapshot is there; the error is ErrNotFound")
		}
		state, err := tenant.Rehydrate(t.Context(), "run")
		if err != nil {
			t.Fatalf("rehydration failed over a snapshot: %v", err)
		}
		if state.Execution != "run" || state.Tenant != "acme" || state.Sequence != 4 || state.LastEvent != "e4" {
			t.Errorf("rehydrated to %+v; it should be at the end of the log of this tenant's execution", state)
		}
	})
}

func checkSavingAgain(t *testing.T, loaded Snapshot, data []byte) {
	store := fuzzedState(t)
	err := store.SaveSnapshot(context.Background(), loaded)
	if err != nil {
		if !errors.Is(err, ErrInvalid) || (utf8.Valid(data) && loaded.Execution != "" && loaded.Sequence != 0) {
			t.Errorf("%+v was loaded and cannot be saved: %v", loaded, err)
		}
		return
	}
	again, err := store.LoadSnapshot(context.Background(), loaded.Execution)
	if err != nil || !reflect.DeepEqual(again, loaded) {
		t.Errorf("%+v was loaded, saved and loaded as %+v, error %v", loaded, again, err)
	}
}
