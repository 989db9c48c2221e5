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
	empty, first := g.Close()
	if _, second := g.Close(); !first || second {
		t.Errorf("first close %t, second close %t", first, second)
	}
	if err := g.Enter(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("entering after close: %v; it should be ErrClosed", err)
	}
	g.Leave()
	select {
	case <-empty:
		t.Error("empty while one is inside")
	default:
	}
	g.Leave()
	<-empty
}

func TestGateIsEmptyAtOnce(t *testing.T) {
	var g Gate
	empty, _ := g.Close()
	<-empty
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
	empty, _ := g.Close()
	<-empty
	wg.Wait()
}
