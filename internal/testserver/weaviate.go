package testserver

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// weaviateVersion is the server that is installed and tested with.
const weaviateVersion = "v1.35.2"

// Weaviate is a Weaviate server, or a node of a cluster, that belongs to the tests.
type Weaviate struct {
	// Port is that of HTTP on the loopback, GRPCPort that of gRPC.
	Port, GRPCPort int
	// Settings are added to the environment of the server when it starts, as in
	// "ASYNC_INDEXING=true".
	Settings []string

	folder      string
	name        string
	ports       weaviatePorts
	environment []string
	server      *process
}

// weaviatePorts are those on which nodes talk to one another.
type weaviatePorts struct{ raft, raftInternal, gossip, data int }

// FindWeaviate says what is missing to start one, nothing if all is there.
func FindWeaviate() (missing string) {
	if !hasSignals {
		return "servers are only started on Unix systems, where they can be paused and killed"
	}
	if _, err := os.Stat(weaviateProgram()); err != nil {
		return "the Weaviate server is not installed; install it with go run ./internal/testserver/install, which takes some minutes"
	}
	return ""
}

// StartWeaviate starts a server of one node, with settings of its environment.
func StartWeaviate(settings ...string) (*Weaviate, error) {
	if missing := FindWeaviate(); missing != "" {
		return nil, errors.New(missing)
	}
	folder, err := os.MkdirTemp("", "enact-weaviate-")
	if err != nil {
		return nil, err
	}
	w, err := newWeaviate(folder, "node1")
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	w.Settings = settings
	w.environment = []string{"RAFT_JOIN=" + w.name, "RAFT_BOOTSTRAP_EXPECT=1"}
	if err := w.Start(); err != nil {
		w.Remove()
		return nil, err
	}
	return w, nil
}

func newWeaviate(folder, name string) (*Weaviate, error) {
	w := &Weaviate{folder: folder, name: name}
	// Nodes on one machine expect the second port of another right after the first.
	for _, pair := range [][2]*int{{&w.Port, &w.GRPCPort}, {&w.ports.raft, &w.ports.raftInternal}, {&w.ports.gossip, &w.ports.data}} {
		first, err := freePort(1)
		if err != nil {
			return nil, err
		}
		*pair[0], *pair[1] = first, first+1
	}
	return w, nil
}

// Start starts the server, again after Stop or Kill, and waits until it is ready.
func (w *Weaviate) Start() error {
	if err := w.launch(); err != nil {
		return err
	}
	return w.awaitReady()
}

func (w *Weaviate) launch() error {
	cmd := exec.Command(weaviateProgram(), "--host", "127.0.0.1", "--port", strconv.Itoa(w.Port), "--scheme", "http")
	cmd.Dir = w.folder
	cmd.Env = append(os.Environ(),
		"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=true", "DEFAULT_VECTORIZER_MODULE=none", "DISABLE_TELEMETRY=true", "GO_PROFILING_DISABLE=true", "LOG_LEVEL=warning",
		"PERSISTENCE_DATA_PATH="+filepath.Join(w.folder, "data"), "CLUSTER_HOSTNAME="+w.name,
		"CLUSTER_BIND_ADDR=127.0.0.1", "CLUSTER_ADVERTISE_ADDR=127.0.0.1",
		fmt.Sprint("GRPC_PORT=", w.GRPCPort), fmt.Sprint("RAFT_PORT=", w.ports.raft), fmt.Sprint("RAFT_INTERNAL_RPC_PORT=", w.ports.raftInternal),
		fmt.Sprint("CLUSTER_GOSSIP_BIND_PORT=", w.ports.gossip), fmt.Sprint("CLUSTER_DATA_BIND_PORT=", w.ports.data))
	cmd.Env = append(append(cmd.Env, w.environment...), w.Settings...)
	var err error
	w.server, err = start(cmd)
	return err
}

func (w *Weaviate) awaitReady() error {
	return w.server.until(func() error {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/v1/.well-known/ready", w.Port))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	})
}

// Stop ends the server in good order, and Kill at once.
func (w *Weaviate) Stop() error { return w.end(interrupt) }

// Kill ends the server at once.
func (w *Weaviate) Kill() error { return w.end(kill) }

func (w *Weaviate) end(s signal) error {
	if w.server == nil || !w.server.running() {
		return nil
	}
	if err := send(w.server.cmd.Process.Pid, s); err != nil && w.server.running() {
		return err
	}
	return w.server.await()
}

// Pause stops the process of the server, and Resume lets it go on.
func (w *Weaviate) Pause() error { return w.server.halt() }

// Resume lets a paused server go on.
func (w *Weaviate) Resume() error { return send(w.server.cmd.Process.Pid, proceed) }

// Remove ends the server and deletes what it has stored.
func (w *Weaviate) Remove() error {
	if err := w.Kill(); err != nil {
		return err
	}
	return os.RemoveAll(w.folder)
}

// Log is the end of what the server has printed since it was started.
func (w *Weaviate) Log() string { return w.server.log.String() }

// DSN reaches the server, in a namespace if that is not empty, with parameters such
// as "timeout=5s".
func (w *Weaviate) DSN(namespace string, parameters ...string) string {
	dsn := fmt.Sprintf("weaviate://127.0.0.1:%d", w.Port)
	if namespace != "" {
		dsn += "/" + namespace
	}
	if len(parameters) > 0 {
		dsn += "?" + strings.Join(parameters, "&")
	}
	return dsn
}
