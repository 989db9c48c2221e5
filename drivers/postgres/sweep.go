package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// sweepBatch bounds how much one statement of the sweeper reclaims, so that it
// never keeps rows locked for long.
const sweepBatch = 500

// startSweeping reclaims expired state until the backend stops. Many processes may
// do so at once: each skips what another has locked. Its errors are not reported:
// the next round tries again, and HealthCheck says what is wrong with the server.
func (b *backend) startSweeping() {
	b.sweeping.Go(func() {
		for {
			select {
			case <-b.ended.Done():
				return
			case <-time.After(b.sweepInterval/2 + rand.N(b.sweepInterval)):
			}
			for more := true; more; {
				removed, err := b.sweep(b.ended)
				more = removed == sweepBatch && err == nil
			}
		}
	})
}

// sweep removes up to sweepBatch expired keys and returns how many. Unlike
// clock_timestamp, which may change within a statement, statement_timestamp can be
// looked up in the index.
func (b *backend) sweep(ctx context.Context) (removed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tag, err := b.pool.Exec(ctx, b.sql(fmt.Sprintf(`DELETE FROM enact.state WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM enact.state WHERE expires <= statement_timestamp() ORDER BY expires LIMIT %d FOR UPDATE SKIP LOCKED))`, sweepBatch)))
	return tag.RowsAffected(), err
}
