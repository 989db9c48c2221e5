package redis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// killAhead kills a master that has had time for writes that its replica does not get.
func killAhead(t *testing.T, master, replica *testserver.Redis) {
	t.Helper()
	testkit.Check(t, replica.Pause())
	testkit.Check(t, master.Do("CLIENT", "KILL", "TYPE", "REPLICA").Err())
	time.Sleep(200 * time.Millisecond)
	testkit.Check(t, master.Kill())
	testkit.Check(t, replica.Resume())
}

// TestClusterFailover kills masters in the middle of writes that wait for a replica:
// the writers recover without being reopened, and nothing acknowledged is lost.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, testserver.RedisDurable...)
	writing := testkit.StartWriting(t, open(t, c.DSN("enact_replicas=1")), open(t, c.DSN("enact_replicas=1")))
	writing.GoOn()
	for range 2 {
		slot := usedSlots(t, c)[0]
		master := testkit.Must(c.MasterOf(slot))(t)
		replica := testkit.Must(c.ReplicaOf(master))(t)
		killAhead(t, master, replica)
		testkit.Await(t, "the replica has taken over", func() bool {
			now, err := c.MasterOf(slot)
			return err == nil && now == replica
		})
		testkit.Await(t, "a store can be opened although a server that its DSN names is gone", func() bool {
			opened, err := connect(t.Context(), c.DSN())
			if err == nil {
				shutdown(t, opened)
			}
			return err == nil
		})
		// A master without a replica acknowledges nothing until it has one again.
		testkit.Check(t, master.Start())
		testkit.Check(t, c.Await())
		writing.GoOn()
	}
	writing.CheckFailed()
	writing.CheckAll(open(t, c.DSN()))
}

// TestPausedMaster: a master that hangs is replaced, too, and what it did not
// acknowledge before is repeated.
func TestPausedMaster(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, testserver.RedisDurable...)
	writing := testkit.StartWriting(t, open(t, c.DSN("enact_replicas=1", "enact_replica_timeout=300ms", "read_timeout=500ms", "write_timeout=500ms")))
	writing.GoOn()
	slot := usedSlots(t, c)[0]
	master := testkit.Must(c.MasterOf(slot))(t)
	replica := testkit.Must(c.ReplicaOf(master))(t)
	testkit.Check(t, master.Pause())
	testkit.Await(t, "the replica has taken over", func() bool {
		now, err := replica.Do("ROLE").Slice()
		return err == nil && len(now) > 0 && now[0] == "master"
	})
	time.Sleep(200 * time.Millisecond)
	testkit.Check(t, master.Resume())
	testkit.Check(t, c.Await())
	writing.GoOn()
	writing.CheckAll(open(t, c.DSN()))
}

// TestPlannedClusterFailover has replicas take over in good order while 8 writers,
// who wait for no replica, go on: none of them notices, and nothing is lost or doubled.
func TestPlannedClusterFailover(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, append([]string{testserver.RedisUnhurried}, testserver.RedisDurable...)...)
	writing := testkit.StartWriting(t, open(t, c.DSN()), open(t, c.DSN()))
	for range 2 { // masters do not vote about a third so testkit.Soon
		writing.GoOn()
		slot := usedSlots(t, c)[0]
		replica := testkit.Must(c.ReplicaOf(testkit.Must(c.MasterOf(slot))(t)))(t)
		testkit.Check(t, replica.Do("CLUSTER", "FAILOVER").Err())
		testkit.Await(t, "the replica has taken over", func() bool {
			now, err := c.MasterOf(slot)
			return err == nil && now == replica
		})
		testkit.Check(t, c.Await())
	}
	writing.GoOn()
	writing.CheckUnnoticed()
	writing.CheckAll(open(t, c.DSN()))
}

// TestClusterPowerCut kills all servers at once in the middle of writes: what was
// acknowledged is there when they are back (E1).
func TestClusterPowerCut(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, testserver.RedisDurable...)
	writing := testkit.StartWriting(t, open(t, c.DSN("enact_replicas=1")), open(t, c.DSN("enact_replicas=1")))
	for range 3 {
		writing.GoOn()
		testkit.Check(t, c.Kill())
		testkit.Check(t, c.Start())
	}
	writing.GoOn()
	writing.CheckAll(open(t, c.DSN()))
}

// TestClusterWithoutMaster: when a master and its replica are gone, calls that need
// them are ErrUnavailable or end by their contexts, and all succeed when they are
// back.
func TestClusterWithoutMaster(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, testserver.RedisDurable...)
	b := open(t, c.DSN())
	testkit.UseEverything(t, b)
	before := len(testkit.History(t, b, "execution"))
	master := testkit.Must(c.MasterOf(testkit.Must(c.SlotOf(tagOf(defaultPrefix, "t")))(t)))(t)
	replica := testkit.Must(c.ReplicaOf(master))(t)
	testkit.Check(t, replica.Kill())
	testkit.Check(t, master.Kill())
	var all sync.WaitGroup
	s := b.Tenant("t")
	for _, call := range slices.Concat(testkit.Writes(s), testkit.Reads(s)) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := call.Do(ctx, s, "refused")
			if !errors.Is(err, driver.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s without a master: %v, want ErrUnavailable or the context's error", call.Name, err)
			}
		})
	}
	testkit.Within(t, "calls without a master", all.Wait)
	if err := b.HealthCheck(t.Context()); !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("HealthCheck without a master: %v, want ErrUnavailable", err)
	}
	testkit.Check(t, master.Start())
	testkit.Check(t, replica.Start())
	testkit.Check(t, c.Await())
	testkit.Await(t, "the cluster is whole again", func() bool { return b.HealthCheck(t.Context()) == nil })
	testkit.CheckNotDone(t, b)
	if after := len(testkit.History(t, b, "execution")); after != before {
		t.Errorf("the execution has %d events, want %d", after, before)
	}
	testkit.EveryCall(t, b)
}
