package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func pathsOf(l listing) []string {
	var paths []string
	for _, f := range l.files {
		paths = append(paths, f.path)
	}
	return paths
}

func TestWalkListsTextFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"a/z.txt":         "z",
		"a.txt":           "a",
		"empty":           "",
		"ünicode.txt":     "ü",
		".git/config":     "hidden",
		".hidden/x":       "hidden",
		".hidden.txt":     "hidden",
		"binary":          "a\x00b",
		"latin1.txt":      "\xfc",
		"large.txt":       strings.Repeat("x", maxFileBytes+1),
		"just-fits.txt":   strings.Repeat("x", maxFileBytes),
		"index.db":        "a store",
		"folder/index.db": "no store",
	})
	if err := os.Symlink(filepath.Join(dir, "a.txt"), filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	want := []string{"a.txt", "a/z.txt", "empty", "folder/index.db", "just-fits.txt", "ünicode.txt"}
	for _, root := range []string{dir, link} {
		l, err := walk(t.Context(), root, storeFiles("sqlite:"+filepath.Join(root, "index.db")))
		if err != nil {
			t.Fatal(err)
		}
		if got := pathsOf(l); !slices.Equal(got, want) {
			t.Errorf("%s: files %q, want %q", root, got, want)
		}
	}
}

func TestDigestChangesWithTheFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one", "b": "two"})
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		l, err := walk(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := walk(t.Context(), dir, nil); err != nil || again.digest != l.digest {
			t.Fatalf("%s: the digest differs the second time (%v)", what, err)
		}
		if before, known := seen[l.digest]; known {
			t.Errorf("%s: the digest is that of %s", what, before)
		}
		seen[l.digest] = what
	}
	change := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	look("the beginning")
	change(os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Unix(1e9, 0)))
	look("another time")
	change(os.WriteFile(filepath.Join(dir, "a"), []byte("longer"), 0o600))
	change(os.Chtimes(filepath.Join(dir, "a"), time.Time{}, time.Unix(1e9, 0)))
	look("another size")
	change(os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "c")))
	look("another name")
	change(os.Remove(filepath.Join(dir, "c")))
	look("one file less")
}

func TestWalkRefuses(t *testing.T) {
	dir := writeFiles(t, map[string]string{"file": "x"})
	for _, path := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "missing")} {
		if _, err := walk(t.Context(), path, nil); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("walk of %s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := walk(ctx, dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("walk with a done context: %v", err)
	}
}

func TestStoreFiles(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	got := storeFiles("sqlite:index.db", "sqlite:///var%20x/i.db?readers=1", "memory:", "")
	for _, path := range []string{
		filepath.Join(here, "index.db"), filepath.Join(here, "index.db-wal"), filepath.FromSlash("/var x/i.db"),
	} {
		if !got[path] {
			t.Errorf("%s is missing in %v", path, got)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d files, want 4 for each DSN with a path: %v", len(got), got)
	}
}
