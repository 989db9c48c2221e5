package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func mustCreateThread(t testing.TB, tenant *enact.Tenant, thread enact.Thread) enact.Thread {
	t.Helper()
	stored, err := tenant.Messages.CreateThread(t.Context(), thread)
	must(t, fmt.Sprintf("creating thread %q", thread.ID), err)
	return stored
}

func mustCreateMessage(t testing.TB, tenant *enact.Tenant, m enact.Message) enact.Message {
	t.Helper()
	stored, err := tenant.Messages.CreateMessage(t.Context(), m)
	must(t, fmt.Sprintf("creating message %q", m.ID), err)
	return stored
}

// said is a message of the user with nothing special.
func said(thread enact.ThreadID, id enact.MessageID, content string) enact.Message {
	return enact.Message{ID: id, Thread: thread, Role: enact.RoleUser, Content: content}
}

// mustHoldMessages fails the test unless a listing has these messages, forwards
// and backwards.
func mustHoldMessages(t testing.TB, doing string, tenant *enact.Tenant, q enact.MessageQuery, want ...enact.MessageID) {
	t.Helper()
	for _, limit := range []int{1, 2, 3, 100} {
		q.Backward = false
		got := idsOf(walk(t, doing, limit, messagesIn(tenant, q)), messageID)
		if !slices.Equal(got, want) {
			t.Fatalf("%s, in pages of %d, are %q; they should be %q", doing, limit, got, want)
		}
		q.Backward = true
		got = idsOf(walk(t, doing+" backwards", limit, messagesIn(tenant, q)), messageID)
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%s, backwards in pages of %d, are (turned round) %q; they should be %q", doing, limit, got, want)
		}
	}
}

func TestM1MessagesBelongToOneThread(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		_, err := tenant.Messages.CreateMessage(f.ctx, said("unknown", "m", "x"))
		mustFail(f, "creating a message in an unknown thread", err, enact.ErrNotFound)
		_, _, err = tenant.Messages.ListMessages(f.ctx, enact.MessageQuery{Thread: "unknown"})
		mustFail(f, "listing the messages of an unknown thread", err, enact.ErrNotFound)
		_, _, err = tenant.Messages.ListMessages(f.ctx, enact.MessageQuery{Thread: "unknown", IncludeDeleted: true})
		mustFail(f, "listing the messages of an unknown thread, deleted ones too", err, enact.ErrNotFound)

		mustCreateThread(f, tenant, enact.Thread{ID: "one", User: "ann"})
		mustCreateThread(f, tenant, enact.Thread{ID: "two", User: "ann"})
		_, err = tenant.Messages.GetMessage(f.ctx, "m")
		mustFail(f, "getting the message of the unknown thread", err, enact.ErrNotFound)
		stored := mustCreateMessage(f, tenant, said("one", "m", "x"))
		_, err = tenant.Messages.CreateMessage(f.ctx, said("two", "m", "x"))
		mustFail(f, "creating the same message in another thread", err, enact.ErrExists)
		moved := stored
		moved.Thread = "two"
		_, err = tenant.Messages.UpdateMessage(f.ctx, moved)
		mustFail(f, "moving a message", err, enact.ErrInvalid)
		mustHoldMessages(f, "the messages of one", tenant, enact.MessageQuery{Thread: "one"}, "m")
		mustHoldMessages(f, "the messages of two", tenant, enact.MessageQuery{Thread: "two"})
		for name, q := range map[string]enact.MessageQuery{"neither": {}, "both": {Thread: "one", Execution: "run"}} {
			_, _, err := tenant.Messages.ListMessages(f.ctx, q)
			mustFail(f, "listing messages by "+name, err, enact.ErrInvalid)
		}
	})
}

// TestM2OrderIsByPositionNotByTime creates messages whose times and IDs say
// otherwise.
func TestM2OrderIsByPositionNotByTime(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		for _, thread := range []enact.ThreadID{"t", "T"} {
			mustCreateThread(f, tenant, enact.Thread{ID: thread, User: "ann"})
		}
		same := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		var want, others []enact.MessageID
		for i := range 12 {
			m := said("t", enact.MessageID(fmt.Sprintf("%02d", (i*7)%12)), "x")
			switch {
			case i < 6:
				m.CreatedAt = same
			case i < 9:
				m.CreatedAt = same.Add(-time.Duration(i) * time.Hour)
			}
			mustCreateMessage(f, tenant, m)
			mustCreateMessage(f, tenant, said("T", "other "+m.ID, "x"))
			want, others = append(want, m.ID), append(others, "other "+m.ID)
		}
		check := func() {
			f.Helper()
			mustHoldMessages(f, "the messages", f.tenant(), enact.MessageQuery{Thread: "t"}, want...)
			mustHoldMessages(f, "the other thread's messages", f.tenant(), enact.MessageQuery{Thread: "T"}, others...)
			var last uint64
			for _, m := range walk(f, "the messages", 5, messagesIn(f.tenant(), enact.MessageQuery{Thread: "t"})) {
				if m.Position <= last {
					f.Fatalf("message %q has position %d, the one before it %d", m.ID, m.Position, last)
				}
				last = m.Position
			}
		}
		check()
		f.reopen()
		check()
	})
}

// TestM2PagingWhileOthersAreAdded: who pages forwards sees everything, with what
// is added at the end; who pages backwards sees all that was there.
func TestM2PagingWhileOthersAreAdded(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		same := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		var all []enact.MessageID
		add := func() {
			m := said("t", enact.MessageID(fmt.Sprintf("m%02d", 99-len(all))), "x")
			m.CreatedAt = same
			mustCreateMessage(f, tenant, m)
			all = append(all, m.ID)
		}
		for range 11 {
			add()
		}
		for _, limit := range []int{1, 2, 3, 11} {
			there := slices.Clone(all)
			back := pageThrough(f, messagesIn(tenant, enact.MessageQuery{Thread: "t", Backward: true}), limit, func(n int) {
				add()
			})
			slices.Reverse(back)
			mustEqual(f, fmt.Sprintf("the messages, backwards by %d while others are added", limit), back, there)
			forth := pageThrough(f, messagesIn(tenant, enact.MessageQuery{Thread: "t"}), limit, func(n int) {
				if n < 3 {
					add()
				}
			})
			if limit < len(all) {
				mustEqual(f, fmt.Sprintf("the messages, forwards by %d while others are added", limit), forth, all)
			}
		}
	})
}

