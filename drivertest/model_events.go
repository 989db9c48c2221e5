package drivertest

import (
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

// madeBatch is an append that was made before.
type madeBatch struct {
	run    driver.ExecutionID
	events []driver.Event
}

func (g *generator) eventStep() step {
	return g.step(g.appending, g.appending, g.appending, g.loading, g.loading, g.listingExecutions)
}

func (g *generator) appending() step {
	run := driver.ExecutionID(g.id())
	relative := g.IntN(4) // 0: expects nothing, 1 and 2: what is right, 3: a guess
	guess := uint64(g.IntN(12))
	events := g.events(&run)
	return step{does: fmt.Sprintf("append to %q, expectation %d, guess %d: %s", run, relative, guess, shorten(events)), run: func(s *side) (any, error) {
		var expect driver.Expectation
		switch relative {
		case 1, 2:
			expect = driver.ExpectLast(s.latest(s.Events, run))
		case 3:
			expect = driver.ExpectLast(guess)
		}
		return s.Events.Append(s.ctx, run, expect, events)
	}}
}

// events are new ones or, of an earlier append, all or a part, perhaps in another
// order, changed, in another execution or with something else behind it.
func (g *generator) events(run *driver.ExecutionID) (events []driver.Event) {
	if len(g.batches) > 0 && g.maybe(3) {
		old := g.batches[max(0, len(g.batches)-1-g.IntN(12))]
		if !g.maybe(8) {
			*run = old.run
		}
		from := g.IntN(len(old.events))
		events = slices.Clone(old.events[from : from+1+g.IntN(len(old.events)-from)])
		switch g.IntN(12) {
		case 0:
			slices.Reverse(events)
		case 1:
			events[len(events)-1].Payload = []byte("changed")
		case 2:
			events[len(events)-1].Type += "'"
		case 3:
			events[len(events)-1].Time = g.time()
		}
		if !g.maybe(5) {
			return events
		}
	}
	for n := range 1 + g.IntN(4) {
		e := driver.Event{ID: driver.EventID(fmt.Sprint(pick(g, "e", "E", "e ", ""), g.IntN(60), "-", n)), Type: pick(g, "t", "T"), Payload: g.bytes(), Time: g.time()}
		if !slices.ContainsFunc(events, func(other driver.Event) bool { return other.ID == e.ID }) {
			events = append(events, e)
		}
	}
	g.batches = append(g.batches, madeBatch{*run, events})
	return events
}

func (g *generator) loading() step {
	run, after := driver.ExecutionID(g.id()), uint64(g.IntN(9))
	return step{does: fmt.Sprintf("load %q after %d", run, after), run: func(s *side) (any, error) {
		var events []driver.StoredEvent
		for e, err := range s.Events.Load(s.ctx, run, after) {
			if err != nil {
				return nil, err
			}
			normalTimes(&e.Time)
			e.Payload = notNil(e.Payload)
			events = append(events, e)
		}
		return events, nil
	}}
}

func (g *generator) listingExecutions() step {
	limit := g.limit()
	return step{does: fmt.Sprintf("list executions by %d", limit), run: func(s *side) (any, error) {
		return listed(s, limit, s.Events.ListExecutions, func(x driver.ExecutionInfo) driver.ExecutionInfo {
			normalTimes(&x.CreatedAt, &x.UpdatedAt)
			return x
		})
	}}
}
