package weaviate

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// cluster has three nodes, the last of which was killed when it was complete.
var cluster struct {
	once  sync.Once
	nodes *testserver.WeaviateCluster
	err   error
}

func removeCluster() error {
	if cluster.nodes == nil {
		return nil
	}
	return cluster.nodes.Remove()
}

// threeNodesOneKilled returns the cluster.
func threeNodesOneKilled(tb testing.TB) *testserver.WeaviateCluster {
	tb.Helper()
	needsServer(tb)
	cluster.once.Do(func() {
		// A follower misses its leader after 3 to 6 seconds, also on a busy machine.
		if cluster.nodes, cluster.err = testserver.StartWeaviateCluster(3, "RAFT_TIMEOUTS_MULTIPLIER=3"); cluster.err != nil {
			return
		}
		// All three make the driver's own classes. When the killed one was the leader, the
		// others notice that later, and elect another before they can be asked again.
		nodes := cluster.nodes.Nodes
		cluster.err = errors.Join(healthyFor(nodes[0], 0), nodes[2].Kill(), healthyFor(nodes[0], 8*time.Second), healthyFor(nodes[1], 0))
	})
	testkit.Check(tb, cluster.err)
	return cluster.nodes
}

// healthyFor waits until a node could be opened and asked for so long.
func healthyFor(node *testserver.Weaviate, long time.Duration) error {
	c, err := parseDSN(node.DSN("", "replication_factor=3", "timeout=3s"))
	if err != nil {
		return err
	}
	begin := time.Now()
	for well := begin; ; time.Sleep(100 * time.Millisecond) {
		err := healthy(c)
		switch now := time.Now(); {
		case err != nil && now.Sub(begin) > time.Minute:
			return err
		case err != nil:
			well = now
		case now.Sub(well) >= long:
			return nil
		}
	}
}

func healthy(c driver.Connector) error {
	b, err := c.Connect(context.Background())
	if err != nil {
		return err
	}
	return errors.Join(b.HealthCheck(context.Background()), b.Shutdown(context.Background()))
}

// TestConformanceOnThreeNodes runs the suite on two of three nodes that are left, at
// QUORUM.
func TestConformanceOnThreeNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers on one machine take minutes")
	}
	var turn atomic.Int64
	target := conformance(func(tb testing.TB) string {
		nodes := threeNodesOneKilled(tb).Nodes
		return nodes[turn.Add(1)%2].DSN(newNamespace(), "replication_factor=3", "consistency_level=QUORUM")
	})
	target.Eventual = eventualInCluster
	drivertest.Run(t, target)
}

// TestNodeKilledUnderLoad: while one node after the other is killed and started again,
// what was acknowledged at QUORUM through another is there.
func TestNodeKilledUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers on one machine take minutes")
	}
	c := testserver.WeaviateClusterFor(t, 3)
	s := vectorsOf(connect(t, c.Nodes[0].DSN("", "replication_factor=3")), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("first")))
	stop := make(chan struct{})
	written := make(chan []string)
	go func() {
		var acknowledged []string
		defer func() { written <- acknowledged }()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if s.Upsert(ctx, "docs", docs1(number(n))) == nil {
				acknowledged = append(acknowledged, number(n))
			}
			cancel()
		}
	}()
	for _, node := range []int{2, 1} {
		time.Sleep(500 * time.Millisecond)
		testkit.Check(t, c.Nodes[node].Kill())
		time.Sleep(2 * time.Second)
		testkit.Check(t, c.Nodes[node].Start())
	}
	close(stop)
	acknowledged := <-written
	if len(acknowledged) < 10 {
		t.Errorf("only %d writes were acknowledged", len(acknowledged))
	}
	for _, id := range acknowledged {
		if _, err := s.Get(t.Context(), "docs", id); err != nil {
			t.Fatalf("document %s, which was acknowledged: %v", id, err)
		}
	}
	t.Logf("%d writes were acknowledged", len(acknowledged))
}
