package weaviate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// backend is a client of one server or cluster, and a namespace there.
type backend struct {
	descriptor
	driver.Gate
	settings
	server server

	classes sync.Map // classInfo of data classes that are as they should be, by name
	known   cache

	// ended is done when calls that are still inside must end.
	ended context.Context
	end   context.CancelFunc
}

func newBackend(s settings) *backend {
	b := &backend{settings: s}
	b.ended, b.end = context.WithCancel(context.Background())
	return b
}

// String keeps secrets out of what is printed.
func (b *backend) String() string { return "weaviate backend" }

// GoString keeps secrets out of what is printed with %#v.
func (b *backend) GoString() string { return b.String() }

// Tenant implements driver.Backend.
func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	return driver.Stores{Vectors: vectors{b, string(id), tenantName(b.namespace, string(id))}}
}

// prepare makes sure of the server's version and of the driver's own classes.
func (b *backend) prepare(ctx context.Context) error {
	if _, err := b.server.version(ctx); err != nil {
		return err
	}
	return b.ensureOwnClasses(ctx)
}

// Bounds of how often a request is sent that was lost on its way, or that the nodes of
// a cluster do not agree on yet: for a tenth of a second, and for some seconds.
const (
	triesOfLost      = 4
	triesOfTransient = 9
)

// another waits a little and says whether a request should be sent again.
func another(ctx context.Context, err error, try int) bool {
	switch {
	case err == nil, !lost(err) && !transient(err), lost(err) && try >= triesOfLost, try >= triesOfTransient:
		return false
	}
	select {
	case <-time.After(10*time.Millisecond<<try + rand.N(10*time.Millisecond)):
		return true
	case <-ctx.Done():
		return false
	}
}

// read runs f, which changes nothing, and again when a connection was lost.
func (b *backend) read(ctx context.Context, f func(context.Context) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	inside, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.ended, cancel)()
	return b.explain(ctx, again(inside, f), nil)
}

// again runs f until it ends otherwise than by chance.
func again(ctx context.Context, f func(context.Context) error) (err error) {
	for try := 0; ; try++ {
		if err = f(ctx); !another(ctx, err, try) {
			return err
		}
	}
}

// settling is how long a call whose context is done waits for what it has begun.
const settling = 500 * time.Millisecond

// write runs f, which first looks around with the caller's context and then changes
// things through w. What was begun when the context is done is finished, by another
// goroutine if it takes longer, so that nothing is left half-applied; Shutdown waits
// for it.
func (b *backend) write(ctx context.Context, f func(ctx context.Context, w *write) error) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	looking, stopLooking := context.WithCancel(ctx)
	defer stopLooking()
	defer context.AfterFunc(b.ended, stopLooking)()
	w := &write{caller: ctx, changing: b.ended}
	ended := make(chan error, 1)
	go func() {
		defer b.Leave()
		ended <- f(looking, w)
	}()
	select {
	case err := <-ended:
		return b.explain(ctx, err, w)
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return b.explain(ctx, err, w)
	case <-time.After(settling):
		return ctx.Err()
	}
}

// write is a call that changes something.
type write struct {
	caller   context.Context
	changing context.Context
	begun    bool
	sent     bool // the server may have applied a part of it
}

// do sends a request that changes something. The first one is not sent when the
// caller has given up.
func (w *write) do(request func(context.Context) error) error {
	if !w.begun {
		if err := w.caller.Err(); err != nil {
			return err
		}
		w.begun = true
	}
	for try := 0; ; try++ {
		err := request(w.changing)
		w.sent = w.sent || !notApplied(err)
		if w.caller.Err() != nil && try > 0 || !another(w.changing, err, try) {
			return err
		}
	}
}

// HealthCheck implements driver.Backend.
func (b *backend) HealthCheck(ctx context.Context) error {
	err := b.read(ctx, func(ctx context.Context) error {
		ready, err := b.server.misc.ReadyChecker().Do(ctx)
		if err != nil {
			return err
		}
		if !ready {
			return fmt.Errorf("%w: weaviate: the server says that it is not ready", driver.ErrUnavailable)
		}
		// Whether it is ready, it tells everybody.
		_, err = b.server.schema.ClassGetter().WithClassName(registryClass).Do(ctx)
		return err
	})
	return driver.HealthError(ctx, err)
}

// Shutdown implements driver.Backend.
func (b *backend) Shutdown(ctx context.Context) error {
	return b.ShutDown(ctx, b.end, b.release)
}

// release gives everything back; nobody is inside any more.
func (b *backend) release() error {
	b.end()
	return b.server.Close()
}
