package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestTooFewReplicas: a write that no replica has is not acknowledged, and since the
// master has it, its error does not say that nothing was written; repeating it when
// the replica is back stores it once.
func TestTooFewReplicas(t *testing.T) {
	t.Parallel()
	master := testserver.RedisFor(t, testserver.RedisDurable...)
	replica := testserver.RedisReplicaFor(t, master, testserver.RedisDurable...)
	b := open(t, master.DSN("enact_replicas=1", "enact_replica_timeout=3s"))
	s := b.Tenant("t")
	testkit.UseEverything(t, b)
	testkit.Check(t, replica.Pause())
	for _, c := range testkit.Writes(s) {
		if strings.HasPrefix(c.Name, "Delete") {
			continue // of what is not there, or deleted
		}
		err := c.Do(t.Context(), s, "alone")
		if err == nil || errors.Is(err, driver.ErrUnavailable) || errors.Is(err, driver.ErrConflict) || !strings.Contains(err.Error(), "repeat") {
			t.Errorf("%s that no replica has: %v, want an error that leaves open what was done and says to repeat it", c.Name, err)
		}
	}
	if err := testkit.Write(t.Context(), b, "Append", "alone"); err == nil {
		t.Error("an append that no replica has is acknowledged when it is repeated")
	}
	testkit.Check(t, replica.Resume())
	testkit.Await(t, "the replica is back", func() bool { return b.HealthCheck(t.Context()) == nil })
	for _, c := range testkit.Writes(s) {
		if err := c.Do(t.Context(), s, "alone"); err != nil {
			t.Errorf("%s, repeated when the replica is back: %v, want nil", c.Name, err)
		}
	}
	if got := len(testkit.History(t, b, "execution")); got != 3*testkit.BatchEvents {
		t.Errorf("the execution has %d events, want those of 3 appends of %d", got, testkit.BatchEvents)
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}

// TestWritesRefusedForWantOfReplicas: a server can be told to take no writes without
// replicas.
func TestWritesRefusedForWantOfReplicas(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	b := open(t, server.DSN())
	testkit.UseEverything(t, b)
	configure(t, server, "min-replicas-to-write", "1")
	testkit.CheckCalls(t, b, "without replicas", testkit.Writes(b.Tenant("t")), driver.ErrUnavailable, "min-replicas-to-write")
	testkit.CheckCalls(t, b, "without replicas", testkit.Reads(b.Tenant("t")), nil)
	testkit.CheckNotDone(t, b)
	configure(t, server, "min-replicas-to-write", "0")
	testkit.EveryCall(t, b)
}

// TestReplica: a server that only follows another takes no writes, and says so; an
// opened store goes on writing when the server has become the master.
func TestReplica(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	b := open(t, server.DSN())
	testkit.UseEverything(t, b)
	other := testserver.RedisReplicaFor(t, server)
	testkit.Check(t, other.Do("REPLICAOF", "NO", "ONE").Err())
	testkit.Check(t, server.Do("REPLICAOF", "127.0.0.1", other.Port).Err())
	testkit.Await(t, "the server follows the other", func() bool {
		text, err := server.Do("INFO", "replication").Text()
		return err == nil && strings.Contains(text, "master_link_status:up")
	})
	testkit.CheckCalls(t, b, "on a replica", testkit.Writes(b.Tenant("t")), driver.ErrUnavailable, "replica")
	testkit.WantError(t, "HealthCheck of a replica", b.HealthCheck(t.Context()), driver.ErrUnavailable, "replica")
	_, err := connect(t.Context(), server.DSN())
	testkit.WantError(t, "opening a replica", err, driver.ErrUnavailable, "replica")

	testkit.Check(t, server.Do("REPLICAOF", "NO", "ONE").Err())
	testkit.Await(t, "the replica has become a master", func() bool { return b.HealthCheck(t.Context()) == nil })
	testkit.CheckNotDone(t, b)
	testkit.EveryCall(t, b)
}
