package sqlite

import (
	"context"
	"time"
)

// sweepBatch bounds how much one transaction of the sweeper reclaims, so that it
// never keeps writers waiting for long.
const sweepBatch = 500

// sweepEvery reclaims expired state and unused copies of collections until the
// backend stops. Its errors are not reported: the next round tries again, and
// HealthCheck says what is wrong with the file.
func (b *backend) sweepEvery(interval time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	b.sweeping.Go(func() {
		defer cancel()
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-ticker.C:
			}
			for more := true; more; {
				removed, err := b.sweep(ctx)
				more = removed == sweepBatch && err == nil
			}
			b.matrices.forgetUnused(time.Now().Add(-matrixIdle))
		}
	})
}

// sweep removes up to sweepBatch expired keys and returns how many.
func (b *backend) sweep(ctx context.Context) (removed int, err error) {
	expired := micros(now())
	var found bool
	err = b.read(ctx, func(c *conn) error {
		return c.row("SELECT EXISTS (SELECT 1 FROM state WHERE expires <= ?)", expired).Scan(&found)
	})
	if !found || err != nil {
		return 0, err // without taking the lock that writers need
	}
	err = b.write(ctx, func(c *conn) error {
		highest := map[string]uint64{} // by tenant
		const query = "DELETE FROM state WHERE rowid IN (SELECT rowid FROM state WHERE expires <= ? ORDER BY expires LIMIT ?) RETURNING tenant, version"
		err := c.each(ctx, query, []any{expired, sweepBatch}, func(row scanner) (bool, error) {
			var tenant string
			var version uint64
			err := row.Scan(&tenant, &version)
			highest[tenant] = max(highest[tenant], version)
			removed++
			return true, err
		})
		if err != nil {
			return err
		}
		for tenant, version := range highest {
			if err := raiseFloor(c, tenant, version); err != nil {
				return err
			}
		}
		return nil
	})
	return removed, err
}
