package model

import (
	"testing"

	"github.com/enactdev/enact"
)

func batch(names ...enact.EventID) *Batch {
	b := &Batch{}
	for _, name := range names {
		b.Events = append(b.Events, enact.Identified{ID: name, Data: enact.Custom{Type: "custom", Data: []byte("data of " + name)}})
	}
	return b
}

func stored(from uint64, names ...enact.EventID) (history []enact.StoredEvent) {
	for i, name := range names {
		var e enact.StoredEvent
		e.ID, e.Type, e.Payload, e.Sequence = name, "custom", []byte("data of "+name), from+uint64(i)
		history = append(history, e)
	}
	return history
}

// threeBatches is an execution with the acknowledged events a1, a2 and c1, and with b1
// and b2 of an unknown fate.
func threeBatches(t *testing.T) (x *Execution, a, b, c *Batch) {
	t.Helper()
	x = NewExecution("x")
	a, b, c = batch("a1", "a2"), batch("b1", "b2"), batch("c1")
	x.Begin(a)
	wantWhole(t, x.Acknowledge(a, 2))
	x.Begin(b)
	x.Fail(b, Unknown)
	x.Begin(c)
	wantWhole(t, x.Acknowledge(c, 5))
	return x, a, b, c
}

func TestWholeHistoryIsNotBroken(t *testing.T) {
	x, _, _, _ := threeBatches(t)
	for after := range uint64(6) {
		wantWhole(t, x.CheckHistory(after, stored(1, "a1", "a2", "b1", "b2", "c1")[after:], during()))
	}
	wantWhole(t, x.CheckLatest(5, during()))
}

func TestBrokenHistoriesAreFound(t *testing.T) {
	other := stored(1, "a1", "a2", "b1", "b2", "c1")
	other[1].Payload = []byte("data of b")
	gap := append(stored(1, "a1", "a2"), stored(4, "b1", "b2", "c1")...)
	for name, c := range map[string]struct {
		rule    string
		history []enact.StoredEvent
	}{
		"an acknowledged batch is missing":          {"E1", stored(1, "a1", "a2", "b1", "b2")},
		"everything is missing":                     {"E1", nil},
		"there is a gap":                            {"E2", gap},
		"only the beginning of a batch is there":    {"E3", stored(1, "a1", "a2", "b1")},
		"a batch is torn by another":                {"E3", stored(1, "a1", "b1", "b2", "a2", "c1")},
		"a batch lacks its first event":             {"E3", stored(1, "a1", "a2", "b2", "c1")},
		"a batch is there twice":                    {"E6", stored(1, "a1", "a2", "b1", "b2", "c1", "b1", "b2")},
		"an event is not where it was acknowledged": {"E6", stored(1, "a1", "a2", "c1", "b1", "b2")},
		"nobody has appended an event":              {"E6", stored(1, "a1", "a2", "b1", "b2", "c1", "d1")},
		"an event has other content":                {"E8", other},
	} {
		t.Run(name, func(t *testing.T) {
			x, _, _, _ := threeBatches(t)
			wantBroken(t, x.CheckHistory(0, c.history, during()), c.rule)
		})
	}
}

func TestRefusedAppendMustNotAppear(t *testing.T) {
	x, _, _, _ := threeBatches(t)
	d := batch("d1")
	x.Begin(d)
	x.Fail(d, Refused)
	history := stored(1, "a1", "a2", "b1", "b2", "c1", "d1")
	wantBroken(t, x.CheckHistory(0, history, during()), "B9", "refused")
	// An earlier attempt whose fate is unknown may have been applied.
	e := batch("e1")
	x.Begin(e)
	x.Fail(e, Unknown)
	x.Begin(e)
	x.Fail(e, Refused)
	wantWhole(t, x.CheckHistory(0, append(history[:5], stored(6, "e1")...), during()))
}

func TestLatestSequenceMustNotFallBack(t *testing.T) {
	x, _, _, _ := threeBatches(t)
	wantBroken(t, x.CheckLatest(4, during()), "E1")
	before := during()
	d := batch("d1")
	x.Begin(d)
	wantWhole(t, x.Acknowledge(d, 6))
	wantWhole(t, x.CheckLatest(5, before)) // it was acknowledged after the read
}

func TestWhatAppendsReturnIsJudged(t *testing.T) {
	x, a, b, _ := threeBatches(t)
	x.Begin(a)
	wantBroken(t, x.Acknowledge(a, 7), "E6", "repeated")
	wantBroken(t, x.Conflict(a, 5, "a1"), "E6")
	x.Begin(b)
	wantBroken(t, x.Conflict(b, 5, "b1"), "E6")
	wantBroken(t, x.Conflict(b, 5, ""), "E5")
	tooLow := batch("l1", "l2")
	x.Begin(tooLow)
	wantBroken(t, x.Acknowledge(tooLow, 1), "E2")
	late := batch("m1")
	late.Expect, late.Expects = 5, true
	x.Begin(late)
	wantBroken(t, x.Conflict(late, 5, ""), "E5")
	wantBroken(t, x.Acknowledge(late, 9), "E5")
}

// Of two that expect the same only one can follow it.
func TestTwoWinnersAreFound(t *testing.T) {
	x, _, _, _ := threeBatches(t)
	for i, name := range []enact.EventID{"p", "q"} {
		b := batch(name)
		b.Expect, b.Expects = 5, true
		x.Begin(b)
		if verdict := x.Acknowledge(b, uint64(6+i)); i == 1 {
			wantBroken(t, verdict, "E5")
		}
	}
	lost := batch("r")
	lost.Expect, lost.Expects = 5, true
	x.Begin(lost)
	wantWhole(t, x.Conflict(lost, 6, ""))
	wantBroken(t, x.CheckHistory(5, stored(6, "p", "r"), during()), "B9")
}

func TestBrokenListingsOfExecutionsAreFound(t *testing.T) {
	x, _, _, _ := threeBatches(t)
	y := NewExecution("y")
	all := []*Execution{x, y}
	wantWhole(t, CheckExecutions(all, []enact.ExecutionInfo{{ID: "x", LastSequence: 5}}, during()))
	wantBroken(t, CheckExecutions(all, nil, during()), "E1")
	wantBroken(t, CheckExecutions(all, []enact.ExecutionInfo{{ID: "x", LastSequence: 4}}, during()), "E1")
	wantBroken(t, CheckExecutions(all, []enact.ExecutionInfo{{ID: "x", LastSequence: 5}, {ID: "x", LastSequence: 5}}, during()), "E9")
	wantBroken(t, CheckExecutions(all, []enact.ExecutionInfo{{ID: "other", LastSequence: 5}}, during()), "B5")
	wantBroken(t, x.CheckRehydrated(5, "other variables", during()), "R7")
	wantBroken(t, x.CheckRehydrated(4, "", during()), "E1")
	wantWhole(t, x.CheckRehydrated(5, "", during()))
}
