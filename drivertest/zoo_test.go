package drivertest

import (
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/drivertest/internal/zoo"
)

var (
	onlyDrivers = flag.String("zoo", "", "in TestZoo, only the broken drivers that match, as in E5/name")
	onlyChecks  = flag.String("checks", "", "in TestZoo, only the checks that match, as in E5/name")
	allChecks   = flag.Bool("everything", false, "in TestZoo, give every broken driver every check")

	zooStores atomic.Int64
)

// zooTarget is how a broken driver is given to the suite. It declares what the
// driver without the fault would.
func zooTarget(b *zoo.Broken) *Target {
	target := &Target{
		Driver: b.Driver(), Roles: b.Roles(), Volatile: !b.Durable, Eventual: b.Eventual, variant: b.Name,
		DSN:        func(testing.TB) string { return fmt.Sprintf("zoo:%s-%d", b.Name, zooStores.Add(1)) },
		SecretDSNs: func(secret string) []string { return []string{"zoo:secret?token=" + url.QueryEscape(secret)} },
		HeldKeys:   func(_ testing.TB, dsn string) int { return zoo.HeldKeys(dsn) },
		// Everything that the reference would reclaim goes at once.
		ReclaimWithin: 2 * time.Second,
	}
	// A broken driver may keep a check waiting for as long as it is let.
	target.Timeout = 30 * time.Second
	if b.Hangs {
		target.Timeout = 6 * time.Second
	}
	if b.Durable {
		target.HeldKeys = nil
		target.DSN = func(tb testing.TB) string { return "zoo:" + filepath.Join(tb.TempDir(), "journal") }
		target.SecretDSNs = func(secret string) []string {
			return []string{"zoo:/dev/null/journal?token=" + url.QueryEscape(secret)}
		}
		target.Engine = journalEngine
	}
	return target
}

// journalEngine is a journal that can be moved away, and locked by somebody else.
func journalEngine(tb testing.TB) Engine {
	folder := filepath.Join(tb.TempDir(), "store")
	path := filepath.Join(folder, "journal")
	var release func() error
	check := func(err error) {
		if err != nil {
			tb.Error(err)
		}
	}
	check(os.Mkdir(folder, 0o700))
	return Engine{
		DSN:   "zoo:" + path,
		Stop:  func() { check(os.Rename(folder, folder+".away")) },
		Start: func() { check(os.Rename(folder+".away", folder)) },
		Pause: func() {
			var err error
			release, err = zoo.HoldLock(path)
			check(err)
		},
		Resume: func() { check(release()) },
	}
}

// playPart makes this process the child that a check on a zoo driver has started.
func playPart(t *testing.T) {
	child := childRequest()
	if child == nil || child.Test != t.Name() {
		return
	}
	b := zoo.Find(child.Variant)
	if b == nil {
		b = zoo.Correct(true)
	}
	child.serve(zooTarget(b))
}

// TestReferencePasses: the drivers in the zoo are good but for their faults.
func TestReferencePasses(t *testing.T) {
	for name, durable := range map[string]bool{"Memory": false, "Journal": true} {
		t.Run(name, func(t *testing.T) {
			target := *zooTarget(zoo.Correct(durable))
			target.Timeout = 0
			Run(t, target)
		})
	}
}

// TestEveryRuleIsBroken: names are unique, and every rule of a store has somebody who
// breaks it and is caught for it.
func TestEveryRuleIsBroken(t *testing.T) {
	rules := map[string]bool{}
	for rule, n := range map[string]int{"B": 11, "E": 10, "S": 6, "M": 8, "V": 8} {
		for i := range n {
			rules[fmt.Sprint(rule, i+1)] = true
		}
	}
	names, broken := map[string]bool{}, map[string]bool{}
	for _, b := range zoo.All() {
		if names[b.Name] || b.Name == "" || b.Fault == "" || !rules[b.Rule] {
			t.Errorf("%+v: a broken driver needs a name of its own, a rule and a description", b)
		}
		names[b.Name], broken[b.Rule] = true, true
	}
	ids, checked := map[string]bool{}, map[string]bool{}
	for _, c := range checks {
		if ids[c.id()] || c.name == "" || c.why == "" || !rules[c.rule] || c.run == nil {
			t.Errorf("check %s: it needs a name of its own, a rule and a reason", c.id())
		}
		ids[c.id()], checked[c.rule] = true, true
	}
	for rule := range rules {
		if !broken[rule] {
			t.Errorf("no driver in the zoo breaks rule %s", rule)
		}
		if !checked[rule] {
			t.Errorf("no check is about rule %s", rule)
		}
	}
}

