package weaviate

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	err := removeCluster()
	if shared.server != nil {
		err = errors.Join(err, shared.server.Remove())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// shared is the server of all tests that leave it alone.
var shared struct {
	once   sync.Once
	server *testserver.Weaviate
	err    error
}

var namespaces atomic.Int64

// newNamespace names one that is not there yet.
func newNamespace() string { return fmt.Sprint("test-", namespaces.Add(1)) }

// newDSN returns a DSN with a namespace of its own on the shared server.
func newDSN(tb testing.TB, parameters ...string) string {
	tb.Helper()
	return serverOf(tb).DSN(newNamespace(), parameters...)
}

// serverOf returns the shared server.
func serverOf(tb testing.TB) *testserver.Weaviate {
	tb.Helper()
	needsServer(tb)
	shared.once.Do(func() { shared.server, shared.err = testserver.StartWeaviate() })
	testkit.Check(tb, shared.err)
	return shared.server
}

func needsServer(tb testing.TB) {
	tb.Helper()
	if missing := testserver.FindWeaviate(); missing != "" {
		tb.Skip(missing)
	}
}

// Consistency bounds: for how long a search may miss a document that is being replaced
// and a batch may be seen in part; and in a cluster, until each node has heard that
// a collection was deleted.
const (
	eventual          = 20 * time.Millisecond
	eventualInCluster = 300 * time.Millisecond
)

func conformance(dsn func(testing.TB) string) drivertest.Target {
	return drivertest.Target{
		Driver:   weaviateDriver{},
		DSN:      dsn,
		Roles:    []driver.Role{driver.RoleVectors},
		Eventual: eventual,
		// Making a class takes Weaviate some tenths of a second, and one check makes
		// more than a hundred.
		Timeout: 10 * time.Minute,
		Malformed: []string{"weaviate", "weaviate:", "weaviate:host", "weaviate://", "weaviate:///x", "weaviate://host:port", "weaviate://host:99999", "weaviate://[::1", "weaviate://a,b",
			"weaviate://host/a/b", "weaviate://host?timeout=0s", "weaviate://host?timeout=5", "weaviate://host?grpc_port=0", "weaviate://host?consistency_level=most",
			"weaviate://host?replication_factor=-1", "weaviate://host?index=tree", "weaviate://host?ef=many", "weaviate://host?index=flat&ef=10", "weaviate://user@host"},
		SecretDSNs: func(secret string) []string {
			value := url.QueryEscape(secret)
			return []string{
				"weaviate://127.0.0.1:1/space?api_key=" + value,
				"weaviate://127.0.0.1:1?grpc_port=2&api_key=" + value,
				"weaviates://127.0.0.1:1?oidc_client_id=program&oidc_client_secret=" + value,
			}
		},
	}
}

func TestConformance(t *testing.T) {
	target := conformance(func(tb testing.TB) string { return newDSN(tb) })
	target.Engine = ownServer
	drivertest.Run(t, target)
}

// ownServer is a server that a test may kill and pause.
func ownServer(tb testing.TB) drivertest.Engine {
	w := testserver.WeaviateFor(tb)
	return drivertest.Engine{
		DSN:  w.DSN(newNamespace()),
		Stop: func() { testkit.Check(tb, w.Kill()) }, Start: func() { testkit.Check(tb, w.Start()) },
		Pause: func() { testkit.Check(tb, w.Pause()) }, Resume: func() { testkit.Check(tb, w.Resume()) },
	}
}

func BenchmarkDriver(b *testing.B) {
	target := conformance(func(tb testing.TB) string { return newDSN(tb) })
	drivertest.Bench(b, target)
}
