package drivertest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/enactdev/enact/driver"
)

var editChecks = []check{
	{rule: "M5", name: "edits-of-messages", role: driver.RoleMessages, run: editsOfMessages,
		why: "an edit is acknowledged and something of it is lost, or something else changes with it"},
	{rule: "M5", name: "edits-of-threads", role: driver.RoleMessages, run: editsOfThreads,
		why: "an edit is acknowledged and something of it is lost, or something else changes with it"},
	{rule: "M5", name: "what-cannot-change", role: driver.RoleMessages, run: whatCannotChange,
		why: "an editor puts words into somebody else's mouth, or believes that it did"},
	{rule: "M5", name: "stale-version", role: driver.RoleMessages, run: staleVersion,
		why: "an edit overwrites one that its author has never seen"},
	{rule: "M5", name: "thread-version-is-of-edits", role: driver.RoleMessages, run: threadVersionIsOfEdits,
		why: "nobody can rename a conversation in which people are talking"},
	{rule: "M5", name: "no-lost-update", role: driver.RoleMessages, run: noLostMessageUpdate,
		why: "of two edits at once one disappears though both were acknowledged"},
	{rule: "M5", name: "one-editor-wins", role: driver.RoleMessages, run: oneEditorWins,
		why: "of two edits at once one disappears though both were acknowledged"},
	{rule: "M5", name: "edit-against-deletion", role: driver.RoleMessages, run: editAgainstDeletion,
		why: "an edit that was refused shows, one that was acknowledged is lost, or it brings back what was deleted"},
}

// editsOfMessages changes each field alone, to longer, shorter, other and no
// content, and looks at it by every way to read it.
func editsOfMessages(t *trial) {
	restart := t.takeTurns()
	t.thread(t.Messages, "t")
	beside := t.createMessage(t.Messages, fullMessage("t", "beside", ""))
	first := fullMessage("t", "m", "beside")
	first.CreatedAt = longAgo
	current := t.createMessage(t.Messages, first)
	_, err := t.Messages.UpdateMessage(t.ctx, driver.Message{ID: "M", Thread: "t", Role: "user", CreatedAt: longAgo, Version: 1})
	t.fails("UpdateMessage of an unknown message", err, driver.ErrNotFound)
	for i, change := range []func(*driver.Message){
		func(m *driver.Message) { m.Content = []byte("second\x00\xff and longer") },
		func(m *driver.Message) { m.Parts = []byte("{ \"b\":2,\"a\":1 }\n") },
		func(m *driver.Message) { m.Details = []byte("c") },
		func(m *driver.Message) { m.Content = nil },
		func(m *driver.Message) { m.Parts = nil },
		func(m *driver.Message) { m.Details = []byte{} },
		func(m *driver.Message) {},
		func(m *driver.Message) { m.Content, m.Parts, m.Details = []byte("1"), []byte("2"), []byte("3") },
		func(m *driver.Message) { m.Content, m.Parts, m.Details = m.Details, m.Content, m.Parts },
		func(m *driver.Message) { m.Content, m.Parts, m.Details = nil, nil, nil },
		func(m *driver.Message) {},
		func(m *driver.Message) { m.Parts = make([]byte, 70_000) },
	} {
		did := fmt.Sprintf("edit %d of a message", i+1)
		t.clockPasses(t.Messages, current.UpdatedAt)
		edit := current
		change(&edit)
		begin := time.Now()
		stored := t.editMessage(t.Messages, edit)
		t.stampedNow(did+": UpdatedAt", stored.UpdatedAt, begin)
		if !stored.UpdatedAt.After(current.UpdatedAt) {
			t.fatal(did, fmt.Sprint("UpdatedAt ", stored.UpdatedAt), fmt.Sprintf("a time after %v, when it was updated before", current.UpdatedAt))
		}
		edit.Version, edit.UpdatedAt = uint64(i+2), stored.UpdatedAt
		equalMessage(t, "what "+did+" returned", stored, edit)
		if i%4 == 3 {
			restart()
		}
		equalMessage(t, "the message after "+did, t.liveMessage(t.Messages, "m"), edit)
		for _, q := range []driver.MessageQuery{{Thread: "t"}, {Execution: "run", IncludeDeleted: true}} {
			equalMessages(t, "the messages after "+did, t.allMessages(t.Messages, q), []driver.Message{beside, edit})
		}
		current = stored
	}
}

