package redis

import (
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestServerThatMayLoseData: such a server keeps state, and opening it for anything
// else says which settings it needs (E1).
func TestServerThatMayLoseData(t *testing.T) {
	for name, test := range map[string]struct {
		settings []string
		needed   []string
	}{
		"nothing on disk":        {nil, []string{"appendonly yes", "appendfsync always"}},
		"a log, not synced":      {[]string{"appendonly yes", "appendfsync everysec"}, []string{"appendfsync always"}},
		"not while rewriting it": {append([]string{"no-appendfsync-on-rewrite yes"}, testserver.RedisDurable...), []string{"no-appendfsync-on-rewrite no"}},
		"a log that is evicted":  {append([]string{"maxmemory 100mb", "maxmemory-policy allkeys-lru"}, testserver.RedisDurable...), []string{"maxmemory-policy noeviction"}},
	} {
		t.Run(name, func(t *testing.T) {
			needsServer(t)
			dsn := testserver.RedisFor(t, test.settings...).DSN()
			for role, config := range map[driver.Role]enact.Config{driver.RoleEvents: {Events: dsn}, driver.RoleMessages: {Messages: dsn}} {
				_, err := enact.Open(t.Context(), config)
				testkit.WantError(t, "opening it for "+string(role), err, driver.ErrUnsupported, append(test.needed, string(role))...)
				for _, setting := range []string{"appendonly yes", "appendfsync always", "no-appendfsync-on-rewrite no", "maxmemory-policy noeviction"} {
					if named, needed := strings.Contains(err.Error(), setting), strings.Contains(strings.Join(test.needed, "\n"), setting); named != needed {
						t.Errorf("the error names %s: %v, want %v: %v", setting, named, needed, err)
					}
				}
			}
			rt, err := enact.Open(t.Context(), enact.Config{State: dsn})
			testkit.Check(t, err)
			testkit.Check(t, rt.Shutdown(t.Context()))
		})
	}
}

// settingsThatLose are changes of a safe server after which it may lose what it has
// acknowledged, and what the errors then say.
var settingsThatLose = []struct{ name, bad, good, word string }{
	{"appendfsync", "everysec", "always", "appendfsync always"},
	{"appendonly", "no", "yes", "appendonly yes"},
	{"no-appendfsync-on-rewrite", "yes", "no", "no-appendfsync-on-rewrite no"},
	{"maxmemory-policy", "allkeys-lru", "noeviction", "maxmemory-policy noeviction"},
}

// kept are the writes that are kept once they are acknowledged.
func kept(b driver.Backend) []testkit.Call {
	return slices.DeleteFunc(testkit.Writes(b.Tenant(testkit.Tenant)), func(c testkit.Call) bool { return c.Role == driver.RoleState })
}

// TestSettingsChangedWhileItRuns: the health check says so, from then on events and
// messages are refused and everything else is not, and all of it ends when the
// settings are changed back (E1, B9).
func TestSettingsChangedWhileItRuns(t *testing.T) {
	needsServer(t)
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	b := open(t, server.DSN())
	testkit.Check(t, b.HealthCheck(t.Context()))
	testkit.Prepare(t, b)
	configure(t, server, "maxmemory", "1gb")
	for _, change := range settingsThatLose {
		situation := "with " + change.name + " " + change.bad
		configure(t, server, change.name, change.bad)
		testkit.WantError(t, "the health check "+situation, b.HealthCheck(t.Context()), driver.ErrUnavailable, change.word)
		testkit.CheckCalls(t, b, situation, kept(b), driver.ErrUnavailable, change.word)
		testkit.CheckCalls(t, b, situation, testkit.Reads(b.Tenant(testkit.Tenant)), nil)
		testkit.Check(t, testkit.Write(t.Context(), b, "Set", "a cache"))
		last, err := b.Tenant(testkit.Tenant).Events.LatestSequence(t.Context(), "refused")
		if err != nil || last != 0 {
			t.Errorf("the last sequence of an execution whose events were refused is %d, %v; want 0 (B9)", last, err)
		}
		configure(t, server, change.name, change.good)
		testkit.Check(t, b.HealthCheck(t.Context()))
		testkit.EveryCall(t, b)
	}
}

// TestSettingsAreLookedAfter: without a health check, too, a change is noticed, and
// that it was changed back (E1).
func TestSettingsAreLookedAfter(t *testing.T) {
	needsServer(t)
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	b := open(t, server.DSN())
	testkit.Prepare(t, b)
	writing := func() error { return testkit.Write(t.Context(), b, "Append", "id") }
	testkit.Check(t, writing())
	configure(t, server, "appendfsync", "everysec")
	testkit.Await(t, "an append is refused", func() bool { return writing() != nil })
	testkit.WantError(t, "it", writing(), driver.ErrUnavailable, "appendfsync always")
	configure(t, server, "appendfsync", "always")
	testkit.Await(t, "an append is taken again", func() bool { return writing() == nil })
}

// TestEvictionIsReported: a policy that may evict is no fault of a server without a
// limit, and is reported where there is one, for state, too.
func TestEvictionIsReported(t *testing.T) {
	needsServer(t)
	server := testserver.RedisFor(t, "maxmemory-policy volatile-lru")
	b := open(t, server.DSN())
	if b.Tenant("t").Events != nil {
		t.Fatal("a server that stores nothing offers events")
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
	configure(t, server, "maxmemory", "100mb")
	testkit.WantError(t, "the health check with a policy that evicts", b.HealthCheck(t.Context()), driver.ErrUnavailable, "volatile-lru", "noeviction")
}

// TestOneMasterThatMayLoseData: a cluster is as good as its worst master (E1).
func TestOneMasterThatMayLoseData(t *testing.T) {
	c := clustered.get(t)
	masters, err := c.Masters()
	testkit.Check(t, err)
	b := open(t, c.DSN(newPrefix()))
	for _, master := range masters {
		configure(t, master, "appendfsync", "everysec")
		_, err := enact.Open(t.Context(), enact.Config{Events: c.DSN(newPrefix())})
		health := b.HealthCheck(t.Context())
		configure(t, master, "appendfsync", "always")
		testkit.WantError(t, "opening a cluster with one master that syncs every second", err, driver.ErrUnsupported, "appendfsync always")
		testkit.WantError(t, "the health check then", health, driver.ErrUnavailable, "appendfsync always")
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}

// TestReplicasThatAreNotThere: a write that too few replicas have is not
// acknowledged, may have been done, and can be repeated when they are there (E1, B9).
func TestReplicasThatAreNotThere(t *testing.T) {
	needsServer(t)
	master := testserver.RedisFor(t, testserver.RedisDurable...)
	replica := testserver.RedisReplicaFor(t, master, testserver.RedisDurable...)
	dsn := master.DSN("enact_replicas=1", "enact_replica_timeout=200ms")
	opened := func() (b driver.Backend) {
		testkit.Await(t, "opening, with the replica", func() bool {
			var err error
			b, err = connect(t.Context(), dsn)
			return err == nil
		})
		t.Cleanup(func() { shutdown(t, b) })
		return b
	}
	b, other := opened(), opened()
	appending := func(b driver.Backend) error {
		_, err := b.Tenant("t").Events.Append(t.Context(), "run", driver.ExpectLast(0), []driver.Event{{ID: "a", Type: "x"}})
		return err
	}
	testkit.Check(t, replica.Pause())
	wantUnknown(t, "an append without the replica", appending(b), "0 of 1 replicas", "repeat the call")
	wantUnknown(t, "the same again", appending(b), "0 of 1 replicas", "repeat the call")
	// A connection that has written nothing since does not wait by itself.
	wantUnknown(t, "the same on another connection", appending(other), "0 of 1 replicas", "repeat the call")
	testkit.WantError(t, "the health check", b.HealthCheck(t.Context()), driver.ErrUnavailable, "0 of 1 replicas")
	testkit.Check(t, replica.Resume())
	testkit.Await(t, "the append again, with the replica", func() bool { return appending(b) == nil })
	last, err := b.Tenant("t").Events.LatestSequence(t.Context(), "run")
	if err != nil || last != 1 {
		t.Errorf("the last sequence is %d, %v; want 1", last, err)
	}
}