// pageThrough reads a listing of messages, with something happening between pages.
func pageThrough(t testing.TB, list lister[enact.Message], limit int, between func(page int)) (ids []enact.MessageID) {
	t.Helper()
	page := enact.Page{Limit: limit}
	for n := 0; ; n++ {
		items, next, err := list(t.Context(), page)
		must(t, "listing messages", err)
		ids = append(ids, idsOf(items, messageID)...)
		if next == "" {
			return ids
		}
		between(n)
		page.Cursor = next
	}
}

// TestM2PagingWhileOthersAreDeleted loses nothing that stays, wherever the cursor
// stands.
func TestM2PagingWhileOthersAreDeleted(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		for i := range 12 {
			mustCreateMessage(f, tenant, said("t", enact.MessageID(fmt.Sprintf("m%02d", i)), "x"))
		}
		deleted := 0
		got := pageThrough(f, messagesIn(tenant, enact.MessageQuery{Thread: "t"}), 2, func(n int) {
			for range 2 { // both of the page before: the cursor's own message is gone
				must(f, "deleting a message", tenant.Messages.DeleteMessage(f.ctx, enact.MessageID(fmt.Sprintf("m%02d", deleted))))
				deleted++
			}
		})
		mustEqual(f, "the number of messages that were listed", len(got), 12)
		mustHoldMessages(f, "the messages that are left", tenant, enact.MessageQuery{Thread: "t"}, "m10", "m11")
	})
}

// TestM2ManyWritersOneThread: concurrent messages get places of their own, and a
// reader who follows the end misses none.
func TestM2ManyWritersOneThread(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, each = 6, 12
		handles := []*enact.Tenant{f.tenant(), f.open().Tenant("acme")}
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "t", User: "ann"})
		var stop atomic.Bool
		var reader sync.WaitGroup
		var readError error
		reader.Go(func() {
			for before := []enact.MessageID(nil); readError == nil && !stop.Load(); {
				before, readError = grown(f.ctx, handles[1], before)
			}
		})
		errs := make([]error, writers)
		atOnce(writers, func(w int) {
			for i := range each {
				if _, err := handles[w%2].Messages.CreateMessage(f.ctx, said("t", enact.MessageID(fmt.Sprintf("%d-%02d", w, i)), "x")); err != nil {
					errs[w] = err
					return
				}
			}
		})
		stop.Store(true)
		reader.Wait()
		must(f, "creating messages", errors.Join(errs...))
		must(f, "reading meanwhile", readError)
		messages := walk(f, "the messages", 7, messagesIn(f.tenant(), enact.MessageQuery{Thread: "t"}))
		next, last := map[byte]int{}, uint64(0)
		for _, m := range messages {
			if want := fmt.Sprintf("%c-%02d", m.ID[0], next[m.ID[0]]); string(m.ID) != want || m.Position <= last {
				f.Fatalf("message %q has position %d; its writer's next is %q, and the position before is %d", m.ID, m.Position, want, last)
			}
			next[m.ID[0]]++
			last = m.Position
		}
		mustEqual(f, "the number of messages", len(messages), writers*each)
	})
}

// grown lists the thread again: what was there must still be at its beginning.
func grown(ctx context.Context, tenant *enact.Tenant, before []enact.MessageID) ([]enact.MessageID, error) {
	var now []enact.MessageID
	list := func(ctx context.Context, page enact.Page) ([]enact.Message, enact.Cursor, error) {
		page.Limit = 9
		return tenant.Messages.ListMessages(ctx, enact.MessageQuery{Thread: "t", Page: page})
	}
	for m, err := range enact.All(ctx, list) {
		if err != nil {
			return nil, err
		}
		now = append(now, m.ID)
	}
	if len(now) < len(before) || !slices.Equal(now[:len(before)], before) {
		return nil, fmt.Errorf("the thread was %q and is now %q", before, now)
	}
	return now, nil
}

func TestM3DeletedMessagesAreHiddenAndKept(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustFail(f, "deleting an unknown message", tenant.Messages.DeleteMessage(f.ctx, "a"), enact.ErrNotFound)
		for _, id := range []enact.MessageID{"a", "b", "c"} {
			m := said("t", id, "content of "+string(id))
			m.Execution = "run"
			mustCreateMessage(f, tenant, m)
		}
		before, err := tenant.Messages.GetMessage(f.ctx, "b")
		must(f, "GetMessage", err)
		must(f, "deleting a message", tenant.Messages.DeleteMessage(f.ctx, "b"))

		_, err = tenant.Messages.GetMessage(f.ctx, "b")
		mustFail(f, "getting a deleted message", err, enact.ErrNotFound)
		_, err = tenant.Messages.UpdateMessage(f.ctx, before)
		mustFail(f, "updating a deleted message", err, enact.ErrNotFound)
		kept, err := tenant.Messages.GetMessage(f.ctx, "b", enact.IncludeDeleted())
		must(f, "getting a deleted message with deleted ones included", err)
		if kept.DeletedAt.IsZero() || kept.DeletedAt.Before(before.CreatedAt) || kept.DeletedAt.After(time.Now()) || kept.DeletedAt.Location() != time.UTC {
			f.Errorf("the message was deleted just now, and its DeletedAt is %v", kept.DeletedAt)
		}
		want := before
		want.DeletedAt, want.UpdatedAt = kept.DeletedAt, kept.DeletedAt
		mustEqual(f, "the deleted message", kept, want)

		must(f, "deleting again", tenant.Messages.DeleteMessage(f.ctx, "b"))
		f.reopen()
		tenant = f.tenant()
		must(f, "deleting again after reopening", tenant.Messages.DeleteMessage(f.ctx, "b"))
		again, err := tenant.Messages.GetMessage(f.ctx, "b", enact.IncludeDeleted())
		must(f, "getting the message that was deleted again", err)
		mustEqual(f, "the message that was deleted again", again, kept)
		for _, q := range []enact.MessageQuery{{Thread: "t"}, {Execution: "run"}} {
			mustHoldMessages(f, "the messages", tenant, q, "a", "c")
			q.IncludeDeleted = true
			mustHoldMessages(f, "the messages with deleted ones", tenant, q, "a", "b", "c")
		}
		listed := walk(f, "the messages with deleted ones", 100, messagesIn(tenant, enact.MessageQuery{Thread: "t", IncludeDeleted: true}))
		mustEqual(f, "the deleted message as listed", listed[1], kept)

		// It can still be answered, and its ID is taken.
		answer := said("t", "d", "an answer to what is deleted")
		answer.Parent = "b"
		mustCreateMessage(f, tenant, answer)
		_, err = tenant.Messages.CreateMessage(f.ctx, said("t", "b", "other content"))
		mustFail(f, "creating a message with the ID of a deleted one", err, enact.ErrExists)
		repeated := said("t", "b", "content of b")
		repeated.Execution = "run"
		mustEqual(f, "the deleted message created again with the same content", mustCreateMessage(f, tenant, repeated), kept)
		_, err = tenant.Messages.GetMessage(f.ctx, "b")
		mustFail(f, "getting the deleted message after it was created again", err, enact.ErrNotFound)
	})
}