// TestZoo: the suite notices every broken driver, and every check of the suite
// notices one. A driver is given the checks of the rule that it breaks, and all
// others only if those don't notice. With -everything it is given all of them.
func TestZoo(t *testing.T) {
	playPart(t)
	z := &zooRun{t: t, seed: newSeed(t), caught: map[*zoo.Broken]map[string]bool{}}
	for _, b := range zoo.All() {
		if regexp.MustCompile(*onlyDrivers).MatchString(b.Rule + "/" + b.Name) {
			z.drivers = append(z.drivers, b)
			z.caught[b] = map[string]bool{}
		}
	}
	for i := range checks {
		if regexp.MustCompile(*onlyChecks).MatchString(checks[i].id()) {
			z.checks = append(z.checks, &checks[i])
		}
	}
	z.try(func(b *zoo.Broken, c *check) bool { return *allChecks || c.rule == b.Rule })
	// Who is caught by chance only, in a race, gets three chances.
	for range 2 {
		z.try(func(b *zoo.Broken, c *check) bool { return c.rule == b.Rule && len(z.caught[b]) == 0 })
	}
	z.try(func(b *zoo.Broken, c *check) bool { return c.rule != b.Rule && len(z.caught[b]) == 0 })
	z.try(func(b *zoo.Broken, c *check) bool { return c.rule != b.Rule && *onlyDrivers == "" && !z.catches(c) })
	z.report()
}

// zooRun is a run of some checks on some broken drivers.
type zooRun struct {
	t       *testing.T
	seed    uint64
	tries   uint64
	drivers []*zoo.Broken
	checks  []*check

	mu     sync.Mutex
	caught map[*zoo.Broken]map[string]bool
}

// try runs the pairs of a driver and a check that want selects, those first that
// must be alone.
func (z *zooRun) try(want func(*zoo.Broken, *check) bool) {
	type pair struct {
		broken *zoo.Broken
		target *Target
		check  *check
	}
	var alone, crowd []pair
	for _, b := range z.drivers {
		target := zooTarget(b)
		for _, c := range z.checks {
			if ok, _ := c.applies(target); !ok || z.caught[b][c.id()] || !want(b, c) {
				continue
			}
			if c.alone {
				alone = append(alone, pair{b, target, c})
			} else {
				crowd = append(crowd, pair{b, target, c})
			}
		}
	}
	run := func(p pair) {
		if failures, _ := execute(p.check, p.target, z.t, z.t.Name(), z.seed+z.tries); len(failures) > 0 {
			z.mu.Lock()
			defer z.mu.Unlock()
			z.caught[p.broken][p.check.id()] = true
		}
	}
	z.tries++
	for _, p := range alone {
		run(p)
	}
	forEach(3*width, crowd, run) // many only wait for what will not come
}

func (z *zooRun) catches(c *check) bool {
	for _, by := range z.caught {
		if by[c.id()] {
			return true
		}
	}
	return false
}

// report names for each broken driver the checks that caught it.
func (z *zooRun) report() {
	t, total := z.t, 0
	for _, b := range z.drivers {
		by := slices.Sorted(maps.Keys(z.caught[b]))
		if len(by) == 0 {
			t.Errorf("%s %s lives (%s)", b.Rule, b.Name, b.Fault)
			continue
		}
		total++
		t.Logf("%s %s (%s) is caught by %s", b.Rule, b.Name, b.Fault, strings.Join(by, ", "))
	}
	for _, c := range z.checks {
		if *onlyDrivers == "" && !z.catches(c) {
			t.Errorf("check %s catches no broken driver", c.id())
		}
	}
	t.Logf("to repeat the random choices of this run, set %s=%d", SeedVariable, z.seed)
	t.Logf("%d of %d broken drivers caught", total, len(z.drivers))
}
