package drivertest

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var threadChecks = []check{
	{rule: "M8", name: "last-updated-first", role: driver.RoleMessages, run: lastUpdatedFirst,
		why: "the conversation that somebody has just spoken in is not at the top of the list"},
	{rule: "M8", name: "threads-of-one-user", role: driver.RoleMessages, run: threadsOfOneUser,
		why: "one person's conversations are listed for another"},
	{rule: "M8", name: "deleted-threads", role: driver.RoleMessages, run: deletedThreads,
		why: "deleted conversations are listed, or hide those that come after them"},
	{rule: "M8", name: "quick-updates", role: driver.RoleMessages, run: quickUpdates,
		why: "threads that are updated within a tick of the clock come in any order, and paging loses some"},
	{rule: "M8", name: "updates-while-paging", role: driver.RoleMessages, run: updatesWhilePaging,
		why: "who pages through the list sees a conversation twice or not at all"},
	{rule: "M8", name: "updates-at-once", role: driver.RoleMessages, run: updatesAtOnce,
		why: "threads that are updated at once share a place, and paging loses one of them"},
	{rule: "M8", name: "list-meets-updates", role: driver.RoleMessages, run: listMeetsUpdates,
		why: "a list that is read while people talk shows a conversation twice or hides one that is quiet"},
	{rule: "M8", name: "without-messages", role: driver.RoleMessages, alone: true, run: listWithoutMessages,
		why: "listing conversations takes as long and as much memory as reading all of them"},
}

// lastUpdatedFirst updates threads in each way that there is.
func lastUpdatedFirst(t *trial) {
	stores := t.bothMessageStores()
	s := stores[0]
	lists(t, "the threads of a user who has none", threadsOf(s, driver.ThreadQuery{User: "ann", IncludeDeleted: true}), nil)
	var order []driver.ThreadID
	n := 0
	updated := func(doing string, id driver.ThreadID) {
		order = append([]driver.ThreadID{id}, slices.DeleteFunc(order, func(other driver.ThreadID) bool { return other == id })...)
		for _, s := range stores {
			for _, includeDeleted := range []bool{false, true} {
				q := driver.ThreadQuery{User: "ann", IncludeDeleted: includeDeleted}
				listsIDs(t, "the threads after "+doing, threadsOf(s, q), threadID, order...)
				all := walk(t, "ListThreads", 50, threadsOf(s, q))
				for i, th := range all {
					equalThread(t, "a thread as listed after "+doing, th, t.liveThread(s, th.ID))
					if i > 0 && all[i-1].UpdatedAt.Before(th.UpdatedAt) {
						t.fatal("ListThreads after "+doing, fmt.Sprintf("thread %q, updated %v, before %q, updated %v", all[i-1].ID, all[i-1].UpdatedAt, th.ID, th.UpdatedAt), "the last updated first, as UpdatedAt says")
					}
				}
			}
		}
		n++
		s = stores[n%2]
	}
	for i, id := range []driver.ThreadID{"d", "b", "c", "B", "a"} {
		begin := time.Now()
		// The creation time is the caller's, and of no account here.
		th := t.createThread(s, driver.Thread{ID: id, User: "ann", CreatedAt: longAgo.AddDate(30-i, 0, 0)})
		t.stampedNow("UpdatedAt of a new thread", th.UpdatedAt, begin)
		t.thread(t.backend.Tenant("other").Messages, id)
		t.createThread(s, driver.Thread{ID: "bob's " + id, User: "bob"})
		updated("creation", id)
	}
	touch := func(doing string, id driver.ThreadID, do func()) {
		before := t.liveThread(s, id)
		t.clockPasses(s, before.UpdatedAt)
		begin := time.Now()
		do()
		after := t.liveThread(s, id)
		t.stampedNow("UpdatedAt of a thread after "+doing, after.UpdatedAt, begin)
		if !after.UpdatedAt.After(before.UpdatedAt) {
			t.fatal("GetThread after "+doing, fmt.Sprint("UpdatedAt ", after.UpdatedAt), fmt.Sprintf("a time after %v, when it was updated before", before.UpdatedAt))
		}
		updated(doing, id)
	}
	for range 2 {
		for _, id := range []driver.ThreadID{"d", "b", "B"} {
			m := said(id, driver.MessageID(fmt.Sprint("m", len(order), t.rand.Int())))
			m.CreatedAt = longAgo
			touch("a message", id, func() { m = t.createMessage(s, m) })
			touch("a message elsewhere", "c", func() { t.say(s, "c", "after "+m.ID) })
			touch("an edit of a message", id, func() { m.Content = []byte("new"); t.editMessage(s, m) })
			th := t.liveThread(s, "a")
			touch("an edit", "a", func() { th.Title = "new " + string(m.ID); t.editThread(s, th) })
			touch("the deletion of a message", id, func() { t.dropMessage(s, m.ID) })
			t.say(s, "bob's "+id, "of bob "+m.ID)
			touch("another message elsewhere", "c", func() { t.say(s, "c", "last after "+m.ID) })
			t.dropMessage(s, m.ID)
			updated("deleting one again, which is no update", "c")
		}
		t.reopen()
		stores[0] = t.Messages
		s = stores[0]
		updated("reopening", order[0])
	}
	listsIDs(t, "bob's threads", threadsOf(s, driver.ThreadQuery{User: "bob"}), threadID, "bob's B", "bob's b", "bob's d", "bob's a", "bob's c")
}

