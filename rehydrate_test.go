package enact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// history makes a random one: any event in any order, known and unknown types.
func history(r *rand.Rand) []enact.EventData {
	steps := []string{"a", "b", "c", "d é", ""}
	step := func() string { return steps[r.IntN(len(steps))] }
	raw := func() json.RawMessage {
		all := []string{"", "null", "{}", `{ "n" : 9007199254740993, "n": 1 }`, `"<&>\u2028 é"`, "[1,  2]", "1e400"}
		return json.RawMessage(all[r.IntN(len(all))])
	}
	variables := func() map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for range r.IntN(3) {
			value := raw()
			if len(value) == 0 {
				value = json.RawMessage("null")
			}
			m[step()+"v"] = value
		}
		if r.IntN(3) == 0 {
			m["user"] = json.RawMessage(`"ada"`)
		}
		return m
	}
	kinds := []func() enact.EventData{
		func() enact.EventData { return enact.ExecutionStarted{Parent: "p", Metadata: variables()} },
		func() enact.EventData { return enact.StepStarted{Step: step(), Name: "n"} },
		func() enact.EventData {
			return enact.StepCompleted{Step: step(), Output: raw(), Duration: time.Duration(r.IntN(1000))}
		},
		func() enact.EventData { return enact.StepFailed{Step: step(), Error: "e"} },
		func() enact.EventData { return enact.ExecutionPaused{Reason: "r"} },
		func() enact.EventData { return enact.ExecutionResumed{} },
		func() enact.EventData { return enact.ArtifactStored{Artifact: "x", Size: 7} },
		func() enact.EventData { return enact.GoalEvaluated{Goal: "g", Score: 0.5} },
		func() enact.EventData { return enact.Custom{Type: "own", Data: []byte{0, 0xff}} },
		func() enact.EventData { return enact.Custom{Type: "enact.VariablesSet", Data: []byte("not JSON")} },
		func() enact.EventData {
			set, err := enact.SetVariables(variables())
			if err != nil {
				panic(err)
			}
			return set
		},
	}
	if r.IntN(3) == 0 {
		kinds = append(kinds,
			func() enact.EventData { return enact.ExecutionCompleted{Output: raw()} },
			func() enact.EventData { return enact.ExecutionFailed{Error: "e"} },
			func() enact.EventData { return enact.ExecutionCancelled{Reason: "r"} })
	}
	events := make([]enact.EventData, 1+r.IntN(30))
	for i := range events {
		events[i] = kinds[r.IntN(len(kinds))]()
	}
	return events
}

// R7: for every history and every cut, folding all events equals snapshot plus
// tail.
func TestR7SnapshotPlusTailEqualsAllEvents(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	ctx := t.Context()
	rt := openAll(t, "memory:")
	defer rt.Shutdown(context.Background())
	acme := rt.Tenant("acme")
	for n := range 100 {
		execution := enact.ExecutionID(fmt.Sprint(n))
		if _, err := acme.Events.Append(ctx, execution, enact.ExpectLast(0), history(r)...); err != nil {
			t.Fatal(err)
		}
		folded := []enact.Snapshot{enact.NewSnapshot("acme", execution)} // after each event
		for e, err := range acme.Events.Load(ctx, execution, 0) {
			if err != nil {
				t.Fatal(err)
			}
			before := clone(folded[len(folded)-1])
			folded = append(folded, enact.Reduce(folded[len(folded)-1], e))
			if !reflect.DeepEqual(folded[len(folded)-2], before) {
				t.Fatalf("execution %d: Reduce changed its argument at event %d", n, e.Sequence)
			}
		}
		want := folded[len(folded)-1]
		for cut := range folded {
			if err := acme.State.DeleteSnapshot(ctx, execution); err != nil {
				t.Fatal(err)
			}
			if cut > 0 {
				if err := acme.State.SaveSnapshot(ctx, folded[cut]); err != nil {
					t.Fatal(err)
				}
			}
			got, err := acme.Rehydrate(ctx, execution)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("execution %d cut at %d: error %v\ngot  %+v\nwant %+v", n, cut, err, got, want)
			}
		}
	}
}

func clone(s enact.Snapshot) enact.Snapshot {
	s.StepOutputs, s.Variables = maps.Clone(s.StepOutputs), maps.Clone(s.Variables)
	return s
}

