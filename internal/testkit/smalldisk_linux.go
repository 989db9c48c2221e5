package testkit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk mounts a file system of so many MiB for the test, open to all users,
// which only a privileged one may mount. Without the right it says so in the log and
// skips nothing, since a skipped test fails "make test".
func SmallDisk(tb testing.TB, mebibytes int) (folder string, mounted bool) {
	tb.Helper()
	// Folders of tests are closed to others, such as a server's user.
	folder, err := os.MkdirTemp("", "enact-small-disk-")
	Check(tb, err)
	tb.Cleanup(func() { os.Remove(folder) })
	err = syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=777", mebibytes))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		tb.Logf("no full disk is tried, because this user may not mount one: %v", err)
		return "", false
	}
	Check(tb, err)
	tb.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			tb.Errorf("unmount %s: %v; something has a file open on it", folder, err)
			syscall.Unmount(folder, syscall.MNT_DETACH)
		}
	})
	return folder, true
}

// SmallDiskWithFiller is SmallDisk with a file on it that takes some MiB, and gives
// them back when it is removed.
func SmallDiskWithFiller(tb testing.TB, mebibytes, taken int) (folder, filler string, mounted bool) {
	tb.Helper()
	if folder, mounted = SmallDisk(tb, mebibytes); !mounted {
		return "", "", false
	}
	filler = filepath.Join(folder, "filler")
	Check(tb, os.WriteFile(filler, make([]byte, taken<<20), 0o644))
	return folder, filler, true
}