func editsOfThreads(t *trial) {
	restart := t.takeTurns()
	beside := t.createThread(t.Messages, driver.Thread{ID: "T", User: "ann", Title: "first", Metadata: []byte("first")})
	current := t.createThread(t.Messages, driver.Thread{ID: "t", User: "ann", Title: "first", Metadata: []byte("{ \"a\":1}"), CreatedAt: longAgo})
	_, err := t.Messages.UpdateThread(t.ctx, driver.Thread{ID: "t ", User: "ann", CreatedAt: longAgo, Version: 1})
	t.fails("UpdateThread of an unknown thread", err, driver.ErrNotFound)
	for i, change := range []func(*driver.Thread){
		func(th *driver.Thread) { th.Title = "second\x00\xff and longer" },
		func(th *driver.Thread) { th.Metadata = []byte("{\n\"b\" : [2,\t1], \"b\":1 }") },
		func(th *driver.Thread) { th.Title = "" },
		func(th *driver.Thread) { th.Metadata = nil },
		func(th *driver.Thread) {},
		func(th *driver.Thread) { th.Title, th.Metadata = " x ", []byte("y") },
		func(th *driver.Thread) { th.Title, th.Metadata = "", []byte{} },
		func(th *driver.Thread) { th.Title = string(make([]byte, 70_000)) },
	} {
		did := fmt.Sprintf("edit %d of a thread", i+1)
		t.clockPasses(t.Messages, current.UpdatedAt)
		edit := current
		change(&edit)
		begin := time.Now()
		stored := t.editThread(t.Messages, edit)
		t.stampedNow(did+": UpdatedAt", stored.UpdatedAt, begin)
		if !stored.UpdatedAt.After(current.UpdatedAt) {
			t.fatal(did, fmt.Sprint("UpdatedAt ", stored.UpdatedAt), fmt.Sprintf("a time after %v, when it was updated before", current.UpdatedAt))
		}
		edit.Version, edit.UpdatedAt = uint64(i+2), stored.UpdatedAt
		equalThread(t, "what "+did+" returned", stored, edit)
		if i%4 == 3 {
			restart()
		}
		equalThread(t, "the thread after "+did, t.liveThread(t.Messages, "t"), edit)
		equalThreads(t, "the threads after "+did, walk(t, "ListThreads", 5, threadsOf(t.Messages, driver.ThreadQuery{User: "ann"})), []driver.Thread{edit, beside})
		current = stored
	}
}

func whatCannotChange(t *trial) {
	t.takeTurns()
	s := t.Messages
	t.thread(s, "t")
	t.thread(s, "u")
	t.say(s, "t", "first")
	message := t.createMessage(s, fullMessage("t", "m", "first"))
	bare := t.say(s, "t", "bare")
	for name, change := range map[string]func(*driver.Message){
		"thread":               func(m *driver.Message) { m.Thread = "u" },
		"parent":               func(m *driver.Message) { m.Parent = "bare" },
		"execution":            func(m *driver.Message) { m.Execution = "Run" },
		"role":                 func(m *driver.Message) { m.Role = "User" },
		"creation time":        func(m *driver.Message) { m.CreatedAt = m.CreatedAt.Add(time.Microsecond) },
		"creation time to 0":   func(m *driver.Message) { m.CreatedAt = time.Time{} },
		"parent to itself":     func(m *driver.Message) { m.Parent = m.ID },
		"parent to another":    func(m *driver.Message) { m.Parent = "First" },
		"parent to none":       func(m *driver.Message) { m.Parent = "" },
		"execution to none":    func(m *driver.Message) { m.Execution = "" },
		"execution to another": func(m *driver.Message) { m.Execution = "another" },
	} {
		for _, stored := range []driver.Message{message, bare} {
			edit := stored
			change(&edit)
			if edit.Parent == stored.Parent && edit.Execution == stored.Execution && edit.Thread == stored.Thread && edit.Role == stored.Role && edit.CreatedAt.Equal(stored.CreatedAt) {
				continue
			}
			edit.Content = []byte("must not be stored")
			_, err := s.UpdateMessage(t.ctx, edit)
			t.fails(fmt.Sprintf("UpdateMessage %q that changes %s", stored.ID, name), err, driver.ErrInvalid)
			equalMessage(t, "the message after a change of "+name+" that was refused", t.liveMessage(s, stored.ID), stored)
		}
	}
	thread := t.liveThread(s, "t")
	for name, change := range map[string]func(*driver.Thread){
		"user":               func(th *driver.Thread) { th.User = "Ann" },
		"user to another":    func(th *driver.Thread) { th.User = "bob" },
		"creation time":      func(th *driver.Thread) { th.CreatedAt = th.CreatedAt.Add(-time.Microsecond) },
		"creation time to 0": func(th *driver.Thread) { th.CreatedAt = time.Time{} },
	} {
		edit := thread
		edit.Title, edit.Metadata = "must not be stored", []byte("must not be stored")
		change(&edit)
		_, err := s.UpdateThread(t.ctx, edit)
		t.fails("UpdateThread that changes "+name, err, driver.ErrInvalid)
		equalThread(t, "the thread after a change of "+name+" that was refused", t.liveThread(s, "t"), thread)
	}
	t.haveMessages("the messages after changes that were refused", s, driver.MessageQuery{Thread: "t"}, "first", "m", "bare")
	t.haveMessages("the other thread after changes that were refused", s, driver.MessageQuery{Thread: "u"})
	listsIDs(t, "the other user's threads", threadsOf(s, driver.ThreadQuery{User: "bob"}), threadID)
}

