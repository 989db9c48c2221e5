package postgres

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/enactdev/enact/internal/testkit"
)

// TestKilledServerLosesNothing kills the server again and again while 8 writers on
// two handles append, set keys, and create messages, and repeat what failed without
// reopening: nothing acknowledged is lost, nothing is doubled, there is no gap, and
// the order of each writer is kept (E1, E2, E3, E6, M2, S1).
func TestKilledServerLosesNothing(t *testing.T) {
	p := startServer(t)
	handle := open(t, p.SocketDSN())
	writing := testkit.StartWriting(t, handle, open(t, p.LoopbackDSN()))
	for range 10 {
		writing.GoOn()
		time.Sleep(rand.N(150 * time.Millisecond))
		testkit.Check(t, p.Kill())
		testkit.Check(t, p.Start())
	}
	writing.GoOn()
	writing.CheckFailed()
	writing.CheckAll(handle)
}