func threadsOfOneUser(t *trial) {
	restart := t.takeTurns()
	users := []driver.UserID{"ann", "Ann", "ann ", "an", "anna", "ann%", "_nn", "a'nn", "änn", "a\u0308nn", "nobody"}
	of := map[driver.UserID][]driver.ThreadID{}
	for i := range 30 {
		user := users[i*7%(len(users)-1)]
		id := driver.ThreadID(fmt.Sprintf("%02d", i*11%30))
		t.createThread(t.Messages, driver.Thread{ID: id, User: user, Title: string(user)})
		of[user] = append([]driver.ThreadID{id}, of[user]...)
	}
	t.createThread(t.backend.Tenant("other").Messages, driver.Thread{ID: "another tenant's", User: "ann"})
	const many = driver.DefaultPageLimit + 10
	var ofMany []driver.ThreadID
	for i := range many {
		id := driver.ThreadID(fmt.Sprint("many ", many-i))
		t.createThread(t.Messages, driver.Thread{ID: id, User: "many"})
		ofMany = append([]driver.ThreadID{id}, ofMany...)
	}
	restart()
	for _, limit := range []int{7, driver.DefaultPageLimit, many, driver.MaxPageLimit} {
		did := fmt.Sprintf("a user's %d threads in pages of %d", many, limit)
		equal(t, did, idsOf(walk(t, did, limit, threadsOf(t.Messages, driver.ThreadQuery{User: "many"})), threadID), ofMany)
	}
	for _, user := range users {
		for _, includeDeleted := range []bool{false, true} {
			q := driver.ThreadQuery{User: user, IncludeDeleted: includeDeleted}
			listsIDs(t, fmt.Sprintf("the threads of user %q", user), threadsOf(t.Messages, q), threadID, of[user]...)
			for _, th := range walk(t, "ListThreads", 5, threadsOf(t.Messages, q)) {
				equal(t, "the user of a listed thread", th.User, user)
			}
		}
	}
}

// deletedThreads has runs of deleted threads that are longer than a page.
func deletedThreads(t *trial) {
	restart := t.takeTurns()
	var live, all []driver.ThreadID
	var kept []driver.Thread
	for i := range 20 {
		id := driver.ThreadID(fmt.Sprintf("%02d", i*7%20))
		th := t.thread(t.Messages, id)
		all = append([]driver.ThreadID{id}, all...)
		if i == 6 || i == 7 || i == 12 {
			live, kept = append([]driver.ThreadID{id}, live...), append([]driver.Thread{th}, kept...)
			continue
		}
		t.say(t.Messages, id, driver.MessageID(id))
		t.dropThread(t.Messages, id) // it is first already
	}
	q := driver.ThreadQuery{User: "ann"}
	deleted := driver.ThreadQuery{User: "ann", IncludeDeleted: true}
	for range 2 {
		s := t.Messages
		listsIDs(t, "the threads between deleted ones", threadsOf(s, q), threadID, live...)
		listsIDs(t, "the threads with deleted ones", threadsOf(s, deleted), threadID, all...)
		equalThreads(t, "the threads between deleted ones", walk(t, "ListThreads", 2, threadsOf(s, q)), kept)
		for _, th := range walk(t, "ListThreads", 9, threadsOf(s, deleted)) {
			equalThread(t, "a thread as listed with deleted ones", th, t.keptThread(s, th.ID))
			equal(t, fmt.Sprintf("whether thread %q is listed as deleted", th.ID), !th.DeletedAt.IsZero(), !slices.Contains(live, th.ID))
		}
		restart()
	}
	for _, id := range live {
		t.dropThread(t.Messages, id)
	}
	listsIDs(t, "the threads, which are all deleted", threadsOf(t.Messages, q), threadID)
}

