package drivertest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// SeedVariable names the environment variable that holds the seed of a run, as a
// failure prints it, to repeat its random choices.
const SeedVariable = "DRIVERTEST_SEED"

// width is how many checks run at once. Most wait for an engine or a clock.
const width = 8

// mostHanging is how many checks may hang before the rest is not run.
const mostHanging = width

// Run tests a driver against the whole contract. Every check is a subtest, with a
// fresh store, in the form of rule/name: E5/one-winner. They run at once, and Run
// returns when all have ended.
//
// Some checks start this test binary again, as a process of its own, to kill it.
// There the same test function is run, and its Run takes over. So call Run once
// in a test function, and do nothing costly before it.
func Run(t *testing.T, target Target) {
	t.Helper()
	if target.Driver == nil || target.DSN == nil || len(target.Roles) == 0 {
		t.Fatal("drivertest: a Target needs Driver, DSN and Roles")
	}
	if child := childRequest(); child != nil {
		if child.Test == t.Name() {
			child.serve(&target)
		}
		return
	}
	name, seed := t.Name(), newSeed(t)
	kept := newDeviations(target.Deviations)
	for _, d := range kept.unknown() {
		t.Errorf("drivertest: Target.Deviations names %s, which is no check of this suite", d)
	}
	var hanging atomic.Int64
	runOne := func(c *check) {
		t.Run(c.id(), func(t *testing.T) {
			if hanging.Load() >= mostHanging {
				t.Errorf("not run: %d checks have not ended", mostHanging)
				return
			}
			failures, hangs := execute(c, &target, t, name, seed)
			if hangs {
				hanging.Add(1)
			}
			if d := kept.covers(c, len(failures) > 0); d != nil {
				for _, failure := range failures {
					t.Logf("known deviation (%s):\n%s", d.Reason, failure)
				}
				return
			}
			for _, failure := range failures {
				t.Error("\n" + failure)
			}
			if len(failures) > 0 {
				t.Logf("to repeat the random choices of this run, set %s=%d", SeedVariable, seed)
			}
		})
	}
	var crowd []*check
	for i := range checks {
		c := &checks[i]
		switch ok, lacking := c.applies(&target); {
		case lacking != "":
			t.Logf("%s is left out: %s", c.id(), lacking)
		case ok && c.alone:
			runOne(c)
		case ok:
			crowd = append(crowd, c)
		}
	}
	forEach(width, crowd, runOne)
	for _, d := range kept.stale() {
		t.Errorf("the known deviation from %s (%s) has gone stale: its checks were run and none failed; remove it from Target.Deviations", d, d.Reason)
	}
}

// forEach calls f for every item, on n goroutines.
func forEach[T any](n int, items []T, f func(T)) {
	next := make(chan T)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			for item := range next {
				f(item)
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	workers.Wait()
}

// newSeed returns the seed that was asked for, or a new one.
func newSeed(tb testing.TB) uint64 {
	text := os.Getenv(SeedVariable)
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("drivertest: %s=%q is no number", SeedVariable, text)
	}
	return seed
}

// alone keeps the checks that must be alone from all others, of every Run in this
// process.
var alone sync.RWMutex

// execute runs one check on a fresh store and returns how it failed, and whether
// it has not ended. test names the test function or subtest that reaches it.
func execute(c *check, target *Target, tb testing.TB, test string, seed uint64) (failures []string, hangs bool) {
	if c.alone {
		alone.Lock()
		defer alone.Unlock()
	} else {
		alone.RLock()
		defer alone.RUnlock()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	label := newLabel()
	t := &trial{
		check: c, target: label.outside(*target), tb: tb, ctx: ctx, test: test,
		seed: seed, rand: rand.New(rand.NewPCG(seed, hash(c.id()))),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		label.apply()
		t.run()
	}()
	select {
	case <-ended:
		if left := label.goroutinesLeft(t.patience() / 5); left != "" {
			t.record("everything was shut down (B4: no goroutine is left)", "these goroutines, which began in this check, are still there:\n"+left, "none")
		}
	case <-time.After(target.timeout()):
		cancel()
		hangs = true
		t.record(fmt.Sprintf("the check has not ended after %v", target.timeout()), "goroutines:\n"+label.goroutines(), "an end, or a context's error")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failures, hangs
}

// run opens the store, runs the check and cleans up.
func (t *trial) run() {
	defer t.recovered()
	defer t.finish()
	t.dsn = t.fresh()
	if t.target.Volatile {
		t.open() // keeps the data while a check reopens
	}
	t.use(t.open())
	if role := t.check.role; role != "" && !t.Stores.Offers(role) {
		t.fatal(fmt.Sprintf("asking a view for %s", role), "nothing", "a store: Target.Roles lists it")
	}
	t.check.run(t)
}

// finish cleans up, the last first. A failure to shut down counts.
func (t *trial) finish() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
	for i := len(t.handles) - 1; i >= 0; i-- {
		ctx, cancel := context.WithTimeout(context.Background(), t.patience())
		if err := t.handles[i].Shutdown(ctx); err != nil {
			t.record("Shutdown after the check", fmt.Sprintf("error %q", err), "no error: nothing is in flight any more")
		}
		cancel()
	}
}

// rolesOf lists the roles that a view offers.
func rolesOf(s driver.Stores) (roles []driver.Role) {
	for _, role := range allRoles {
		if s.Offers(role) {
			roles = append(roles, role)
		}
	}
	return roles
}

var allRoles = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
