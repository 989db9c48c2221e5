package driver

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// B4: who is inside may finish, nobody else gets in.
func TestGate(t *testing.T) {
	var g Gate
	ctx := t.Context()
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.Enter(done); !errors.Is(err, context.Canceled) {
		t.Errorf("entering with a done context: %v", err)
	}
	for range 2 {
		if err := g.Enter(ctx); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	go func() {
		first, err := g.Close(ctx)
		if !first {
			err = errors.New("it was not the first")
		}
		closed <- err
	}()
	for err := error(nil); err == nil; { // until the gate is shut
		if err = g.Enter(ctx); err == nil {
			g.Leave()
		} else if !errors.Is(err, ErrClosed) {
			t.Fatalf("entering after close: %v; it should be ErrClosed", err)
		}
	}
	if first, err := g.Close(ctx); first || err != nil {
		t.Errorf("second close: first %t, error %v", first, err)
	}
	if err := g.Continue(ctx); err != nil {
		t.Errorf("a call inside may not continue: %v", err)
	}
	g.Leave()
	select {
	case err := <-closed:
		t.Fatalf("closed, with error %v, while one is inside", err)
	case <-g.Drained():
		t.Fatal("drained while one is inside")
	default:
	}
	g.Leave()
	<-g.Drained()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// B4: when the context ends first, who is inside has to end.
func TestGateAborts(t *testing.T) {
	var g Gate
	if err := g.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if first, err := g.Close(done); !first || !errors.Is(err, context.Canceled) {
		t.Errorf("close: first %t, error %v", first, err)
	}
	<-g.Aborted()
	if err := g.Continue(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("continuing: %v; it should be ErrClosed", err)
	}
	g.Leave()
	<-g.Drained()
}

func TestGateClosesAtOnce(t *testing.T) {
	var g Gate
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Close(done); err != nil {
		t.Errorf("nobody is inside, and close failed: %v", err)
	}
}

func TestGateConcurrently(t *testing.T) {
	var g Gate
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for g.Enter(context.Background()) == nil {
				g.Leave()
			}
		})
	}
	if _, err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
