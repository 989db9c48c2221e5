package stores

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	_ "github.com/enactdev/enact/drivers/redis" // a target
	"github.com/enactdev/enact/internal/testserver"
)

var redisRoles = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages}

var redis = Target{
	Name: "redis", Roles: redisRoles,
	DSN: func(tb testing.TB) string {
		_, missing := testserver.FindRedis()
		return redisServer.started(tb, missing).SocketDSN(newPrefix())
	},
	Layout: redisLayout,
}

// redisCluster puts keys on servers by what is in braces.
var redisCluster = Target{
	Name: "redis cluster", Roles: redisRoles,
	DSN: func(tb testing.TB) string {
		_, missing := testserver.FindRedis()
		return redisServers.started(tb, missing).DSN(newPrefix())
	},
}

var (
	redisServer  = once[*testserver.Redis]{start: func() (*testserver.Redis, error) { return testserver.StartRedis(testserver.RedisDurable...) }}
	redisServers = once[*testserver.RedisCluster]{start: func() (*testserver.RedisCluster, error) {
		return testserver.StartRedisCluster(append([]string{testserver.RedisUnhurried}, testserver.RedisDurable...)...)
	}}
)

func newPrefix() string { return fmt.Sprintf("enact_prefix=proof-%d", stores.Add(1)) }

// redisLayout is everything in the server but the keys under the DSN's prefix.
func redisLayout(tb testing.TB, dsn string) []string {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	prefix := u.Query().Get("enact_prefix")
	client := redisServer.server.Client()
	var lines []string
	for keys := client.Scan(context.Background(), 0, "", 1000).Iterator(); keys.Next(context.Background()); {
		if !strings.HasPrefix(keys.Val(), "{"+prefix+":") && !strings.HasPrefix(keys.Val(), prefix+":") {
			lines = append(lines, fmt.Sprintf("key %q", keys.Val()))
		}
	}
	for _, command := range [][]any{{"CONFIG", "GET", "*"}, {"ACL", "LIST"}, {"FUNCTION", "LIST"}} {
		answer, err := client.Do(context.Background(), command...).Result()
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(command, answer))
	}
	slices.Sort(lines)
	return lines
}
