package zoo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

// checking replaces how a backend says whether it is healthy.
func checking(f func(ctx context.Context, b driver.Backend, at *Place) error) func(driver.Backend, *Place) driver.Backend {
	return func(b driver.Backend, at *Place) driver.Backend {
		return &aBackend{Backend: b, healthCheck: func(ctx context.Context) error { return f(ctx, b, at) }}
	}
}

var healths = []*Broken{
	{
		Name: "always-healthy", Rule: "B3", Fault: "looks only whether it is shut down", Durable: true,
		Backend: func(b driver.Backend, _ *Place) driver.Backend {
			var down atomic.Bool
			return &aBackend{
				Backend: b,
				healthCheck: func(ctx context.Context) error {
					if down.Load() {
						return driver.ErrClosed
					}
					return ctx.Err()
				},
				shutdown: func(ctx context.Context) error { down.Store(true); return b.Shutdown(ctx) },
			}
		},
	},
	{
		Name: "healthy-for-a-while", Rule: "B3", Fault: "asks the engine once in a second and repeats the answer meanwhile", Durable: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			asked := Remember[struct {
				sync.Mutex
				at time.Time
			}](at.Handle, "asked")
			asked.Lock()
			defer asked.Unlock()
			if time.Since(asked.at) < time.Second {
				return ctx.Err()
			}
			err := b.HealthCheck(ctx)
			if err == nil {
				asked.at = time.Now()
			}
			return err
		}),
	},
	{
		Name: "never-recovers", Rule: "B3", Fault: "stays unavailable after the engine was away, until it is opened again", Durable: true, Hangs: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			broken := Remember[atomic.Bool](at.Handle, "broken")
			err := b.HealthCheck(ctx)
			if errors.Is(err, driver.ErrUnavailable) {
				broken.Store(true)
			}
			if err == nil && broken.Load() {
				return gone("the connection is broken")
			}
			return err
		}),
	},
	{
		Name: "unhealthy-with-an-error-of-its-own", Rule: "B3", Fault: "returns the file system's error when the engine is away", Durable: true, Hangs: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			if err := b.HealthCheck(ctx); err == nil || !errors.Is(err, driver.ErrUnavailable) {
				return err
			}
			_, err := os.Stat(pathIn(at.DSN))
			return err
		}),
	},
	{
		Name: "closed-when-the-engine-is-away", Rule: "B3", Fault: "reports ErrClosed when the engine is away", Durable: true, Hangs: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			err := b.HealthCheck(ctx)
			if errors.Is(err, driver.ErrUnavailable) {
				return driver.ErrClosed
			}
			return err
		}),
	},
	{
		Name: "health-with-a-timeout-of-its-own", Rule: "B3", Fault: "waits for a hanging engine without a look at the context", Durable: true, Hangs: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, _ *Place) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			own, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			return b.HealthCheck(own)
		}),
	},
	{
		Name: "healthy-when-nobody-answers", Rule: "B3", Fault: "reports an engine that does not answer in time as healthy", Durable: true,
		Backend: checking(func(ctx context.Context, b driver.Backend, _ *Place) error {
			err := b.HealthCheck(ctx)
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
				return nil
			}
			return err
		}),
	},
	{
		Name: "health-ignores-the-context", Rule: "B3", Fault: "reports on its health although the context is done",
		Backend: checking(func(ctx context.Context, b driver.Backend, _ *Place) error {
			return b.HealthCheck(context.WithoutCancel(ctx))
		}),
	},
	{
		Name: "health-hides-the-context", Rule: "B3", Fault: "reports ErrUnavailable, and not the context's error, when the context is done",
		Backend: checking(func(ctx context.Context, b driver.Backend, _ *Place) error {
			err := b.HealthCheck(ctx)
			if err != nil && ctx.Err() != nil {
				return gone("no answer")
			}
			return err
		}),
	},
	{
		Name: "one-probe-at-a-time", Rule: "B3", Fault: "reports itself as unavailable while somebody else asks",
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			asking := Remember[sync.Mutex](at.Store, "asking")
			if !asking.TryLock() {
				return gone("it is being asked")
			}
			defer asking.Unlock()
			time.Sleep(200 * time.Microsecond)
			return b.HealthCheck(ctx)
		}),
	},
	{
		Name: "a-cancelled-probe-breaks-it", Rule: "B3", Fault: "is unavailable once a HealthCheck was cancelled",
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			broken := Remember[atomic.Bool](at.Handle, "broken")
			if broken.Load() && ctx.Err() == nil {
				return gone("the connection is broken")
			}
			err := b.HealthCheck(ctx)
			if err != nil && ctx.Err() != nil {
				broken.Store(true)
			}
			return err
		}),
	},
	{
		Name: "probing-writes", Rule: "B3", Fault: "appends an event, for every tenant to see, to find out whether it can write",
		Backend: checking(func(ctx context.Context, b driver.Backend, at *Place) error {
			n := Remember[atomic.Int64](at.Handle, "probes").Add(1)
			id := driver.EventID(fmt.Sprintf("probe-%p-%d", at.Handle, n))
			if _, err := b.Tenant("acme").Events.Append(ctx, "marks", driver.Expectation{}, []driver.Event{{ID: id, Type: "probe"}}); err != nil {
				return err
			}
			return b.HealthCheck(ctx)
		}),
	},
}
