package testserver

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

const (
	clusterMasters = 3
	clusterSlots   = 16_384
)

// RedisCluster is a cluster of three masters, each with a replica, on the loopback.
type RedisCluster struct {
	// Nodes are all servers; the first three begin as masters, and the one that is
	// three places further follows each.
	Nodes []*Redis
}

// RedisUnhurried is a setting of a cluster in which no server counts as dead because
// the machine is busy.
const RedisUnhurried = "cluster-node-timeout 8000"

// StartRedisCluster makes a cluster whose servers have the given settings.
func StartRedisCluster(settings ...string) (*RedisCluster, error) {
	settings = append([]string{
		"cluster-enabled yes", "cluster-config-file nodes.conf",
		"cluster-node-timeout 2000", // how soon a server counts as dead
		"cluster-replica-validity-factor 0", "cluster-allow-replica-migration no",
	}, settings...)
	c := &RedisCluster{Nodes: make([]*Redis, 2*clusterMasters)}
	err := c.each(func(i int, _ *Redis) (err error) {
		c.Nodes[i], err = StartRedis(settings...)
		return err
	})
	if err == nil {
		err = c.join()
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// each does something to all nodes at once.
func (c *RedisCluster) each(f func(i int, node *Redis) error) error {
	errs := make([]error, len(c.Nodes))
	var all sync.WaitGroup
	for i, node := range c.Nodes {
		all.Go(func() { errs[i] = f(i, node) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// join makes a cluster of servers that know nothing of one another.
func (c *RedisCluster) join() error {
	err := c.each(func(i int, node *Redis) error {
		if err := node.Do("CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil || i >= clusterMasters {
			return err
		}
		command := []any{"CLUSTER", "ADDSLOTS"}
		for slot := i * clusterSlots / clusterMasters; slot < (i+1)*clusterSlots/clusterMasters; slot++ {
			command = append(command, slot)
		}
		return node.Do(command...).Err()
	})
	if err != nil {
		return err
	}
	for _, node := range c.Nodes[1:] {
		if err := node.Do("CLUSTER", "MEET", "127.0.0.1", c.Nodes[0].Port).Err(); err != nil {
			return err
		}
	}
	return c.each(func(i int, node *Redis) error {
		if i >= clusterMasters {
			// It can follow whom it has heard of.
			err := node.server.until(func() error { return node.follow(c.Nodes[i-clusterMasters]) })
			if err != nil {
				return err
			}
		}
		return node.server.until(func() error { return c.settled(node) })
	})
}

// follow makes a server of a cluster a replica of another.
func (r *Redis) follow(master *Redis) error {
	id, err := master.clusterID()
	if err != nil {
		return err
	}
	return r.Do("CLUSTER", "REPLICATE", id).Err()
}

func (r *Redis) clusterID() (string, error) { return r.Do("CLUSTER", "MYID").Text() }

// settled says whether a node sees the whole cluster at work.
func (c *RedisCluster) settled(node *Redis) error {
	text, err := node.Do("CLUSTER", "INFO").Text()
	if err != nil {
		return err
	}
	if state := fieldOf(text, "cluster_state"); state != "ok" {
		return fmt.Errorf("cluster_state is %q", state)
	}
	view, err := node.view()
	if err != nil {
		return err
	}
	masters, replicas := 0, 0
	for _, seen := range view {
		switch {
		case seen.failed || !seen.linked:
			return fmt.Errorf("node %s is not seen to work", seen.address)
		case seen.replica:
			replicas++
		default:
			masters++
		}
	}
	if masters != clusterMasters || replicas != len(c.Nodes)-clusterMasters {
		return fmt.Errorf("%d masters and %d replicas are seen", masters, replicas)
	}
	return node.replicates()
}

// nodeView is how a node sees another, or itself.
type nodeView struct {
	id, address             string
	replica, failed, linked bool
	master                  string   // the ID of a replica's
	slots                   []string // as in "0-5460"
}

// view is how a node sees the cluster.
func (r *Redis) view() (seen []nodeView, err error) {
	text, err := r.Do("CLUSTER", "NODES").Text()
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			return nil, fmt.Errorf("CLUSTER NODES has the line %q", line)
		}
		address, _, _ := strings.Cut(fields[1], "@")
		seen = append(seen, nodeView{
			id: fields[0], address: address, master: fields[3], slots: fields[8:],
			replica: strings.Contains(fields[2], "slave"), failed: strings.Contains(fields[2], "fail") || strings.Contains(fields[2], "handshake"),
			linked: fields[7] == "connected",
		})
	}
	return seen, err
}

// Await waits until every running node sees the whole cluster at work.
func (c *RedisCluster) Await() error {
	return c.each(func(_ int, node *Redis) error {
		return node.server.until(func() error { return c.settled(node) })
	})
}

// Kill ends all nodes at once.
func (c *RedisCluster) Kill() error {
	return c.each(func(_ int, node *Redis) error { return node.Kill() })
}

// Start starts all nodes again, and waits until they see the whole cluster at work.
func (c *RedisCluster) Start() error {
	if err := c.each(func(_ int, node *Redis) error { return node.Start() }); err != nil {
		return err
	}
	return c.Await()
}

// Remove ends all nodes and deletes what they have stored.
func (c *RedisCluster) Remove() error {
	return c.each(func(_ int, node *Redis) error {
		if node == nil {
			return nil
		}
		return node.Remove()
	})
}