func TestM3DeletedThreadsAreHiddenAndKept(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustFail(f, "deleting an unknown thread", tenant.Messages.DeleteThread(f.ctx, "t"), enact.ErrNotFound)
		first := enact.Thread{ID: "t", User: "ann", Title: "title", Metadata: []byte(`{"a": 1}`)}
		mustCreateThread(f, tenant, first)
		mustCreateThread(f, tenant, enact.Thread{ID: "other", User: "ann"})
		message := said("t", "m", "x")
		message.Execution = "run"
		kept := mustCreateMessage(f, tenant, message)
		other := said("other", "n", "x")
		other.Execution = "run"
		mustCreateMessage(f, tenant, other)
		before, err := tenant.Messages.GetThread(f.ctx, "t")
		must(f, "GetThread", err)
		must(f, "deleting a thread", tenant.Messages.DeleteThread(f.ctx, "t"))

		_, err = tenant.Messages.GetThread(f.ctx, "t")
		mustFail(f, "getting a deleted thread", err, enact.ErrNotFound)
		_, err = tenant.Messages.UpdateThread(f.ctx, before)
		mustFail(f, "updating a deleted thread", err, enact.ErrNotFound)
		_, err = tenant.Messages.CreateMessage(f.ctx, said("t", "new", "x"))
		mustFail(f, "creating a message in a deleted thread", err, enact.ErrNotFound)
		_, err = tenant.Messages.GetMessage(f.ctx, "m")
		mustFail(f, "getting a message of a deleted thread", err, enact.ErrNotFound)
		_, err = tenant.Messages.UpdateMessage(f.ctx, kept)
		mustFail(f, "updating a message of a deleted thread", err, enact.ErrNotFound)
		_, _, err = tenant.Messages.ListMessages(f.ctx, enact.MessageQuery{Thread: "t"})
		mustFail(f, "listing the messages of a deleted thread", err, enact.ErrNotFound)
		mustHoldMessages(f, "the messages of the execution", tenant, enact.MessageQuery{Execution: "run"}, "n")

		deleted, err := tenant.Messages.GetThread(f.ctx, "t", enact.IncludeDeleted())
		must(f, "getting a deleted thread with deleted ones included", err)
		if deleted.DeletedAt.IsZero() || deleted.DeletedAt.Before(before.UpdatedAt) || deleted.DeletedAt.After(time.Now()) {
			f.Errorf("the thread was deleted just now, and its DeletedAt is %v", deleted.DeletedAt)
		}
		want := before
		want.DeletedAt, want.UpdatedAt = deleted.DeletedAt, deleted.DeletedAt
		mustEqual(f, "the deleted thread", deleted, want)
		f.reopen()
		tenant = f.tenant()
		must(f, "deleting again", tenant.Messages.DeleteThread(f.ctx, "t"))
		again, err := tenant.Messages.GetThread(f.ctx, "t", enact.IncludeDeleted())
		must(f, "getting the thread that was deleted again", err)
		mustEqual(f, "the thread that was deleted again", again, deleted)

		hidden, err := tenant.Messages.GetMessage(f.ctx, "m", enact.IncludeDeleted())
		must(f, "getting a message of a deleted thread with deleted ones included", err)
		mustEqual(f, "the message of a deleted thread", hidden, kept)
		mustHoldMessages(f, "the messages of the deleted thread", tenant, enact.MessageQuery{Thread: "t", IncludeDeleted: true}, "m")
		mustHoldMessages(f, "the messages of the execution with deleted ones", tenant, enact.MessageQuery{Execution: "run", IncludeDeleted: true}, "n", "m")
		mustEqual(f, "the threads", idsOf(walk(f, "threads", 1, threadsOf(tenant, enact.ThreadQuery{User: "ann"})), threadID), []enact.ThreadID{"other"})
		mustEqual(f, "the threads with deleted ones", walk(f, "threads", 1, threadsOf(tenant, enact.ThreadQuery{User: "ann", IncludeDeleted: true}))[0], deleted)

		_, err = tenant.Messages.CreateThread(f.ctx, enact.Thread{ID: "t", User: "ann", Title: "another"})
		mustFail(f, "creating a thread with the ID of a deleted one", err, enact.ErrExists)
		mustEqual(f, "the deleted thread created again with the same content", mustCreateThread(f, tenant, first), deleted)
	})
}

// TestM3WhatTheStoreAssignsIsNotTheCallers: a copy of a deleted, edited thread or
// message under another ID is a new one.
func TestM3WhatTheStoreAssignsIsNotTheCallers(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		past := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
		thread := mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann", UpdatedAt: past, DeletedAt: past, Version: 7})
		if !thread.DeletedAt.IsZero() || thread.Version != 1 || !thread.UpdatedAt.After(past) {
			f.Errorf("a thread created with a DeletedAt, an UpdatedAt and version 7 is stored as %+v; these are the store's", thread)
		}
		got, err := tenant.Messages.GetThread(f.ctx, "t")
		must(f, "getting a thread that was created with a DeletedAt", err)
		mustEqual(f, "the thread", got, thread)
		m := said("t", "m", "x")
		m.UpdatedAt, m.DeletedAt, m.Version, m.Position = past, past, 7, 99
		message := mustCreateMessage(f, tenant, m)
		next := mustCreateMessage(f, tenant, said("t", "n", "x"))
		if !message.DeletedAt.IsZero() || message.Version != 1 || !message.UpdatedAt.After(past) || message.Position >= 99 || message.Position >= next.Position {
			f.Errorf("a message created with a DeletedAt, an UpdatedAt, position 99 and version 7 is stored as %+v; these are the store's", message)
		}
		mustHoldMessages(f, "the messages", tenant, enact.MessageQuery{Thread: "t"}, "m", "n")
	})
}

