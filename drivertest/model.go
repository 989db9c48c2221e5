package drivertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

const whyModel = "combinations of calls that no single check thinks of are what applications do all day"

var modelChecks = []check{
	{rule: "E2", name: "model", role: driver.RoleEvents, why: whyModel, run: func(t *trial) { t.compare((*generator).eventStep) }},
	{rule: "S1", name: "model", role: driver.RoleState, why: whyModel, run: func(t *trial) { t.compare((*generator).stateStep) }},
	{rule: "M2", name: "model", role: driver.RoleMessages, why: whyModel, run: func(t *trial) { t.compare((*generator).messageStep) }},
	{rule: "V4", name: "model", role: driver.RoleVectors, why: whyModel, run: func(t *trial) { t.compare((*generator).vectorStep) }},
}

// compare applies one random sequence of operations, through two handles and for
// several tenants, to the driver and to the reference, and compares every result.
func (t *trial) compare(next func(*generator) step) {
	store := reference.NewStore(nil)
	t.cleanup(store.Stop)
	sides := []*side{
		{trial: t, handles: [2]driver.Backend{referenceHandle{store: store}, referenceHandle{store: store}}},
		{trial: t, handles: [2]driver.Backend{t.backend, t.open()}, tested: true},
	}
	g := newGenerator(t.rand)
	var log []string
	for n := range t.rounds(150, 500) {
		step := next(g)
		step.tenant, step.handle = pick[driver.TenantID](g, "a", "a/b"), g.IntN(2)
		log = append(log, fmt.Sprintf("%d: tenant %q, handle %d: %.1000s", n, step.tenant, step.handle, step.does))
		var results [2]outcome
		for i, s := range sides {
			results[i] = s.do(step)
		}
		if !agree(results[1], results[0]) {
			_, got, want, _ := difference("", results[1].result, results[0].result)
			t.fatal(fmt.Sprintf("with %s=%d, after the steps\n\t\t%s\n\tstep %s", SeedVariable, t.seed, strings.Join(log[max(0, n-12):n], "\n\t\t"), log[n]),
				shorten(got)+", "+results[1].failure, shorten(want)+", "+results[0].failure)
		}
	}
}

// step is an operation with its arguments.
type step struct {
	does   string
	tenant driver.TenantID
	handle int
	// writes says that vectors may take a while to show it.
	writes bool
	run    func(*side) (any, error)
}

// outcome is what comes of an operation, as far as drivers must agree.
type outcome struct {
	result  any
	failure string
}

// comparable results decide themselves whether a driver's agrees with the
// reference's, where that is not plain equality.
type judging interface{ agrees(got any) bool }

func agree(got, want outcome) bool {
	if got.failure != want.failure {
		return false
	}
	if want, ok := want.result.(judging); ok {
		return want.agrees(got.result)
	}
	return reflect.DeepEqual(got.result, want.result)
}

// side is one of the stores that are compared.
type side struct {
	*trial
	handles [2]driver.Backend
	tested  bool
	// The current step's view, tenant and, if it is about one, key.
	driver.Stores
	tenant driver.TenantID
	key    string
	// versions of each state key, in the order in which they were handed out.
	// Drivers number them differently, so an index stands for a version.
	versions map[[2]string][]uint64
	unseen   bool // something was written that need not show yet
}

func (s *side) do(step step) outcome {
	s.Stores, s.tenant, s.key = s.handles[step.handle].Tenant(step.tenant), step.tenant, ""
	if s.tested && s.unseen && !step.writes {
		s.settle()
		s.unseen = false
	}
	s.unseen = s.unseen || step.writes
	result, err := step.run(s)
	return outcome{result, s.classify(err)}
}

// classify says which errors of the contract err matches, and what a typed one
// holds.
func (s *side) classify(err error) string {
	if err == nil {
		return "no error"
	}
	var found []string
	for _, known := range []error{driver.ErrNotFound, driver.ErrConflict, driver.ErrExists, driver.ErrInvalid, driver.ErrTooLarge, driver.ErrUnsupported, driver.ErrUnavailable, driver.ErrClosed} {
		if errors.Is(err, known) {
			found = append(found, known.Error())
		}
	}
	if found == nil {
		found = []string{"none of the contract's errors: " + err.Error()}
	}
	var conflict *driver.ConflictError
	if errors.As(err, &conflict) {
		expected, actual := int(conflict.Expected), int(conflict.Actual)
		if s.key != "" {
			expected, actual = s.index(s.key, conflict.Expected), s.index(s.key, conflict.Actual)
		}
		if conflict.Event != "" {
			expected = 0 // meaningless there
		}
		found = append(found, fmt.Sprintf("expected %d, actual %d, about an event: %t, absent: %t", expected, actual, conflict.Event != "", conflict.MustBeAbsent))
	}
	return strings.Join(found, ", ")
}

// referenceHandle is one handle on the reference.
type referenceHandle struct {
	driver.Backend // never used: only views are asked for
	store          *reference.Store
}

func (r referenceHandle) Tenant(id driver.TenantID) driver.Stores {
	return r.store.Tenant(id, new(driver.Gate))
}

// stamped stands for every time that a store's clock has given. Those that the
// generator gives are long past.
var stamped = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func normalTimes(times ...*time.Time) {
	for _, t := range times {
		if t.Year() > 2020 {
			*t = stamped
		}
	}
}

// listed reads a whole listing in pages of limit.
func listed[T any](s *side, limit int, list lister[T], normal func(T) T) (all []T, err error) {
	page := driver.Page{Limit: limit}
	for {
		items, next, err := list(s.ctx, page)
		if err != nil {
			return nil, err
		}
		if len(items) > limit || (next != "" && len(items) < limit) {
			return nil, fmt.Errorf("a page of %d has %d entries and cursor %q", limit, len(items), next)
		}
		for _, item := range items {
			all = append(all, normal(item))
		}
		if next == "" {
			return all, nil
		}
		page.Cursor = next
	}
}

// generator makes random operations. Its identifiers and contents are few, so that
// they meet again.
type generator struct {
	*rand.Rand
	ids     []string
	batches []madeBatch
}

func newGenerator(random *rand.Rand) *generator {
	g := &generator{Rand: random}
	// Neighbours here are those that are easily mixed up.
	families := [][]string{{"a", "A", "a ", "a/b", "a:b"}, {"é", "e\u0301", "É", "e"}, {"%", "_", "a' OR 1=1 --", "\\"}, {strings.Repeat("x", 255), strings.Repeat("x", 254), "x"}}
	first := g.IntN(len(families))
	g.ids = slices.Concat(families[first][:3], families[(first+1)%len(families)][:2])
	return g
}

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// maybe is true once in n times.
func (g *generator) maybe(n int) bool { return g.IntN(n) == 0 }

func (g *generator) id() string { return pick(g, g.ids...) }

func (g *generator) time() time.Time {
	if g.maybe(2) {
		return time.Time{}
	}
	return time.Date(2001, 2, 3, 4, 5, 6, 1000*g.IntN(1000), time.UTC)
}

// bytes are sometimes many, and sometimes no text.
func (g *generator) bytes() []byte {
	if g.maybe(150) {
		return nastyBytes["a mebibyte"]
	}
	return pick(g, nil, []byte{}, []byte("x"), []byte("y\x00\xff"), []byte(`{"n":9007199254740993,"n":1e400}`), []byte("é"), []byte("e\u0301"))
}

// limit is a page's.
func (g *generator) limit() int { return 1 + g.IntN(4) }

// step makes a step of what one of the functions returns.
func (g *generator) step(kinds ...func() step) step { return pick(g, kinds...)() }
