package drivertest

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/enactdev/enact/drivertest/internal/zoo"
)

var (
	onlyDrivers = flag.String("zoo", "", "in TestZoo, only the broken drivers that match, as in E5/name")
	onlyChecks  = flag.String("checks", "", "in TestZoo, only the checks that match, as in E5/name")

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
	if b.Hangs {
		target.Timeout = 3 * time.Second
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
	var holder *os.File
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
			holder, err = os.Open(path)
			check(err)
			check(syscall.Flock(int(holder.Fd()), syscall.LOCK_EX))
		},
		Resume: func() { check(holder.Close()) },
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

// TestZooCorrect: the drivers in the zoo are good but for their faults.
func TestZooCorrect(t *testing.T) {
	for name, durable := range map[string]bool{"Memory": false, "Journal": true} {
		t.Run(name, func(t *testing.T) { Run(t, *zooTarget(zoo.Correct(durable))) })
	}
}

// TestZoo: the suite notices every broken driver, and every check of the suite
// notices one.
func TestZoo(t *testing.T) {
	playPart(t)
	var all []*zoo.Broken
	for _, b := range zoo.All() {
		if regexp.MustCompile(*onlyDrivers).MatchString(b.Rule + "/" + b.Name) {
			all = append(all, b)
		}
	}
	suite := slices.DeleteFunc(slices.Clone(checks), func(c check) bool { return !regexp.MustCompile(*onlyChecks).MatchString(c.id()) })
	seed := newSeed(t)
	caught := make([]map[string]string, len(all)) // check to failure, by driver
	targets := make([]*Target, len(all))
	var mu sync.Mutex
	try := func(driver int, c *check) {
		if failures := execute(c, targets[driver], t, t.Name(), seed); len(failures) > 0 {
			mu.Lock()
			defer mu.Unlock()
			caught[driver][c.id()] = failures[0]
		}
	}
	type job struct {
		driver int
		check  *check
	}
	var crowd []job
	for i, b := range all {
		caught[i], targets[i] = map[string]string{}, zooTarget(b)
		for j := range suite {
			c := &suite[j]
			if ok, _ := c.applies(targets[i]); ok && c.alone {
				try(i, c)
			} else if ok {
				crowd = append(crowd, job{i, c})
			}
		}
	}
	forEach(crowd, func(j job) { try(j.driver, j.check) })

	catches := map[string]int{}
	total := 0
	for i, b := range all {
		var by []string
		for id := range caught[i] {
			by = append(by, id)
			catches[id]++
		}
		slices.Sort(by)
		if len(by) == 0 {
			t.Errorf("%s %s lives: %s", b.Rule, b.Name, b.Fault)
			continue
		}
		total++
		t.Logf("%s %s (%s) is caught by %s", b.Rule, b.Name, b.Fault, strings.Join(by, ", "))
	}
	for i := range suite {
		if id := suite[i].id(); catches[id] == 0 && *onlyDrivers == "" {
			t.Errorf("check %s catches no broken driver", id)
		}
	}
	t.Logf("to repeat the random choices of this run, set %s=%d", SeedVariable, seed)
	t.Logf("%d of %d broken drivers caught", total, len(all))
}

// TestZooIsComplete: names are unique, and every rule of a store has somebody who
// breaks it and is caught for it.
func TestZooIsComplete(t *testing.T) {
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
