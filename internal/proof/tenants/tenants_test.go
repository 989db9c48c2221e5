// Package tenants_test drives all roles of a store for many tenants at once, with
// identifiers that collide, and compares what each tenant is told with what it is
// told when it is alone in the world (B5).
package tenants_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/proof/script"
	"github.com/enactdev/enact/internal/proof/stores"
)

var (
	rounds = flag.Int("rounds", 2, "how many times the tenants are driven, each with other steps")
	seed   = flag.Uint64("seed", 0, "repeats a run; 0: a new one")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	code := m.Run()
	if err := stores.StopServers(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// tenants run together with one another, or with the identifiers behind them, when
// somebody joins, folds, trims, cuts or normalises.
var tenants = []string{
	"a", "A", "a ", "a/b", "a:b", "a\x1fb", "a\x01b", "a%2Fb", "{a}", "a}{b", "é", "e\u0301", "%", "_", "'", "..", "\u0430",
	strings.Repeat("t", 255), strings.Repeat("t", 254), strings.Repeat("t", 63), strings.Repeat("t", 64),
}

// stepsOfRound is how many steps a tenant takes in a round.
const stepsOfRound = 150

// TestTenantsAreAlone plays each tenant's own random steps, all tenants at once, by
// turns through two handles where the store has more than one. Each answer has to be
// that of a store with this tenant alone.
func TestTenantsAreAlone(t *testing.T) {
	for _, target := range stores.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			dsn := target.DSN(t)
			handles := []*enact.Runtime{target.Open(t, dsn)}
			if !target.Private {
				handles = append(handles, target.Open(t, dsn))
			}
			alone := map[string]*enact.Runtime{} // the lonely reference of each
			for _, tenant := range tenants {
				alone[tenant] = stores.Reference().Open(t, stores.Reference().DSN(t))
			}
			for round := range *rounds {
				var all sync.WaitGroup
				var played, succeeded atomic.Int64
				for i, tenant := range tenants {
					all.Go(func() {
						r := rand.New(rand.NewPCG(*seed, uint64(round*len(tenants)+i)))
						steps := slices.Concat(script.Random(r, stepsOfRound), script.Inventory())
						steps = script.Of(target.Roles, steps)
						played.Add(int64(len(steps)))
						succeeded.Add(compare(t, target, tenant, handles, alone[tenant], steps))
					})
				}
				all.Wait()
				if succeeded.Load() < played.Load()/6 {
					t.Errorf("%d of %d steps succeeded: this shows little", succeeded.Load(), played.Load())
				}
				if t.Failed() {
					t.Fatalf("this was round %d; repeat it with -seed=%d", round, *seed)
				}
			}
			t.Logf("%d tenants, %d rounds, -seed=%d", len(tenants), *rounds, *seed)
		})
	}
}

// compare plays a tenant's steps until an answer differs, and returns how many have
// succeeded.
func compare(t *testing.T, target stores.Target, tenant string, handles []*enact.Runtime, alone *enact.Runtime, steps []script.Step) (succeeded int64) {
	lonely := script.Player{Context: t.Context(), Tenant: alone.Tenant(enact.TenantID(tenant))}
	among := script.Player{Context: t.Context(), Eventual: target.Eventual}
	var before []string
	for i, s := range steps {
		among.Tenant = handles[i%len(handles)].Tenant(enact.TenantID(tenant))
		got, want := among.Play(s), lonely.Play(s)
		if !got.Agrees(want) {
			t.Errorf("tenant %.80q, step %d: %.2000s\nalone: %.2000s\nbefore:\n%s", tenant, i, got, want, strings.Join(before[max(0, len(before)-8):], "\n"))
			return succeeded
		}
		before = append(before, fmt.Sprintf("%.300s", got))
		if got.Failed == "" {
			succeeded++
		}
	}
	return succeeded
}
