package testserver

import "testing"

// PostgresFor starts a server that ends with the test, which is skipped if there
// is none to start.
func PostgresFor(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	if _, missing := FindPostgres(); missing != "" {
		tb.Skip(missing)
	}
	p, err := StartPostgres(settings...)
	return forTest(tb, p, err, (*Postgres).Remove)
}

// PGliteFor starts a server that ends with the test, which is skipped if there is
// none to start.
func PGliteFor(tb testing.TB) *PGlite {
	tb.Helper()
	if missing := FindPGlite(); missing != "" {
		tb.Skip(missing)
	}
	p, err := StartPGlite()
	return forTest(tb, p, err, (*PGlite).Kill)
}

// RedisFor starts a server that ends with the test, which is skipped if there is
// none to start.
func RedisFor(tb testing.TB, settings ...string) *Redis {
	tb.Helper()
	needRedis(tb)
	r, err := StartRedis(settings...)
	return forTest(tb, r, err, (*Redis).Remove)
}

// RedisTLSFor starts a server with TLS, in the same manner.
func RedisTLSFor(tb testing.TB, settings ...string) *Redis {
	tb.Helper()
	needRedis(tb)
	r, err := StartRedisTLS(settings...)
	return forTest(tb, r, err, (*Redis).Remove)
}

// RedisReplicaFor starts a replica, in the same manner.
func RedisReplicaFor(tb testing.TB, of *Redis, settings ...string) *Redis {
	tb.Helper()
	r, err := StartRedisReplica(of, settings...)
	return forTest(tb, r, err, (*Redis).Remove)
}

// RedisClusterFor starts a cluster, in the same manner.
func RedisClusterFor(tb testing.TB, settings ...string) *RedisCluster {
	tb.Helper()
	needRedis(tb)
	c, err := StartRedisCluster(settings...)
	return forTest(tb, c, err, (*RedisCluster).Remove)
}

// RedisSentinelFor starts a master, its replica and their sentinels, in the same
// manner.
func RedisSentinelFor(tb testing.TB, settings ...string) *RedisSentinel {
	tb.Helper()
	needRedis(tb)
	s, err := StartRedisSentinel(settings...)
	return forTest(tb, s, err, (*RedisSentinel).Remove)
}

func needRedis(tb testing.TB) {
	tb.Helper()
	if _, missing := FindRedis(); missing != "" {
		tb.Skip(missing)
	}
}

// forTest ends a server that was started when the test ends.
func forTest[S any](tb testing.TB, server S, err error, end func(S) error) S {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := end(server); err != nil {
			tb.Error(err)
		}
	})
	return server
}