// quickUpdates touches threads as fast as it can, in no order that IDs or times have.
func quickUpdates(t *trial) {
	const threads = 12
	stores := t.bothMessageStores()
	var order []driver.ThreadID
	messages := map[driver.ThreadID]driver.Message{}
	for i := range threads {
		id := driver.ThreadID(fmt.Sprintf("%02d", i*5%threads))
		t.thread(t.Messages, id)
		messages[id] = t.say(t.Messages, id, "m"+driver.MessageID(id))
		order = append([]driver.ThreadID{id}, order...)
	}
	q := driver.ThreadQuery{User: "ann"}
	listsIDs(t, "the threads that were created quickly", threadsOf(t.Messages, q), threadID, order...)
	n := 0
	for range t.rounds(3, 8) {
		for range threads {
			n++
			id := order[t.rand.IntN(len(order))]
			s := stores[t.rand.IntN(2)]
			if n%3 == 0 {
				messages[id] = t.editMessage(s, messages[id])
			} else {
				t.say(s, id, driver.MessageID(fmt.Sprint("n", n)))
			}
			order = append([]driver.ThreadID{id}, slices.DeleteFunc(order, func(other driver.ThreadID) bool { return other == id })...)
		}
		listsIDs(t, "the threads that were updated quickly", threadsOf(stores[n%2], q), threadID, order...)
	}
}

// updatesWhilePaging updates, creates and deletes threads between pages.
func updatesWhilePaging(t *trial) {
	t.takeTurns()
	const threads = 10
	n := 0
	say := func(id driver.ThreadID) {
		n++
		t.say(t.Messages, id, driver.MessageID(fmt.Sprint("m", n)))
	}
	for _, limit := range []int{1, 2, 3} {
		for _, includeDeleted := range []bool{false, true} {
			user := driver.UserID(fmt.Sprint("user ", limit, includeDeleted))
			named := func(i int) driver.ThreadID { return driver.ThreadID(fmt.Sprint(user, " ", i)) }
			var want []driver.ThreadID
			for i := range threads {
				t.createThread(t.Messages, driver.Thread{ID: named(i), User: user})
				if i > 1 {
					want = append([]driver.ThreadID{named(i)}, want...)
				}
			}
			did := fmt.Sprintf("the threads in pages of %d while they are updated, with deleted ones: %v", limit, includeDeleted)
			var seen []driver.ThreadID
			q := driver.ThreadQuery{User: user, IncludeDeleted: includeDeleted, Page: driver.Page{Limit: limit}}
			for page := 0; ; page++ {
				items, next, err := t.Messages.ListThreads(t.ctx, q)
				t.ok(fmt.Sprintf("%s, page %d", did, page+1), err)
				if len(items) > limit || (next != "" && len(items) < limit) {
					t.fatal(fmt.Sprintf("%s, page %d", did, page+1), fmt.Sprintf("%d threads and cursor %q", len(items), next), "a full page with a cursor, or the last one without")
				}
				seen = append(seen, idsOf(items, threadID)...)
				if next == "" {
					break
				}
				last := items[len(items)-1].ID
				switch page % 3 {
				case 0:
					say(last) // the one that the cursor stands at
				case 1:
					t.editThread(t.Messages, t.liveThread(t.Messages, last))
				case 2:
					t.dropThread(t.Messages, last)
				}
				if page == 1 { // these are ahead, and new
					say(named(0))
					t.editThread(t.Messages, t.liveThread(t.Messages, named(1)))
					t.createThread(t.Messages, driver.Thread{ID: named(threads), User: user})
				}
				q.Page.Cursor = next
			}
			equal(t, did, seen, want)
		}
	}
}