// R7: a snapshot that does not fit is dropped, with a warning, and the log decides.
func TestR7BadSnapshotsAreDropped(t *testing.T) {
	const execution = "e"
	for _, test := range []struct {
		name    string
		spoil   func(t *testing.T, s *driver.Snapshot)
		dropped bool
	}{
		{"good", func(*testing.T, *driver.Snapshot) {}, false},
		{"no JSON", func(_ *testing.T, s *driver.Snapshot) { s.Data = []byte("{") }, true},
		{"empty", func(_ *testing.T, s *driver.Snapshot) { s.Data = nil }, true},
		{"another format", func(t *testing.T, s *driver.Snapshot) { replace(t, s, "enact.snapshot/1", "enact.snapshot/9") }, true},
		{"truncated", func(_ *testing.T, s *driver.Snapshot) { s.Data = s.Data[:len(s.Data)-2] }, true},
		{"state of another type", func(t *testing.T, s *driver.Snapshot) { replace(t, s, `"step_outputs":{`, `"step_outputs":[],"x":{`) }, true},
		{"stored under another sequence", func(_ *testing.T, s *driver.Snapshot) { s.Sequence++ }, true},
		{"ahead of the log", func(t *testing.T, s *driver.Snapshot) {
			s.Sequence = 9
			replace(t, s, `"sequence":2`, `"sequence":9`)
		}, true},
		{"of another history", func(t *testing.T, s *driver.Snapshot) {
			replace(t, s, `"last_event":"second"`, `"last_event":"other"`)
		}, true},
		{"of another history with the same IDs", func(t *testing.T, s *driver.Snapshot) {
			var e struct{ Time string }
			if err := json.Unmarshal(s.Data, &e); err != nil || e.Time == "" {
				t.Fatalf("time of the snapshot's last event: %q, error %v", e.Time, err)
			}
			replace(t, s, `"last_event":"second","time":"`+e.Time, `"last_event":"second","time":"2001-01-01T00:00:00Z`)
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := t.Context()
			const dsn = "memory:bad-snapshots"
			var log bytes.Buffer
			rt, err := enact.Open(ctx, enact.Config{Events: dsn, State: dsn, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer rt.Shutdown(context.Background())
			acme := rt.Tenant("acme")
			_, err = acme.Events.Append(ctx, execution, enact.ExpectLast(0),
				enact.Identified{ID: "first", Data: enact.ExecutionStarted{}},
				enact.Identified{ID: "second", Data: enact.StepStarted{Step: "s"}},
				enact.Identified{ID: "third", Data: enact.StepCompleted{Step: "s"}})
			if err != nil {
				t.Fatal(err)
			}
			want, err := acme.Rehydrate(ctx, execution)
			if err != nil {
				t.Fatal(err)
			}
			second := enact.NewSnapshot("acme", execution)
			for e := range acme.Events.Load(ctx, execution, 0) {
				if e.Sequence <= 2 {
					second = enact.Reduce(second, e)
				}
			}
			// A mark that only a state from the snapshot has.
			second.Variables["from"] = json.RawMessage(`"snapshot"`)
			if err := acme.State.SaveSnapshot(ctx, second); err != nil {
				t.Fatal(err)
			}
			store := stateDriver(t, dsn)
			stored, err := store.LoadSnapshot(ctx, execution)
			if err != nil {
				t.Fatal(err)
			}
			test.spoil(t, &stored)
			if err := store.DeleteSnapshot(ctx, execution); err != nil {
				t.Fatal(err)
			}
			if err := store.SaveSnapshot(ctx, stored); err != nil {
				t.Fatal(err)
			}

			got, err := acme.Rehydrate(ctx, execution)
			if err != nil {
				t.Fatal(err)
			}
			_, used := got.Variables["from"]
			delete(got.Variables, "from")
			if used == test.dropped || !reflect.DeepEqual(got, want) {
				t.Errorf("snapshot used: %t, it should be %t; state %+v, it should be %+v", used, !test.dropped, got, want)
			}
			if warned := strings.Contains(log.String(), "snapshot dropped"); warned != test.dropped {
				t.Errorf("warned: %t, it should be %t: %s", warned, test.dropped, &log)
			}
			if _, err := store.LoadSnapshot(ctx, execution); errors.Is(err, driver.ErrNotFound) != test.dropped {
				t.Errorf("after rehydrating the snapshot is: %v; dropped should be %t", err, test.dropped)
			}
		})
	}
}

func replace(t *testing.T, s *driver.Snapshot, old, new string) {
	t.Helper()
	if !bytes.Contains(s.Data, []byte(old)) {
		t.Fatalf("snapshot %s does not contain %s", s.Data, old)
	}
	s.Data = bytes.ReplaceAll(s.Data, []byte(old), []byte(new))
}

// stateDriver opens the tenant's state below the handles.
func stateDriver(t *testing.T, dsn string) driver.StateStore {
	t.Helper()
	c := memoryConnector(t, dsn)
	b, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Shutdown(context.Background()) })
	return b.Tenant("acme").State
}

