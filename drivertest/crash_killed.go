package drivertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/enactdev/enact/driver"
)

// writeUntilKilled appends batches of a run, and writes to the other roles, and
// reports each thing that it was told is done.
func writeUntilKilled(ctx context.Context, b driver.Backend, args []string, report func(string, ...any), next func() bool) error {
	run := args[0]
	s := only(b.Tenant(tenantID), args[1:])
	if s.Messages != nil {
		if _, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(run), User: "ann"}); err != nil {
			return err
		}
	}
	if s.Vectors != nil {
		if err := s.Vectors.EnsureCollection(ctx, killedCollection); err != nil {
			return err
		}
	}
	for i := 0; ; i++ {
		if s.Events != nil {
			last, err := s.Events.Append(ctx, "run", driver.Expectation{}, killedBatch(run, i))
			if err != nil {
				return err
			}
			report("events %d %d", i, last)
		}
		if s.State != nil {
			if _, err := s.State.Set(ctx, "key "+run, []byte(strconv.Itoa(i)), driver.SetOptions{}); err != nil {
				return err
			}
			report("state %d 0", i)
		}
		if s.Messages != nil {
			if _, err := s.Messages.CreateMessage(ctx, said(driver.ThreadID(run), killedMessage(run, i))); err != nil {
				return err
			}
			report("messages %d 0", i)
		}
		if s.Vectors != nil {
			if err := s.Vectors.Upsert(ctx, killedCollection.Name, killedDocuments(run, i)); err != nil {
				return err
			}
			report("vectors %d 0", i)
		}
	}
}

var killedCollection = driver.Collection{Name: "killed", Dimension: 2, Metric: driver.Dot}

func killedBatch(run string, i int) []driver.Event {
	return batchOf(fmt.Sprintf("%s-%d", run, i), 1+i%6)
}

func killedMessage(run string, i int) driver.MessageID {
	return driver.MessageID(fmt.Sprintf("%s message %d", run, i))
}

func killedDocuments(run string, i int) []driver.Document {
	return []driver.Document{doc(fmt.Sprintf("%s %d a", run, i), 1, float32(i)), doc(fmt.Sprintf("%s %d b", run, i), 2, float32(i))}
}

// only is s without the roles that are not listed.
func only(s driver.Stores, roles []string) (some driver.Stores) {
	for _, role := range roles {
		switch driver.Role(role) {
		case driver.RoleEvents:
			some.Events = s.Events
		case driver.RoleState:
			some.State = s.State
		case driver.RoleMessages:
			some.Messages = s.Messages
		case driver.RoleVectors:
			some.Vectors = s.Vectors
		}
	}
	return some
}

// killedWhileWriting kills the only process that has the store open, so that
// whoever opens it next must do the recovery.
func killedWhileWriting(t *trial) {
	t.killWriters(3, func() { t.shutDown(t.backend) }, func() { t.use(t.open()) }, t.target.Roles...)
}

// vectorsKilled is killedWhileWriting for those who write nothing else.
func vectorsKilled(t *trial) {
	t.killWriters(3, func() { t.shutDown(t.backend) }, func() { t.use(t.open()) }, driver.RoleVectors)
}

// killedBeside kills a process beside others that have the store open.
func killedBeside(t *trial) {
	t.killWriters(2, func() {}, func() {}, t.target.Roles...)
}

// killWriters kills a process again and again while it writes to some roles, and
// compares what is there with what it was told is done.
func (t *trial) killWriters(rounds int, before, after func(), roles ...driver.Role) {
	for round := range rounds {
		run := fmt.Sprint("run ", round)
		args := []string{run}
		for _, role := range roles {
			args = append(args, string(role))
		}
		before()
		reports := t.startChild("write until killed", args...).reportsUntilKilled(40)
		after()
		t.settle()
		t.survives(run, reports)
		if t.Events != nil {
			t.append(t.Events, "run", batchOf(fmt.Sprint("after round ", round), 2)...)
		}
	}
	if t.Events != nil {
		t.areWhole(t.load(t.Events, "run", 0))
	}
}

