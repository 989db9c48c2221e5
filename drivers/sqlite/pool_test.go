package sqlite

import (
	"sync"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// TestPoolTakesTheLastUsed, so that one reader at a time always has the same one.
func TestPoolTakesTheLastUsed(t *testing.T) {
	b := open(t, dsnFor(newFile(t)))
	first, second := testkit.Must(b.acquire(t.Context(), b.readers))(t), testkit.Must(b.acquire(t.Context(), b.readers))(t)
	if first == second {
		t.Fatal("one connection was given out twice")
	}
	b.readers.put(second)
	b.readers.put(first)
	for range 3 {
		again := testkit.Must(b.acquire(t.Context(), b.readers))(t)
		if again != first {
			t.Fatal("another connection was given out than the last used")
		}
		b.readers.put(again)
	}
}

// TestPoolLendsEachOnce, whoever takes and puts back at the same time.
func TestPoolLendsEachOnce(t *testing.T) {
	p := newPool(3)
	uses := map[*conn]*sync.Mutex{}
	for range p.size() {
		c := &conn{}
		uses[c] = &sync.Mutex{}
		p.put(c)
	}
	var borrowers sync.WaitGroup
	for range 8 {
		borrowers.Go(func() {
			for range 500 {
				<-p.free
				c := p.take()
				if !uses[c].TryLock() {
					t.Error("a connection was lent to two at a time")
					return
				}
				uses[c].Unlock()
				p.put(c)
			}
		})
	}
	testkit.Within(t, "borrowing", borrowers.Wait)
}
