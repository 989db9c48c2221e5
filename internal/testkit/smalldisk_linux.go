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
	folder, unmount, err := MountSmallDisk(mebibytes)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		tb.Logf("no full disk is tried, because this user may not mount one: %v", err)
		return "", false
	}
	Check(tb, err)
	tb.Cleanup(func() {
		if err := unmount(); err != nil {
			tb.Error(err)
		}
	})
	return folder, true
}

// MountSmallDisk mounts a file system of so many MiB, open to all users. What it
// returns removes it again, with an error if something has a file open on it.
func MountSmallDisk(mebibytes int) (folder string, unmount func() error, err error) {
	// Folders of tests are closed to others, such as a server's user.
	if folder, err = os.MkdirTemp("", "enact-small-disk-"); err != nil {
		return "", nil, err
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=777", mebibytes)); err != nil {
		os.Remove(folder)
		return "", nil, err
	}
	return folder, func() error {
		defer os.Remove(folder)
		if err := syscall.Unmount(folder, 0); err != nil {
			syscall.Unmount(folder, syscall.MNT_DETACH)
			return fmt.Errorf("unmount %s: %w; something has a file open on it", folder, err)
		}
		return nil
	}, nil
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
