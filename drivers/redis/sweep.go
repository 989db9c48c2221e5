package redis

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// sweepBatch bounds how much one script reclaims, so that nobody waits long.
	sweepBatch = 500
	// sweepTenants bounds how many tenants one script takes out of the queue.
	sweepTenants = 100
	// sweepLater is when somebody else looks after a tenant whose sweeper has died.
	sweepLater = 24 * time.Hour
	// sweepPatience bounds one script of the sweeper.
	sweepPatience = time.Minute
)

var (
	dueState    = reads("state_due")
	forgetState = housekeeping("state_forget")
	noteTenant  = housekeeping("tenants_note")
	dueTenants  = housekeeping("tenants_due")
)

// dues are the tenants in which this process has set what expires, and when the
// first of it does, by the clock of this process.
type dues struct {
	mu    sync.Mutex
	first map[string]time.Time
}

// earlier remembers an expiry and says whether it is earlier than what was known.
func (d *dues) earlier(tenant string, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.first[tenant]; ok && !at.Before(known) {
		return false
	}
	if d.first == nil {
		d.first = map[string]time.Time{}
	}
	d.first[tenant] = at
	return true
}

// take returns the tenants that have something expired, and forgets them.
func (d *dues) take(now time.Time) (tenants []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for tenant, at := range d.first {
		if !at.After(now) {
			tenants = append(tenants, tenant)
			delete(d.first, tenant)
		}
	}
	return tenants
}

// expectExpiry has the tenant swept when something in it expires: by this process,
// and should it end before, by any other with the same prefix. What it cannot note
// is swept by this process only.
func (v view) expectExpiry(ctx context.Context, at time.Time) {
	if v.dues.earlier(v.tenant, at) {
		v.note(ctx, v.tenant, at)
	}
}

// note puts a tenant into the queue that all processes share.
func (b *backend) note(ctx context.Context, tenant string, at time.Time) {
	b.call(ctx, noteTenant, b.queue(), []any{at.UnixMilli(), tenant}, "")
}

func (b *backend) queue() []string { return named(sharedTag(b.prefix), keyTenants) }

// startSweeping reclaims what indexes hold of expired state until the backend ends;
// the values go by themselves. Its errors are not reported: the next round tries
// again, and HealthCheck says what is wrong with the server.
func (b *backend) startSweeping() {
	b.sweeping.Go(func() {
		for {
			select {
			case <-b.ended.Done():
				return
			case <-time.After(b.sweepInterval/2 + rand.N(b.sweepInterval)):
			}
			tenants := b.dues.take(time.Now())
			for _, tenant := range append(tenants, b.takeDue()...) {
				b.sweep(tenant)
			}
		}
	})
}

// takeDue takes tenants out of the queue.
func (b *backend) takeDue() (tenants []string) {
	ctx, cancel := context.WithTimeout(b.ended, sweepPatience)
	defer cancel()
	reply, err := list(b.call(ctx, dueTenants, b.queue(), []any{sweepTenants, sweepLater.Milliseconds()}, ""))
	if err != nil {
		return nil
	}
	for _, tenant := range reply {
		tenants = append(tenants, text(tenant))
	}
	return tenants
}

// sweep reclaims what has expired in a tenant, and notes when to come again.
func (b *backend) sweep(tenant string) {
	for more := true; more; {
		var next string
		var err error
		if more, next, err = b.sweepSome(tagOf(b.prefix, tenant)); err != nil {
			b.dues.earlier(tenant, time.Now().Add(b.sweepInterval))
			return
		}
		if !more && next != "" {
			at := millisecond(next)
			b.dues.earlier(tenant, at)
			ctx, cancel := context.WithTimeout(b.ended, sweepPatience)
			b.note(ctx, tenant, at)
			cancel()
		}
	}
}

// sweepSome forgets some of the keys that have expired. It returns whether there may
// be more, and when the first of the others expires.
func (b *backend) sweepSome(tag string) (more bool, next string, err error) {
	ctx, cancel := context.WithTimeout(b.ended, sweepPatience)
	defer cancel()
	due, err := list(b.call(ctx, dueState, named(tag, keyExpiries), []any{sweepBatch}, ""))
	if err != nil {
		return false, "", err
	}
	next, due = text(due[0]), due[1:]
	if len(due) == 0 {
		return false, next, nil
	}
	keys := named(tag, keyNames, keyExpiries)
	for _, key := range due {
		keys = append(keys, tag+keyEntry+text(key))
	}
	_, err = b.call(ctx, forgetState, keys, due, "")
	return len(due) == sweepBatch, next, err
}
