package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var faithfulMessageChecks = []check{
	{rule: "M6", name: "bytes-of-messages", role: driver.RoleMessages, run: bytesOfMessages,
		why: "what was said comes back as something else"},
	{rule: "M6", name: "bytes-of-threads", role: driver.RoleMessages, run: bytesOfThreads,
		why: "a title or what an application keeps with a thread comes back as something else"},
	{rule: "M6", name: "identifiers-of-messages", role: driver.RoleMessages, run: identifiersOfMessages,
		why: "a thread, message, user, role or execution is taken for another one whose name is like it"},
	{rule: "M6", name: "creation-times", role: driver.RoleMessages, run: creationTimes,
		why: "a conversation that was imported from elsewhere shows dates that nobody wrote"},
}

// bytesOfMessages has each of the nasty contents in each field of bytes, with others
// in the fields beside it.
func bytesOfMessages(t *trial) {
	t.thread(t.Messages, "t")
	names := slices.Sorted(maps.Keys(nastyBytes))
	pick := func(i int) []byte {
		i %= len(names)
		if len(nastyBytes[names[i]]) > 100_000 {
			return []byte("small")
		}
		return nastyBytes[names[i]]
	}
	var want []driver.Message
	for i, name := range names {
		m := driver.Message{ID: driver.MessageID(name), Thread: "t", Role: "user", Execution: "run", Content: nastyBytes[name], Parts: pick(i + 7), Details: pick(i + 15)}
		stored := t.createMessage(t.Messages, m)
		m.Position, m.CreatedAt, m.UpdatedAt, m.Version = stored.Position, stored.CreatedAt, stored.UpdatedAt, 1
		equalMessage(t, "what CreateMessage returned", stored, m)
		want = append(want, m)
	}
	t.reopen()
	for _, m := range want {
		equalMessage(t, fmt.Sprintf("message %q", m.ID), t.liveMessage(t.Messages, m.ID), m)
	}
	equalMessages(t, "the messages of the thread", t.allMessages(t.Messages, driver.MessageQuery{Thread: "t"}), want)
	equalMessages(t, "the messages of the execution", walk(t, "ListMessages", 5, messagesIn(t.Messages, driver.MessageQuery{Execution: "run"})), want)
	for i, m := range want {
		m.Content, m.Parts, m.Details = m.Details, m.Content, m.Parts
		stored := t.editMessage(t.Messages, m)
		m.Version, m.UpdatedAt = 2, stored.UpdatedAt
		equalMessage(t, "what UpdateMessage returned", stored, m)
		want[i] = m
		if i%2 == 1 {
			t.dropMessage(t.Messages, m.ID)
			want[i].DeletedAt = t.keptMessage(t.Messages, m.ID).DeletedAt
		}
	}
	t.reopen()
	for _, m := range want {
		got := t.keptMessage(t.Messages, m.ID)
		m.UpdatedAt = got.UpdatedAt
		equalMessage(t, fmt.Sprintf("message %q after it was edited", m.ID), got, m)
	}
}

func bytesOfThreads(t *trial) {
	var want []driver.Thread
	names := slices.Sorted(maps.Keys(nastyBytes))
	for i, name := range names {
		other := nastyBytes[names[(i+7)%len(names)]]
		th := driver.Thread{ID: driver.ThreadID(name), User: "ann", Title: string(nastyBytes[name]), Metadata: other}
		stored := t.createThread(t.Messages, th)
		th.CreatedAt, th.UpdatedAt, th.Version = stored.CreatedAt, stored.UpdatedAt, 1
		equalThread(t, "what CreateThread returned", stored, th)
		want = append(want, th)
	}
	t.reopen()
	for _, th := range want {
		equalThread(t, fmt.Sprintf("thread %q", th.ID), t.liveThread(t.Messages, th.ID), th)
	}
	slices.Reverse(want)
	equalThreads(t, "the threads", walk(t, "ListThreads", 7, threadsOf(t.Messages, driver.ThreadQuery{User: "ann"})), want)
	for i, th := range want {
		th.Title, th.Metadata = string(th.Metadata), []byte(th.Title)
		stored := t.editThread(t.Messages, th)
		th.Version, th.UpdatedAt = 2, stored.UpdatedAt
		equalThread(t, "what UpdateThread returned", stored, th)
		want[i] = th
	}
	t.reopen()
	slices.Reverse(want)
	equalThreads(t, "the threads after they were edited", walk(t, "ListThreads", 7, threadsOf(t.Messages, driver.ThreadQuery{User: "ann"})), want)
	for _, th := range want {
		equalThread(t, fmt.Sprintf("thread %q after it was edited", th.ID), t.liveThread(t.Messages, th.ID), th)
	}
}