func staleVersion(t *trial) {
	restart := t.takeTurns()
	s := t.Messages
	t.thread(s, "t")
	message, thread := t.say(s, "t", "m"), t.liveThread(s, "t")
	for actual := uint64(1); actual <= 3; actual++ {
		for _, version := range []uint64{0, 1, 2, 3, 4, 10, math.MaxInt64, math.MaxUint64} {
			if version == actual {
				continue
			}
			want := driver.ConflictError{Expected: version, Actual: actual}
			edit := message
			edit.Content, edit.Version = []byte("must not be stored"), version
			_, err := s.UpdateMessage(t.ctx, edit)
			t.conflict(fmt.Sprintf("UpdateMessage from version %d where there is version %d", version, actual), err, want)
			other := thread
			other.Title, other.Version = "must not be stored", version
			_, err = s.UpdateThread(t.ctx, other)
			t.conflict(fmt.Sprintf("UpdateThread from version %d where there is version %d", version, actual), err, want)
		}
		same := message // without a change, and stale all the same
		same.Version = actual - 1
		_, err := s.UpdateMessage(t.ctx, same)
		t.conflict("UpdateMessage with the stored content from the version before", err, driver.ConflictError{Expected: actual - 1, Actual: actual})
		equalMessage(t, "the message after edits that were refused", t.liveMessage(s, "m"), message)
		equalThread(t, "the thread after edits that were refused", t.liveThread(s, "t"), thread)
		message.Content = fmt.Appendf(nil, "edit %d", actual)
		message = t.editMessage(s, message)
		thread = t.liveThread(s, "t")
		thread.Title = fmt.Sprint("edit ", actual)
		thread = t.editThread(s, thread)
		if actual == 2 {
			restart()
			s = t.Messages
		}
	}
}

// threadVersionIsOfEdits edits a thread from what was read before messages came,
// changed and went.
func threadVersionIsOfEdits(t *trial) {
	t.takeTurns()
	s := t.Messages
	thread := t.thread(s, "t")
	for i := range uint64(3) {
		m := t.say(s, "t", driver.MessageID(fmt.Sprint("m", i)))
		m.Content = []byte("edited")
		t.editMessage(s, m)
		t.dropMessage(s, m.ID)
		now := t.liveThread(s, "t")
		equal(t, "the version of a thread whose messages were created, edited and deleted", now.Version, i+1)
		equal(t, "the title of a thread whose messages were created, edited and deleted", now.Title, thread.Title)
		thread.Title = fmt.Sprint("edit ", i)
		thread = t.editThread(s, thread)
		equal(t, "the version of an edited thread", thread.Version, i+2)
		equal(t, "the version of a message whose thread was edited", t.keptMessage(s, m.ID).Version, 2)
	}
}

// noLostMessageUpdate edits a thread and a message in it while messages are added.
func noLostMessageUpdate(t *trial) {
	const editors = 6
	stores := t.bothMessageStores()
	t.thread(t.Messages, "t")
	t.createMessage(t.Messages, driver.Message{ID: "m", Thread: "t", Role: "user"})
	edited := make([]int, editors)
	want := []driver.MessageID{"m"}
	t.together(editors+1, func(i int) {
		for n := range t.rounds(4, 15) {
			if i == editors {
				want = append(want, driver.MessageID(fmt.Sprint("n", n)))
				_, err := stores[n%2].CreateMessage(t.shaken(), said("t", want[n+1]))
				t.ok("CreateMessage while its thread and another message are edited", err)
				continue
			}
			t.addOne(stores[(i+n)%2], i%3 == 0)
			edited[i]++
		}
	})
	ofThread := edited[0] + edited[3]
	ofMessage := edited[1] + edited[2] + edited[4] + edited[5]
	m, th := t.liveMessage(stores[0], "m"), t.liveThread(stores[1], "t")
	equal(t, "what many have added to a message, each once", len(m.Content), ofMessage)
	equal(t, "the version of a message that many have edited", m.Version, uint64(ofMessage+1))
	equal(t, "what many have added to a thread's metadata, each once", len(th.Metadata), ofThread)
	equal(t, "the version of a thread that many have edited", th.Version, uint64(ofThread+1))
	t.haveMessages("the messages that were added while others were edited", stores[0], driver.MessageQuery{Thread: "t"}, want...)
}

