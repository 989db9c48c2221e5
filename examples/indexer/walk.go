package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFileBytes is the size of the largest file that is indexed.
const maxFileBytes = 1 << 20

// recipe is how files become documents. It is part of every digest: a program
// with another recipe begins a new run instead of going on with this one's.
var recipe = fmt.Sprintf("lines %d, overlap %d, dimension %d, embedding 1", chunkLines, chunkOverlap, dimension)

// file is a text file as it was when it was listed.
type file struct {
	path     string // below the directory, with slashes
	size     int64
	modified int64 // nanoseconds since 1970
}

// listing is what is to be indexed.
type listing struct {
	root   string // the directory, without symbolic links
	files  []file // in byte order of their paths
	digest string // of all paths, sizes and times, and of the recipe
	// unreadable are directories that could not be listed.
	unreadable []string
}

// walk lists the text files below dir: regular files of at most maxFileBytes whose
// content is UTF-8 without NUL. It leaves out what is hidden, and the files whose
// absolute paths are in except. A file that cannot be read is listed, so that the
// log says why it is not in the index.
func walk(ctx context.Context, dir string, except map[string]bool) (listing, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return listing{}, fmt.Errorf("walk %s: %w", dir, cause(err))
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return listing{}, fmt.Errorf("walk %s: it is not a directory", dir)
	}
	l := listing{root: root}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && path == root:
			return err
		case err != nil:
			l.unreadable = append(l.unreadable, path)
			return nil
		case path == root:
			return nil
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), ".") || !entry.Type().IsRegular() || except[path]:
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.Size() > maxFileBytes {
			return nil // gone since the directory was read, or too large
		}
		if content, err := os.ReadFile(path); err == nil && !isText(content) {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		l.files = append(l.files, file{filepath.ToSlash(relative), info.Size(), info.ModTime().UnixNano()})
		return nil
	})
	if err != nil {
		return listing{}, fmt.Errorf("walk %s: %w", dir, cause(err))
	}
	slices.SortFunc(l.files, func(a, b file) int { return cmp.Compare(a.path, b.path) })
	l.digest = digestOf(l.files)
	return l, nil
}

func isText(content []byte) bool {
	return len(content) <= maxFileBytes && utf8.Valid(content) && bytes.IndexByte(content, 0) < 0
}

func digestOf(files []file) string {
	h := sha256.New()
	fmt.Fprintln(h, recipe)
	for _, f := range files {
		fmt.Fprintf(h, "%q %d %d\n", f.path, f.size, f.modified)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// read returns the file's content, if it is still the file that was listed.
func (f file) read(root string) ([]byte, error) {
	path := filepath.Join(root, filepath.FromSlash(f.path))
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, cause(err)
	}
	// Asked after reading: a change in between shows in the time.
	info, err := os.Lstat(path)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() || info.Size() != f.size || info.ModTime().UnixNano() != f.modified || !isText(content) {
		return nil, errors.New("the file has changed since it was listed")
	}
	return content, nil
}

// cause is err without the operation and the path.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
