package testserver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestRedis(t *testing.T) {
	r := RedisFor(t, RedisDurable...)
	for _, end := range []func() error{r.Kill, r.Stop} {
		if err := r.Do("INCR", "n").Err(); err != nil {
			t.Fatal(err)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Do("GET", "n").Int(); err != nil || n != 2 {
		t.Errorf("after it was killed and stopped the server holds %d, %v; want 2", n, err)
	}
	tryDSN(t, r.DSN(), nil)
	tryDSN(t, strings.Replace(r.SocketDSN(), "redis+unix:", "unix:", 1), nil)
}

func TestRedisTLS(t *testing.T) {
	r := RedisTLSFor(t)
	tryDSN(t, r.DSN(), r)
	o, err := redis.ParseURL(r.DSN())
	if err != nil {
		t.Fatal(err)
	}
	o.TLSConfig, o.Password = r.TLS, "wrong"
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Ping(context.Background()).Err(); err == nil {
		t.Error("a wrong password is let in")
	}
}

func tryDSN(t *testing.T, dsn string, r *Redis) {
	t.Helper()
	o, err := redis.ParseURL(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if r != nil {
		o.TLSConfig = r.TLS
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Ping(context.Background()).Err(); err != nil {
		t.Errorf("%s: %v", dsn, err)
	}
}

func TestRedisCluster(t *testing.T) {
	begin := time.Now()
	c := RedisClusterFor(t)
	t.Logf("ready after %v", time.Since(begin))
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(addresses(c.Nodes), ",")})
	defer client.Close()
	for _, key := range []string{"a", "b", "c", "{a}2", "{a}3"} {
		if err := client.Set(t.Context(), key, key, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	slot, err := c.SlotOf("a")
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.MasterOf(slot)
	if err != nil {
		t.Fatal(err)
	}
	to := c.Nodes[0]
	if to == from {
		to = c.Nodes[1]
	}
	if err := c.MoveSlot(slot, to); err != nil {
		t.Fatal(err)
	}
	if got, err := c.MasterOf(slot); err != nil || got != to {
		t.Errorf("the slot has not moved: %v", err)
	}
	if got, err := client.Get(t.Context(), "{a}3").Result(); err != nil || got != "{a}3" {
		t.Errorf("a moved key is %q, %v", got, err)
	}

	begin = time.Now()
	replica, err := c.ReplicaOf(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Kill(); err != nil {
		t.Fatal(err)
	}
	for time.Since(begin) < patience {
		if got, err := c.MasterOf(slot); err == nil && got == replica {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("failed over after %v", time.Since(begin))
	if err := to.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Await(); err != nil {
		t.Fatal(err)
	}
	t.Logf("whole again after %v", time.Since(begin))
}

func TestRedisSentinel(t *testing.T) {
	begin := time.Now()
	s := RedisSentinelFor(t)
	t.Logf("ready after %v", time.Since(begin))
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: SentinelName, SentinelAddrs: strings.Split(addresses(s.Sentinels), ",")})
	defer client.Close()
	if err := client.Set(t.Context(), "a", "a", 0).Err(); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	if err := s.Servers[0].Kill(); err != nil {
		t.Fatal(err)
	}
	for time.Since(begin) < patience {
		if master, err := s.Master(); err == nil && master == s.Servers[1] {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("failed over after %v", time.Since(begin))
	if err := s.Servers[0].Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(); err != nil {
		t.Fatal(err)
	}
	t.Logf("whole again after %v", time.Since(begin))
}
