package drivertest

import (
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var createAgainChecks = []check{
	{rule: "M7", name: "message-again", role: driver.RoleMessages, run: messageAgain,
		why: "a request that is repeated after a timeout says something twice, fails, or overwrites what is there"},
	{rule: "M7", name: "thread-again", role: driver.RoleMessages, run: threadAgain,
		why: "a request that is repeated after a timeout fails, or overwrites what is there"},
	{rule: "M7", name: "again-is-no-update", role: driver.RoleMessages, run: againIsNoUpdate,
		why: "a repeated request brings an old conversation to the top or a deleted one back"},
	{rule: "M7", name: "same-message-at-once", role: driver.RoleMessages, run: sameMessageAtOnce,
		why: "a request that was sent twice fails once, or is stored twice"},
	{rule: "M7", name: "same-thread-at-once", role: driver.RoleMessages, run: sameThreadAtOnce,
		why: "a request that was sent twice fails once, or one overwrites the other"},
}

// otherMessages are what differs from m in one thing each.
func otherMessages(m driver.Message) map[string]driver.Message {
	others := map[string]driver.Message{}
	for name, change := range map[string]func(*driver.Message){
		"parent":            func(m *driver.Message) { m.Parent = "another" },
		"no parent":         func(m *driver.Message) { m.Parent = "" },
		"execution":         func(m *driver.Message) { m.Execution = "Run" },
		"no execution":      func(m *driver.Message) { m.Execution = "" },
		"role":              func(m *driver.Message) { m.Role = "Assistant" },
		"role with a space": func(m *driver.Message) { m.Role += " " },
		"content":           func(m *driver.Message) { m.Content = []byte("other") },
		"content's case":    func(m *driver.Message) { m.Content = []byte("Content\x00\xff") },
		"content's end":     func(m *driver.Message) { m.Content = append(m.Content[:len(m.Content):len(m.Content)], ' ') },
		"what follows NUL":  func(m *driver.Message) { m.Content = []byte("content\x00\xfe") },
		"no content":        func(m *driver.Message) { m.Content = nil },
		"parts":             func(m *driver.Message) { m.Parts = []byte(`[]`) },
		"space in parts":    func(m *driver.Message) { m.Parts = []byte(`[{"type":"text"}]`) },
		"no parts":          func(m *driver.Message) { m.Parts = nil },
		"details":           func(m *driver.Message) { m.Details = []byte(`{}`) },
		"order in details":  func(m *driver.Message) { m.Details = []byte(`{"a":9007199254740993,"b":1}`) },
		"a large integer":   func(m *driver.Message) { m.Details = []byte(`{"b":1,"a":9007199254740992}`) },
		"no details":        func(m *driver.Message) { m.Details = nil },
		"fields turned":     func(m *driver.Message) { m.Parts, m.Details = m.Details, m.Parts },
		"time":              func(m *driver.Message) { m.CreatedAt = m.CreatedAt.Add(time.Microsecond) },
		"time, by a day":    func(m *driver.Message) { m.CreatedAt = m.CreatedAt.AddDate(0, 0, 1) },
	} {
		other := m
		change(&other)
		others[name] = other
	}
	return others
}

// sameMessages are what says no other thing than m, a message that states its time.
func sameMessages(m driver.Message) map[string]driver.Message {
	undated, assigned := m, m
	undated.CreatedAt = time.Time{}
	assigned.Position, assigned.Version, assigned.UpdatedAt, assigned.DeletedAt = 99, 99, longAgo, longAgo
	return map[string]driver.Message{"as it was": m, "without a time": undated, "with other values where the store assigns them": assigned}
}

func (t *trial) refuseOtherMessages(when string, m driver.Message) {
	for name, other := range otherMessages(m) {
		_, err := t.Messages.CreateMessage(t.ctx, other)
		t.fails("CreateMessage again with another "+name+", "+when, err, driver.ErrExists)
	}
}

func (t *trial) acceptSameMessages(when string, m, stored driver.Message) {
	for name, same := range sameMessages(m) {
		equalMessage(t, "what CreateMessage again "+name+" returned, "+when, t.createMessage(t.Messages, same), stored)
	}
}

func messageAgain(t *trial) {
	restart := t.takeTurns()
	t.thread(t.Messages, "t")
	t.say(t.Messages, "t", "parent")
	t.say(t.Messages, "t", "another")
	given := fullMessage("t", "m", "parent")
	given.CreatedAt = longAgo
	stored := t.createMessage(t.Messages, given)
	after := t.say(t.Messages, "t", "after")
	undated := t.say(t.Messages, "t", "undated")
	for _, when := range []string{"at once", "after reopening"} {
		t.acceptSameMessages(when, given, stored)
		t.refuseOtherMessages(when, given)
		equalMessage(t, "the message that was created again and again", t.liveMessage(t.Messages, "m"), stored)
		equalMessage(t, "a message that states no time, created again", t.createMessage(t.Messages, said("t", "undated")), undated)
		dated := said("t", "undated")
		dated.CreatedAt = undated.CreatedAt
		equalMessage(t, "a message that was stored without a time, created again with its time", t.createMessage(t.Messages, dated), undated)
		dated.CreatedAt = longAgo
		_, err := t.Messages.CreateMessage(t.ctx, dated)
		t.fails("CreateMessage again with another time than the store's", err, driver.ErrExists)
		restart()
	}
	edited := stored
	edited.Content = []byte("edited")
	edited = t.editMessage(t.Messages, edited)
	_, err := t.Messages.CreateMessage(t.ctx, given)
	t.fails("CreateMessage again as it was before an edit", err, driver.ErrExists)
	asEdited := given
	asEdited.Content = edited.Content
	t.acceptSameMessages("as it was edited", asEdited, edited)
	t.refuseOtherMessages("after an edit", asEdited)

	t.dropMessage(t.Messages, "m")
	kept := t.keptMessage(t.Messages, "m")
	t.acceptSameMessages("after it was deleted", asEdited, kept)
	t.refuseOtherMessages("after it was deleted", asEdited)
	t.dropThread(t.Messages, "t")
	t.acceptSameMessages("after its thread was deleted", asEdited, kept)
	equalMessage(t, "a live message of a deleted thread, created again", t.createMessage(t.Messages, said("t", "after")), after)
	_, err = t.Messages.GetMessage(t.ctx, "m", false)
	t.fails("GetMessage of a deleted message that was created again", err, driver.ErrNotFound)
	t.haveMessages("the messages, each once", t.Messages, driver.MessageQuery{Thread: "t", IncludeDeleted: true}, "parent", "another", "m", "after", "undated")
}

func threadAgain(t *trial) {
	restart := t.takeTurns()
	given := driver.Thread{ID: "t", User: "ann", Title: "title\x00\xff", Metadata: []byte(`{ "b":1,"a":9007199254740993}`), CreatedAt: longAgo}
	stored := t.createThread(t.Messages, given)
	undated := t.thread(t.Messages, "undated")
	accept := func(when string, given, want driver.Thread) {
		assigned := given
		assigned.UpdatedAt, assigned.DeletedAt, assigned.Version = longAgo, longAgo, 99
		noTime := given
		noTime.CreatedAt = time.Time{}
		for _, same := range []driver.Thread{given, assigned, noTime} {
			equalThread(t, "what CreateThread again returned "+when, t.createThread(t.Messages, same), want)
		}
	}
	refuse := func(when string, given driver.Thread) {
		for name, change := range map[string]func(*driver.Thread){
			"user":              func(th *driver.Thread) { th.User = "Ann" },
			"title":             func(th *driver.Thread) { th.Title = "other" },
			"title's case":      func(th *driver.Thread) { th.Title = "Title\x00\xff" },
			"title's end":       func(th *driver.Thread) { th.Title += " " },
			"what follows NUL":  func(th *driver.Thread) { th.Title = "title\x00\xfe" },
			"no title":          func(th *driver.Thread) { th.Title = "" },
			"metadata":          func(th *driver.Thread) { th.Metadata = []byte(`{}`) },
			"space in metadata": func(th *driver.Thread) { th.Metadata = []byte(`{"b":1,"a":9007199254740993}`) },
			"order in metadata": func(th *driver.Thread) { th.Metadata = []byte(`{ "a":9007199254740993,"b":1}`) },
			"no metadata":       func(th *driver.Thread) { th.Metadata = nil },
			"time":              func(th *driver.Thread) { th.CreatedAt = th.CreatedAt.Add(time.Microsecond) },
		} {
			other := given
			change(&other)
			_, err := t.Messages.CreateThread(t.ctx, other)
			t.fails("CreateThread again with another "+name+", "+when, err, driver.ErrExists)
		}
	}
	for _, when := range []string{"at once", "after reopening"} {
		accept(when, given, stored)
		refuse(when, given)
		equalThread(t, "the thread that was created again and again", t.liveThread(t.Messages, "t"), stored)
		equalThread(t, "a thread that states no time, created again", t.thread(t.Messages, "undated"), undated)
		dated := undated
		dated.CreatedAt = longAgo
		_, err := t.Messages.CreateThread(t.ctx, dated)
		t.fails("CreateThread again with another time than the store's", err, driver.ErrExists)
		restart()
	}
	edited := stored
	edited.Metadata = nil
	edited = t.editThread(t.Messages, edited)
	_, err := t.Messages.CreateThread(t.ctx, given)
	t.fails("CreateThread again as it was before an edit", err, driver.ErrExists)
	given.Metadata = nil
	accept("as it was edited", given, edited)
	t.dropThread(t.Messages, "t")
	kept := t.keptThread(t.Messages, "t")
	accept("after it was deleted", given, kept)
	given.Metadata = []byte("x")
	_, err = t.Messages.CreateThread(t.ctx, given)
	t.fails("CreateThread again with other content after it was deleted", err, driver.ErrExists)
	_, err = t.Messages.GetThread(t.ctx, "t", false)
	t.fails("GetThread of a deleted thread that was created again", err, driver.ErrNotFound)
	listsIDs(t, "the threads, each once", threadsOf(t.Messages, driver.ThreadQuery{User: "ann", IncludeDeleted: true}), threadID, t.orderOfTwo("ann")...)
}

// orderOfTwo returns "t" and "undated" in the order that they are listed in: whether
// deletion counts as an update is not written.
func (t *trial) orderOfTwo(user driver.UserID) []driver.ThreadID {
	order := []driver.ThreadID{"t", "undated"}
	first, _, err := t.Messages.ListThreads(t.ctx, driver.ThreadQuery{User: user, IncludeDeleted: true, Page: driver.Page{Limit: 1}})
	t.ok("ListThreads", err)
	if len(first) == 1 && first[0].ID == "undated" {
		order[0], order[1] = order[1], order[0]
	}
	return order
}

func againIsNoUpdate(t *trial) {
	t.takeTurns()
	s := t.Messages
	for _, id := range []driver.ThreadID{"old", "older", "new"} {
		t.thread(s, id)
	}
	stored := t.say(s, "older", "m")
	t.say(s, "older", "n")
	t.say(s, "old", "o")
	t.say(s, "new", "p")
	before := map[driver.ThreadID]driver.Thread{}
	for _, id := range []driver.ThreadID{"old", "older", "new"} {
		before[id] = t.liveThread(s, id)
	}
	t.clockPasses(s, before["new"].UpdatedAt)
	equalMessage(t, "CreateMessage again", t.createMessage(s, said("older", "m")), stored)
	other := said("older", "m")
	other.Content = []byte("other")
	_, err := s.CreateMessage(t.ctx, other)
	t.fails("CreateMessage again with other content", err, driver.ErrExists)
	equalThread(t, "CreateThread again", t.thread(s, "old"), before["old"])
	_, err = s.CreateThread(t.ctx, driver.Thread{ID: "old", User: "ann", Title: "other"})
	t.fails("CreateThread again with other content", err, driver.ErrExists)
	for id, th := range before {
		equalThread(t, "a thread after creations that were repeated", t.liveThread(s, id), th)
	}
	equalMessage(t, "a message that was created again", t.liveMessage(s, "m"), stored)
	t.haveMessages("the thread whose first message was created again", s, driver.MessageQuery{Thread: "older"}, "m", "n")
	listsIDs(t, "the threads after creations that were repeated", threadsOf(s, driver.ThreadQuery{User: "ann"}), threadID, "new", "old", "older")
}

// sameMessageAtOnce: of equal ones one is stored and all succeed; of different ones
// one is stored and the others are told.
func sameMessageAtOnce(t *trial) {
	const writers = 4
	stores := t.bothMessageStores()
	threads := []driver.ThreadID{"t", "u"}
	want := map[driver.ThreadID][]driver.MessageID{}
	for _, thread := range threads {
		t.thread(t.Messages, thread)
	}
	for round := range t.rounds(12, 80) {
		id := driver.MessageID(fmt.Sprintf("%03d", round))
		given, got, errs := make([]driver.Message, writers), make([]driver.Message, writers), make([]error, writers)
		t.together(writers, func(i int) {
			given[i] = said(threads[round%4/3*i%2], id) // in every fourth round in both
			given[i].Content = fmt.Appendf(nil, "content %d", i%(1+round%3))
			got[i], errs[i] = stores[i%2].CreateMessage(t.shaken(), given[i])
		})
		stored := t.liveMessage(t.Messages, id)
		want[stored.Thread] = append(want[stored.Thread], id)
		for i, err := range errs {
			if given[i].SameContent(stored) {
				t.ok("CreateMessage while others create the same", err)
				equalMessage(t, "what CreateMessage returned while others created the same", got[i], stored)
			} else {
				t.fails("CreateMessage while others create another one with its ID, which is the one that is stored", err, driver.ErrExists)
			}
		}
	}
	for _, thread := range threads {
		t.haveMessages("the messages, each once", t.Messages, driver.MessageQuery{Thread: thread}, want[thread]...)
	}
}

func sameThreadAtOnce(t *trial) {
	const writers = 4
	stores := t.bothMessageStores()
	seen := map[driver.ThreadID]bool{}
	for round := range t.rounds(12, 80) {
		id := driver.ThreadID(fmt.Sprintf("%03d", round))
		given, got, errs := make([]driver.Thread, writers), make([]driver.Thread, writers), make([]error, writers)
		t.together(writers, func(i int) {
			given[i] = driver.Thread{ID: id, User: "ann", Title: fmt.Sprint("title ", i%(1+round%3))}
			got[i], errs[i] = stores[i%2].CreateThread(t.shaken(), given[i])
		})
		stored := t.liveThread(t.Messages, id)
		for i, err := range errs {
			if given[i].SameContent(stored) {
				t.ok("CreateThread while others create the same", err)
				equalThread(t, "what CreateThread returned while others created the same", got[i], stored)
			} else {
				t.fails("CreateThread while others create another one with its ID, which is the one that is stored", err, driver.ErrExists)
			}
		}
		seen[id] = false
	}
	for _, th := range walk(t, "ListThreads", 7, threadsOf(t.Messages, driver.ThreadQuery{User: "ann", IncludeDeleted: true})) {
		if twice, known := seen[th.ID]; twice || !known {
			t.fatal("ListThreads after many created the same at once", fmt.Sprintf("thread %q twice, or unknown", th.ID), "each once")
		}
		seen[th.ID] = true
	}
	for id, listed := range seen {
		if !listed {
			t.fatal("ListThreads after many created the same at once", fmt.Sprintf("thread %q is not there", id), "each once")
		}
	}
}
