package model

import (
	"testing"
	"time"

	"github.com/enactdev/enact"
)

// written is a register after writes with these fates, at versions from 1.
func written(t *testing.T, settings ...*Setting) *Register {
	t.Helper()
	r := &Register{Name: "key", Rule: "S1"}
	for i, s := range settings {
		fate, version := s.fate, uint64(i+1)
		if s.Deletes {
			version = 0
		}
		r.Begin(s)
		wantWhole(t, r.End(s, fate, version))
	}
	return r
}

func setting(value string, fate Fate) *Setting {
	return &Setting{Value: value, Deletes: value == "", write: write{fate: fate}}
}

func TestLastAcknowledgedOrALaterUnknownValueIsWhole(t *testing.T) {
	r := written(t, setting("a", Acknowledged), setting("b", Unknown), setting("c", Acknowledged), setting("d", Unknown))
	wantWhole(t, r.Check(Reading{true, "c", 3}, during()))
	wantWhole(t, r.Check(Reading{true, "d", 4}, during()))
	wantWhole(t, r.Check(Reading{true, "b", 5}, during())) // it landed late
}

func TestBrokenReadingsAreFound(t *testing.T) {
	r := written(t, setting("a", Acknowledged), setting("b", Refused), setting("c", Acknowledged))
	wantBroken(t, r.Check(Reading{}, during()), "S1", "missing")
	wantBroken(t, r.Check(Reading{true, "a", 1}, during()), "S3")
	wantBroken(t, r.Check(Reading{true, "a", 4}, during()), "S1")
	wantBroken(t, r.Check(Reading{true, "b", 4}, during()), "B9", "refused")
	wantBroken(t, r.Check(Reading{true, "of another tenant", 4}, during()), "S1")
	wantBroken(t, r.Check(Reading{true, "c", 9}, during()), "S1")
	deleted := written(t, setting("a", Acknowledged), setting("", Acknowledged))
	wantBroken(t, deleted.Check(Reading{true, "a", 1}, during()), "S1", "nothing")
	wantWhole(t, deleted.Check(Reading{}, during()))
}

func TestConcurrentWriteMayBeReadOrNot(t *testing.T) {
	r := written(t, setting("a", Acknowledged))
	before := Now()
	s := setting("b", Unknown)
	r.Begin(s)
	span := Span{From: before, To: Now(), Began: time.Now(), Ended: time.Now()}
	wantWhole(t, r.End(s, Acknowledged, 2))
	wantWhole(t, r.Check(Reading{true, "a", 1}, span))
	wantWhole(t, r.Check(Reading{true, "b", 2}, span))
	wantBroken(t, r.Check(Reading{true, "a", 1}, during()), "S3")
}

func TestVersionsMustGrow(t *testing.T) {
	r := written(t, setting("a", Acknowledged))
	s := setting("b", Unknown)
	r.Begin(s)
	wantBroken(t, r.End(s, Acknowledged, 1), "S3")
}

func TestExpiredValueMustNotBeSeen(t *testing.T) {
	s := setting("a", Acknowledged)
	s.TTL = time.Second
	r := written(t, s)
	at := func(d time.Duration) Span {
		when := s.endedBy.Add(d)
		return Span{From: Now(), To: Now(), Began: when, Ended: when}
	}
	wantWhole(t, r.Check(Reading{true, "a", 1}, at(s.TTL/2)))
	wantBroken(t, r.Check(Reading{}, at(s.TTL/2)), "S1", "missing")
	wantWhole(t, r.Check(Reading{}, at(s.TTL)))
	wantBroken(t, r.Check(Reading{true, "a", 1}, at(s.TTL+2*lateness)), "S2")
	known := map[string]*Register{"key": r}
	list := []enact.EntryInfo{{Key: "key"}}
	wantWhole(t, CheckKeys(known, list, at(s.TTL/2)))
	wantBroken(t, CheckKeys(known, list, at(s.TTL+2*lateness)), "S2")
	wantBroken(t, CheckKeys(known, nil, at(s.TTL/2)), "S1")
	wantBroken(t, CheckKeys(known, append(list, list...), at(0)), "S5")
	wantBroken(t, CheckKeys(known, []enact.EntryInfo{{Key: "another"}}, at(0)), "B5")
}