// survives ends the check unless everything that was reported is there, and what
// was not is there whole or not at all.
func (t *trial) survives(run string, reports []string) {
	done := map[string]int{"events": -1, "state": -1, "messages": -1, "vectors": -1}
	var log []driver.StoredEvent
	if t.Events != nil {
		log = t.logAtRest()
	}
	for _, report := range reports {
		var what string
		var i int
		var last uint64
		if n, err := fmt.Sscanf(report, "%s %d %d", &what, &i, &last); n != 3 {
			t.fatal("reading the report of another process", fmt.Sprintf("%q: %v", report, err), "three words")
		}
		done[what] = i
		if what != "events" {
			continue
		}
		events := killedBatch(run, i)
		if last > uint64(len(log)) || last < uint64(len(events)) {
			t.fatal("the log after the process was killed that wrote it", fmt.Sprintf("%d events", len(log)), fmt.Sprintf("at least the %d that it was told are there", last))
		}
		for j, e := range events {
			at := last - uint64(len(events)-j) + 1
			t.isEvent(fmt.Sprintf("event %d after the process was killed that was told of it", at), log[at-1], e, at)
		}
	}
	if t.Events != nil {
		t.areWhole(log)
	}
	t.othersSurvive(run, done)
}

// logAtRest returns the log when nothing more comes: what a process had sent to a
// server before it was killed may be done a moment later.
func (t *trial) logAtRest() (log []driver.StoredEvent) {
	t.until("Load and LatestSequence after the process was killed that wrote", t.patience(), "the same from both", func() (string, bool) {
		log = t.load(t.Events, "run", 0)
		last := t.latest(t.Events, "run")
		return fmt.Sprintf("%d events, and %d", len(log), last), last == uint64(len(log))
	})
	return log
}

// othersSurvive is survives for the roles beside the events.
func (t *trial) othersSurvive(run string, done map[string]int) {
	if n := done["state"]; n >= 0 {
		if value := string(t.get(t.State, "key "+run).Value); value != strconv.Itoa(n) && value != strconv.Itoa(n+1) {
			t.fatal("the value of a key after the process was killed that set it", value, fmt.Sprintf("%d, which it was told is stored, or the next", n))
		}
	}
	if n := done["messages"]; n >= 0 {
		ids := idsOf(walk(t, "ListMessages", driver.MaxPageLimit, messagesIn(t.Messages, driver.MessageQuery{Thread: driver.ThreadID(run)})), messageID)
		for i := range min(len(ids), n+2) {
			equal(t, fmt.Sprintf("message %d after the process was killed that wrote it", i), ids[i], killedMessage(run, i))
		}
		if len(ids) != n+1 && len(ids) != n+2 {
			t.fatal("the messages after the process was killed that wrote them", fmt.Sprintf("%d", len(ids)), fmt.Sprintf("%d, or one more", n+1))
		}
	}
	if n := done["vectors"]; n >= 0 {
		for i := range n + 2 {
			t.documentsSurvive(i <= n, killedDocuments(run, i))
		}
	}
}

// documentsSurvive ends the check unless documents are there, all of them, or, if
// they need not, none.
func (t *trial) documentsSurvive(must bool, docs []driver.Document) {
	found := 0
	for _, want := range docs {
		got, err := t.Vectors.Get(t.ctx, killedCollection.Name, want.ID)
		if errors.Is(err, driver.ErrNotFound) {
			continue
		}
		t.ok(fmt.Sprintf("Get of document %q", want.ID), err)
		equal(t, fmt.Sprintf("document %q", want.ID), got.Embedding, want.Embedding)
		found++
	}
	if found != len(docs) && (must || found > 0) {
		t.fatal(fmt.Sprintf("the documents of one upsert after the process was killed that wrote them, %q and others", docs[0].ID), fmt.Sprintf("%d of %d", found, len(docs)), "all, or, if it was not told that they are stored, none")
	}
}
