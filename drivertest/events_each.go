package drivertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

// Checks of driver.EventBatcher; a driver without that ability passes them.
var appendEachChecks = []check{
	{
		rule: "E2", name: "each-as-one-after-the-other", role: driver.RoleEvents, run: eachAsOneAfterTheOther,
		why: "callers whose appends shared a commit by chance must be told what they would have been told alone",
	},
	{
		rule: "E3", name: "each-fails-alone", role: driver.RoleEvents, run: eachFailsAlone,
		why: "an append would be lost, or stored by half, because of a stranger's in the same commit",
	},
	{
		rule: "E3", name: "each-cancelled", role: driver.RoleEvents, run: eachCancelled,
		why: "callers who were told nothing must find each append whole or not at all",
	},
	{
		rule: "E1", name: "each-killed", role: driver.RoleEvents, needs: needsRestart, run: eachKilled,
		why: "an append acknowledged before its commit is a step that is done twice after a crash",
	},
	{
		rule: "B7", name: "each-beside-each", role: driver.RoleEvents, run: eachBesideEach,
		why: "two services whose commits lock the same executions in another order wait for one another for ever",
	},
	{
		rule: "B4", name: "each-after-shutdown", role: driver.RoleEvents, run: eachAfterShutdown,
		why: "an append that slips in behind Shutdown is lost or finds its engine gone",
	},
	{
		rule: "B8", name: "each-keeps-nothing", role: driver.RoleEvents, run: eachKeepsNothing,
		why: "a caller who uses a buffer again would change what another's history says",
	},
}

// batcher returns the ability of a handle, and ends the check as passed if it has
// none.
func (t *trial) batcher(b driver.Backend) driver.EventBatcher {
	batcher, ok := b.(driver.EventBatcher)
	if !ok {
		runtime.Goexit()
	}
	if n := batcher.CommitsAtOnce(); n < 1 {
		t.fatal("CommitsAtOnce", n, "at least 1")
	}
	return batcher
}

// each is AppendEach with as many results as appends.
func (t *trial) each(ctx context.Context, b driver.Backend, appends ...driver.Append) []driver.AppendResult {
	results := t.batcher(b).AppendEach(ctx, appends)
	equal(t, "the number of results of AppendEach", len(results), len(appends))
	return results
}

// appendOf is an append to an execution of the trial's tenant.
func appendOf(id driver.ExecutionID, expect driver.Expectation, events ...driver.Event) driver.Append {
	return driver.Append{Tenant: tenantID, Execution: id, Expect: expect, Events: events}
}

// eachAsOneAfterTheOther gives random groups to the driver, and their appends one by
// one to the reference.
func eachAsOneAfterTheOther(t *trial) {
	t.batcher(t.backend)
	store := reference.NewStore(nil)
	t.cleanup(store.Stop)
	model := referenceHandle{store: store}
	g := newGenerator(t.rand)
	tenants := []driver.TenantID{"a", "a/b"}
	for round := range t.rounds(40, 150) {
		var group []driver.Append
		for range 1 + g.IntN(12) {
			a := driver.Append{Tenant: pick(g, tenants...), Execution: driver.ExecutionID(g.id())}
			a.Events = g.events(&a.Execution)
			last := t.latest(model.Tenant(a.Tenant).Events, a.Execution)
			switch g.IntN(4) {
			case 0: // what is right if nobody in the group comes before
				a.Expect = driver.ExpectLast(last)
			case 1:
				a.Expect = driver.ExpectLast(last + uint64(g.IntN(4)))
			}
			group = append(group, a)
		}
		results := t.each(t.ctx, t.backend, group...)
		for i, a := range group {
			did := fmt.Sprintf("with %s=%d, round %d: append %d of %d at once, %s, tenant %q", SeedVariable, t.seed, round, i+1, len(group), describing(a.Execution, a.Expect, a.Events), a.Tenant)
			last, err := model.Tenant(a.Tenant).Events.Append(t.ctx, a.Execution, a.Expect, a.Events)
			if results[i].Last != last || nameOf(results[i].Err) != nameOf(err) {
				t.fatal(did, fmt.Sprintf("%d, %v", results[i].Last, results[i].Err), fmt.Sprintf("%d, %v", last, err))
			}
			t.sameConflict(did, results[i].Err, err, a.Events)
		}
	}
	for _, tenant := range tenants {
		got, want := t.backend.Tenant(tenant).Events, model.Tenant(tenant).Events
		executions := idsOf(t.executions(want), executionOf)
		equal(t, "the executions that have events", idsOf(t.executions(got), executionOf), executions)
		for _, id := range executions {
			var events []driver.Event
			for _, e := range t.load(want, id, 0) {
				e.Event.Time = time.Time{}
				events = append(events, e.Event)
			}
			t.historyIs(got, id, events...)
		}
	}
}