func TestM4ParentsAreInTheSameThread(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for _, thread := range []enact.ThreadID{"one", "two"} {
			mustCreateThread(f, tenant, enact.Thread{ID: thread, User: "ann"})
			mustCreateMessage(f, tenant, said(thread, enact.MessageID("first of "+thread), "x"))
		}
		for name, parent := range map[string]enact.MessageID{"unknown": "unknown", "of another thread": "first of two", "differing in case": "First of one", "itself": "m"} {
			m := said("one", "m", "x")
			m.Parent = parent
			_, err := tenant.Messages.CreateMessage(f.ctx, m)
			mustFail(f, "creating a message whose parent is "+name, err, enact.ErrInvalid)
			_, err = tenant.Messages.GetMessage(f.ctx, "m")
			mustFail(f, "getting the refused message", err, enact.ErrNotFound)
		}
		m := said("one", "m", "x")
		m.Parent = "first of one"
		mustEqual(f, "the parent", mustCreateMessage(f, tenant, m).Parent, "first of one")
		mustHoldMessages(f, "the messages", tenant, enact.MessageQuery{Thread: "one"}, "first of one", "m")
	})
}

// TestM4MessagesOfAnExecution come by thread and position, across threads and
// users.
func TestM4MessagesOfAnExecution(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustHoldMessages(f, "the messages of an unknown execution", tenant, enact.MessageQuery{Execution: "run"})
		threads := []enact.ThreadID{"a", "A", "b", "a ", "é", "e\u0301", "aa", "10", "9"}
		for i, thread := range threads {
			mustCreateThread(f, tenant, enact.Thread{ID: thread, User: enact.UserID(fmt.Sprint("user ", i%2))})
		}
		of := map[enact.ThreadID][]enact.MessageID{}
		for i := range 3 * len(threads) {
			thread := threads[(i*5)%len(threads)]
			m := said(thread, enact.MessageID(fmt.Sprintf("m%02d", 99-i)), "x")
			if m.Execution = []enact.ExecutionID{"run", "Run", ""}[i%3]; m.Execution == "run" || i < len(threads) {
				m.Execution = "run"
				of[thread] = append(of[thread], m.ID)
			}
			mustCreateMessage(f, tenant, m)
		}
		slices.Sort(threads)
		var want []enact.MessageID
		for _, thread := range threads {
			want = append(want, of[thread]...)
		}
		mustHoldMessages(f, "the messages of the execution", tenant, enact.MessageQuery{Execution: "run"}, want...)
	})
}

func TestM5EditsOfMessages(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustCreateThread(f, tenant, enact.Thread{ID: "other", User: "ann"})
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		_, err := tenant.Messages.UpdateMessage(f.ctx, said("t", "m", "x"))
		mustFail(f, "updating an unknown message", err, enact.ErrNotFound)
		first := mustCreateMessage(f, tenant, fullMessage("t", "m", "parent"))

		changes := map[string]func(*enact.Message){
			"thread":        func(m *enact.Message) { m.Thread = "other" },
			"parent":        func(m *enact.Message) { m.Parent = "" },
			"execution":     func(m *enact.Message) { m.Execution = "Run" },
			"role":          func(m *enact.Message) { m.Role = "User" },
			"creation time": func(m *enact.Message) { m.CreatedAt = m.CreatedAt.Add(time.Microsecond) },
			"lost time":     func(m *enact.Message) { m.CreatedAt = time.Time{} },
		}
		for name, change := range changes {
			edit := first
			edit.Content = "lost"
			change(&edit)
			_, err := tenant.Messages.UpdateMessage(f.ctx, edit)
			mustFail(f, "changing the "+name+" of a message", err, enact.ErrInvalid)
		}
		for _, version := range []uint64{0, 2, math.MaxUint64} {
			edit := first
			edit.Content, edit.Version = "lost", version
			_, err := tenant.Messages.UpdateMessage(f.ctx, edit)
			mustConflict(f, fmt.Sprintf("updating version %d", version), err, enact.ConflictError{Expected: version, Actual: 1})
		}
		got, err := tenant.Messages.GetMessage(f.ctx, "m")
		must(f, "GetMessage", err)
		mustEqual(f, "the message after edits that were refused", got, first)

		edits := []func(*enact.Message){
			func(m *enact.Message) { m.Content = "second\x00\xff" },
			func(m *enact.Message) { m.Parts = []enact.Part{enact.Part(`{"type":"b"}`)} },
			func(m *enact.Message) { m.Metadata = []byte(`{"b":2}`) },
			func(m *enact.Message) { m.Parts, m.Metadata, m.Content = nil, nil, "" },
			func(m *enact.Message) {
				m.Usage, m.Cost, m.Stats, m.FinishReason = &enact.TokenUsage{Input: 5}, &enact.Cost{Nanos: -1}, nil, "length"
			},
			func(m *enact.Message) { m.Usage, m.Cost, m.FinishReason = nil, nil, "" },
			func(*enact.Message) {}, // an edit that changes nothing is one as well
		}
		current := first
		for i, change := range edits {
			edit := current
			change(&edit)
			edit.Position, edit.UpdatedAt, edit.DeletedAt = 999, time.Time{}, first.CreatedAt // the store's
			stored, err := tenant.Messages.UpdateMessage(f.ctx, edit)
			must(f, fmt.Sprintf("edit %d", i), err)
			if stored.UpdatedAt.Before(current.UpdatedAt) || stored.UpdatedAt.After(time.Now()) {
				f.Errorf("edit %d: UpdatedAt is %v, it was %v before", i, stored.UpdatedAt, current.UpdatedAt)
			}
			edit.Version, edit.UpdatedAt, edit.Position, edit.DeletedAt = uint64(i+2), stored.UpdatedAt, first.Position, time.Time{}
			mustEqual(f, fmt.Sprintf("what edit %d returned", i), stored, edit)
			f.reopen()
			tenant = f.tenant()
			got, err := tenant.Messages.GetMessage(f.ctx, "m")
			must(f, "GetMessage", err)
			mustEqual(f, fmt.Sprintf("the message after edit %d", i), got, edit)
			_, err = tenant.Messages.UpdateMessage(f.ctx, current)
			mustConflict(f, "repeating from the version before", err, enact.ConflictError{Expected: uint64(i + 1), Actual: uint64(i + 2)})
			current = stored
		}
		mustHoldMessages(f, "the messages", tenant, enact.MessageQuery{Thread: "t"}, "parent", "m")
	})
}

