package postgres

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// giveTo makes a folder that the server's user owns.
func giveTo(t *testing.T, p *testserver.Postgres, folder string) {
	t.Helper()
	info, err := os.Stat(p.Folder)
	testkit.Check(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	testkit.Check(t, os.Mkdir(folder, 0o700))
	testkit.Check(t, os.Chown(folder, int(owner.Uid), int(owner.Gid)))
}

// large is an event that no compression makes small.
func large(i int) driver.Event {
	e := testkit.Numbered("large", i)
	e.Payload = make([]byte, 100<<10)
	rand.Read(e.Payload)
	return e
}

// appendUntilFull returns the events that were acknowledged, and the one that was
// not with its error.
func appendUntilFull(t *testing.T, b *backend) (kept []driver.Event, lost driver.Event, err error) {
	t.Helper()
	for i := range 2000 {
		e := large(i)
		if err := testkit.Append(t.Context(), b, "e", []driver.Event{e}); err != nil {
			return kept, e, err
		}
		kept = append(kept, e)
	}
	t.Fatal("the disk has not become full")
	return nil, driver.Event{}, nil
}

func checkKept(t *testing.T, b *backend, want []driver.Event) {
	t.Helper()
	history := testkit.History(t, b, "e")
	if len(history) != len(want) {
		t.Fatalf("%d events are stored, want %d", len(history), len(want))
	}
	for i, e := range want {
		if !e.SameContent(history[i].Event) {
			t.Fatalf("sequence %d holds %q, want %q as it was acknowledged", i+1, history[i].ID, e.ID)
		}
	}
}

// TestFullDisk: when the tables cannot grow, writes are ErrUnavailable and leave
// nothing behind, reads work, and writes go on when there is space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk, filler, mounted := testkit.SmallDiskWithFiller(t, 8, 4)
	if !mounted {
		return
	}
	p := startServer(t)
	giveTo(t, p, filepath.Join(disk, "tables"))
	outside(t, p.SocketDSN()).exec("CREATE TABLESPACE small LOCATION '"+filepath.Join(disk, "tables")+"'", "ALTER DATABASE postgres SET default_tablespace = small")
	b := open(t, p.SocketDSN())
	testkit.Prepare(t, b)
	kept, lost, err := appendUntilFull(t, b)
	testkit.WantError(t, "Append to a full disk", err, driver.ErrUnavailable, "disk")
	checkKept(t, b, kept)
	_, err = b.Tenant("t").State.Set(t.Context(), "large", large(0).Payload, driver.SetOptions{})
	testkit.WantError(t, "Set on a full disk", err, driver.ErrUnavailable, "disk")
	_, err = b.Tenant("t").Messages.CreateMessage(t.Context(), driver.Message{ID: "large", Thread: "thread", Role: "user", Content: large(0).Payload})
	testkit.WantError(t, "CreateMessage on a full disk", err, driver.ErrUnavailable, "disk")
	testkit.CheckCalls(t, b, "on a full disk", testkit.Reads(b.Tenant("t")), nil)
	testkit.Check(t, os.Remove(filler))
	testkit.Check(t, testkit.Append(t.Context(), b, "e", []driver.Event{lost}))
	checkKept(t, b, append(kept, lost))
	testkit.EveryCall(t, b)
}

// TestFullDiskOfTheServersLog: a server that cannot write its log crashes. Whether
// the last append was stored is open; everything acknowledged is there, and repeating
// stores the last one once.
func TestFullDiskOfTheServersLog(t *testing.T) {
	t.Parallel()
	disk, filler, mounted := testkit.SmallDiskWithFiller(t, 72, 35)
	if !mounted {
		return
	}
	p := startServer(t)
	testkit.Check(t, p.Stop())
	own, moved := filepath.Join(p.Folder, "pg_wal"), filepath.Join(disk, "pg_wal")
	giveTo(t, p, moved)
	info, err := os.Stat(p.Folder)
	testkit.Check(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	entries, err := os.ReadDir(own)
	testkit.Check(t, err)
	for _, entry := range entries {
		if entry.IsDir() {
			giveTo(t, p, filepath.Join(moved, entry.Name()))
			continue
		}
		raw, err := os.ReadFile(filepath.Join(own, entry.Name()))
		testkit.Check(t, err)
		testkit.Check(t, os.WriteFile(filepath.Join(moved, entry.Name()), raw, 0o600))
		testkit.Check(t, os.Chown(filepath.Join(moved, entry.Name()), int(owner.Uid), int(owner.Gid)))
	}
	testkit.Check(t, os.RemoveAll(own))
	testkit.Check(t, os.Symlink(moved, own))
	testkit.Check(t, p.Start())
	b := open(t, p.SocketDSN())
	kept, lost, err := appendUntilFull(t, b)
	if strings.Contains(err.Error(), "conflict") {
		t.Errorf("Append to a server whose log is full: %v", err)
	}
	t.Logf("%d events of 100 KiB were acknowledged; then: %v", len(kept), err)
	testkit.Check(t, p.Kill())
	testkit.Check(t, os.Remove(filler))
	testkit.Check(t, p.Start())
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	testkit.Await(t, "the server is back", func() bool { return b.HealthCheck(ctx) == nil })
	testkit.Check(t, testkit.Append(ctx, b, "e", []driver.Event{lost}))
	checkKept(t, b, append(kept, lost))
}