// nameOf tells kinds of errors apart.
func nameOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, driver.ErrConflict):
		return "conflict"
	}
	return "other"
}

// sameConflict ends the check unless a conflict says what another says.
func (t *trial) sameConflict(did string, err, other error, events []driver.Event) {
	var want *driver.ConflictError
	if errors.As(other, &want) {
		bare := *want
		bare.Subject = ""
		if bare.Event != "" {
			bare.Expected = 0
		}
		t.conflict(did, err, namingAny(err, bare, events))
	}
}

func eachFailsAlone(t *trial) {
	known := batchOf("known", 3)
	t.append(t.Events, "run", known...)
	changed := slices.Clone(known)
	changed[1].Payload = []byte("changed")
	large := batchOf("large", 1000)
	any := driver.Expectation{}
	results := t.each(t.ctx, t.backend,
		appendOf("run", driver.ExpectLast(3), batchOf("first", 2)...),
		appendOf("run", driver.ExpectLast(3), batchOf("stale", 2)...), // the one before it has won
		appendOf("run", any, changed...),                              // known IDs, other content
		appendOf("run", driver.ExpectLast(0), known...),               // a repetition
		appendOf("new", driver.ExpectLast(5), event("never")),         // of an execution that is not there
		appendOf("other", driver.ExpectLast(0), batchOf("other", 2)...),
		appendOf("run", any, event("new"), known[2]), // half of it known
		appendOf("run", any, large...),
		driver.Append{Tenant: "stranger", Execution: "run", Expect: driver.ExpectLast(0), Events: known},
		appendOf("run", driver.ExpectLast(1005), event("last")),
		appendOf("run", driver.ExpectLast(3), batchOf("first", 2)...), // a repetition within the group
	)
	var got []string
	for _, r := range results {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s", r.Last, nameOf(r.Err))))
	}
	equal(t, "the results of appends of which some are refused", got, []string{"5", "0 conflict", "0 conflict", "3", "0 conflict", "2", "0 conflict", "1005", "3", "1006", "5"})
	t.historyIs(t.Events, "run", slices.Concat(known, batchOf("first", 2), large, []driver.Event{event("last")})...)
	t.historyIs(t.Events, "other", batchOf("other", 2)...)
	t.historyIs(t.backend.Tenant("stranger").Events, "run", known...)
	equal(t, "the executions that have events", idsOf(t.executions(t.Events), executionOf), []driver.ExecutionID{"other", "run"})
}

func eachCancelled(t *trial) {
	t.batcher(t.backend)
	other := t.open().Tenant(tenantID).Events
	for look := range 30 {
		name := func(i int) driver.ExecutionID { return driver.ExecutionID(fmt.Sprintf("look %d, run %d", look, i)) }
		var group []driver.Append
		for i := range 6 {
			group = append(group, appendOf(name(i/2), driver.Expectation{}, batchOf(fmt.Sprint("append ", i), 1+i)...))
		}
		ctx := newCancelledAtLook(t.ctx, look)
		results := t.each(ctx, t.backend, group...)
		minded := ctx.Context.Err() != nil
		ctx.cancel()
		for i, r := range results {
			did := fmt.Sprintf("append %d of AppendEach, cancelled at look %d, which returned %v", i, look, r.Err)
			there := 0
			for _, e := range t.load(other, name(i/2), 0) {
				if e.Type == group[i].Events[0].Type {
					there++
				}
			}
			whole := there == len(group[i].Events)
			switch {
			case !whole && there > 0, !whole && r.Err == nil, whole && errors.Is(r.Err, driver.ErrUnavailable):
				t.fatal(did, fmt.Sprintf("%d of its %d events are there", there, len(group[i].Events)), "all without an error, none with driver.ErrUnavailable, and never a part")
			case r.Err != nil:
				t.fails(did, r.Err, context.Canceled)
			}
		}
		for i, r := range t.each(t.ctx, t.backend, group...) {
			t.ok(fmt.Sprintf("append %d, repeated after it was cancelled at look %d", i, look), r.Err)
		}
		if !minded {
			break
		}
	}
}

