package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/sockets"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// quiet is a log that keeps what go-redis would print.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	code := m.Run()
	if err := errors.Join(plain.remove(), durable.remove(), encrypted.remove(), clustered.remove(), watched.remove()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// started is a server that tests share, started by the first of them.
type started[S interface{ Remove() error }] struct {
	start  func() (S, error)
	once   sync.Once
	server S
	there  bool
	err    error
}

func (s *started[S]) get(tb testing.TB) S {
	tb.Helper()
	needsServer(tb)
	s.once.Do(func() {
		s.server, s.err = s.start()
		s.there = s.err == nil
	})
	testkit.Check(tb, s.err)
	return s.server
}

func (s *started[S]) remove() error {
	if !s.there {
		return nil
	}
	return s.server.Remove()
}

// The servers of all tests that leave them alone.
var (
	plain     = &started[*testserver.Redis]{start: func() (*testserver.Redis, error) { return testserver.StartRedis() }}
	durable   = &started[*testserver.Redis]{start: func() (*testserver.Redis, error) { return testserver.StartRedis(testserver.RedisDurable...) }}
	encrypted = &started[*testserver.Redis]{start: func() (*testserver.Redis, error) { return testserver.StartRedisTLS() }}
	watched   = &started[*testserver.RedisSentinel]{start: func() (*testserver.RedisSentinel, error) { return testserver.StartRedisSentinel() }}
	clustered = &started[*testserver.RedisCluster]{start: func() (*testserver.RedisCluster, error) {
		return testserver.StartRedisCluster(append([]string{testserver.RedisUnhurried}, testserver.RedisDurable...)...)
	}}
)

// prefixes counts those that were given out.
var prefixes atomic.Int64

// newPrefix is a parameter that names a prefix which is not used yet.
func newPrefix() string { return fmt.Sprintf("enact_prefix=test-%d", prefixes.Add(1)) }

// often has expired state reclaimed often.
const often = "enact_sweep_interval=100ms"

var (
	stateOnly = []driver.Role{driver.RoleState}
	allRoles  = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages}
)

// target is what all forms have in common.
func target(roles []driver.Role, dsn func(tb testing.TB) string) drivertest.Target {
	return drivertest.Target{
		Driver: redisDriver{}, DSN: dsn, Roles: roles, HeldKeys: heldKeys, ReclaimWithin: 20 * time.Second,
		Malformed: []string{"redis", "redis:", "redis:x", "redis://host:port/", "redis://host:99999/", "redis://[::1/", "redis://%zz/", "redis://a,b/", "redis://h/x", "redis://h/1/2",
			"redis://h/#x", "redis+unix://h/s", "redis+unix://", "redis+unix:///", "redis+cluster://h/1", "redis+cluster://h?db=0", "redis+sentinel://h", "redis+cluster://,h",
			"redis://h?enact_prefix=a{b", "redis://h?enact_durability=none", "redis://h?pool_size=0", "redis+cluster://h?read_only=true", "rediss://h?enact_tls_ca=relative"},
		SecretDSNs: func(secret string) []string {
			password := strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")
			return []string{
				"redis://user:" + password + "@127.0.0.1:1/0?dial_timeout=1s",
				"rediss://:" + password + "@127.0.0.1:1/0",
				"redis+unix://user:" + password + "@/nowhere/socket",
				"redis+cluster://user:" + password + "@127.0.0.1:1,127.0.0.1:2",
				"redis+sentinel://user:" + password + "@127.0.0.1:1?master_name=m",
				"redis+sentinel://127.0.0.1:1?master_name=m&password=" + password,
			}
		},
	}
}

// heldKeys counts the entries of indexes of state keys.
func heldKeys(tb testing.TB, dsn string) (n int) {
	c, err := parseDSN(dsn)
	testkit.Check(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	client, err := c.newClient(ctx, &sockets.Set{})
	testkit.Check(tb, err)
	defer client.Close()
	var mu sync.Mutex
	testkit.Check(tb, newRoutes(client).masters(ctx, func(ctx context.Context, server *redis.Client) error {
		keys := server.Scan(ctx, 0, "{"+c.prefix+":*}:"+keyNames, 1000).Iterator()
		for keys.Next(ctx) {
			held, err := server.ZCard(ctx, keys.Val()).Result()
			if err != nil {
				return err
			}
			mu.Lock()
			n += int(held)
			mu.Unlock()
		}
		return keys.Err()
	}))
	return n
}

func TestConformanceSingle(t *testing.T) {
	tested := target(stateOnly, func(tb testing.TB) string { return plain.get(tb).DSN(newPrefix(), often) })
	tested.Engine = ownServer
	drivertest.Run(t, tested)
}

func TestConformanceSocket(t *testing.T) {
	drivertest.Run(t, target(stateOnly, func(tb testing.TB) string { return plain.get(tb).SocketDSN(newPrefix(), often) }))
}

func TestConformanceTLS(t *testing.T) {
	drivertest.Run(t, target(stateOnly, func(tb testing.TB) string {
		server := encrypted.get(tb)
		return server.DSN(newPrefix(), often, "enact_tls_ca="+url.QueryEscape(server.CAFile))
	}))
}

func TestConformanceDurable(t *testing.T) {
	tested := target(allRoles, func(tb testing.TB) string { return durable.get(tb).DSN(newPrefix(), often) })
	tested.Engine = ownServer
	drivertest.Run(t, tested)
}

func TestConformanceCluster(t *testing.T) {
	drivertest.Run(t, target(allRoles, func(tb testing.TB) string {
		return clustered.get(tb).DSN(newPrefix(), often, "enact_replicas=1", "enact_replica_timeout=20s", "read_timeout=30s")
	}))
}

func TestConformanceSentinel(t *testing.T) {
	drivertest.Run(t, target(stateOnly, func(tb testing.TB) string { return watched.get(tb).DSN(newPrefix(), often) }))
}

func BenchmarkDriver(b *testing.B) {
	drivertest.Bench(b, target(allRoles, func(tb testing.TB) string { return durable.get(tb).DSN(newPrefix()) }))
}

// ownServer is a server that a test may kill and pause, and that keeps what it has
// acknowledged.
func ownServer(tb testing.TB) drivertest.Engine {
	r := testserver.RedisFor(tb, testserver.RedisDurable...)
	return drivertest.Engine{
		DSN:  r.DSN(),
		Stop: func() { testkit.Check(tb, r.Kill()) }, Start: func() { testkit.Check(tb, r.Start()) },
		Pause: func() { testkit.Check(tb, r.Pause()) }, Resume: func() { testkit.Check(tb, r.Resume()) },
	}
}

func needsServer(tb testing.TB) {
	tb.Helper()
	if _, missing := testserver.FindRedis(); missing != "" {
		tb.Skip(missing)
	}
}