func TestM5EditsOfThreads(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		_, err := tenant.Messages.UpdateThread(f.ctx, enact.Thread{ID: "t", User: "ann"})
		mustFail(f, "updating an unknown thread", err, enact.ErrNotFound)
		first := mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann", Title: "first", Metadata: []byte(`{ "a":1}`)})
		for name, change := range map[string]func(*enact.Thread){
			"user":          func(t *enact.Thread) { t.User = "Ann" },
			"creation time": func(t *enact.Thread) { t.CreatedAt = t.CreatedAt.Add(-time.Microsecond) },
			"lost time":     func(t *enact.Thread) { t.CreatedAt = time.Time{} },
		} {
			edit := first
			edit.Title = "lost"
			change(&edit)
			_, err := tenant.Messages.UpdateThread(f.ctx, edit)
			mustFail(f, "changing the "+name+" of a thread", err, enact.ErrInvalid)
		}
		for _, version := range []uint64{0, 2, math.MaxUint64} {
			edit := first
			edit.Title, edit.Version = "lost", version
			_, err := tenant.Messages.UpdateThread(f.ctx, edit)
			mustConflict(f, fmt.Sprintf("updating version %d", version), err, enact.ConflictError{Expected: version, Actual: 1})
		}
		current := first
		for i, change := range []func(*enact.Thread){
			func(t *enact.Thread) { t.Title = "second\x00\xff" },
			func(t *enact.Thread) { t.Metadata = []byte("{\n\"b\" : [1,\t2] }") },
			func(t *enact.Thread) { t.Title, t.Metadata = "", nil },
			func(*enact.Thread) {},
		} {
			edit := current
			change(&edit)
			edit.UpdatedAt, edit.DeletedAt = time.Time{}, first.CreatedAt // the store's
			stored, err := tenant.Messages.UpdateThread(f.ctx, edit)
			must(f, fmt.Sprintf("edit %d", i), err)
			if stored.UpdatedAt.Before(current.UpdatedAt) || stored.UpdatedAt.After(time.Now()) {
				f.Errorf("edit %d: UpdatedAt is %v, it was %v before", i, stored.UpdatedAt, current.UpdatedAt)
			}
			edit.Version, edit.UpdatedAt, edit.DeletedAt = uint64(i+2), stored.UpdatedAt, time.Time{}
			mustEqual(f, fmt.Sprintf("what edit %d returned", i), stored, edit)
			f.reopen()
			tenant = f.tenant()
			got, err := tenant.Messages.GetThread(f.ctx, "t")
			must(f, "GetThread", err)
			mustEqual(f, fmt.Sprintf("the thread after edit %d", i), got, edit)
			_, err = tenant.Messages.UpdateThread(f.ctx, current)
			mustConflict(f, "repeating from the version before", err, enact.ConflictError{Expected: uint64(i + 1), Actual: uint64(i + 2)})
			current = stored
		}
	})
}

// TestM5NoUpdateIsLost has many goroutines at two handles edit one message and one
// thread.
func TestM5NoUpdateIsLost(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, each = 6, 8
		handles := []*enact.MessageStore{f.tenant().Messages, f.open().Tenant("acme").Messages}
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "t", User: "ann"})
		mustCreateMessage(f, f.tenant(), said("t", "m", ""))
		errs := make([]error, writers)
		atOnce(writers, func(w int) {
			for done := 0; done < each && errs[w] == nil; {
				err := addOne(f.ctx, handles[w%2], w%3 == 0)
				if err == nil {
					done++
				} else if !errors.Is(err, enact.ErrConflict) {
					errs[w] = err
				}
			}
		})
		must(f, "editing", errors.Join(errs...))
		m, err := handles[0].GetMessage(f.ctx, "m")
		must(f, "GetMessage", err)
		th, err := handles[1].GetThread(f.ctx, "t")
		must(f, "GetThread", err)
		if len(m.Content) != 4*each || m.Version != 4*each+1 {
			f.Errorf("after %d edits the message has %d, and version %d", 4*each, len(m.Content), m.Version)
		}
		if len(th.Title) != 2*each || th.Version != 2*each+1 {
			f.Errorf("after %d edits the thread has %d, and version %d", 2*each, len(th.Title), th.Version)
		}
	})
}

// addOne makes a thread's title or a message longer by one.
func addOne(ctx context.Context, store *enact.MessageStore, thread bool) error {
	if thread {
		th, err := store.GetThread(ctx, "t")
		if err == nil {
			th.Title += "x"
			_, err = store.UpdateThread(ctx, th)
		}
		return err
	}
	m, err := store.GetMessage(ctx, "m")
	if err == nil {
		m.Content += "x"
		_, err = store.UpdateMessage(ctx, m)
	}
	return err
}

// fullMessage has a value in every field that a caller may set.
func fullMessage(thread enact.ThreadID, id, parent enact.MessageID) enact.Message {
	return enact.Message{
		ID: id, Thread: thread, Parent: parent, Execution: "run", Role: enact.RoleAssistant,
		Content: "content \x00 \xff é e\u0301",
		Parts: []enact.Part{
			enact.Part(`{"type":"text","text":"a"}`),
			enact.Part(" \t\n{ \"b\" : 1 ,\r\n \"type\" : \"never heard of\", \"n\": 9007199254740993.0 } \n"),
			enact.Part(`{"type":"x","type":"y","d":1,"d":2}`),
			enact.Part(`{"type":"z","nested":{"type":5,"list":["]",",","}",[{}]]}}`),
			enact.Part("{\"type\":\"\u2028<&>\\u0041\\ud83d\\ude00\\ud800\"}"),
		},
		Metadata:     json.RawMessage(`{"a":{"b":[1,9007199254740993,1e400,null,"<&>"]},"":1}`),
		Usage:        &enact.TokenUsage{Input: math.MaxInt64, Output: 2, Total: -3, Reasoning: 4, CachedInput: 5},
		Cost:         &enact.Cost{Nanos: 123456789, Currency: "USD"},
		FinishReason: "stop <&>",
		Stats:        &enact.ExecutionStats{Duration: time.Hour + 1, TimeToFirstToken: 7, Steps: 1, ToolCalls: 2, ModelCalls: 3, Retries: 4},
		CreatedAt:    time.Date(2020, 2, 29, 1, 2, 3, 456789000, time.UTC),
	}
}

