package model

import (
	"testing"
	"time"

	"github.com/enactdev/enact"
)

// threeMessages is a thread with the messages a at 1, b of an unknown fate, c at 3,
// which was edited once, and d at 4, which is deleted.
func threeMessages(t *testing.T) *Thread {
	t.Helper()
	thread := NewThread("thread")
	for i, fate := range []Fate{Acknowledged, Unknown, Acknowledged, Acknowledged} {
		m := &Message{ID: enact.MessageID("abcd"[i : i+1]), Content: "first"}
		thread.Begin(m)
		thread.End(m, fate, uint64(i+1))
	}
	c, d := thread.messages["c"], thread.messages["d"]
	e := &Edit{Version: 1, Content: "second"}
	thread.BeginEdit(c, e)
	wantWhole(t, thread.EndEdit(c, e, Acknowledged))
	thread.EndDelete(thread.BeginDelete(d), Acknowledged)
	return thread
}

func at(position uint64, id enact.MessageID, content string, version uint64) enact.Message {
	return enact.Message{ID: id, Content: content, Position: position, Version: version}
}

func deletedAt(m enact.Message, when time.Time) enact.Message {
	m.DeletedAt = when
	return m
}

var (
	a = at(1, "a", "first", 1)
	b = at(2, "b", "first", 1)
	c = at(3, "c", "second", 2)
	d = deletedAt(at(4, "d", "first", 1), time.Unix(1, 0))
)

func TestWholeListingsAreNotBroken(t *testing.T) {
	thread := threeMessages(t)
	wantWhole(t, thread.CheckListing([]enact.Message{a, c}, false, false, during()))
	wantWhole(t, thread.CheckListing([]enact.Message{a, b, c}, false, false, during()))
	wantWhole(t, thread.CheckListing([]enact.Message{c, b, a}, true, false, during()))
	wantWhole(t, thread.CheckListing([]enact.Message{a, b, c, d}, false, true, during()))
}

func TestBrokenListingsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		rule           string
		includeDeleted bool
		list           []enact.Message
	}{
		"a message is missing":                    {"M3", false, []enact.Message{c}},
		"a deleted message is gone":               {"M3", true, []enact.Message{a, c}},
		"a deleted message is listed":             {"M3", false, []enact.Message{a, c, d}},
		"a deleted message is not deleted":        {"M3", true, []enact.Message{a, c, at(4, "d", "first", 1)}},
		"a message is deleted by nobody":          {"M3", true, []enact.Message{deletedAt(a, time.Unix(1, 0)), c, d}},
		"a message is listed twice":               {"M2", false, []enact.Message{a, a, c}},
		"the order is wrong":                      {"M2", false, []enact.Message{c, a}},
		"a message is elsewhere":                  {"M2", false, []enact.Message{at(2, "a", "first", 1), c}},
		"nobody has created a message":            {"M1", false, []enact.Message{a, c, at(9, "x", "first", 1)}},
		"the content is nobody's":                 {"M6", false, []enact.Message{at(1, "a", "other", 1), c}},
		"the content is of another version":       {"M6", false, []enact.Message{a, at(3, "c", "second", 1)}},
		"an acknowledged edit is lost":            {"M5", false, []enact.Message{a, at(3, "c", "first", 1)}},
		"the time of the deletion is another one": {"M3", true, []enact.Message{a, c, deletedAt(d, time.Unix(2, 0))}},
	} {
		t.Run(name, func(t *testing.T) {
			thread := threeMessages(t)
			thread.messages["d"].deletedAt = time.Unix(1, 0)
			wantBroken(t, thread.CheckListing(c.list, false, c.includeDeleted, during()), c.rule)
		})
	}
}

func TestRefusedWritesOfMessagesMustNotAppear(t *testing.T) {
	thread := threeMessages(t)
	r := &Message{ID: "r", Content: "first"}
	thread.Begin(r)
	thread.End(r, Refused, 0)
	wantBroken(t, thread.CheckMessage("r", at(5, "r", "first", 1), true, during()), "B9")
	thread.EndDelete(thread.BeginDelete(thread.messages["a"]), Refused)
	wantBroken(t, thread.CheckListing([]enact.Message{c}, false, false, during()), "M3", "missing")
	e := &Edit{Version: 1, Content: "refused"}
	thread.BeginEdit(thread.messages["a"], e)
	wantWhole(t, thread.EndEdit(thread.messages["a"], e, Refused))
	wantBroken(t, thread.CheckMessage("a", at(1, "a", "refused", 2), true, during()), "B9")
	wantBroken(t, thread.CheckMessage("c", enact.Message{}, false, during()), "M3", "missing")
	wantBroken(t, thread.CheckMessage("c", a, true, during()), "M6")
	wantWhole(t, thread.CheckMessage("c", c, true, during()))
	wantWhole(t, thread.CheckMessage("b", enact.Message{}, false, during()))
}

func TestTwoEditsOfOneVersionAreFound(t *testing.T) {
	thread := threeMessages(t)
	e := &Edit{Version: 1, Content: "third"}
	thread.BeginEdit(thread.messages["c"], e)
	wantBroken(t, thread.EndEdit(thread.messages["c"], e, Acknowledged), "M5", "twice")
}

func TestBrokenListingsOfThreadsAreFound(t *testing.T) {
	threads := []*Thread{NewThread("thread")}
	known := enact.Thread{ID: "thread", Title: "title"}
	wantWhole(t, CheckThreads(threads, "title", []enact.Thread{known}))
	wantBroken(t, CheckThreads(threads, "title", []enact.Thread{known, known}), "M8")
	wantBroken(t, CheckThreads(threads, "title", []enact.Thread{{ID: "x", Title: "title"}}), "M8")
	wantBroken(t, CheckThreads(threads, "title", []enact.Thread{{ID: "thread", Title: "of another tenant"}}), "M8")
}
