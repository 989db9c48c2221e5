package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// fillUp writes a file until the disk is full, or has only some bytes left.
func fillUp(t *testing.T, path string, size int64) {
	t.Helper()
	file, err := os.Create(path)
	testkit.Check(t, err)
	defer file.Close()
	block := make([]byte, 4096)
	for written := int64(0); size == 0 || written < size; written += int64(len(block)) {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) && size == 0 {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk: on the larger disk the journal is written back into the file on the
// way, so that the disk is found full in other places.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for role, f := range fillings {
		for _, mebibytes := range []int{3, 9} {
			if mebibytes > 3 && role != "events" {
				continue // takes its time, and shows nothing new
			}
			t.Run(fmt.Sprintf("%s on %d MiB", role, mebibytes), func(t *testing.T) {
				folder, mounted := testkit.SmallDisk(t, mebibytes)
				if !mounted {
					return
				}
				filler, path := filepath.Join(folder, "filler"), filepath.Join(folder, "enact.db")
				fillUp(t, filler, 1<<20)
				b := open(t, dsnFor(path))
				if f.prepare != nil {
					f.prepare(t, b.Tenant("t"))
				}
				testFull(t, path, b, f, func() { testkit.Check(t, os.Remove(filler)) })
			})
		}
	}
}

// TestFullDiskAtOpening: a file cannot be made, and can as soon as there is space.
func TestFullDiskAtOpening(t *testing.T) {
	folder, mounted := testkit.SmallDisk(t, 2)
	if !mounted {
		return
	}
	filler, path := filepath.Join(folder, "filler"), filepath.Join(folder, "enact.db")
	fillUp(t, filler, 0)
	b, err := connect(t.Context(), dsnFor(path))
	if err == nil {
		shutdown(t, b)
	}
	testkit.WantError(t, "open a new file on a full disk", err, driver.ErrUnavailable, path)
	testkit.Check(t, os.Remove(filler))
	b = open(t, dsnFor(path))
	setKey(t, b, "key", "value")
	wantValue(t, b.Tenant("t").State, "key", "value")
	shutdown(t, b)
	checkSchema(t, path)
}

func init() { roles["fill"] = childFills }

// childFills fills a store until there is no space, and prints how many writes were
// acknowledged.
func childFills(ctx context.Context, args []string) error {
	testkit.EndWithParent()
	return withStore(ctx, args[0], func(b *backend) error {
		for n := 0; ; n++ {
			err := fillings[args[1]].write(b.Tenant("t"), n)
			if errors.Is(err, driver.ErrUnavailable) {
				fmt.Println(n)
				select {} // until the parent kills
			}
			if err != nil {
				return err
			}
		}
	})
}

// TestFullDiskAndKilled kills a process after a write was refused for want of space:
// what was refused as ErrUnavailable is certainly not there (B9), although a part
// of it may have got as far as the journal.
func TestFullDiskAndKilled(t *testing.T) {
	t.Parallel()
	for role, f := range fillings {
		t.Run(role, func(t *testing.T) {
			folder, mounted := testkit.SmallDisk(t, 3)
			if !mounted {
				return
			}
			filler, path := filepath.Join(folder, "filler"), filepath.Join(folder, "enact.db")
			fillUp(t, filler, 1<<20)
			if f.prepare != nil {
				b := open(t, dsnFor(path))
				f.prepare(t, b.Tenant("t"))
				shutdown(t, b)
			}
			c := testkit.StartChild(t, "fill", dsnFor(path), role)
			n := testkit.Must(strconv.Atoi(c.Line()))(t)
			c.Cmd.Process.Kill()
			c.Cmd.Wait()
			testkit.Check(t, os.Remove(filler))
			s := open(t, dsnFor(path)).Tenant("t")
			f.check(t, s, n)
			testkit.Check(t, f.write(s, n))
			f.check(t, s, n+1)
			checkIntegrity(t, path)
		})
	}
}