// S6: without a state store, and with one that fails, the answer is the same.
func TestS6StateIsOnlyACache(t *testing.T) {
	ctx := t.Context()
	const dsn = "memory:only-a-cache"
	full := openAll(t, dsn)
	defer full.Shutdown(context.Background())
	acme := full.Tenant("acme")
	if _, err := acme.Events.Append(ctx, "e", enact.ExpectAny(), enact.ExecutionStarted{}, enact.StepCompleted{Step: "s"}); err != nil {
		t.Fatal(err)
	}
	want, err := acme.Rehydrate(ctx, "e")
	if err != nil {
		t.Fatal(err)
	}
	if err := acme.State.SaveSnapshot(ctx, want); err != nil {
		t.Fatal(err)
	}
	without, err := enact.Open(ctx, enact.Config{Events: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer without.Shutdown(context.Background())
	failing, err := enact.Open(ctx, enact.Config{Events: dsn, Connectors: enact.Connectors{State: brokenState{memoryConnector(t, "memory:")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer failing.Shutdown(context.Background())
	for name, rt := range map[string]*enact.Runtime{"without": without, "failing": failing} {
		got, err := rt.Tenant("acme").Rehydrate(ctx, "e")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("state store %s: %+v, error %v; it should be %+v", name, got, err, want)
		}
	}
}

// brokenState is a connector whose state store is down.
type brokenState struct{ driver.Connector }

func (c brokenState) Connect(ctx context.Context) (driver.Backend, error) {
	b, err := c.Connector.Connect(ctx)
	return brokenBackend{b}, err
}

type brokenBackend struct{ driver.Backend }

func (b brokenBackend) Tenant(driver.TenantID) driver.Stores {
	return driver.Stores{State: brokenStore{}}
}

type brokenStore struct{ driver.StateStore }

func (brokenStore) LoadSnapshot(context.Context, driver.ExecutionID) (driver.Snapshot, error) {
	return driver.Snapshot{}, driver.ErrUnavailable
}

// R7: a state of the application's own.
func TestR7OwnProjection(t *testing.T) {
	ctx := t.Context()
	rt := openAll(t, "memory:")
	defer rt.Shutdown(context.Background())
	acme := rt.Tenant("acme")
	count := enact.Projection[map[string]int]{
		Name:  "count/1",
		New:   func() map[string]int { return map[string]int{} },
		Apply: func(s *map[string]int, e enact.Event) error { (*s)[e.Data.EventType()]++; return nil },
	}
	for range 3 {
		if _, err := acme.Events.Append(ctx, "e", enact.ExpectAny(), enact.StepStarted{Step: "s"}, enact.StepFailed{Step: "s"}); err != nil {
			t.Fatal(err)
		}
		r, err := enact.RehydrateAs(ctx, acme, "e", count)
		if err != nil {
			t.Fatal(err)
		}
		if err := enact.SaveSnapshotAs(ctx, acme, "e", count, r); err != nil {
			t.Fatal(err)
		}
	}
	r, err := enact.RehydrateAs(ctx, acme, "e", count)
	want := enact.Rehydrated[map[string]int]{State: map[string]int{"StepStarted": 3, "StepFailed": 3}, Sequence: 6, LastEvent: r.LastEvent, Time: r.Time, SnapshotSequence: 6}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("rehydrated %+v, error %v; it should be %+v", r, err, want)
	}
	// Another projection does not use this snapshot, and does not remove it.
	if s, err := acme.Rehydrate(ctx, "e"); err != nil || s.Sequence != 6 {
		t.Errorf("built-in state %+v, error %v", s, err)
	}
	if r, err := enact.RehydrateAs(ctx, acme, "e", count); err != nil || r.SnapshotSequence != 6 {
		t.Errorf("rehydrated from %d, error %v; the snapshot should still be there", r.SnapshotSequence, err)
	}
	failing := count
	failing.Name, failing.Apply = "failing", func(*map[string]int, enact.Event) error { return errors.New("no") }
	if _, err := enact.RehydrateAs(ctx, acme, "e", failing); err == nil || !strings.Contains(err.Error(), "apply event 1") {
		t.Errorf("a projection that fails: error %v; it should name the event", err)
	}
}
