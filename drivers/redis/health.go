package redis

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

// lookInterval is how often the servers are asked for their settings, which somebody
// may change, and which another server may not have that became a master.
const lookInterval = 5 * time.Second

// lossy is why a server that was safe when it was opened no longer is.
type lossy struct{ why atomic.Pointer[error] }

// refusal is the error of a write that would not be kept, nil if it would be.
func (l *lossy) refusal() error {
	if why := l.why.Load(); why != nil {
		return *why
	}
	return nil
}

// lookAgain asks for the settings, and has events and messages refused or taken again
// by what it finds. What it cannot ask changes nothing.
func (b *backend) lookAgain(ctx context.Context) (*serverSettings, error) {
	found, err := b.askSettings(ctx)
	if err != nil || b.missing != nil {
		return found, err
	}
	var why *error
	if missing := found.missing(b.vouched); missing != nil {
		why = new(fmt.Errorf("%w: redis: %w", driver.ErrUnavailable, missing))
	}
	b.lossy.why.Store(why)
	return found, nil
}

// startWatching looks after the settings until the backend ends. Its errors are not
// reported: a server that does not answer acknowledges nothing.
func (b *backend) startWatching() {
	if b.missing != nil {
		return
	}
	b.sweeping.Go(func() {
		for {
			select {
			case <-b.ended.Done():
				return
			case <-time.After(lookInterval):
			}
			ctx, cancel := context.WithTimeout(b.ended, lookInterval)
			b.lookAgain(ctx)
			cancel()
		}
	})
}

// HealthCheck implements driver.Backend.
func (b *backend) HealthCheck(ctx context.Context) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	return driver.HealthError(ctx, b.checkHealth(ctx))
}

func (b *backend) checkHealth(ctx context.Context) error {
	if err := b.probe(ctx); err != nil {
		return err
	}
	found, err := b.lookAgain(ctx)
	if err != nil {
		return err
	}
	if err := b.lossy.refusal(); err != nil {
		return err
	}
	if found.evicts != "" {
		return fmt.Errorf("%w: redis: with maxmemory-policy %s the server may drop any key when its memory is full; set maxmemory-policy noeviction", driver.ErrUnavailable, found.evicts)
	}
	return nil
}
