package drivertest

import (
	"fmt"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

// grown is that the log has grown by an append.
type grown struct {
	end uint64
	// The growth happened after after and before before, by the ledger's clock.
	after, before int64
}

// verify ends the check unless everything that was told fits the log in which all
// of it ended.
func (l *ledger) verify(log []driver.StoredEvent) {
	places := l.placesOf(log)
	l.verifyWrites(log, places)
	growths := l.growthsOf(log, places)
	for i, g := range growths {
		if i > 0 && g.after >= g.before {
			l.t.fatal(fmt.Sprintf("the order of the log of %q", l.execution), fmt.Sprintf("the events %d to %d, which were there before those in front of them were being appended", growths[i-1].end+1, g.end), "an append that began when another had ended behind that one")
		}
	}
	for _, s := range l.sightings {
		l.verifySighting(s, log, growths)
	}
}

// placesOf returns the sequence of each event, which must be there once.
func (l *ledger) placesOf(log []driver.StoredEvent) map[driver.EventID]uint64 {
	places := map[driver.EventID]uint64{}
	for _, e := range log {
		if first := places[e.ID]; first != 0 {
			l.t.fatal("the log after concurrent appends", fmt.Sprintf("event %q at %d and at %d", e.ID, first, e.Sequence), "each event once")
		}
		places[e.ID] = e.Sequence
	}
	return places
}

// verifyWrites finds the events of appends that succeeded where the writer was
// told, and of no other.
func (l *ledger) verifyWrites(log []driver.StoredEvent, places map[driver.EventID]uint64) {
	stored := map[driver.EventID]bool{}
	for _, w := range l.writes {
		if w.last == 0 {
			continue
		}
		first := w.last - uint64(len(w.events)) + 1
		if first < 1 || w.last < uint64(len(w.events)) || w.last > uint64(len(log)) {
			l.t.fatal(w.did, fmt.Sprintf("sequence %d in a log of %d events", w.last, len(log)), "the sequence of its last event")
		}
		for i, e := range w.events {
			l.t.isEvent(fmt.Sprintf("%s, which returned %d: event %d of the log", w.did, w.last, first+uint64(i)), log[first-1+uint64(i)], e, first+uint64(i))
			stored[e.ID] = true
		}
	}
	for id, place := range places {
		if !stored[id] {
			l.t.fatal("the log after concurrent appends", fmt.Sprintf("event %q at %d, whose append was refused", id, place), "nothing of an append that failed")
		}
	}
}

// growthsOf cuts the log into the appends that made it, in order, and says as
// narrowly as it can be known when each took place.
func (l *ledger) growthsOf(log []driver.StoredEvent, places map[driver.EventID]uint64) []grown {
	growths := []grown{{}} // the empty log
	for at := uint64(1); at <= uint64(len(log)); {
		// The longest append that begins here is the one that wrote; the others repeated it
		// or a part of it.
		g := grown{after: math.MaxInt64, before: math.MaxInt64}
		for _, w := range l.writes {
			if w.last != 0 && places[w.events[0].ID] == at {
				g.end = max(g.end, at+uint64(len(w.events))-1)
			}
		}
		for _, w := range l.writes {
			if place := places[w.events[0].ID]; w.last == 0 || place < at || place > g.end {
				continue
			}
			g.before = min(g.before, w.ret)
			if places[w.events[0].ID] == at && at+uint64(len(w.events))-1 == g.end {
				g.after = min(g.after, w.call)
			}
		}
		if g.end < at {
			l.t.fatal("the log after concurrent appends", fmt.Sprintf("event %q at %d", log[at-1].ID, at), "the first event of an append")
		}
		growths = append(growths, g)
		at = g.end + 1
	}
	for _, s := range l.sightings {
		for i := range growths {
			if growths[i].end == s.length && i > 0 {
				growths[i].before = min(growths[i].before, s.ret)
			}
		}
	}
	for i := 1; i < len(growths); i++ {
		growths[i].after = max(growths[i].after, growths[i-1].after)
	}
	for i := len(growths) - 2; i > 0; i-- {
		growths[i].before = min(growths[i].before, growths[i+1].before)
	}
	return growths
}

// verifySighting makes sure that the log had the length that somebody was told, at
// some time between call and return.
func (l *ledger) verifySighting(s sighting, log []driver.StoredEvent, growths []grown) {
	if s.loaded != nil {
		want := idsOf(log[min(s.from, uint64(len(log))):min(s.length, uint64(len(log)))], func(e driver.StoredEvent) string { return string(e.ID) })
		if !slices.Equal(s.loaded, want) {
			l.t.fatal(s.did+" beside writers", s.loaded, want)
		}
		if len(s.loaded) == 0 {
			// It has only said that the log was no longer than that.
			for _, g := range growths {
				if g.end > s.from && g.before < s.call {
					l.t.fatal(s.did+" beside writers", "no events", fmt.Sprintf("at least those up to %d, which were there before it was called", g.end))
				}
			}
			return
		}
	}
	i := slices.IndexFunc(growths, func(g grown) bool { return g.end == s.length })
	switch {
	case i < 0:
		l.t.fatal(s.did+" beside writers", fmt.Sprintf("%d, which is in the middle of a batch or behind the end of a log of %d", s.length, len(log)), "the end of a batch")
	case growths[i].after > s.ret:
		l.t.fatal(s.did+" beside writers", fmt.Sprintf("%d, before that was appended", s.length), "what was there")
	case i+1 < len(growths) && growths[i+1].before < s.call:
		l.t.fatal(s.did+" beside writers", fmt.Sprintf("%d", s.length), fmt.Sprintf("%d or more, which was there before it was called", growths[i+1].end))
	}
}
