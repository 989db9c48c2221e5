package redis

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

const killRounds = 10

// TestKilledServerLosesNothing kills the durable server again and again while 8
// writers on two stores append, set keys, and create messages, and repeat what failed
// without reopening: nothing acknowledged is lost, nothing is doubled, there is no
// gap, and the order of each writer is kept (E1, E2, E3, E6, M2, S1).
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	writing := testkit.StartWriting(t, open(t, server.DSN()), open(t, server.SocketDSN()))
	for round := range killRounds {
		writing.GoOn()
		if round%2 == 1 {
			// It may die in the middle of that, too.
			testkit.Check(t, server.Do("BGREWRITEAOF").Err())
		}
		time.Sleep(rand.N(150 * time.Millisecond))
		testkit.Check(t, server.Kill())
		testkit.Check(t, server.Start())
	}
	writing.GoOn()
	writing.CheckFailed()
	reopened := open(t, server.DSN())
	writing.CheckAll(reopened)
	testkit.Check(t, reopened.HealthCheck(t.Context()))
}