// addOne makes a thread's metadata or a message's content longer by one, as often as
// somebody else is first.
func (t *trial) addOne(s driver.MessageStore, thread bool) {
	for range 10_000 {
		var err error
		if thread {
			th := t.liveThread(s, "t")
			th.Metadata = append(th.Metadata[:len(th.Metadata):len(th.Metadata)], 'x')
			_, err = s.UpdateThread(t.shaken(), th)
		} else {
			m := t.liveMessage(s, "m")
			m.Content = append(m.Content[:len(m.Content):len(m.Content)], 'x')
			_, err = s.UpdateMessage(t.shaken(), m)
		}
		if err == nil {
			return
		}
		t.fails("an edit while others edit", err, driver.ErrConflict)
	}
	t.fatal("editing while others edit", "a conflict, 10,000 times", "an edit that succeeds: of those that conflict one wins")
}

func oneEditorWins(t *trial) {
	const editors = 4
	stores := t.bothMessageStores()
	t.thread(t.Messages, "t")
	message, thread := t.say(t.Messages, "t", "m"), t.liveThread(t.Messages, "t")
	for range t.rounds(8, 60) {
		messages, threads := make([]driver.Message, editors), make([]driver.Thread, editors)
		errs := make([]error, editors)
		t.together(editors, func(i int) {
			edit := message
			edit.Content = fmt.Appendf(nil, "editor %d", i)
			messages[i], errs[i] = stores[i%2].UpdateMessage(t.shaken(), edit)
		})
		winner := t.winningEditor("UpdateMessage from one version by many", errs, message.Version)
		equalMessage(t, "the message that many have edited, which is the winner's", t.liveMessage(stores[1], "m"), messages[winner])
		equal(t, "the content that the winner stored", string(messages[winner].Content), fmt.Sprint("editor ", winner))
		message = messages[winner]

		t.together(editors, func(i int) {
			edit := thread
			edit.Title = fmt.Sprint("editor ", i)
			threads[i], errs[i] = stores[i%2].UpdateThread(t.shaken(), edit)
		})
		winner = t.winningEditor("UpdateThread from one version by many", errs, thread.Version)
		equalThread(t, "the thread that many have edited, which is the winner's", t.liveThread(stores[1], "t"), threads[winner])
		equal(t, "the title that the winner stored", threads[winner].Title, fmt.Sprint("editor ", winner))
		thread = threads[winner]
	}
}

// winningEditor ends the check unless one has succeeded and the others were told so.
func (t *trial) winningEditor(did string, errs []error, from uint64) int {
	winner := -1
	for i, err := range errs {
		if err == nil && winner >= 0 {
			t.fatal(did, "two that succeeded", "one that succeeds and conflicts for the others")
		}
		if err == nil {
			winner = i
		}
	}
	if winner < 0 {
		t.fatal(did, fmt.Sprintf("no success: %v", errors.Join(errs...)), "one that succeeds")
	}
	for i, err := range errs {
		if i != winner {
			t.conflict(did, err, driver.ConflictError{Expected: from, Actual: from + 1})
		}
	}
	return winner
}

// editAgainstDeletion: an edit comes before the deletion and is kept, or after it and
// is refused.
func editAgainstDeletion(t *trial) {
	stores := t.bothMessageStores()
	for round := range t.rounds(10, 60) {
		thread, id := driver.ThreadID(fmt.Sprint("t", round)), driver.MessageID(fmt.Sprint("m", round))
		t.thread(t.Messages, thread)
		before := t.say(t.Messages, thread, id)
		viaThread := round%2 == 1
		edits := make([]error, 2)
		t.together(3, func(i int) {
			switch {
			case i == 2 && viaThread:
				t.ok("DeleteThread while a message is edited", stores[0].DeleteThread(t.shaken(), thread))
			case i == 2:
				t.ok("DeleteMessage while it is edited", stores[0].DeleteMessage(t.shaken(), id))
			default:
				edit := before
				edit.Content = fmt.Appendf(nil, "edit %d", i)
				_, edits[i] = stores[1-i].UpdateMessage(t.shaken(), edit)
			}
		})
		want, version := string(before.Content), uint64(1)
		for i, err := range edits {
			if err == nil {
				want = fmt.Sprint("edit ", i)
				version++
			} else if !errors.Is(err, driver.ErrConflict) {
				t.fails("UpdateMessage while it is deleted", err, driver.ErrNotFound)
			}
		}
		_, err := t.Messages.GetMessage(t.ctx, id, false)
		t.fails("GetMessage of a message that was deleted while others edited it", err, driver.ErrNotFound)
		kept := t.keptMessage(t.Messages, id)
		equal(t, "the version of a message that was deleted while others edited it", kept.Version, version)
		equal(t, "the content of a message that was deleted while others edited it", string(kept.Content), want)
	}
}
