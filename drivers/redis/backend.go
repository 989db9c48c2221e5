package redis

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/sockets"
)

// backend is a client of a server or of a cluster.
type backend struct {
	descriptor
	settings
	driver.Gate
	client   redis.UniversalClient
	borrowed bool         // the client is the application's
	open     *sockets.Set // of the client, unless it is borrowed
	routes   *routes
	missing  error // why events and messages are not offered
	lossy    lossy
	dues     dues
	left     unsettled
	shared   *sharing
	hurry    hurry

	// ended is done when calls that are still inside must end.
	ended    context.Context
	end      context.CancelFunc
	sweeping sync.WaitGroup
	running  sync.WaitGroup // requests, those that nobody waits for included
}

func (c *connector) newBackend() (*backend, error) {
	b := &backend{descriptor: c.descriptor, settings: c.settings, client: c.client, borrowed: c.borrowed, open: &sockets.Set{}, shared: newSharing()}
	b.ended, b.end = context.WithCancel(context.Background())
	var err error
	if b.borrowed {
		err = c.checkClient()
	} else {
		b.client, err = c.newClient(b.ended, b.open)
	}
	if err != nil {
		b.end()
		return nil, err
	}
	b.routes = newRoutes(b.client)
	context.AfterFunc(b.ended, b.open.CutAll) // callers may wait for an answer by themselves
	return b, nil
}

// String keeps the password out of what is printed.
func (b *backend) String() string { return "redis backend" }

// GoString keeps the password out of what is printed.
func (b *backend) GoString() string { return b.String() }

// Tenant implements driver.Backend.
func (b *backend) Tenant(id driver.TenantID) driver.Stores {
	v := view{b, string(id), tagOf(b.prefix, string(id))}
	stores := driver.Stores{State: state{v}}
	if b.missing == nil {
		stores.Events, stores.Messages = events{v}, messages{v}
	}
	return stores
}

// Missing implements driver.Explainer.
func (b *backend) Missing(role driver.Role) error {
	if role == driver.RoleEvents || role == driver.RoleMessages {
		return b.missing
	}
	return nil
}

// view is one tenant's window on a backend.
type view struct {
	*backend
	tenant string
	tag    string // what the tenant's keys begin with
}

// runKept is run for what must be kept once it is acknowledged.
func (v view) runKept(ctx context.Context, s *script, names []string, args ...any) ([]any, error) {
	if s.writes {
		if err := v.lossy.refusal(); err != nil {
			return nil, err
		}
	}
	return v.run(ctx, s, names, args...)
}

// run runs a script with some of the tenant's keys.
func (v view) run(ctx context.Context, s *script, names []string, args ...any) ([]any, error) {
	if err := v.Enter(ctx); err != nil {
		return nil, err
	}
	defer v.Leave()
	return v.within(ctx, s, names, args...)
}

// Shutdown implements driver.Backend.
func (b *backend) Shutdown(ctx context.Context) error {
	return b.ShutDown(ctx, b.end, b.release)
}

// release gives everything back; nobody is inside any more.
func (b *backend) release() error {
	b.end()
	b.sweeping.Wait()
	b.disconnect()
	b.running.Wait()
	return nil
}

// abandon gives back what a backend that nobody has seen holds. What waits for an
// answer with a borrowed client ends when that gives up.
func (b *backend) abandon() {
	b.end()
	b.disconnect()
	if !b.borrowed {
		b.running.Wait()
	}
}

func (b *backend) disconnect() {
	b.routes.close()
	if b.borrowed {
		return
	}
	b.open.CutAll()
	b.client.Close()
}
