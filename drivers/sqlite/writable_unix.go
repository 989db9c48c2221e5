//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// checkWritable asks whether this process may write to a file, without opening it.
func checkWritable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
}
