package redis

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestNewConnector: a borrowed client does everything, under a prefix of its own, and
// is left open.
func TestNewConnector(t *testing.T) {
	single := redis.NewClient(&redis.Options{Addr: durable.get(t).Address()})
	defer single.Close()
	many := redis.NewClusterClient(&redis.ClusterOptions{Addrs: clusterAddresses(t)})
	defer many.Close()
	for name, client := range map[string]redis.UniversalClient{"single": single, "cluster": many} {
		t.Run(name, func(t *testing.T) {
			_, prefix, _ := strings.Cut(newPrefix(), "=")
			stores := NewConnector(client, Prefix(prefix), SweepInterval(time.Second))
			if !stores.RequiresNetwork() || stores.SupportsAirGapped() {
				t.Error("it says that it needs no network")
			}
			rt, err := enact.Open(t.Context(), enact.Config{Connectors: enact.Connectors{Events: stores, State: stores, Messages: stores}})
			testkit.Check(t, err)
			tenant := rt.Tenant("acme")
			_, err = tenant.State.Set(t.Context(), "key", []byte("value"))
			testkit.Check(t, err)
			testkit.Check(t, rt.HealthCheck(t.Context()))
			testkit.Check(t, rt.Shutdown(t.Context()))
			found, err := client.Get(t.Context(), tagOf(prefix, "acme")+keyEntry+"key").Result()
			if err != nil || !strings.HasSuffix(found, " 0 value") {
				t.Errorf("after Shutdown the client reads %q, %v", found, err)
			}
		})
	}
}

func clusterAddresses(tb testing.TB) (addresses []string) {
	for _, node := range clustered.get(tb).Nodes {
		addresses = append(addresses, node.Address())
	}
	return addresses
}

// TestNewConnectorRefused: what cannot be used is refused before anything is sent.
func TestNewConnectorRefused(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer client.Close()
	stale := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteRandomly: true})
	defer stale.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	for word, c := range map[string]driver.Connector{
		"prefix":         NewConnector(client, Prefix("a{b")),
		"sweep interval": NewConnector(client, SweepInterval(0)),
		"negative":       NewConnector(client, Replicas(-1, time.Second)),
		"at least 1ms":   NewConnector(client, Replicas(1, 0)),
		"read_timeout":   NewConnector(client, Replicas(1, time.Minute)),
		"RouteRandomly":  NewConnector(stale),
		"*redis.Ring":    NewConnector(ring),
		"<nil>":          NewConnector(nil),
		"is nil":         NewConnector((*redis.Client)(nil)),
	} {
		_, err := c.Connect(t.Context())
		testkit.WantError(t, "connecting", err, driver.ErrInvalid, word)
	}
}

// TestNewConnectorRequiresNetwork: only a Unix socket that go-redis dials needs none
// (B2).
func TestNewConnectorRequiresNetwork(t *testing.T) {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return nil, fmt.Errorf("not %s %s", network, address)
	}
	for name, test := range map[string]struct {
		options redis.Options
		network bool
	}{
		"address":              {redis.Options{Addr: "127.0.0.1:1"}, true},
		"default":              {redis.Options{}, true},
		"socket":               {redis.Options{Network: "unix", Addr: "/s"}, false},
		"socket by its path":   {redis.Options{Addr: "/s"}, false},
		"socket with a dialer": {redis.Options{Network: "unix", Addr: "/s", Dialer: dial}, true},
	} {
		client := redis.NewClient(&test.options)
		c := NewConnector(client)
		if c.RequiresNetwork() != test.network || c.SupportsAirGapped() == test.network {
			t.Errorf("%s: RequiresNetwork is %v, SupportsAirGapped %v, want %v, %v", name, c.RequiresNetwork(), c.SupportsAirGapped(), test.network, !test.network)
		}
		if _, err := enact.Open(t.Context(), enact.Config{AirGapped: true, Connectors: enact.Connectors{State: c}}); test.network {
			testkit.WantError(t, name+" in air-gapped mode", err, driver.ErrAirGapped)
		}
		testkit.Check(t, client.Close())
	}
	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"127.0.0.1:1"}})
	defer sentinel.Close()
	if !NewConnector(sentinel).RequiresNetwork() {
		t.Error("a client by way of Sentinel needs no network")
	}
}

