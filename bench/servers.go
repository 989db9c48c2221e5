package main

import "github.com/enactdev/enact/internal/testserver"

// postgresServer starts a server at its first call, with PostgreSQL's own defaults
// and so with fsync and synchronous_commit on. It returns nil if there is none, after
// noting that a part of a point is skipped, or with an error.
func (b *bench) postgresServer(point int, what string) (_ *testserver.Postgres, err error) {
	if _, missing := testserver.FindPostgres(); missing != "" {
		b.add(skipped(point, what, missing))
		return nil, nil
	}
	if b.postgres == nil {
		b.postgres, err = testserver.StartPostgres()
	}
	return b.postgres, err
}

// redisServer is postgresServer for a server that keeps nothing on disk, as a cache.
func (b *bench) redisServer(point int, what string) (_ *testserver.Redis, err error) {
	if _, missing := testserver.FindRedis(); missing != "" {
		b.add(skipped(point, what, missing))
		return nil, nil
	}
	if b.redis == nil {
		b.redis, err = testserver.StartRedis()
	}
	return b.redis, err
}

// stopServers ends the servers that were started.
func (b *bench) stopServers() error {
	if b.postgres != nil {
		defer func() { b.postgres = nil }()
		if err := b.postgres.Remove(); err != nil {
			return err
		}
	}
	if b.redis != nil {
		defer func() { b.redis = nil }()
		return b.redis.Remove()
	}
	return nil
}