func TestM6EverythingComesBackAsItWas(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		messages := []enact.Message{fullMessage("t", "full", "parent"), said("t", "bare", "")}
		zeroes := said("t", "zeroes", "x")
		zeroes.Usage, zeroes.Cost, zeroes.Stats, zeroes.Metadata = &enact.TokenUsage{}, &enact.Cost{}, &enact.ExecutionStats{}, []byte("{}")
		messages = append(messages, zeroes)
		for name, content := range anyBytes {
			messages = append(messages, said("t", enact.MessageID(name), string(content)))
		}
		for i, m := range messages {
			stored := mustCreateMessage(f, tenant, m)
			m.Position, m.UpdatedAt, m.Version = stored.Position, stored.UpdatedAt, 1
			if m.CreatedAt.IsZero() {
				m.CreatedAt = stored.UpdatedAt
			}
			mustEqual(f, fmt.Sprintf("message %q as it was created", m.ID), stored, m)
			messages[i] = m
		}
		f.reopen()
		for _, m := range messages {
			got, err := f.tenant().Messages.GetMessage(f.ctx, m.ID)
			must(f, "GetMessage", err)
			mustEqual(f, fmt.Sprintf("message %q", m.ID), got, m)
		}
		mustEqual(f, "the messages as listed", walk(f, "messages", 4, messagesIn(f.tenant(), enact.MessageQuery{Thread: "t"}))[1:], messages)
	})
}

func TestM6ThreadsComeBackAsTheyWere(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		var threads []enact.Thread
		add := func(thread enact.Thread) {
			stored := mustCreateThread(f, f.tenant(), thread)
			thread.UpdatedAt, thread.Version = stored.UpdatedAt, 1
			if thread.CreatedAt.IsZero() {
				thread.CreatedAt = stored.UpdatedAt
			}
			mustEqual(f, fmt.Sprintf("thread %q as it was created", thread.ID), stored, thread)
			threads = append(threads, thread)
		}
		for name, title := range anyBytes {
			add(enact.Thread{ID: enact.ThreadID(name), User: "ann", Title: string(title)})
		}
		for i, metadata := range []string{`{}`, " {\n\"a\": 1 }\t", `{"a":1,"a":2,"n":9007199254740993}`} {
			add(enact.Thread{ID: enact.ThreadID(fmt.Sprint("metadata ", i)), User: "ann", Metadata: []byte(metadata), CreatedAt: time.Date(1960, 1, 1, 0, 0, 0, 1000*i, time.UTC)})
		}
		f.reopen()
		for _, want := range threads {
			got, err := f.tenant().Messages.GetThread(f.ctx, want.ID)
			must(f, "GetThread", err)
			mustEqual(f, fmt.Sprintf("thread %q", want.ID), got, want)
		}
		slices.Reverse(threads)
		mustEqual(f, "the threads as listed", walk(f, "threads", 4, threadsOf(f.tenant(), enact.ThreadQuery{User: "ann"})), threads)
	})
}

// TestM6PartsAreObjectsWithAType takes any object with a string "type" and nothing
// else. Other keys may be spelt like it.
func TestM6PartsAreObjectsWithAType(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		for i, part := range []string{`{"type":"x"}`, `{"type":"text","Type":5}`, `{"TYPE":null,"type":"x"}`, `{"type":"x","Type":""}`} {
			m := said("t", enact.MessageID(fmt.Sprint("good ", i)), "x")
			m.Parts = []enact.Part{enact.Part(part)}
			stored, err := tenant.Messages.CreateMessage(f.ctx, m)
			if err != nil {
				f.Errorf("creating a message with the part %s failed: %v", part, err)
				continue
			}
			mustEqual(f, "the parts", stored.Parts, m.Parts)
		}
		for i, part := range []string{``, ` `, `null`, `{}`, `[]`, `"type"`, `{"type":""}`, `{"type":null}`, `{"type":5}`, `{"Type":"x"}`, `{"type":"x"`, `{"type":"x"},{"type":"y"}`, `{"type":"x"}]`, "{\"type\":\"\xff\"}"} {
			m := said("t", enact.MessageID(fmt.Sprint("bad ", i)), "x")
			m.Parts = []enact.Part{enact.Part(`{"type":"good"}`), enact.Part(part)}
			if _, err := tenant.Messages.CreateMessage(f.ctx, m); !errors.Is(err, enact.ErrInvalid) {
				f.Errorf("creating a message with the part %s returned %v; it should have been refused as invalid", part, err)
			}
		}
	})
}

func TestM6BadMessagesAndThreadsAreRefused(t *testing.T) {
	messages := map[string]func(*enact.Message){
		"no role":                      func(m *enact.Message) { m.Role = "" },
		"metadata that are no object":  func(m *enact.Message) { m.Metadata = []byte(`[1]`) },
		"metadata null":                func(m *enact.Message) { m.Metadata = []byte(`null`) },
		"metadata that are cut off":    func(m *enact.Message) { m.Metadata = []byte(`{"a":1`) },
		"metadata in invalid UTF-8":    func(m *enact.Message) { m.Metadata = []byte("{\"a\":\"\xff\"}") },
		"a reason in invalid UTF-8":    func(m *enact.Message) { m.FinishReason = "\xff" },
		"a year that cannot be kept":   func(m *enact.Message) { m.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an execution in invalid UTF8": func(m *enact.Message) { m.Execution = "\xff" },
	}
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		stored := mustCreateMessage(f, tenant, said("t", "m", "x"))
		for name, spoil := range messages {
			m := said("t", "new", "x")
			spoil(&m)
			_, err := tenant.Messages.CreateMessage(f.ctx, m)
			mustFail(f, "creating a message with "+name, err, enact.ErrInvalid)
			edit := stored
			spoil(&edit)
			_, err = tenant.Messages.UpdateMessage(f.ctx, edit)
			mustFail(f, "updating a message with "+name, err, enact.ErrInvalid)
		}
		_, err := tenant.Messages.CreateMessage(f.ctx, said("t", "new", strings.Repeat("x", driver.MaxMessageBytes+1)))
		mustBeTooLarge(f, "creating a too large message", err, enact.TooLargeError{Size: driver.MaxMessageBytes + 1, Limit: driver.MaxMessageBytes, Unit: "bytes"})
		_, err = tenant.Messages.CreateThread(f.ctx, enact.Thread{ID: "u", User: "ann", Title: strings.Repeat("x", driver.MaxMessageBytes+1)})
		mustBeTooLarge(f, "creating a too large thread", err, enact.TooLargeError{Size: driver.MaxMessageBytes + 1, Limit: driver.MaxMessageBytes, Unit: "bytes"})
		for _, metadata := range []string{`[]`, `null`, `1`, `{`, "{\"\xff\":1}", ` `} {
			_, err := tenant.Messages.CreateThread(f.ctx, enact.Thread{ID: "u", User: "ann", Metadata: []byte(metadata)})
			mustFail(f, "creating a thread with metadata "+metadata, err, enact.ErrInvalid)
		}
		mustHoldMessages(f, "the messages", tenant, enact.MessageQuery{Thread: "t"}, "m")
		mustEqual(f, "the threads", len(walk(f, "threads", 10, threadsOf(tenant, enact.ThreadQuery{User: "ann"}))), 1)
	})
}

