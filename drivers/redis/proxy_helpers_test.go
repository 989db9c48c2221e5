package redis

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// proxyDSN reaches the server through a proxy.
func proxyDSN(p *testkit.Proxy, parameters string) string {
	return "redis://" + p.Address() + "/0?" + parameters
}

// throughProxy opens a durable server, with a replica if the parameters ask for one,
// through a proxy, and directly.
func throughProxy(t *testing.T, parameters string) (p *testkit.Proxy, server *testserver.Redis, through, direct driver.Backend) {
	t.Helper()
	server = testserver.RedisFor(t, testserver.RedisDurable...)
	if strings.Contains(parameters, parameterReplicas) {
		testserver.RedisReplicaFor(t, server, testserver.RedisDurable...)
	}
	p = testkit.StartProxy(t, server.Address(), nil)
	return p, server, open(t, proxyDSN(p, parameters)), open(t, server.DSN())
}

// contents is all that a server stores. A repeated write may change it where times
// and versions are kept.
func contents(t *testing.T, server *testserver.Redis) string {
	t.Helper()
	ctx, client := context.Background(), server.Client()
	keys, err := client.Keys(ctx, "*").Result()
	testkit.Check(t, err)
	slices.Sort(keys)
	var all bytes.Buffer
	for _, key := range keys {
		dump, err := client.Dump(ctx, key).Result()
		if err != nil {
			continue // it has expired
		}
		fmt.Fprintf(&all, "%q %q\n", key, dump)
	}
	return all.String()
}

// meaning is what a tenant's stores say, without times and versions.
func meaning(t *testing.T, b driver.Backend) string {
	t.Helper()
	ctx, s := t.Context(), b.Tenant("t")
	var all bytes.Buffer
	for _, e := range testkit.History(t, b, "execution") {
		fmt.Fprintf(&all, "event %d %s %q\n", e.Sequence, e.ID, e.Payload)
	}
	keys, _, err := s.State.List(ctx, "", driver.Page{Limit: 1000})
	testkit.Check(t, err)
	for _, k := range keys {
		entry := testkit.Must(s.State.Get(ctx, k.Key))(t)
		fmt.Fprintf(&all, "key %s %q\n", k.Key, entry.Value)
	}
	snapshots, _, err := s.State.ListSnapshots(ctx, driver.Page{Limit: 1000})
	testkit.Check(t, err)
	for _, info := range snapshots {
		fmt.Fprintf(&all, "snapshot %s %d\n", info.Execution, info.Sequence)
	}
	threads, _, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "user", IncludeDeleted: true, Page: driver.Page{Limit: 1000}})
	testkit.Check(t, err)
	slices.SortFunc(threads, func(a, b driver.Thread) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	for _, thread := range threads {
		fmt.Fprintf(&all, "thread %s deleted %v\n", thread.ID, !thread.DeletedAt.IsZero())
	}
	messages, _, err := s.Messages.ListMessages(ctx, driver.MessageQuery{Thread: "thread", IncludeDeleted: true, Page: driver.Page{Limit: 1000}})
	testkit.Check(t, err)
	for _, m := range messages {
		fmt.Fprintf(&all, "message %d %s deleted %v\n", m.Position, m.ID, !m.DeletedAt.IsZero())
	}
	return all.String()
}

// scripted: the request runs a script.
func scripted(request []byte) bool { return bytes.Contains(bytes.ToLower(request), []byte("\r\neval")) }