func updatesAtOnce(t *trial) {
	const writers = 6
	stores := t.bothMessageStores()
	q := driver.ThreadQuery{User: "ann"}
	for round := range t.rounds(6, 20) {
		t.together(writers, func(i int) {
			s, id := stores[(i+round)%2], driver.ThreadID(fmt.Sprint("t", i))
			if round == 0 {
				t.thread(s, id)
			}
			_, err := s.CreateMessage(t.shaken(), said(id, driver.MessageID(fmt.Sprintf("%d-%d", i, round))))
			t.ok("CreateMessage in threads of one user at once", err)
			if i%2 == 0 {
				_, err = s.UpdateThread(t.shaken(), t.liveThread(s, id))
				t.ok("UpdateThread in threads of one user at once", err)
			}
		})
		all := walk(t, "ListThreads", 50, threadsOf(t.Messages, q))
		ids := idsOf(all, threadID)
		listsIDs(t, "the threads that were updated at once", threadsOf(stores[1], q), threadID, ids...)
		slices.Sort(ids)
		equal(t, "the threads that were updated at once, sorted", ids, []driver.ThreadID{"t0", "t1", "t2", "t3", "t4", "t5"})
		for i := range all[1:] {
			if all[i].UpdatedAt.Before(all[i+1].UpdatedAt) {
				t.fatal("ListThreads after updates at once", fmt.Sprintf("thread %q, updated %v, before %q, updated %v", all[i].ID, all[i].UpdatedAt, all[i+1].ID, all[i+1].UpdatedAt), "the last updated first, as UpdatedAt says")
			}
		}
		first := ids[t.rand.IntN(len(ids))]
		t.say(stores[0], first, driver.MessageID(fmt.Sprint("last ", round)))
		now := walk(t, "ListThreads", 2, threadsOf(stores[1], q))
		equal(t, "the first thread after a message in it", now[0].ID, first)
	}
}

// listMeetsUpdates: a listing shows no thread twice, and all that are not updated.
func listMeetsUpdates(t *trial) {
	const quiet, busy = 9, 3
	stores := t.bothMessageStores()
	var want []driver.ThreadID
	for i := range quiet {
		id := driver.ThreadID(fmt.Sprint("quiet ", i))
		t.thread(t.Messages, id)
		want = append([]driver.ThreadID{id}, want...)
		if i%3 == 0 {
			t.thread(t.Messages, driver.ThreadID(fmt.Sprint("busy ", i/3)))
		}
	}
	stop := make(chan struct{})
	t.together(busy+1, func(i int) {
		if i < busy {
			for n := range t.rounds(10, 60) {
				select {
				case <-stop:
					return
				default:
					t.say(stores[i%2], driver.ThreadID(fmt.Sprint("busy ", i)), driver.MessageID(fmt.Sprintf("%d-%d", i, n)))
				}
			}
			return
		}
		defer close(stop)
		for n := range t.rounds(10, 40) {
			limit := 1 + n%4
			seen := idsOf(walk(t, "ListThreads while threads are updated", limit, threadsOf(stores[n%2], driver.ThreadQuery{User: "ann", IncludeDeleted: n%2 == 0})), threadID)
			for j, id := range seen {
				if slices.Contains(seen[:j], id) {
					t.fatal(fmt.Sprintf("ListThreads in pages of %d while threads are updated", limit), fmt.Sprintf("%q twice: %q", id, seen), "each thread once")
				}
			}
			seen = slices.DeleteFunc(seen, func(id driver.ThreadID) bool { return !slices.Contains(want, id) })
			equal(t, fmt.Sprintf("the threads that are not updated, in pages of %d while others are", limit), seen, want)
		}
	})
}

// listWithoutMessages lists a thread with a long message and counts what is
// allocated meanwhile.
func listWithoutMessages(t *trial) {
	const size, times = 1 << 20, 8
	t.thread(t.Messages, "t")
	m := said("t", "m")
	m.Content, m.Parts = make([]byte, size), make([]byte, size)
	t.createMessage(t.Messages, m)
	var before, after runtime.MemStats
	list := func() {
		walk(t, "ListThreads", 5, threadsOf(t.Messages, driver.ThreadQuery{User: "ann", IncludeDeleted: true}))
	}
	list() // what is allocated once is of no account
	runtime.ReadMemStats(&before)
	for range times {
		list()
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > times*size {
		t.fatal(fmt.Sprintf("ListThreads of a thread with a message of %d bytes, %d times", 2*size, times), fmt.Sprintf("%d bytes were allocated", allocated), fmt.Sprintf("less than %d: no message is loaded", times*size))
	}
}
