package redis

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestFullDisk: a durable server that cannot write its log ends. Whether the last
// append was stored is open; everything acknowledged is there when the server is
// back, and repeating stores the last one once (E1, E3, E6).
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk, filler, mounted := testkit.SmallDiskWithFiller(t, 12, 6)
	if !mounted {
		return
	}
	server := testserver.RedisFor(t, append([]string{"dir " + disk}, testserver.RedisDurable...)...)
	b := open(t, server.DSN())
	payload := make([]byte, 50<<10)
	rand.Read(payload)
	var batch []driver.Event
	acknowledged, err := 0, error(nil)
	for {
		batch = testkit.Events(fmt.Sprint("e", acknowledged), 2)
		for i := range batch {
			batch[i].Payload = payload
		}
		if err = testkit.Append(t.Context(), b, "execution", batch); err != nil {
			break
		}
		acknowledged++
		if acknowledged == 1000 {
			t.Fatal("the disk has not become full")
		}
	}
	t.Logf("%d batches were acknowledged; then: %v", acknowledged, err)
	if errors.Is(err, driver.ErrConflict) {
		t.Errorf("Append to a server whose disk is full: %v", err)
	}
	testkit.Await(t, "the server has ended", func() bool { return !server.Running() })
	testkit.WantError(t, "HealthCheck of a server that has ended", b.HealthCheck(t.Context()), driver.ErrUnavailable)
	testkit.Check(t, os.Remove(filler))
	testkit.Check(t, server.Start())
	testkit.Await(t, "the server is back", func() bool { return b.HealthCheck(t.Context()) == nil })
	if stored := len(testkit.History(t, b, "execution")); stored != 2*acknowledged && stored != 2*acknowledged+2 {
		t.Errorf("%d events are stored after %d batches of 2 were acknowledged", stored, acknowledged)
	}
	testkit.Check(t, testkit.Append(t.Context(), b, "execution", batch))
	all := testkit.History(t, b, "execution")
	if len(all) != 2*acknowledged+2 {
		t.Fatalf("%d events are stored, want %d", len(all), 2*acknowledged+2)
	}
	for i, e := range all {
		if want := testkit.Events(fmt.Sprint("e", i/2), 2)[i%2].ID; e.ID != want {
			t.Fatalf("sequence %d holds %q, want %q", e.Sequence, e.ID, want)
		}
	}
}
