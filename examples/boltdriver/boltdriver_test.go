package boltdriver

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

// What is particular to this driver; everything else is in TestConformance.

func TestFileIsSharedByWhateverPath(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "store"), filepath.Join(folder, "link")
	first := open(t, "bolt:"+path)
	defer shutdown(t, first)
	check(t, os.Symlink(path, link))
	second := open(t, "bolt://"+link)
	defer shutdown(t, second)
	if first.file != second.file {
		t.Error("two paths to one file are two databases; they should be one")
	}
}

func TestConnectWaitsForAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	holder, err := bolt.Open(path, 0o600, nil) // locks the file as another process would
	check(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := connectError(t, ctx, "bolt:"+path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect to a locked file returned %v; it should end with its context", err)
	}
	if err := connectError(t, t.Context(), "bolt:"+path+"?lock_wait=50ms"); !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("Connect to a locked file returned %v; it should be ErrUnavailable after lock_wait", err)
	}
	check(t, holder.Close())
	shutdown(t, open(t, "bolt:"+path))
}

func TestForeignFileIsRefusedAndLeftAsItIs(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"text": func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("text\n"), 1<<12), 0o600) },
		"another program": func(path string) error {
			return putBolt(path, "users", "ann", "1")
		},
		"a later layout": func(path string) error {
			return putBolt(path, bucketFormat, formatKey, "2")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			check(t, put(path))
			before, err := os.ReadFile(path)
			check(t, err)
			if err := connectError(t, t.Context(), "bolt:"+path); !errors.Is(err, driver.ErrInvalid) {
				t.Errorf("Connect returned %v; it should be ErrInvalid", err)
			}
			after, err := os.ReadFile(path)
			check(t, err)
			if !bytes.Equal(before, after) {
				t.Error("the file has been changed")
			}
		})
	}
}

// putBolt makes a bolt file with one value.
func putBolt(path, bucket, key, value string) error {
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	})
}

// connectError opens a store that should not open.
func connectError(t *testing.T, ctx context.Context, dsn string) error {
	t.Helper()
	c, err := boltDriver{}.OpenConnector(dsn)
	check(t, err)
	b, err := c.Connect(ctx)
	if err == nil {
		shutdown(t, b.(*backend))
	}
	return err
}

func TestDamagedValuesAreErrors(t *testing.T) {
	whole := encodeEvent(driver.Event{ID: "id", Type: "fact", Time: time.Now()})
	for n := range whole {
		if e, err := decodeEvent(number(1), whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were decoded as %+v", n, len(whole), e)
		}
	}
}