// deaf is a connection that does not hand on the answer to a certain request.
type deaf struct {
	net.Conn
	lose  *atomic.Pointer[string] // what the request contains
	sent  *atomic.Int64           // how often it was
	armed atomic.Bool
}

func (d *deaf) Write(p []byte) (int, error) {
	if lose := d.lose.Load(); lose != nil && strings.Contains(string(p), *lose) {
		d.sent.Add(1)
		d.armed.Store(true)
	}
	return d.Conn.Write(p)
}

func (d *deaf) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if d.armed.Load() {
		d.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// TestBorrowedClientSendsOnce: go-redis sends a request again whose answer is lost,
// unless it must not; of two writes the second would be in conflict with the first
// (S3, B9).
func TestBorrowedClientSendsOnce(t *testing.T) {
	var lose atomic.Pointer[string]
	var sent atomic.Int64
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &deaf{Conn: conn, lose: &lose, sent: &sent}, err
	}
	single := redis.NewClient(&redis.Options{Addr: plain.get(t).Address(), Dialer: dial, MaxRetries: 5})
	defer single.Close()
	many := redis.NewClusterClient(&redis.ClusterOptions{Addrs: clusterAddresses(t), Dialer: dial, MaxRetries: 5, MaxRedirects: 5})
	defer many.Close()
	for name, client := range map[string]redis.UniversalClient{"single": single, "cluster": many} {
		t.Run(name, func(t *testing.T) {
			_, prefix, _ := strings.Cut(newPrefix(), "=")
			b, err := NewConnector(client, Prefix(prefix)).Connect(t.Context())
			testkit.Check(t, err)
			defer shutdown(t, b)
			s := b.Tenant("t").State
			// The server learns the script here, which it would refuse else.
			version, err := s.Set(t.Context(), "key", []byte("1"), driver.SetOptions{When: driver.IfAbsent()})
			testkit.Check(t, err)
			marker := setState.sha
			lose.Store(&marker)
			sent.Store(0)
			_, err = s.Set(t.Context(), "key", []byte("2"), driver.SetOptions{When: driver.IfVersion(version)})
			lose.Store(nil)
			wantUnknown(t, "a write whose answer is lost", err, "repeat the call")
			if n := sent.Load(); n != 1 {
				t.Errorf("it was sent %d times, want once", n)
			}
			e, err := s.Get(t.Context(), "key")
			testkit.Check(t, err)
			if string(e.Value) != "2" {
				t.Errorf("the value is %q, want %q, which the server has got", e.Value, "2")
			}
			// A read is repeated.
			marker = keyEntry + "key"
			lose.Store(&marker)
			sent.Store(0)
			time.AfterFunc(2*time.Millisecond, func() { lose.Store(nil) })
			if e, err := s.Get(t.Context(), "key"); err != nil || string(e.Value) != "2" || sent.Load() == 0 {
				t.Errorf("a read whose answer is lost returned %q, %v after %d losses", e.Value, err, sent.Load())
			}
		})
	}
}

// TestTags: every tenant has a tag of its own, and nothing in a tenant ends it early.
func TestTags(t *testing.T) {
	seen := map[string]string{}
	for _, prefix := range []string{"a", "a:b", "b"} {
		for _, tenant := range []string{"a", "A", "b:a", "b%3Aa", "}", "{", "{}", "}:{", "a}", "é", "e\u0301", " ", "a ", "%", "%25", "\n", strings.Repeat("é", 127)} {
			tag := tagOf(prefix, tenant)
			if other, twice := seen[tag]; twice {
				t.Errorf("tenant %q under prefix %q and %s have the tag %s", tenant, prefix, other, tag)
			}
			seen[tag] = fmt.Sprintf("%q under prefix %q", tenant, prefix)
			if !strings.HasPrefix(tag, "{") || strings.Index(tag, "}") != len(tag)-2 || strings.Count(tag, "{") != 1 {
				t.Errorf("the tag of tenant %q is %s", tenant, tag)
			}
		}
	}
}
