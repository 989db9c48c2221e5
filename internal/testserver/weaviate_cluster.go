package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// WeaviateCluster is a cluster of servers on the loopback.
type WeaviateCluster struct {
	Nodes []*Weaviate

	folder string
}

// StartWeaviateCluster starts a cluster of so many nodes, with settings of their
// environment.
func StartWeaviateCluster(size int, settings ...string) (*WeaviateCluster, error) {
	if missing := FindWeaviate(); missing != "" {
		return nil, errors.New(missing)
	}
	folder, err := os.MkdirTemp("", "enact-weaviate-")
	if err != nil {
		return nil, err
	}
	c := &WeaviateCluster{folder: folder}
	if err := c.start(size, settings); err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

func (c *WeaviateCluster) start(size int, settings []string) error {
	var voters []string
	for i := range size {
		name := fmt.Sprint("node", i+1)
		folder := filepath.Join(c.folder, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		w, err := newWeaviate(folder, name)
		if err != nil {
			return err
		}
		w.Settings = settings
		c.Nodes = append(c.Nodes, w)
		voters = append(voters, fmt.Sprintf("%s:%d", name, w.ports.raft))
	}
	for i, w := range c.Nodes {
		w.environment = []string{"CLUSTER_IN_LOCALHOST=true", "RAFT_JOIN=" + strings.Join(voters, ","), fmt.Sprint("RAFT_BOOTSTRAP_EXPECT=", size)}
		if i > 0 {
			w.environment = append(w.environment, c.joining(w))
		}
		if err := w.launch(); err != nil {
			return err
		}
		if err := w.awaitGossip(); err != nil {
			return err
		}
	}
	// A first node that is started again finds the others.
	c.Nodes[0].environment = append(c.Nodes[0].environment, c.joining(c.Nodes[0]))
	for _, w := range c.Nodes {
		if err := w.awaitReady(); err != nil {
			return err
		}
	}
	return nil
}

// joining is the setting that has a node find the others.
func (c *WeaviateCluster) joining(w *Weaviate) string {
	var others []string
	for _, other := range c.Nodes {
		if other != w {
			others = append(others, fmt.Sprintf("127.0.0.1:%d", other.ports.gossip))
		}
	}
	return "CLUSTER_JOIN=" + strings.Join(others, ",")
}

// awaitGossip waits until others can find a node that was started.
func (w *Weaviate) awaitGossip() error {
	return w.server.until(func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.ports.gossip))
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// Remove ends all nodes and deletes what they have stored.
func (c *WeaviateCluster) Remove() error {
	var failed []error
	for _, w := range c.Nodes {
		failed = append(failed, w.Kill())
	}
	return errors.Join(append(failed, os.RemoveAll(c.folder))...)
}