// identifiersOfMessages uses each nasty identifier as all that a message and its
// thread are named by.
func identifiersOfMessages(t *trial) {
	threads, messages := map[string]driver.Thread{}, map[string]driver.Message{}
	for i, id := range nastyIDs {
		_, err := t.Messages.GetThread(t.ctx, driver.ThreadID(id), true)
		t.fails(fmt.Sprintf("GetThread %q before it was created", id), err, driver.ErrNotFound)
		_, err = t.Messages.GetMessage(t.ctx, driver.MessageID(id), true)
		t.fails(fmt.Sprintf("GetMessage %q before it was created", id), err, driver.ErrNotFound)
		th := t.createThread(t.Messages, driver.Thread{ID: driver.ThreadID(id), User: driver.UserID(id), Title: fmt.Sprint(i)})
		equal(t, "the ID and user of a new thread", []string{string(th.ID), string(th.User)}, []string{id, id})
		m := driver.Message{ID: driver.MessageID(id), Thread: th.ID, Execution: driver.ExecutionID(id), Role: id, Content: fmt.Append(nil, i)}
		first := t.createMessage(t.Messages, m)
		m.CreatedAt, m.UpdatedAt, m.Position, m.Version = first.CreatedAt, first.UpdatedAt, first.Position, 1
		equalMessage(t, "a new message", first, m)
		if i%4 == 0 {
			answer := said(th.ID, driver.MessageID("answer "+fmt.Sprint(i)))
			answer.Parent = first.ID
			equal(t, "the parent of a new message", t.createMessage(t.Messages, answer).Parent, first.ID)
		}
		threads[id], messages[id] = t.liveThread(t.Messages, th.ID), first
	}
	t.reopen()
	for i, id := range nastyIDs {
		equalThread(t, fmt.Sprintf("thread %q", id), t.liveThread(t.Messages, driver.ThreadID(id)), threads[id])
		equalMessage(t, fmt.Sprintf("message %q", id), t.liveMessage(t.Messages, driver.MessageID(id)), messages[id])
		did := fmt.Sprintf("the threads of user %q", id)
		equalThreads(t, did, walk(t, did, 2, threadsOf(t.Messages, driver.ThreadQuery{User: driver.UserID(id)})), []driver.Thread{threads[id]})
		did = fmt.Sprintf("the messages of execution %q", id)
		equalMessages(t, did, walk(t, did, 2, messagesIn(t.Messages, driver.MessageQuery{Execution: driver.ExecutionID(id)})), []driver.Message{messages[id]})
		did = fmt.Sprintf("the messages of thread %q", id)
		got := walk(t, did, 2, messagesIn(t.Messages, driver.MessageQuery{Thread: driver.ThreadID(id)}))
		if i%4 == 0 && len(got) == 2 {
			equal(t, did+": the parent of the second", got[1].Parent, driver.MessageID(id))
			got = got[:1]
		}
		equalMessages(t, did, got, []driver.Message{messages[id]})
	}
	gone := map[string]bool{}
	for i, id := range nastyIDs {
		if i%3 == 0 {
			t.dropMessage(t.Messages, driver.MessageID(id))
			gone[id] = true
		}
	}
	for _, id := range nastyIDs {
		_, err := t.Messages.GetMessage(t.ctx, driver.MessageID(id), false)
		if !gone[id] {
			t.ok(fmt.Sprintf("GetMessage %q after others were deleted", id), err)
			continue
		}
		t.fails(fmt.Sprintf("GetMessage %q after it was deleted", id), err, driver.ErrNotFound)
	}
}

