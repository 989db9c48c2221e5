package boltdriver

import (
	"context"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// sweepBatch bounds how much one transaction of the sweeper reclaims, so that it
// never keeps writers waiting for long.
const sweepBatch = 500

// sweepEvery reclaims expired keys until ctx ends. Its errors are not reported: the
// next round tries again, and HealthCheck says what is wrong with the file.
func (b *backend) sweepEvery(ctx context.Context, interval time.Duration) {
	defer close(b.swept)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for more := true; more; {
			removed, err := b.sweep(ctx)
			more = removed == sweepBatch && err == nil
		}
	}
}

// sweep removes up to sweepBatch expired keys and returns how many.
func (b *backend) sweep(ctx context.Context) (removed int, err error) {
	err = b.read(ctx, func(tx *bolt.Tx) error {
		removed = len(expired(tx))
		return nil
	})
	if err != nil || removed == 0 {
		return 0, err // without a commit
	}
	err = b.write(ctx, func(tx *bolt.Tx) error {
		places := expired(tx)
		removed = len(places)
		for _, place := range places {
			tenant, key, _ := strings.Cut(string(place[8:]), "\x00")
			if err := find(tx, bucketState, tenant).Delete([]byte(key)); err != nil {
				return err
			}
			if err := find(tx, bucketExpiry).Delete(place); err != nil {
				return err
			}
		}
		return nil
	})
	return removed, err
}

// expired returns the places in bucketExpiry of up to sweepBatch keys whose time
// has come. An entry's place goes with the entry, so the key under it is that one.
func expired(tx *bolt.Tx) (places [][]byte) {
	c, end := find(tx, bucketExpiry).Cursor(), string(number(micros(time.Now())+1))
	for place, _ := c.First(); place != nil && string(place) < end && len(places) < sweepBatch; place, _ = c.Next() {
		places = append(places, copied(place))
	}
	return places
}
