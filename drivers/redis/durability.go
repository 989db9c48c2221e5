package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
)

// wanted are the settings without which a server may lose what it has acknowledged.
var wanted = []struct{ name, value string }{
	{"appendonly", "yes"},
	{"appendfsync", "always"},
	{"no-appendfsync-on-rewrite", "no"},
}

// serverSettings is what all masters together say of themselves.
type serverSettings struct {
	mu        sync.Mutex
	hidden    error           // why a server does not tell
	lossy     map[string]bool // settings to change, as in "appendonly yes"
	evicts    string          // the policy by which a server may drop keys
	clustered bool            // they belong to a cluster
}

// inspect finds out whether the backend is usable, and for which roles.
func (b *backend) inspect(ctx context.Context) error {
	if err := b.probe(ctx); err != nil {
		return err
	}
	found, err := b.askSettings(ctx)
	if err != nil {
		return err
	}
	if found.clustered && b.routes.cluster == nil {
		return driver.Invalidf("redis: %s", aloneInCluster)
	}
	b.missing = found.missing(b.vouched)
	return nil
}

var probe = housekeeping("probe")

// probe has the server do what all scripts do.
func (b *backend) probe(ctx context.Context) error {
	_, err := b.call(ctx, probe, named(sharedTag(b.prefix), keysOfProbe...), nil, "")
	return err
}

// askSettings asks every master for its settings.
func (b *backend) askSettings(ctx context.Context) (*serverSettings, error) {
	found := &serverSettings{lossy: map[string]bool{}}
	inside, cancel := b.requestContext(ctx)
	answer := make(chan error, 1)
	b.running.Go(func() {
		defer cancel()
		answer <- b.routes.masters(inside, found.ask)
	})
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	case <-b.ended.Done():
		err = errEnded
	}
	cancel()
	if err != nil {
		return nil, b.explain(ctx, failure{err: err}, false)
	}
	return found, nil
}

// ask asks one server.
func (s *serverSettings) ask(ctx context.Context, server *redis.Client) error {
	values := map[string]string{}
	pipeline := server.Pipeline()
	asked := map[string]*redis.MapStringStringCmd{}
	for _, name := range []string{"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory", "maxmemory-policy", "cluster-enabled"} {
		asked[name] = pipeline.ConfigGet(ctx, name) // Redis 6 takes one name at a time
	}
	pipeline.Exec(ctx)
	for name, command := range asked {
		answer, err := command.Result()
		if f := (failure{err: err}); err != nil && !f.refused() && (f.code() == codeNoPerm || f.code() == "ERR") {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.hidden = errors.New(message(err))
			return nil
		}
		if err != nil {
			return err
		}
		values[name] = answer[name]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clustered = s.clustered || values["cluster-enabled"] == "yes"
	for _, w := range wanted {
		if values[w.name] != w.value {
			s.lossy[w.name+" "+w.value] = true
		}
	}
	if policy := values["maxmemory-policy"]; policy != "noeviction" && values["maxmemory"] != "0" {
		s.evicts = policy
	}
	return nil
}

// missing says why the servers cannot keep events and messages, nil if they can.
func (s *serverSettings) missing(vouched bool) error {
	var change []string
	for _, w := range wanted {
		if setting := w.name + " " + w.value; s.lossy[setting] {
			change = append(change, setting)
		}
	}
	if s.evicts != "" {
		change = append(change, "maxmemory-policy noeviction")
	}
	switch {
	case change != nil:
		return fmt.Errorf("the Redis server may lose what it has acknowledged; set %s on every server, in redis.conf or with CONFIG SET", strings.Join(change, ", "))
	case s.hidden != nil && !vouched:
		return fmt.Errorf("the Redis server does not tell its settings (%w); let the user of the DSN run CONFIG GET, or add %s=%s to the DSN if that is so", s.hidden, parameterDurability, serverSyncsAlways)
	}
	return nil
}
