package client

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/sqlite" // the store of the worker
)

func TestMain(m *testing.M) {
	Play()
	os.Exit(m.Run())
}

// started is a worker with a file.
func started(t *testing.T) (*Process, chan error) {
	t.Helper()
	dsn := "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "soak.db"))
	died := make(chan error, 1)
	p := NewProcess(enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn}, func(err error) { died <- err })
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, died
}

func call(t *testing.T, p *Process, c Call) any {
	t.Helper()
	outcome := p.Call(c, time.Minute)
	if outcome.Err != nil {
		t.Fatalf("%T: %+v", c, outcome.Err)
	}
	return outcome.Value
}

func TestEveryCallAndItsErrorsAreSent(t *testing.T) {
	p, _ := started(t)
	execution := Append{Tenant: "t", Execution: "x", Expects: true, Events: []enact.Identified{
		{ID: "1", Data: enact.ExecutionStarted{}}, {ID: "2", Data: enact.StepStarted{Step: "s"}}, {ID: "3", Data: enact.Custom{Type: "c", Data: []byte{0}}},
	}}
	if last := call(t, p, execution); last != uint64(3) {
		t.Errorf("the append returned %v, want 3", last)
	}
	if history := call(t, p, Load{Tenant: "t", Execution: "x", After: 1}).([]enact.StoredEvent); len(history) != 2 || string(history[1].Payload) != "\x00" {
		t.Errorf("the history is %v", history)
	}
	if got := call(t, p, Rehydrate{Tenant: "t", Execution: "x", Save: true}).(Rehydrated); got != (Rehydrated{Sequence: 3}) {
		t.Errorf("rehydrated is %v", got)
	}
	execution.Events = []enact.Identified{{ID: "4", Data: enact.Custom{Type: "c"}}}
	if f := p.Call(execution, time.Minute).Err; !f.Is(enact.ErrConflict) || f.Is(enact.ErrUnavailable) || f.Actual != 3 {
		t.Errorf("the conflict is %+v", f)
	}
	if f := p.Call(Get{Tenant: "t", Key: "none"}, time.Minute).Err; !f.Is(enact.ErrNotFound) {
		t.Errorf("the error of a missing key is %+v", f)
	}
	for _, c := range []Call{
		Health, Usage, Latest{Tenant: "t", Execution: "x"}, Executions{Tenant: "t"},
		Set{Tenant: "t", Key: "k", Conditional: true}, Get{Tenant: "t", Key: "k"}, Keys{Tenant: "t"}, Delete{Tenant: "t", Key: "k"},
		CreateThread{Tenant: "t", Thread: enact.Thread{ID: "h", User: "u"}}, Threads{Tenant: "t", User: "u"},
		CreateMessage{Tenant: "t", Message: enact.Message{ID: "m", Thread: "h", Role: "r", Parts: []enact.Part{enact.Part(`{"type":"x"}`)}}},
		Messages{Tenant: "t", Thread: "h"}, DeleteMessage{Tenant: "t", ID: "m"},
		EnsureCollection{Tenant: "t", Collection: enact.Collection{Name: "c", Dimension: 1, Metric: enact.Dot}},
		Upsert{Tenant: "t", Collection: "c", Documents: []enact.Document{{ID: "d", Embedding: []float32{1}}}},
		GetDocument{Tenant: "t", Collection: "c", ID: "d"}, Search{Tenant: "t", Collection: "c", Embedding: []float32{1}, Limit: 1, Group: 1},
		CountDocuments{Tenant: "t", Collection: "c"}, DeleteDocuments{Tenant: "t", Collection: "c", IDs: []string{"d"}},
	} {
		call(t, p, c)
	}
	m := call(t, p, GetMessage{Tenant: "t", ID: "m"}).(enact.Message)
	if m.DeletedAt.IsZero() || len(m.Parts) != 1 {
		t.Errorf("the message is %+v", m)
	}
	if f := p.Call(EditMessage{Tenant: "t", Message: m}, time.Minute).Err; !f.Is(enact.ErrNotFound) {
		t.Errorf("the error of an edit of what is deleted is %+v", f)
	}
}

// What a killed process was doing is lost, what was acknowledged is there, and the next
// process goes on.
func TestKilledProcess(t *testing.T) {
	p, died := started(t)
	call(t, p, Set{Tenant: "t", Key: "k", Value: []byte("v")})
	ended := make(chan *Failure)
	go func() {
		for {
			if f := p.Call(Set{Tenant: "t", Key: "k", Value: []byte("v")}, time.Minute).Err; f != nil {
				ended <- f
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	p.Kill()
	if f := <-ended; !f.Lost && !f.Unsent {
		t.Errorf("a call of a killed process ended with %+v", f)
	}
	if f := p.Call(Health, time.Minute).Err; f == nil || !f.Unsent {
		t.Errorf("a call after the end ended with %+v", f)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if entry := call(t, p, Get{Tenant: "t", Key: "k"}).(enact.Entry); string(entry.Value) != "v" {
		t.Errorf("after the kill the key holds %q", entry.Value)
	}
	select {
	case err := <-died:
		t.Errorf("a process that was killed on purpose is said to have died: %v", err)
	default:
	}
}

func TestProcessThatDiesByItselfIsToldOf(t *testing.T) {
	p, died := started(t)
	p.current.cmd.Process.Kill()
	select {
	case err := <-died:
		if err == nil {
			t.Error("the death has no reason")
		}
	case <-time.After(time.Minute):
		t.Error("nobody was told of the death")
	}
}

func TestPausedProcessGoesOn(t *testing.T) {
	p, _ := started(t)
	begin := time.Now()
	answered := make(chan *Failure, 1)
	const pause = 300 * time.Millisecond
	time.AfterFunc(pause/3, func() { answered <- p.Call(Health, time.Minute).Err })
	if err := p.Pause(t.Context(), pause); err != nil {
		t.Skip(err)
	}
	if f := <-answered; f != nil || time.Since(begin) < pause {
		t.Errorf("a paused process answered %+v after %v", f, time.Since(begin))
	}
}
