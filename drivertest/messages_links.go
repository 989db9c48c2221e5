package drivertest

import (
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

var linkageChecks = []check{
	{rule: "M4", name: "parent-in-the-thread", role: driver.RoleMessages, run: parentInTheThread,
		why: "a tree of answers hangs from what is not there, or shows another conversation"},
	{rule: "M4", name: "messages-of-an-execution", role: driver.RoleMessages, run: messagesOfAnExecution,
		why: "who looks for what a run has written misses some or sees another run's"},
}

func parentInTheThread(t *trial) {
	restart := t.takeTurns()
	s := t.Messages
	for _, thread := range []driver.ThreadID{"one", "two"} {
		t.thread(s, thread)
		t.say(s, thread, driver.MessageID("first of "+thread))
	}
	other := t.backend.Tenant("other").Messages
	t.thread(other, "one")
	t.say(other, "one", "another tenant's")
	t.say(s, "two", "deleted in two")
	t.dropMessage(s, "deleted in two")
	untouched := t.liveThread(s, "one")
	t.clockPasses(s, untouched.UpdatedAt)
	for _, parent := range []driver.MessageID{"unknown", "first of two", "First of one", "first of one ", "first of", "%", "m", "one", "another tenant's", "deleted in two"} {
		_, err := s.CreateMessage(t.ctx, fullMessage("one", "m", parent))
		t.fails(fmt.Sprintf("CreateMessage in thread one with parent %q", parent), err, driver.ErrInvalid)
		_, err = s.GetMessage(t.ctx, "m", true)
		t.fails("GetMessage of a message that was refused", err, driver.ErrNotFound)
	}
	equalThread(t, "the thread after messages that were refused", t.liveThread(s, "one"), untouched)
	t.haveMessages("the thread after messages that were refused", s, driver.MessageQuery{Thread: "one", IncludeDeleted: true}, "first of one")
	listsIDs(t, "the threads, of which none was updated", threadsOf(s, driver.ThreadQuery{User: "ann"}), threadID, "two", "one")

	// A deleted parent is one, and so is one that is not the last or has answers already.
	t.dropMessage(s, "first of one")
	want := map[driver.MessageID]driver.MessageID{}
	for child, parent := range map[driver.MessageID]driver.MessageID{"m": "first of one", "n": "first of one"} {
		want[child] = parent
		equal(t, "the parent of a new message", t.createMessage(s, fullMessage("one", child, parent)).Parent, parent)
	}
	want["o"] = "m"
	t.createMessage(s, fullMessage("one", "o", "m"))
	restart()
	s = t.Messages
	for child, parent := range want {
		equal(t, "the parent of a message", t.liveMessage(s, child).Parent, parent)
	}
	t.dropMessage(s, "m")
	equal(t, "the parent of an answer to a deleted message", t.liveMessage(s, "o").Parent, "m")
	for _, m := range t.allMessages(s, driver.MessageQuery{Thread: "one"}) {
		equal(t, "the parent of a message as listed", m.Parent, want[m.ID])
	}
}

func messagesOfAnExecution(t *trial) {
	t.takeTurns()
	s := t.Messages
	t.haveMessages("the messages of an execution that is unknown", s, driver.MessageQuery{Execution: "run", IncludeDeleted: true})
	other := t.backend.Tenant("other").Messages
	t.thread(other, "a")
	t.createMessage(other, fullMessage("a", "another tenant's", ""))
	threads := []driver.ThreadID{"10", "9", "A", "B", "a", "a\t", "a ", "a!", "aa", "b", "e\u0301", "z", "é", "\u00a0", "\uffff", "\U0001F600"}
	created := slices.Clone(threads)
	t.rand.Shuffle(len(created), func(i, j int) { created[i], created[j] = created[j], created[i] })
	for i, thread := range created {
		t.createThread(s, driver.Thread{ID: thread, User: driver.UserID(fmt.Sprint("user ", i%3))})
	}
	runs := []driver.ExecutionID{"run", "Run", "run ", "ru", ""}
	of := map[driver.ExecutionID]map[driver.ThreadID][]driver.MessageID{}
	for _, run := range runs {
		of[run] = map[driver.ThreadID][]driver.MessageID{}
	}
	i := 0
	put := func(thread driver.ThreadID, run driver.ExecutionID) {
		m := said(thread, driver.MessageID(fmt.Sprintf("m%03d", 999-i)))
		m.Execution, m.CreatedAt = run, longAgo
		t.createMessage(s, m)
		of[run][thread] = append(of[run][thread], m.ID)
		i++
	}
	for n := range 3 * len(threads) {
		put(created[(n*5)%len(created)], runs[n%len(runs)])
	}
	for range 11 { // positions of one and of two digits
		put("a", "run")
	}
	slices.Sort(threads)
	for _, run := range runs[:4] {
		var want []driver.MessageID
		for _, thread := range threads {
			want = append(want, of[run][thread]...)
		}
		t.haveMessages(fmt.Sprintf("the messages of execution %q", run), s, driver.MessageQuery{Execution: run}, want...)
	}
	for _, unknown := range []driver.ExecutionID{"r", "RUN", "r%", "run\t", "a"} {
		t.haveMessages("the messages of an execution that is unknown", s, driver.MessageQuery{Execution: unknown})
	}
	for _, m := range t.allMessages(s, driver.MessageQuery{Execution: "run"}) {
		equalMessage(t, "a message as its execution's listing has it", m, t.liveMessage(s, m.ID))
	}
}