func TestM7CreatingAMessageAgain(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustCreateThread(f, tenant, enact.Thread{ID: "u", User: "ann"})
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		given := fullMessage("t", "m", "parent")
		stored := mustCreateMessage(f, tenant, given)
		same := map[string]func(*enact.Message){
			"nothing changed":    func(*enact.Message) {},
			"the time left open": func(m *enact.Message) { m.CreatedAt = time.Time{} },
			"the time in a zone": func(m *enact.Message) { m.CreatedAt = m.CreatedAt.In(time.FixedZone("", 3600)) },
			"what the store gives": func(m *enact.Message) {
				m.Position, m.Version, m.UpdatedAt, m.DeletedAt = 9, 9, m.CreatedAt, m.CreatedAt
			},
		}
		for name, change := range same {
			m := given
			change(&m)
			again, err := tenant.Messages.CreateMessage(f.ctx, m)
			must(f, "creating a message again with "+name, err)
			mustEqual(f, "what creating it again with "+name+" returned", again, stored)
		}
		other := map[string]func(*enact.Message){
			"thread":         func(m *enact.Message) { m.Thread = "u"; m.Parent = "" },
			"unknown thread": func(m *enact.Message) { m.Thread = "unknown" },
			"parent":         func(m *enact.Message) { m.Parent = "" },
			"execution":      func(m *enact.Message) { m.Execution = "" },
			"role":           func(m *enact.Message) { m.Role = "Assistant" },
			"content":        func(m *enact.Message) { m.Content += " " },
			"parts":          func(m *enact.Message) { m.Parts = m.Parts[1:] },
			"a part's space": func(m *enact.Message) { m.Parts = append([]enact.Part{append(m.Parts[0], ' ')}, m.Parts[1:]...) },
			"metadata":       func(m *enact.Message) { m.Metadata = []byte(`{}`) },
			"usage":          func(m *enact.Message) { m.Usage = &enact.TokenUsage{} },
			"cost":           func(m *enact.Message) { m.Cost = nil },
			"reason":         func(m *enact.Message) { m.FinishReason = "" },
			"stats":          func(m *enact.Message) { m.Stats = nil },
			"time":           func(m *enact.Message) { m.CreatedAt = m.CreatedAt.Add(time.Microsecond) },
		}
		for name, change := range other {
			m := given
			change(&m)
			_, err := tenant.Messages.CreateMessage(f.ctx, m)
			mustFail(f, "creating a message again with another "+name, err, enact.ErrExists)
		}
		f.reopen()
		mustEqual(f, "the message created again after reopening", mustCreateMessage(f, f.tenant(), given), stored)
		mustHoldMessages(f, "the messages", f.tenant(), enact.MessageQuery{Thread: "t"}, "parent", "m")
		edited := stored
		edited.Content = "edited"
		_, err := f.tenant().Messages.UpdateMessage(f.ctx, edited)
		must(f, "UpdateMessage", err)
		_, err = f.tenant().Messages.CreateMessage(f.ctx, given)
		mustFail(f, "creating a message again that was edited", err, enact.ErrExists)
	})
}

func TestM7CreatingAThreadAgain(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		given := enact.Thread{ID: "t", User: "ann", Title: "title", Metadata: []byte(`{"a":1}`), CreatedAt: time.Date(2020, 1, 1, 0, 0, 0, 1000, time.UTC)}
		stored := mustCreateThread(f, tenant, given)
		mustEqual(f, "the thread created again", mustCreateThread(f, tenant, given), stored)
		undated := given
		undated.CreatedAt = time.Time{}
		mustEqual(f, "the thread created again without a time", mustCreateThread(f, tenant, undated), stored)
		for name, change := range map[string]func(*enact.Thread){
			"user":             func(t *enact.Thread) { t.User = "Ann" },
			"title":            func(t *enact.Thread) { t.Title = "Title" },
			"empty title":      func(t *enact.Thread) { t.Title = "" },
			"metadata":         func(t *enact.Thread) { t.Metadata = []byte(`{"a":2}`) },
			"metadata's space": func(t *enact.Thread) { t.Metadata = []byte(`{"a": 1}`) },
			"no metadata":      func(t *enact.Thread) { t.Metadata = nil },
			"time":             func(t *enact.Thread) { t.CreatedAt = t.CreatedAt.Add(time.Microsecond) },
		} {
			th := given
			change(&th)
			_, err := tenant.Messages.CreateThread(f.ctx, th)
			mustFail(f, "creating a thread again with another "+name, err, enact.ErrExists)
		}
		f.reopen()
		mustEqual(f, "the thread created again after reopening", mustCreateThread(f, f.tenant(), given), stored)
	})
}

