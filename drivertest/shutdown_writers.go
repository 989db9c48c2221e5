package drivertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// writer writes one thing after the other in one role.
type writer struct {
	role  driver.Role
	write func(ctx context.Context, s driver.Stores, id string) error
	// written lists what a tenant has of it.
	written func(t *trial, s driver.Stores) []string
}

// writers are one for every role; they need what prepareWriters makes.
var writers = []writer{
	{driver.RoleEvents, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Events.Append(ctx, "writers", driver.Expectation{}, []driver.Event{event(id)})
		return err
	}, func(t *trial, s driver.Stores) []string { return eventIDs(t.load(s.Events, "writers", 0)) }},
	{driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.State.Set(ctx, id, []byte(id), driver.SetOptions{})
		return err
	}, func(t *trial, s driver.Stores) []string {
		return idsOf(walk(t, "List", driver.MaxPageLimit, keysOf(s.State, "")), keyOf)
	}},
	{driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Messages.CreateMessage(ctx, said("writers", driver.MessageID(id)))
		return err
	}, func(t *trial, s driver.Stores) []string {
		messages := walk(t, "ListMessages", driver.MaxPageLimit, messagesIn(s.Messages, driver.MessageQuery{Thread: "writers"}))
		return idsOf(messages, func(m driver.Message) string { return string(m.Content) })
	}},
	{driver.RoleVectors, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Vectors.Upsert(ctx, "writers", []driver.Document{doc(id, 1)})
	}, func(t *trial, s driver.Stores) []string {
		t.settle()
		return idsOf(t.search(s.Vectors, "writers", nearest(driver.MaxResults, 1)), matchID)
	}},
}

func prepareWriters(t *trial, s driver.Stores) {
	if s.Messages != nil {
		t.thread(s.Messages, "writers")
	}
	if s.Vectors != nil {
		t.collection(s.Vectors, "writers", 1, driver.Dot)
	}
}

// offeredWriters are those of the roles that are offered.
func (t *trial) offeredWriters() []writer {
	return slices.DeleteFunc(slices.Clone(writers), func(w writer) bool { return !t.offers(w.role) })
}

// writersMeanwhile shuts handles down under those who write: a write returns nil
// and is there, or ErrClosed and is not.
func writersMeanwhile(t *trial) {
	prepareWriters(t, t.Stores)
	all := t.offeredWriters()
	n := 2 * len(all)
	acknowledged := make([][]string, len(all))
	var mu sync.Mutex
	for round := range t.rounds(5, 15) {
		b := t.open()
		s := b.Tenant(tenantID)
		pause := rand.N(2 * time.Millisecond)
		t.together(n+1, func(i int) {
			if i == n {
				t.sleep(pause)
				t.shutDown(b)
				return
			}
			ctx, w := t.shaken(), i%len(all)
			for j := range 200 {
				id := fmt.Sprintf("%d %d %d", round, i, j)
				if err := all[w].write(ctx, s, id); err != nil {
					t.fails(fmt.Sprintf("a write to %s during Shutdown", all[w].role), err, driver.ErrClosed)
					return
				}
				mu.Lock()
				acknowledged[w] = append(acknowledged[w], id)
				mu.Unlock()
			}
		})
	}
	for _, when := range []string{"", " and the store opened again"} {
		for w, want := range acknowledged {
			got := all[w].written(t, t.Stores)
			slices.Sort(got)
			slices.Sort(want)
			equal(t, fmt.Sprintf("%s: what is there after others wrote during Shutdown%s, against what was acknowledged", all[w].role, when), notNone(got), notNone(want))
		}
		t.reopen()
	}
}

// flushes shuts the only handle down right after writes in any order, and nobody
// reads before. A twin that was read tells what should be there.
func flushes(t *trial) {
	const twin driver.TenantID = "twin"
	for _, call := range writesIn(prepared(t, t.backend.Tenant(twin))) {
		t.ok(call.name(), call.run(t.ctx, t.backend.Tenant(twin)))
	}
	before := contentsOf(t, t.backend.Tenant(twin))
	want := bare(contentsOf(t, t.backend.Tenant(twin)))
	var order []int
	for round := range t.rounds(4, 12) {
		tenant := driver.TenantID(fmt.Sprint("round ", round))
		calls := writesIn(prepared(t, t.backend.Tenant(tenant)))
		if round%2 == 0 {
			order = t.rand.Perm(len(calls))
		} else {
			slices.Reverse(order)
			t.reopen()
		}
		for _, i := range order {
			t.ok(calls[i].name(), calls[i].run(t.ctx, t.backend.Tenant(tenant)))
		}
		t.reopen()
		last := calls[order[len(order)-1]].name()
		t.sameContents(fmt.Sprintf("writes of which the last was %s, Shutdown, and opening the store again", last), bare(contentsOf(t, t.backend.Tenant(tenant))), want)
	}
	t.sameContents("opening the store again and again", contentsOf(t, t.backend.Tenant(twin)), before)
}

// openedMeanwhile opens, writes and shuts down in several goroutines, so that the
// last handle on the store is often closed while another is opened.
func openedMeanwhile(t *trial) {
	prepareWriters(t, t.Stores)
	all := t.offeredWriters()
	t.shutDown(t.backend) // a volatile store has another
	const workers, times = 3, 5
	written := make([][]string, workers)
	for round := range t.rounds(2, 8) {
		t.together(workers, func(i int) {
			for j := range times {
				id := fmt.Sprintf("%d %d %d", round, i, j)
				openWriteClose(t, all[j%len(all)], id)
				written[i] = append(written[i], fmt.Sprint(j%len(all), " ", id))
				t.sleep(rand.N(500 * time.Microsecond))
			}
		})
	}
	t.use(t.open())
	want := slices.Concat(written...)
	slices.Sort(want)
	var got []string
	for i, w := range all {
		for _, id := range w.written(t, t.Stores) {
			got = append(got, fmt.Sprint(i, " ", id))
		}
	}
	slices.Sort(got)
	equal(t, "what is there after many have opened, written and shut down", got, want)
}

// openWriteClose uses a handle of its own while others close theirs.
func openWriteClose(t *trial, w writer, id string) {
	b, err := t.connect(t.ctx, t.dsn)
	t.ok("opening the store while others shut down", err)
	t.ok("HealthCheck of a store that was opened while others shut down", b.HealthCheck(t.ctx))
	t.ok(fmt.Sprintf("a write to %s of a store that was opened while others shut down", w.role), w.write(t.ctx, b.Tenant(tenantID), id))
	t.ok("HealthCheck of a store that was written while others shut down", b.HealthCheck(t.ctx))
	t.shutDown(b)
}
