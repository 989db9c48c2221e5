package redis

import (
	"testing"

	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestSentinelFailover kills the master in the middle of writes that wait for its
// replica: the writers recover without being reopened, and nothing acknowledged is
// lost.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	s := testserver.RedisSentinelFor(t, testserver.RedisDurable...)
	writing := testkit.StartWriting(t, open(t, s.DSN("enact_replicas=1")), open(t, s.DSN("enact_replicas=1")))
	writing.GoOn()
	killAhead(t, s.Servers[0], s.Servers[1])
	testkit.Await(t, "the replica has taken over", func() bool {
		master, err := s.Master()
		return err == nil && master == s.Servers[1]
	})
	// A master without a replica acknowledges nothing until it has one again.
	testkit.Check(t, s.Servers[0].Start())
	testkit.Check(t, s.Await())
	writing.GoOn()
	writing.CheckFailed()
	writing.CheckAll(open(t, s.DSN()))
	// Any sentinel that is left tells where the master is.
	testkit.Check(t, s.Sentinels[0].Kill())
	shutdown(t, open(t, s.DSN()))
}

// TestSentinelPausedMaster: a master that hangs, is replaced, and comes back as if
// nothing had happened, acknowledges nothing and answers nobody with what is no
// longer true.
func TestSentinelPausedMaster(t *testing.T) {
	t.Parallel()
	s := testserver.RedisSentinelFor(t, testserver.RedisDurable...)
	b := open(t, s.DSN("enact_replicas=1", "enact_replica_timeout=300ms", "read_timeout=500ms", "write_timeout=500ms"))
	writing := testkit.StartWriting(t, b)
	writing.GoOn()
	testkit.Check(t, s.Servers[0].Pause())
	testkit.Await(t, "the replica has taken over", func() bool {
		master, err := s.Master()
		return err == nil && master == s.Servers[1]
	})
	testkit.Check(t, s.Servers[0].Resume())
	testkit.Check(t, s.Await())
	writing.GoOn()
	writing.CheckAll(b)
	writing.CheckAll(open(t, s.DSN()))
}
