package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/enactdev/enact/internal/testkit"
)

// smallDisk is an SQLite file on a disk that is full at times.
var smallDisk = Kind{Name: "smalldisk", Optional: true, Missing: withoutSmallDisk, Open: func() (Store, error) {
	folder, unmount, err := testkit.MountSmallDisk(smallDiskMebibytes)
	if err != nil {
		return nil, err
	}
	fill := Fault{Full, func(ctx context.Context, d time.Duration, _ *rand.Rand) error {
		if err := emptyWAL(ctx, filepath.Join(folder, fileName)); err != nil {
			return err
		}
		filler := filepath.Join(folder, "filler")
		err := fillUp(ctx, filler, d)
		return errors.Join(err, os.Remove(filler))
	}}
	return file{folder: folder, faults: []Fault{fill}, remove: func() error {
		entries, err := os.ReadDir(folder)
		for _, entry := range entries {
			err = errors.Join(err, os.Remove(filepath.Join(folder, entry.Name())))
		}
		return errors.Join(err, unmount())
	}}, nil
}}

// smallDiskMebibytes is more than the file grows to before the soak takes a fresh one.
const smallDiskMebibytes = 256

func withoutSmallDisk() string {
	_, unmount, err := testkit.MountSmallDisk(1)
	if err == nil {
		err = unmount()
	}
	if err != nil {
		return fmt.Sprintf("a small disk cannot be mounted: %v; run as root to have a full disk", err)
	}
	return ""
}

// emptyWAL gives the space of the WAL back, unless somebody is using it just then: what
// is written next needs some.
func emptyWAL(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err != nil {
		return err
	}
	var busy, frames, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil && ctx.Err() == nil {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

// fillUp takes what space is left, and any that becomes free meanwhile, for a duration.
func fillUp(ctx context.Context, filler string, d time.Duration) error {
	f, err := os.Create(filler)
	if err != nil {
		return err
	}
	defer f.Close()
	piece := make([]byte, 1<<20)
	for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); {
		n := len(piece)
		switch _, err := f.Write(piece); {
		case err == nil:
		case !errors.Is(err, syscall.ENOSPC):
			return err
		case n > 1<<12:
			piece = piece[:n/2]
		default:
			wait(ctx, 10*time.Millisecond)
		}
	}
	return nil
}
