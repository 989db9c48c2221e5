package boltdriver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/enactdev/enact/driver"
)

// file is an open database and how many handles of this process share it.
type file struct {
	db      *bolt.DB
	info    os.FileInfo
	handles int // guarded by opened
	// writer holds a value while somebody writes. bbolt has a lock for that too,
	// but waiting for that one does not end with a context.
	writer chan struct{}
}

// opened are the files that this process has open. It is locked while one is being
// opened or closed, so that no file is ever opened twice.
var opened struct {
	sync.Mutex
	files []*file
}

const (
	firstPause = time.Millisecond
	lastPause  = 20 * time.Millisecond
)

// acquire opens a file, or shares it if this process has it open already. While
// another process has it open, it tries again until ctx or wait has ended.
func acquire(ctx context.Context, path string, wait time.Duration) (*file, error) {
	begin := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := tryAcquire(path)
		switch {
		case err == nil:
			return f, nil
		case !errors.Is(err, bolterrors.ErrTimeout):
			return nil, explainOpening(path, err)
		}
		if time.Since(begin) > wait {
			return nil, fmt.Errorf("%w: bolt: another process has had %q open for %v; end it, or raise lock_wait in the DSN", driver.ErrUnavailable, path, wait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// tryAcquire does not wait: where another process has the file open, the error is
// bbolt's ErrTimeout.
func tryAcquire(path string) (*file, error) {
	opened.Lock()
	defer opened.Unlock()
	if info, err := os.Stat(path); err == nil {
		for _, f := range opened.files {
			if os.SameFile(f.info, info) {
				f.handles++
				return f, nil
			}
		}
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	opened.files = append(opened.files, f)
	return f, nil
}

func openFile(path string) (*file, error) {
	f := &file{handles: 1, writer: make(chan struct{}, 1)}
	var err error
	f.db, err = bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      time.Nanosecond, // one try
		FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			data, err := os.OpenFile(name, flag, mode)
			if err == nil {
				f.info, err = data.Stat()
			}
			return data, err
		},
	})
	if err != nil {
		return nil, err
	}
	if err = prepare(f.db); err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		f.db.Close() // what went wrong is err
		return nil, err
	}
	return f, nil
}

// syncFolder makes the name of a new file as durable as what will be in it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // there is no such thing
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// release gives back what acquire has returned. The last handle closes the file.
func (f *file) release() error {
	opened.Lock()
	defer opened.Unlock()
	if f.handles--; f.handles > 0 {
		return nil
	}
	opened.files = slices.DeleteFunc(opened.files, func(other *file) bool { return other == f })
	return f.db.Close()
}