// killedGroup is what appendEachUntilKilled appends at once.
func killedGroup(run string, i int) (group []driver.Append) {
	for j := range 4 {
		group = append(group, appendOf("run", driver.Expectation{}, batchOf(fmt.Sprintf("%s-%d-%d", run, i, j), 1+(i+j)%3)...))
	}
	return group
}

func appendEachUntilKilled(ctx context.Context, b driver.Backend, args []string, report func(string, ...any), next func() bool) error {
	for i := 0; ; i++ {
		for j, r := range b.(driver.EventBatcher).AppendEach(ctx, killedGroup(args[0], i)) {
			if r.Err != nil {
				return r.Err
			}
			report("%d %d %d", i, j, r.Last)
		}
	}
}

// eachKilled kills a process again and again that appends for several at once.
func eachKilled(t *trial) {
	t.batcher(t.backend)
	for round := range 3 {
		run := fmt.Sprint("run ", round)
		t.shutDown(t.backend)
		reports := t.startChild("append each until killed", run).reportsUntilKilled(60)
		t.use(t.open())
		log := t.logAtRest()
		for _, report := range reports {
			var i, j int
			var last uint64
			if n, err := fmt.Sscanf(report, "%d %d %d", &i, &j, &last); n != 3 {
				t.fatal("reading the report of another process", fmt.Sprintf("%q: %v", report, err), "three numbers")
			}
			events := killedGroup(run, i)[j].Events
			if last > uint64(len(log)) {
				t.fatal("the log after the process was killed that wrote it", fmt.Sprintf("%d events", len(log)), fmt.Sprintf("at least the %d that it was told are there", last))
			}
			for k, e := range events {
				at := last - uint64(len(events)-k) + 1
				t.isEvent(fmt.Sprintf("event %d after the process was killed that was told of it", at), log[at-1], e, at)
			}
		}
		t.areWhole(log)
	}
}

func eachBesideEach(t *trial) {
	t.batcher(t.backend)
	handles := []driver.Backend{t.backend, t.open()}
	const writers, executions, groups = 4, 5, 6
	t.together(writers, func(w int) {
		for n := range groups {
			var group []driver.Append
			for i := range executions {
				if w%2 == 1 {
					i = executions - 1 - i
				}
				group = append(group, appendOf(driver.ExecutionID(fmt.Sprint("run ", i)), driver.Expectation{}, batchOf(fmt.Sprintf("%d-%d-%d", w, n, i), 2)...))
			}
			for i, r := range t.each(t.shaken(), handles[w%2], group...) {
				t.ok(fmt.Sprintf("append %d of several at once, beside others", i), r.Err)
			}
		}
	})
	for i := range executions {
		log := t.load(t.Events, driver.ExecutionID(fmt.Sprint("run ", i)), 0)
		equal(t, "the number of events", len(log), writers*groups*2)
		t.areWhole(log)
	}
}

func eachAfterShutdown(t *trial) {
	b := t.open()
	t.batcher(b)
	t.shutDown(b)
	for _, r := range t.each(t.ctx, b, appendOf("run", driver.Expectation{}, event("a")), appendOf("run 2", driver.Expectation{}, event("a"))) {
		t.fails("AppendEach after Shutdown", r.Err, driver.ErrClosed)
	}
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	for _, r := range t.each(ctx, t.backend, appendOf("run", driver.Expectation{}, event("a"))) {
		t.fails("AppendEach with a context that is done", r.Err, context.Canceled)
	}
	t.historyIs(t.Events, "run")
}

func eachKeepsNothing(t *trial) {
	made := func() []driver.Append {
		return []driver.Append{appendOf("b", driver.Expectation{}, batchOf("b", 2)...), appendOf("a", driver.ExpectLast(0), batchOf("a", 2)...)}
	}
	group := made()
	for _, r := range t.each(t.ctx, t.backend, group...) {
		t.ok("AppendEach", r.Err)
	}
	if !reflect.DeepEqual(group, made()) {
		t.fatal("AppendEach: its argument after it", shorten(group), "what it was: "+shorten(made()))
	}
	for _, a := range group {
		for i := range a.Events {
			clear(a.Events[i].Payload)
			a.Events[i].ID, a.Events[i].Type = "used again", "used again"
		}
	}
	t.historyIs(t.Events, "a", batchOf("a", 2)...)
	t.historyIs(t.Events, "b", batchOf("b", 2)...)
}
