package testserver

import (
	"fmt"
	"net/url"
	"strings"
)

// Address is that of the loopback.
func (r *Redis) Address() string { return fmt.Sprintf("127.0.0.1:%d", r.Port) }

// DSN reaches the server through TCP, with TLS if it speaks that, with parameters
// such as "pool_size=1".
func (r *Redis) DSN(parameters ...string) string {
	scheme := "redis"
	if r.TLS != nil {
		scheme = "rediss"
	}
	return scheme + "://" + r.userinfo() + r.Address() + "/0" + query(parameters)
}

// SocketDSN reaches the server through its Unix socket.
func (r *Redis) SocketDSN(parameters ...string) string {
	return "redis+unix://" + r.userinfo() + r.Socket + query(parameters)
}

func (r *Redis) userinfo() string {
	if r.User == "" {
		return ""
	}
	return url.UserPassword(r.User, r.Password).String() + "@"
}

// DSN reaches the cluster, with parameters such as "enact_replicas=1".
func (c *RedisCluster) DSN(parameters ...string) string {
	return "redis+cluster://" + addresses(c.Nodes) + query(parameters)
}

// DSN reaches the master through the sentinels, with parameters such as
// "enact_replicas=1".
func (s *RedisSentinel) DSN(parameters ...string) string {
	return "redis+sentinel://" + addresses(s.Sentinels) + "/0" + query(append([]string{"master_name=" + SentinelName}, parameters...))
}

// addresses are those of servers, as in the DSN of several.
func addresses(servers []*Redis) string {
	var all []string
	for _, server := range servers {
		all = append(all, server.Address())
	}
	return strings.Join(all, ",")
}

// query makes the parameters of a DSN that has none yet.
func query(parameters []string) string {
	if len(parameters) == 0 {
		return ""
	}
	return "?" + strings.Join(parameters, "&")
}
