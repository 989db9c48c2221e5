package boltdriver

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

// The buckets of a file. Identifiers hold no NUL and are never empty, so they are
// bucket names and keys as they are.
const (
	// bucketFormat: formatKey → the version of this layout.
	bucketFormat = "enact"
	// bucketLog: tenant → execution → sequence → event.
	bucketLog = "log"
	// bucketIDs: tenant → execution → event ID → sequence.
	bucketIDs = "ids"
	// bucketExecutions: tenant → execution → executionInfo.
	bucketExecutions = "executions"
	// bucketState: tenant → key → entry. A tenant's bucket counts its versions.
	bucketState = "state"
	// bucketExpiry: expiryKey → nothing, in the order in which keys expire.
	bucketExpiry = "expiry"
	// bucketSnapshots: tenant → execution → snapshot.
	bucketSnapshots = "snapshots"
)

const (
	formatKey = "format"
	format    = "1"
)

// prepare makes sure that a file is ours and has all buckets.
func prepare(db *bolt.DB) error {
	if db.View(checkFormat) == nil {
		return nil // without writing anything
	}
	return db.Update(func(tx *bolt.Tx) error {
		if name, _ := tx.Cursor().First(); name != nil {
			return checkFormat(tx)
		}
		for _, name := range []string{bucketFormat, bucketLog, bucketIDs, bucketExecutions, bucketState, bucketExpiry, bucketSnapshots} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketFormat)).Put([]byte(formatKey), []byte(format))
	})
}

func checkFormat(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(bucketFormat))
	if b == nil {
		return driver.Invalidf("bolt: the file belongs to another program; name another one")
	}
	if have := string(b.Get([]byte(formatKey))); have != format {
		return driver.Invalidf("bolt: the file has layout %q, this driver knows %q; use the version that made it", have, format)
	}
	return nil
}

// find returns the bucket at a path, nil when nothing was ever put there.
func find(tx *bolt.Tx, path ...string) *bolt.Bucket {
	b := tx.Bucket([]byte(path[0]))
	for _, name := range path[1:] {
		if b == nil {
			return nil
		}
		b = b.Bucket([]byte(name))
	}
	return b
}

// ensure returns the bucket at a path and makes what is missing of it.
func ensure(tx *bolt.Tx, path ...string) (*bolt.Bucket, error) {
	b := tx.Bucket([]byte(path[0]))
	for _, name := range path[1:] {
		var err error
		if b, err = b.CreateBucketIfNotExists([]byte(name)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// number is n so that byte order is the order of numbers.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// micros is a time as the file keeps it: microseconds since 1970, UTC.
func micros(t time.Time) uint64 { return uint64(t.UnixMicro()) }

func fromMicros(us uint64) time.Time { return time.UnixMicro(int64(us)).UTC() }

// numbers cuts n numbers off the front of a value.
func numbers(value []byte, n int) (front []uint64, rest []byte, err error) {
	if len(value) < 8*n {
		return nil, nil, errDamaged(value)
	}
	front = make([]uint64, n)
	for i := range front {
		front[i] = binary.BigEndian.Uint64(value[8*i:])
	}
	return front, value[8*n:], nil
}

// text cuts a string off the front of a value, which begins with its length.
func text(value []byte) (s string, rest []byte, err error) {
	if len(value) == 0 || len(value) < 1+int(value[0]) {
		return "", nil, errDamaged(value)
	}
	end := 1 + int(value[0])
	return string(value[1:end]), value[end:], nil
}

// appendText is the reverse of text. Identifiers have at most 255 bytes.
func appendText[S ~string](value []byte, s S) []byte {
	return append(append(value, byte(len(s))), s...)
}

func errDamaged(value []byte) error {
	return fmt.Errorf("bolt: a value of %d bytes in the file is too short; the file is damaged, restore it from a backup", len(value))
}

// copied is b for the caller: what a transaction finds is gone when it ends.
func copied(b []byte) []byte { return append([]byte{}, b...) }
