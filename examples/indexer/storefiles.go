package main

import (
	"net/url"
	"path/filepath"
	"strings"
)

// storeFiles guesses the files of stores that are kept in files: the index of a
// directory is not to index itself. For other stores it names files that nobody
// has.
func storeFiles(dsns ...string) map[string]bool {
	files := map[string]bool{}
	for _, dsn := range dsns {
		_, rest, _ := strings.Cut(dsn, ":")
		path, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		path, err := url.PathUnescape(path)
		if err != nil || path == "" {
			continue
		}
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			files[filepath.Join(dir, filepath.Base(path)+suffix)] = true
		}
	}
	return files
}
