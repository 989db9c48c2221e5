package load

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/soak/client"
)

// Target is a store, and who calls it.
type Target struct {
	Roles   []driver.Role
	Clients []client.Client
	// Secret must not be in any error.
	Secret  string
	Journal *Journal
}

func (t *Target) offers(role driver.Role) bool { return slices.Contains(t.Roles, role) }

// workers is how many call a store at once: more than its clients, so that each has
// several calls under way.
const workers = 6

// Round is one round of load, in tenants of its own. What it knows is forgotten with
// it, so that the soak does not grow.
type Round struct {
	*Target
	seed    uint64
	tenants []*tenant
}

// NewRound makes the tenants, and in them what must be there before the load.
func (t *Target) NewRound(ctx context.Context, name string, seed uint64) *Round {
	r := &Round{Target: t, seed: seed}
	for _, id := range []string{"a", "b"} {
		r.tenants = append(r.tenants, newTenant(name, id, t.offers))
	}
	w := r.worker(workers)
	for _, tenant := range r.tenants {
		w.prepare(ctx, tenant)
	}
	return r
}

// Run lets the workers go on until the context ends, and then until they have settled
// what they began.
func (r *Round) Run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			w := r.worker(i)
			for ctx.Err() == nil {
				w.step()
				time.Sleep(w.upTo(longestThought))
			}
		})
	}
	all.Wait()
}

// longestThought is how long a worker may wait between two calls: the soak is to use
// the stores for long, not to use up the machine.
const longestThought = 20 * time.Millisecond

func (r *Round) worker(i int) *worker {
	return &worker{Round: r, number: i, rand: rand.New(rand.NewPCG(r.seed, uint64(i)))}
}
