package drivertest

import (
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

var messagePagingChecks = []check{
	{rule: "M2", name: "paging-while-added", role: driver.RoleMessages, run: pagingWhileAdded,
		why: "who reads page by page while others write sees a message twice or not at all"},
	{rule: "M2", name: "paging-while-deleted", role: driver.RoleMessages, run: pagingWhileDeleted,
		why: "deleting what has been read hides what has not"},
	{rule: "M2", name: "paging-over-deleted", role: driver.RoleMessages, run: pagingOverDeleted,
		why: "a page of deleted messages looks like the end of the conversation"},
}

// pageMessages reads a listing in pages of limit, with something happening between
// pages. What happens may leave nothing for the last page.
func (t *trial) pageMessages(did string, s driver.MessageStore, q driver.MessageQuery, limit int, between func(page int, seen []driver.Message)) (seen []driver.Message) {
	q.Page = driver.Page{Limit: limit}
	for n := 1; ; n++ {
		items, next, err := s.ListMessages(t.ctx, q)
		t.ok(fmt.Sprintf("%s, page %d", did, n), err)
		if len(items) > limit || (next != "" && len(items) < limit) {
			t.fatal(fmt.Sprintf("%s, page %d of at most %d", did, n, limit), fmt.Sprintf("%d messages and cursor %q", len(items), next), "a full page with a cursor, or the last one without")
		}
		seen = append(seen, items...)
		if next == "" {
			return seen
		}
		between(n, seen)
		q.Page.Cursor = next
	}
}

// pagingWhileAdded: forwards one sees everything, with what is added at the end;
// backwards all that was there. All share one time.
func pagingWhileAdded(t *trial) {
	stores := t.bothMessageStores()
	t.thread(t.Messages, "s")
	t.thread(t.Messages, "t")
	t.thread(t.Messages, "u")
	var all []driver.Message
	add := func() {
		m := said("t", driver.MessageID(fmt.Sprintf("m%03d", 999-len(all))))
		m.CreatedAt, m.Execution = longAgo, "run"
		all = append(all, t.createMessage(stores[len(all)%2], m))
	}
	n := 0
	addElsewhere := func(thread driver.ThreadID) driver.Message {
		n++
		m := said(thread, driver.MessageID(fmt.Sprint("elsewhere ", n)))
		m.Execution = "run"
		return t.createMessage(t.Messages, m)
	}
	for range 7 {
		add()
	}
	var before, behind []driver.Message // of the execution, in threads before and after t
	for _, limit := range []int{1, 2, 3, 5} {
		there := slices.Clone(all)
		slices.Reverse(there)
		did := fmt.Sprintf("the messages backwards in pages of %d while others are added", limit)
		equalMessages(t, did, t.pageMessages(did, stores[0], driver.MessageQuery{Thread: "t", Backward: true}, limit, func(page int, _ []driver.Message) {
			if page < 3 {
				add()
			}
		}), there)
		did = fmt.Sprintf("the messages in pages of %d while others are added", limit)
		seen := t.pageMessages(did, stores[1], driver.MessageQuery{Thread: "t"}, limit, func(page int, _ []driver.Message) {
			if page < 3 {
				add()
			}
		})
		equalMessages(t, did, seen, all)

		want := slices.Clone(before)
		did = fmt.Sprintf("the messages of an execution in pages of %d while others are added", limit)
		seen = t.pageMessages(did, stores[0], driver.MessageQuery{Execution: "run"}, limit, func(page int, seen []driver.Message) {
			if page == 1 {
				add()
				behind = append(behind, addElsewhere("u"))
				if seen[len(seen)-1].Thread == "t" {
					before = append(before, addElsewhere("s")) // which has been passed
				}
			}
		})
		equalMessages(t, did, seen, slices.Concat(want, all, behind))
		if len(before) == 0 {
			before = append(before, addElsewhere("s"))
		}
		want = slices.Concat(before, all, behind)
		slices.Reverse(want)
		did = fmt.Sprintf("the messages of an execution backwards in pages of %d while others are added", limit)
		seen = t.pageMessages(did, stores[1], driver.MessageQuery{Execution: "run", Backward: true}, limit, func(page int, seen []driver.Message) {
			if page == 1 {
				behind = append(behind, addElsewhere("u"))
			}
		})
		equalMessages(t, did, seen, want)
	}
}

func pagingWhileDeleted(t *trial) {
	t.takeTurns()
	const n = 12
	round := 0
	for _, by := range []string{"thread", "execution"} {
		for _, backward := range []bool{false, true} {
			for _, limit := range []int{1, 2, 3} {
				round++
				thread, run := driver.ThreadID(fmt.Sprint("t", round)), driver.ExecutionID(fmt.Sprint("run", round))
				t.thread(t.Messages, thread)
				var want []driver.MessageID
				for i := range n {
					m := said(thread, driver.MessageID(fmt.Sprintf("%d-%02d", round, n-i)))
					m.Execution = run
					want = append(want, t.createMessage(t.Messages, m).ID)
				}
				q := driver.MessageQuery{Thread: thread, Backward: backward}
				if by == "execution" {
					q = driver.MessageQuery{Execution: run, Backward: backward}
				}
				if backward {
					slices.Reverse(want)
				}
				ahead := want[n-2] // is deleted before it is reached
				did := fmt.Sprintf("the messages by %s, backwards: %v, in pages of %d, while some that have been read are deleted", by, backward, limit)
				fromPage := 0
				seen := t.pageMessages(did, t.Messages, q, limit, func(page int, seen []driver.Message) {
					switch page % 3 {
					case 1:
						fromPage = len(seen) - 1 // the one that the cursor stands at
					case 0:
						fromPage = len(seen)
					}
					for _, m := range seen[fromPage:] {
						t.dropMessage(t.Messages, m.ID)
					}
					if fromPage = len(seen); page == 2 {
						t.dropMessage(t.Messages, ahead)
					}
				})
				equal(t, did, idsOf(seen, messageID), slices.DeleteFunc(slices.Clone(want), func(id driver.MessageID) bool { return id == ahead }))
				q.IncludeDeleted = true
				listsIDs(t, did+"; then with deleted ones", messagesIn(t.Messages, q), messageID, want...)
			}
		}
	}
}

// pagingOverDeleted has runs of deleted messages at the beginning, in the middle and
// at the end, longer than a page, in several threads.
func pagingOverDeleted(t *trial) {
	restart := t.takeTurns()
	threads := []driver.ThreadID{"a", "b", "c"}
	live, all := map[driver.ThreadID][]driver.MessageID{}, map[driver.ThreadID][]driver.MessageID{}
	for _, thread := range threads {
		t.thread(t.Messages, thread)
		for i := range 14 {
			m := said(thread, driver.MessageID(fmt.Sprintf("%s%02d", thread, 50-i)))
			m.Execution = "run"
			t.createMessage(t.Messages, m)
			all[thread] = append(all[thread], m.ID)
			if i == 4 || i == 5 || i == 10 {
				live[thread] = append(live[thread], m.ID)
			} else {
				t.dropMessage(t.Messages, m.ID)
			}
		}
	}
	t.dropThread(t.Messages, "b")
	restart()
	for _, thread := range []driver.ThreadID{"a", "c"} {
		t.haveMessages("the messages between deleted ones", t.Messages, driver.MessageQuery{Thread: thread}, live[thread]...)
	}
	for _, thread := range threads {
		t.haveMessages("the messages with deleted ones", t.Messages, driver.MessageQuery{Thread: thread, IncludeDeleted: true}, all[thread]...)
	}
	t.haveMessages("the execution's messages between deleted ones and threads", t.Messages, driver.MessageQuery{Execution: "run"}, slices.Concat(live["a"], live["c"])...)
	t.haveMessages("the execution's messages with deleted ones", t.Messages, driver.MessageQuery{Execution: "run", IncludeDeleted: true}, slices.Concat(all["a"], all["b"], all["c"])...)
	for _, id := range slices.Concat(live["a"], live["c"]) {
		t.dropMessage(t.Messages, id)
	}
	t.haveMessages("a thread whose messages are all deleted", t.Messages, driver.MessageQuery{Thread: "a"})
	t.haveMessages("an execution whose messages are all deleted", t.Messages, driver.MessageQuery{Execution: "run"})
}
