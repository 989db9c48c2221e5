package redis

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestOutOfMemory: writes for which there is no memory are refused whole, reads work,
// and writes go on when there is memory again.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"maxmemory-policy noeviction"}, testserver.RedisDurable...)...)
	b := open(t, server.DSN())
	testkit.UseEverything(t, b)
	before := contents(t, server)
	configure(t, server, "maxmemory", "1mb")
	var growing []testkit.Call
	for _, c := range testkit.Writes(b.Tenant("t")) {
		// What frees memory may go on.
		if !strings.HasPrefix(c.Name, "Delete") {
			growing = append(growing, c)
		}
	}
	testkit.CheckCalls(t, b, "out of memory", growing, driver.ErrUnavailable, "memory")
	if after := contents(t, server); after != before {
		t.Errorf("what was refused for want of memory has changed\n%s to\n%s", before, after)
	}
	testkit.CheckCalls(t, b, "out of memory", testkit.Reads(b.Tenant("t")), nil)
	testkit.CheckNotDone(t, b)
	configure(t, server, "maxmemory", "0")
	testkit.EveryCall(t, b)
}

// TestOutOfMemoryOnTheWay fills a server until it refuses: every append is there
// whole or not at all, and all that were acknowledged are.
func TestOutOfMemoryOnTheWay(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"maxmemory-policy noeviction", "maxmemory 6mb"}, testserver.RedisDurable...)...)
	b := open(t, server.DSN())
	payload := bytes.Repeat([]byte("x"), 10_000)
	acknowledged, err := 0, error(nil)
	for ; acknowledged < 1000 && err == nil; acknowledged++ {
		batch := testkit.Events(fmt.Sprint(acknowledged), 5)
		for i := range batch {
			batch[i].Payload = payload
		}
		err = testkit.Append(t.Context(), b, "execution", batch)
	}
	acknowledged--
	testkit.WantError(t, "Append when memory is full", err, driver.ErrUnavailable, "memory")
	if got := len(testkit.History(t, b, "execution")); got != 5*acknowledged {
		t.Errorf("%d events are there after %d batches of 5 were acknowledged", got, acknowledged)
	}
}

// TestDiskRefused: a server that could not save its snapshots refuses writes; they
// are ErrUnavailable and leave nothing behind.
func TestDiskRefused(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, "save 3600 1", "stop-writes-on-bgsave-error yes")
	b := open(t, server.DSN())
	testkit.UseEverything(t, b)
	obstacle := filepath.Join(server.Folder, "dump.rdb")
	testkit.Check(t, os.Mkdir(obstacle, 0o700))
	testkit.Check(t, server.Do("BGSAVE").Err())
	testkit.Await(t, "the server has failed to save", func() bool {
		text, err := server.Do("INFO", "persistence").Text()
		return err == nil && strings.Contains(text, "rdb_last_bgsave_status:err")
	})
	testkit.CheckCalls(t, b, "on a server that cannot save", testkit.Writes(b.Tenant("t")), driver.ErrUnavailable)
	testkit.CheckCalls(t, b, "on a server that cannot save", testkit.Reads(b.Tenant("t")), nil)
	if err := b.HealthCheck(t.Context()); err == nil {
		t.Error("HealthCheck succeeds on a server that refuses writes")
	}
	testkit.CheckNotDone(t, b)
	testkit.Check(t, os.Remove(obstacle))
	testkit.Check(t, server.Do("BGSAVE").Err())
	testkit.Await(t, "writes succeed again", func() bool { return b.HealthCheck(t.Context()) == nil })
	testkit.EveryCall(t, b)
}