// TestM7TheSameMessageAtOnce: of equal ones one is stored and all succeed; of
// different ones one wins.
func TestM7TheSameMessageAtOnce(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		const writers, rounds = 6, 20
		handles := []*enact.MessageStore{f.tenant().Messages, f.open().Tenant("acme").Messages}
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "t", User: "ann"})
		for round := range rounds {
			got, errs := make([]enact.Message, writers), make([]error, writers)
			atOnce(writers, func(w int) {
				id := enact.MessageID(fmt.Sprintf("%02d", round))
				got[w], errs[w] = handles[w%2].CreateMessage(f.ctx, said("t", id, fmt.Sprint("content ", w%(1+round%2))))
			})
			stored, err := handles[0].GetMessage(f.ctx, enact.MessageID(fmt.Sprintf("%02d", round)))
			must(f, "GetMessage", err)
			for w, err := range errs {
				if stored.Content == fmt.Sprint("content ", w%(1+round%2)) {
					must(f, fmt.Sprintf("round %d, writer %d: creating what was stored", round, w), err)
					mustEqual(f, "what was returned", got[w], stored)
				} else {
					mustFail(f, fmt.Sprintf("round %d, writer %d: creating other content", round, w), err, enact.ErrExists)
				}
			}
		}
		mustEqual(f, "the number of messages", len(walk(f, "messages", 7, messagesIn(f.tenant(), enact.MessageQuery{Thread: "t"}))), rounds)
	})
}

// TestM8ThreadsLastUpdatedFirst updates threads in each way that there is.
func TestM8ThreadsLastUpdatedFirst(t *testing.T) {
	onEach(t, sharedBackends, func(f *fixture) {
		tenant := f.tenant()
		of := func(user enact.UserID, deleted bool) lister[enact.Thread] {
			return threadsOf(tenant, enact.ThreadQuery{User: user, IncludeDeleted: deleted})
		}
		mustList(f, "the threads of nobody", of("ann", true), nil)
		order := []enact.ThreadID{}
		gone := map[enact.ThreadID]bool{}
		touched := func(doing string, id enact.ThreadID) {
			f.Helper()
			order = append([]enact.ThreadID{id}, slices.DeleteFunc(order, func(other enact.ThreadID) bool { return other == id })...)
			visible := slices.DeleteFunc(slices.Clone(order), func(id enact.ThreadID) bool { return gone[id] })
			for limit := 1; limit <= len(order)+1; limit++ {
				mustEqual(f, fmt.Sprintf("the threads by %d after %s", limit, doing), idsOf(walk(f, "threads", limit, of("ann", false)), threadID), visible)
				mustEqual(f, fmt.Sprintf("the threads with deleted ones by %d after %s", limit, doing), idsOf(walk(f, "threads", limit, of("ann", true)), threadID), order)
			}
			all := walk(f, "threads", 100, of("ann", true))
			for i := range all[1:] {
				if all[i].UpdatedAt.Before(all[i+1].UpdatedAt) {
					f.Fatalf("after %s thread %q comes first, updated %v; %q was updated later, %v", doing, all[i].ID, all[i].UpdatedAt, all[i+1].ID, all[i+1].UpdatedAt)
				}
			}
		}
		for i, id := range []enact.ThreadID{"d", "b", "c", "B", "a"} {
			// The creation time is the caller's, and of no account here.
			mustCreateThread(f, tenant, enact.Thread{ID: id, User: "ann", CreatedAt: time.Date(2030-i, 1, 1, 0, 0, 0, 0, time.UTC)})
			mustCreateThread(f, tenant, enact.Thread{ID: "bob's " + id, User: "bob"})
			touched("creation", id)
		}
		mustCreateThread(f, tenant, enact.Thread{ID: "d", User: "ann"})
		touched("creating one again, which is no update", "a")
		m := mustCreateMessage(f, tenant, said("d", "m", "x"))
		touched("a message", "d")
		edit, err := tenant.Messages.GetThread(f.ctx, "b")
		must(f, "GetThread", err)
		edit.Title = "new"
		_, err = tenant.Messages.UpdateThread(f.ctx, edit)
		must(f, "UpdateThread", err)
		touched("an edit", "b")
		m.Content = "new"
		_, err = tenant.Messages.UpdateMessage(f.ctx, m)
		must(f, "UpdateMessage", err)
		touched("an edit of a message", "d")
		mustCreateMessage(f, tenant, said("B", "n", "x"))
		touched("another message", "B")
		must(f, "DeleteMessage", tenant.Messages.DeleteMessage(f.ctx, "m"))
		touched("deleting a message", "d")
		gone["c"] = true
		must(f, "DeleteThread", tenant.Messages.DeleteThread(f.ctx, "c"))
		touched("deletion", "c")
		must(f, "DeleteThread", tenant.Messages.DeleteThread(f.ctx, "c"))
		must(f, "DeleteMessage", tenant.Messages.DeleteMessage(f.ctx, "m"))
		touched("deleting again, which is no update", "c")
		f.reopen()
		tenant = f.tenant()
		mustCreateMessage(f, tenant, said("a", "o", "x"))
		touched("reopening and a message", "a")
		bobs := idsOf(walk(f, "bob's threads", 2, of("bob", true)), threadID)
		mustEqual(f, "bob's threads", bobs, []enact.ThreadID{"bob's a", "bob's B", "bob's c", "bob's b", "bob's d"})
	})
}

// TestM8ListingWhileThreadsAreUpdated shows no thread twice, and every one that
// was not updated.
func TestM8ListingWhileThreadsAreUpdated(t *testing.T) {
	onEach(t, everyBackend, func(f *fixture) {
		tenant := f.tenant()
		for i := range 10 {
			mustCreateThread(f, tenant, enact.Thread{ID: enact.ThreadID(fmt.Sprint("t", i)), User: "ann"})
		}
		seen := map[enact.ThreadID]int{}
		page := enact.Page{Limit: 2}
		for n := 0; ; n++ {
			items, next, err := tenant.Messages.ListThreads(f.ctx, enact.ThreadQuery{User: "ann", Page: page})
			must(f, "ListThreads", err)
			for _, th := range items {
				seen[th.ID]++
			}
			mustCreateMessage(f, tenant, said(items[0].ID, enact.MessageID(fmt.Sprint("m", n)), "x")) // has been seen
			if n == 1 {
				mustCreateMessage(f, tenant, said("t0", "ahead", "x")) // has not
				mustCreateThread(f, tenant, enact.Thread{ID: "new", User: "ann"})
			}
			if next == "" {
				break
			}
			page.Cursor = next
		}
		for i := range 10 {
			want := 1
			if i == 0 {
				want = 0
			}
			if id := enact.ThreadID(fmt.Sprint("t", i)); seen[id] != want {
				f.Errorf("thread %q was listed %d times; it should have been %d", id, seen[id], want)
			}
		}
		mustEqual(f, "how often the new thread was listed", seen["new"], 0)
	})
}
