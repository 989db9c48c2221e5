package drivertest

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

var cacheChecks = []check{
	{rule: "S6", name: "log-untouched", why: "a snapshot would cost the history that it was made from", role: driver.RoleState, needs: needsRole(driver.RoleEvents), run: stateLeavesTheLog},
	{rule: "S6", name: "snapshot-decides-nothing", why: "a snapshot that is ahead of the log would be believed instead of the log", role: driver.RoleState, needs: needsRole(driver.RoleEvents), run: snapshotsAddNoEvents},
	{rule: "S6", name: "messages-untouched", why: "clearing working memory would clear conversations", role: driver.RoleState, needs: needsRole(driver.RoleMessages), run: stateLeavesMessages},
	{rule: "S6", name: "vectors-untouched", why: "clearing working memory would clear what an agent has learned", role: driver.RoleState, needs: needsRole(driver.RoleVectors), run: stateLeavesVectors},
}

// needsRole is for checks that need another role besides their own.
func needsRole(role driver.Role) func(*Target) string {
	return func(target *Target) string {
		if !target.offers(role) {
			return fmt.Sprintf("it does not offer %s", role)
		}
		return ""
	}
}

// loseState deletes every key and every snapshot.
func (t *trial) loseState() {
	for _, info := range walk(t, "the keys", 10, keysOf(t.State, "")) {
		t.deleteKey(t.State, info.Key)
	}
	for _, info := range walk(t, "the snapshots", 10, t.State.ListSnapshots) {
		t.deleteSnapshot(t.State, info.Execution)
	}
	lists(t, "the keys after all were deleted", keysOf(t.State, ""), nil)
	lists(t, "the snapshots after all were deleted", t.State.ListSnapshots, nil)
}

// aroundState runs same after each way of using state that must leave no trace in
// other roles: ids are what these other roles call their things.
func (t *trial) aroundState(ids []string, same func(when string)) {
	for i, id := range ids {
		t.set(t.State, id, "value of "+id)
		t.save(t.State, taken(driver.ExecutionID(id), uint64(1+2*i), "x"))
	}
	same("after keys and snapshots of these names were stored")
	for i, id := range ids {
		t.save(t.State, taken(driver.ExecutionID(id), uint64(2+2*i), "y"))
		t.save(t.State, taken(driver.ExecutionID(id), 1, "older"))
		t.setKey(t.State, id, "again", driver.SetOptions{When: driver.IfVersion(t.get(t.State, id).Version)})
	}
	same("after they were replaced")
	for i, id := range ids {
		if i%2 == 0 {
			t.deleteKey(t.State, id)
			t.deleteSnapshot(t.State, driver.ExecutionID(id))
		} else {
			t.setBrief(t.State, id)
			t.expired(briefTTL, t.State, id)
		}
	}
	same("after some were deleted and some have expired")
	t.loseState()
	same("after all state was lost")
}

func stateLeavesTheLog(t *trial) {
	runs := []driver.ExecutionID{"a", "b", "a/b", "empty"}
	for i, run := range runs[:3] {
		t.append(t.Events, run, eventsNamed("first ", 0, 4+i)...)
		t.append(t.Events, run, event("last"))
	}
	loaded := func() (all [][]driver.StoredEvent) {
		for _, run := range runs {
			all = append(all, t.load(t.Events, run, 0), t.load(t.Events, run, 2))
		}
		return all
	}
	events, executions := loaded(), walk(t, "the executions", 10, t.Events.ListExecutions)
	t.aroundState([]string{"a", "b", "a/b", "empty"}, func(when string) {
		equal(t, "the events "+when, loaded(), events)
		equal(t, "the executions "+when, walk(t, "the executions", 2, t.Events.ListExecutions), executions)
		for i, run := range runs {
			want := uint64(5 + i)
			if run == "empty" {
				want = 0
			}
			equal(t, fmt.Sprintf("LatestSequence of execution %q %s", run, when), t.latest(t.Events, run), want)
		}
	})
	// Nor does the log touch state: an older or a newer snapshot stays as it is.
	behind, ahead := taken("a", 2, "behind"), taken("b", 1000, "ahead")
	t.save(t.State, behind)
	t.save(t.State, ahead)
	version := t.set(t.State, "a", "value")
	t.append(t.Events, "a", event("more"))
	t.append(t.Events, "b", event("more"))
	t.snapshotIs(t.State, "after events were appended behind it", behind)
	t.snapshotIs(t.State, "ahead of the log after events were appended", ahead)
	t.keyHolds(t.State, "a", "value", version)
}

// snapshotsAddNoEvents has snapshots where the log has nothing.
func snapshotsAddNoEvents(t *trial) {
	t.append(t.Events, "short", event("1"), event("2"))
	t.save(t.State, taken("short", 50, "ahead"))
	t.save(t.State, taken("none", 7, "without events"))
	equal(t, "LatestSequence of an execution with a snapshot ahead of its log", t.latest(t.Events, "short"), 2)
	equal(t, "LatestSequence of an execution with a snapshot and no events", t.latest(t.Events, "none"), 0)
	equal(t, "the events behind a snapshot that is ahead", len(t.load(t.Events, "none", 0)), 0)
	listsIDs(t, "the executions", t.Events.ListExecutions, executionOf, "short")
	for id, last := range map[driver.ExecutionID]uint64{"short": 2, "none": 0} {
		got, err := t.Events.Append(t.ctx, id, driver.ExpectLast(last), []driver.Event{event("next")})
		t.ok(fmt.Sprintf("Append to execution %q, expecting %d", id, last), err)
		equal(t, fmt.Sprintf("the sequence of an event of execution %q, whose snapshot is ahead", id), got, last+1)
	}
	t.save(t.State, taken("short", 1, "too old"))
	t.snapshotIs(t.State, "ahead of the log", taken("short", 50, "ahead"))
}

func stateLeavesMessages(t *trial) {
	t.thread(t.Messages, "thread")
	t.thread(t.Messages, "other")
	for i := range 3 {
		t.say(t.Messages, "thread", driver.MessageID(fmt.Sprint("message ", i)))
	}
	threads := walk(t, "the threads", 10, threadsOf(t.Messages, driver.ThreadQuery{User: "ann"}))
	messages := walk(t, "the messages", 10, messagesIn(t.Messages, driver.MessageQuery{Thread: "thread"}))
	t.aroundState([]string{"thread", "message 1", "ann", "other"}, func(when string) {
		lists(t, "the threads "+when, threadsOf(t.Messages, driver.ThreadQuery{User: "ann"}), threads)
		lists(t, "the messages "+when, messagesIn(t.Messages, driver.MessageQuery{Thread: "thread"}), messages)
	})
}

func stateLeavesVectors(t *trial) {
	t.collection(t.Vectors, "collection", 2, driver.Dot)
	t.collection(t.Vectors, "other", 2, driver.Cosine)
	t.upsert(t.Vectors, "collection", doc("doc", 1, 2), doc("doc 2", 1, 1))
	collections := walk(t, "the collections", 10, t.Vectors.ListCollections)
	t.aroundState([]string{"collection", "doc", "other", "doc 2"}, func(when string) {
		t.settle()
		lists(t, "the collections "+when, t.Vectors.ListCollections, collections)
		equal(t, "the documents "+when, idsOf(t.search(t.Vectors, "collection", nearest(5, 1, 1)), matchID), []string{"doc", "doc 2"})
	})
}
