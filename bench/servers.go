package main

import "github.com/enactdev/enact/internal/testserver"

// postgresServer starts a server at its first call, with PostgreSQL's own defaults
// and so with fsync and synchronous_commit on. missing says why there is none.
func (b *bench) postgresServer() (server *testserver.Postgres, missing string, err error) {
	if _, missing := testserver.FindPostgres(); missing != "" {
		return nil, missing, nil
	}
	if b.postgres == nil {
		if b.postgres, err = testserver.StartPostgres(); err != nil {
			return nil, "", err
		}
	}
	return b.postgres, "", nil
}

// redisServer starts a server at its first call that keeps nothing on disk, as a
// cache. missing says why there is none.
func (b *bench) redisServer() (server *testserver.Redis, missing string, err error) {
	if _, missing := testserver.FindRedis(); missing != "" {
		return nil, missing, nil
	}
	if b.redis == nil {
		if b.redis, err = testserver.StartRedis(); err != nil {
			return nil, "", err
		}
	}
	return b.redis, "", nil
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
