package weaviate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// An election decides what a collection is like when several make it at once.
// Weaviate has no conditional write of an object, but it adds tenants to a class by
// Raft: all of a request in one step, and a tenant that is there stays as it is. So
// each one proposes the dimension and the metric as the bits of a number, one tenant
// for each bit, which is active or not; the first proposal is the one that stays, and
// everyone reads the same number afterwards. Whoever has stored the result in the
// registry deletes these tenants.
const electionClass = classPrefix + "Elections"

// electionBits are enough for a dimension and a metric.
const electionBits = 16

var electionMetrics = []driver.Metric{driver.Cosine, driver.Dot, driver.Euclidean}

// Activity statuses of tenants.
const (
	active   = models.TenantActivityStatusHOT
	inactive = models.TenantActivityStatusCOLD
)

// ballot names the tenants for the bits of one election.
func (s vectors) ballot(name string, generation uint64) (prefix string, names []string) {
	prefix = digest("election", s.shard, name) + "-" + strconv.FormatUint(generation, 36) + "-"
	for bit := range electionBits {
		names = append(names, prefix+strconv.FormatInt(int64(bit), 36))
	}
	return prefix, names
}

// elect proposes a collection and returns the one that all agree on. ok is false when
// the election is over and its result in the registry.
func (s vectors) elect(w *write, proposed driver.Collection, generation uint64) (decided driver.Collection, ok bool, err error) {
	prefix, names := s.ballot(proposed.Name, generation)
	number := (proposed.Dimension-1)<<2 | slices.Index(electionMetrics, proposed.Metric)
	tenants := make([]models.Tenant, len(names))
	for bit, name := range names {
		tenants[bit] = models.Tenant{Name: name, ActivityStatus: inactive}
		if number&(1<<bit) != 0 {
			tenants[bit].ActivityStatus = active
		}
	}
	if err := s.makeTenants(w, electionClass, tenants...); err != nil {
		return driver.Collection{}, false, err
	}
	var there []models.Tenant
	err = w.do(func(ctx context.Context) (err error) {
		there, err = s.server.schema.TenantsGetter().WithClassName(electionClass).Do(ctx)
		return err
	})
	if err != nil {
		return driver.Collection{}, false, err
	}
	number, counted := 0, 0
	for _, tenant := range there {
		digit, ours := strings.CutPrefix(tenant.Name, prefix)
		if !ours {
			continue
		}
		bit, err := strconv.ParseInt(digit, 36, 8)
		if err != nil || bit < 0 || bit >= electionBits {
			continue
		}
		counted++
		if tenant.ActivityStatus == active {
			number |= 1 << bit
		}
	}
	if counted == 0 {
		return driver.Collection{}, false, nil
	}
	decided = driver.Collection{Name: proposed.Name, Dimension: number>>2 + 1}
	if counted != electionBits || number&3 >= len(electionMetrics) || decided.Dimension > driver.MaxDimension {
		return driver.Collection{}, false, fmt.Errorf("weaviate: somebody else has changed the tenants of class %s; delete those that begin with %s", electionClass, prefix)
	}
	decided.Metric = electionMetrics[number&3]
	return decided, true, nil
}

// endElection deletes the tenants of an election whose result is in the registry.
func (s vectors) endElection(w *write, name string, generation uint64) error {
	_, names := s.ballot(name, generation)
	return s.dropTenants(w, electionClass, names...)
}