func creationTimes(t *trial) {
	times := []time.Time{
		{}, longAgo, longAgo.Add(time.Microsecond), longAgo.Add(-time.Microsecond),
		time.Unix(0, 0).UTC(), time.Unix(0, -1000).UTC(), time.Unix(0, 1000).UTC(), time.Unix(-1, 0).UTC(),
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(900, 2, 28, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(1582, 10, 10, 0, 0, 0, 0, time.UTC), time.Date(1677, 9, 21, 0, 12, 43, 0, time.UTC), time.Date(1899, 12, 31, 0, 0, 0, 999_999_000, time.UTC),
		time.Date(1901, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2024, 2, 29, 12, 0, 0, 100_000_000, time.UTC), time.Date(2024, 2, 29, 12, 0, 0, 123_456_000, time.UTC), time.Date(2016, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2024, 3, 31, 2, 30, 0, 0, time.UTC), time.Date(2024, 10, 27, 2, 30, 0, 0, time.UTC),
		time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), time.Date(2262, 4, 11, 23, 47, 17, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	}
	begin := time.Now()
	var threads []driver.Thread
	var messages []driver.Message
	t.thread(t.Messages, "all")
	for i, at := range times {
		th := t.createThread(t.Messages, driver.Thread{ID: driver.ThreadID(fmt.Sprint("t", i)), User: "bob", CreatedAt: at})
		m := said("all", driver.MessageID(fmt.Sprint("m", i)))
		m.CreatedAt = at
		m = t.createMessage(t.Messages, m)
		if at.IsZero() {
			t.stampedNow("CreatedAt of a thread created without", th.CreatedAt, begin)
			t.stampedNow("CreatedAt of a message created without", m.CreatedAt, begin)
		} else {
			equal(t, "CreatedAt of a new thread", th.CreatedAt, at)
			equal(t, "CreatedAt of a new message", m.CreatedAt, at)
		}
		t.stampedNow("UpdatedAt of a new thread", th.UpdatedAt, begin)
		t.stampedNow("UpdatedAt of a new message", m.UpdatedAt, begin)
		threads, messages = append(threads, th), append(messages, m)
	}
	t.reopen()
	for i := range times {
		equalThread(t, "a thread", t.liveThread(t.Messages, threads[i].ID), threads[i])
		equalMessage(t, "a message", t.liveMessage(t.Messages, messages[i].ID), messages[i])
		edit := messages[i]
		edit.Content = []byte("edited")
		equal(t, "CreatedAt of an edited message", t.editMessage(t.Messages, edit).CreatedAt, edit.CreatedAt)
		equal(t, "CreatedAt of an edited thread", t.editThread(t.Messages, threads[i]).CreatedAt, threads[i].CreatedAt)
	}
	listed := t.allMessages(t.Messages, driver.MessageQuery{Thread: "all"})
	ofThreads := walk(t, "ListThreads", 10, threadsOf(t.Messages, driver.ThreadQuery{User: "bob"}))
	slices.Reverse(ofThreads)
	equal(t, "the listed messages", idsOf(listed, messageID), idsOf(messages, messageID))
	equal(t, "the listed threads", idsOf(ofThreads, threadID), idsOf(threads, threadID))
	for i := range times {
		equal(t, "CreatedAt of a listed message", listed[i].CreatedAt, messages[i].CreatedAt)
		equal(t, "CreatedAt of a listed thread", ofThreads[i].CreatedAt, threads[i].CreatedAt)
		equal(t, "DeletedAt of a message that is not deleted", listed[i].DeletedAt, time.Time{})
	}
}
