package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

// cancelledWrite is a write that is cancelled wherever it looks at its context.
type cancelledWrite struct {
	name string
	// prepare makes what it needs. tries have numbers.
	prepare func(t *trial, s driver.Stores, try int)
	run     func(ctx context.Context, s driver.Stores, try int) error
	// traces says of every single thing that it does whether it is done.
	traces func(t *trial, s driver.Stores, try int) []bool
}

// batch is how many events or documents one of them writes.
const batch = 20

// cancelledWritesOf returns a check: each write is done whole or not at all, and
// leaves the store usable at this handle and another.
func cancelledWritesOf(writes func() []cancelledWrite) func(*trial) {
	return func(t *trial) {
		other := t.open()
		for i, w := range writes() {
			tenant := driver.TenantID(fmt.Sprint("tenant ", i))
			t.cancelledWrite(w, t.backend.Tenant(tenant), other.Tenant(tenant), []driver.Stores{t.Stores, other.Tenant(tenantID)})
		}
	}
}

// cancelledWrite cancels w at s, looks at what became of it at another handle, does
// it again, and uses both.
func (t *trial) cancelledWrite(w cancelledWrite, s, other driver.Stores, both []driver.Stores) {
	w.prepare(t, s, 0)
	looks := t.countLooks(w.name, func(ctx context.Context) error { return w.run(ctx, s, 0) })
	t.wholeOrNot(w.name, w, other, 0, nil, contents{})
	for try, look := range t.someLooks(looks) {
		w.prepare(t, s, try)
		t.settle()
		before := contentsOf(t, other)
		ctx := newCancelledAtLook(t.ctx, look)
		err := w.run(ctx, s, try)
		ctx.cancel()
		did := fmt.Sprintf("%s, cancelled at the %d. look at its context,", w.name, look+1)
		if err != nil {
			t.fails(did, err, context.Canceled)
		}
		t.settle()
		if whole := t.wholeOrNot(did, w, other, try, err, before); !whole {
			t.ok(did+" and then repeated", w.run(t.ctx, s, try))
			t.settle()
			t.wholeOrNot(did+" and then repeated", w, other, try, nil, before)
		}
		for i, view := range both {
			t.stillWrites(fmt.Sprintf("a write at handle %d after %s", i+1, did), view, fmt.Sprintf("%s %d %d", w.name, try, i))
		}
	}
}

// countLooks makes a call that nobody cancels and says how often it looked at its
// context.
func (t *trial) countLooks(did string, run func(context.Context) error) int {
	ctx := newCancelledAtLook(t.ctx, math.MaxInt32)
	defer ctx.cancel()
	t.ok(did, run(ctx))
	return ctx.looks(math.MaxInt32)
}

// someLooks yields numbers, from 1, and looks to cancel a call at that looks so
// often, as many as there is time for: the last and the first ones, and any.
func (t *trial) someLooks(looks int) func(yield func(try, look int) bool) {
	order := t.rand.Perm(looks)
	first := slices.DeleteFunc([]int{looks - 1, 0, 1, looks - 2, 2, looks / 2}, func(look int) bool { return look < 0 || look >= looks })
	order = slices.Concat(first, order)
	return func(yield func(try, look int) bool) {
		seen := map[int]bool{}
		for i := range t.rounds(min(10, len(order)), len(order)) {
			if !seen[order[i]] && !yield(i+1, order[i]) {
				return
			}
			seen[order[i]] = true
		}
	}
}

// wholeOrNot ends the check unless a write that returned err is done whole, or not
// at all if there was an error, and says which. An engine that had it already when it was cancelled
// may take a moment with it.
func (t *trial) wholeOrNot(did string, w cancelledWrite, s driver.Stores, try int, err error, before contents) (whole bool) {
	for begin := time.Now(); ; t.sleep(10 * time.Millisecond) {
		done, all := count(w.traces(t, s, try))
		after := contentsOf(t, s)
		switch {
		case done == all:
			return true
		case done == 0 && err != nil && reflect.DeepEqual(after, before):
			return false
		case err != nil && time.Since(begin) < time.Second:
			continue
		case done == 0 && err == nil:
			t.fatal(did, "no error, and nothing is done", "it is done when it returns no error")
		case done > 0:
			t.fatal(fmt.Sprintf("%s which returned: %v", did, err), fmt.Sprintf("%d of %d things are done", done, all), "all or nothing")
		}
		t.sameContents(did, after, before)
	}
}

// count says how many of all are true.
func count(traces []bool) (done, all int) {
	for _, trace := range traces {
		if trace {
			done++
		}
	}
	return done, len(traces)
}

// stillWrites writes one thing to the first role that is offered, in time.
func (t *trial) stillWrites(did string, s driver.Stores, id string) {
	ctx, cancel := context.WithTimeout(t.ctx, t.patience())
	defer cancel()
	switch {
	case s.State != nil:
		_, err := s.State.Set(ctx, "still writes", []byte(id), driver.SetOptions{})
		t.ok(did, err)
	case s.Events != nil:
		_, err := s.Events.Append(ctx, "still writes", driver.Expectation{}, []driver.Event{event(id)})
		t.ok(did, err)
	case s.Messages != nil:
		_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(id), User: "ann"})
		t.ok(did, err)
	default:
		t.ok(did, s.Vectors.EnsureCollection(ctx, driver.Collection{Name: "still writes", Dimension: 1, Metric: driver.Dot}))
	}
}

func eventWrites() []cancelledWrite {
	var known uint64
	tried := func(try int) []driver.Event { return eventsNamed(fmt.Sprintf("try %d ", try), 0, batch) }
	execution := map[string]func(int) driver.ExecutionID{
		"a known":  func(int) driver.ExecutionID { return "run" },
		"an empty": func(try int) driver.ExecutionID { return driver.ExecutionID(fmt.Sprint("try ", try)) },
	}
	var writes []cancelledWrite
	for which, id := range execution {
		for _, expects := range []bool{false, true} {
			writes = append(writes, cancelledWrite{
				name: fmt.Sprintf("Append to %s execution", which),
				prepare: func(t *trial, s driver.Stores, try int) {
					if which == "a known" {
						t.append(s.Events, "run", eventsNamed(fmt.Sprintf("before %d ", try), 0, 2)...)
					}
					known = t.latest(s.Events, id(try))
				},
				run: func(ctx context.Context, s driver.Stores, try int) error {
					expect := driver.Expectation{}
					if expects {
						expect = driver.ExpectLast(known)
					}
					_, err := s.Events.Append(ctx, id(try), expect, tried(try))
					return err
				},
				traces: func(t *trial, s driver.Stores, try int) (traces []bool) {
					there := map[string]bool{}
					for _, e := range t.load(s.Events, id(try), 0) {
						there[string(e.ID)] = true
					}
					for _, e := range tried(try) {
						traces = append(traces, there[string(e.ID)])
					}
					return append(traces, t.latest(s.Events, id(try)) == known+batch)
				},
			})
		}
	}
	return writes
}

func stateWrites() []cancelledWrite {
	var before driver.Entry
	value := func(try int) string { return fmt.Sprint("value of try ", try) }
	setKey := func(t *trial, s driver.Stores, try int) {
		t.set(s.State, "key", "old")
		before = t.get(s.State, "key")
	}
	saveOne := func(t *trial, s driver.Stores, try int) { t.save(s.State, snapshot("run", uint64(10*try+1), "old")) }
	return []cancelledWrite{
		{"Set of a key that is there", setKey,
			func(ctx context.Context, s driver.Stores, try int) error {
				_, err := s.State.Set(ctx, "key", []byte(value(try)), driver.SetOptions{TTL: time.Hour, When: driver.IfVersion(before.Version)})
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				e := t.get(s.State, "key")
				return []bool{string(e.Value) == value(try), e.Version != before.Version, !e.ExpiresAt.IsZero()}
			}},
		{"Set of a new key",
			func(t *trial, s driver.Stores, try int) {},
			func(ctx context.Context, s driver.Stores, try int) error {
				_, err := s.State.Set(ctx, value(try), []byte("new"), driver.SetOptions{When: driver.IfAbsent()})
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				_, err := s.State.Get(t.ctx, value(try))
				listed := walk(t, "List", 10, keysOf(s.State, value(try)))
				return []bool{t.found(err), len(listed) == 1}
			}},
		{"Delete of a key", setKey,
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.State.Delete(ctx, "key", driver.IfVersion(before.Version))
			},
			func(t *trial, s driver.Stores, try int) []bool {
				_, err := s.State.Get(t.ctx, "key")
				return []bool{!t.found(err), len(walk(t, "List", 10, keysOf(s.State, "key"))) == 0}
			}},
		{"SaveSnapshot", saveOne,
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.State.SaveSnapshot(ctx, snapshot("run", uint64(10*try+2), value(try)))
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, err := s.State.LoadSnapshot(t.ctx, "run")
				t.ok("LoadSnapshot after a SaveSnapshot that was cancelled", err)
				return []bool{got.Sequence == uint64(10*try+2), string(got.Data) == value(try)}
			}},
		{"DeleteSnapshot", saveOne,
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.State.DeleteSnapshot(ctx, "run")
			},
			func(t *trial, s driver.Stores, try int) []bool {
				_, err := s.State.LoadSnapshot(t.ctx, "run")
				return []bool{!t.found(err), len(walk(t, "ListSnapshots", 10, s.State.ListSnapshots)) == 0}
			}},
	}
}

// found says whether something was there; it ends the check on other errors than
// driver.ErrNotFound.
func (t *trial) found(err error) bool {
	if err == nil {
		return true
	}
	t.fails("looking for what was written or deleted", err, driver.ErrNotFound)
	return false
}

func messageWrites() []cancelledWrite {
	var thread driver.Thread
	var message driver.Message
	named := func(kind string, try int) string { return fmt.Sprint(kind, " of try ", try) }
	prepare := func(t *trial, s driver.Stores, try int) {
		thread = t.thread(s.Messages, driver.ThreadID(named("thread", try)))
		message = t.say(s.Messages, thread.ID, driver.MessageID(named("message", try)))
		// The newest thread comes first, until the other is updated.
		t.thread(s.Messages, driver.ThreadID(named("newest", try)))
	}
	visible := func(t *trial, s driver.Stores) (threads, messages bool) {
		_, err := s.Messages.GetThread(t.ctx, thread.ID, false)
		_, err2 := s.Messages.GetMessage(t.ctx, message.ID, false)
		return t.found(err), t.found(err2)
	}
	return []cancelledWrite{
		{"CreateThread", func(*trial, driver.Stores, int) {},
			func(ctx context.Context, s driver.Stores, try int) error {
				_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(named("new", try)), User: "ann", Title: "x", Metadata: []byte("y")})
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, err := s.Messages.GetThread(t.ctx, driver.ThreadID(named("new", try)), true)
				return []bool{t.found(err), got.Title == "x", string(got.Metadata) == "y"}
			}},
		{"UpdateThread", prepare,
			func(ctx context.Context, s driver.Stores, try int) error {
				edit := thread
				edit.Title, edit.Metadata = "edited", []byte("edited")
				_, err := s.Messages.UpdateThread(ctx, edit)
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, err := s.Messages.GetThread(t.ctx, thread.ID, false)
				t.ok("GetThread after an UpdateThread that was cancelled", err)
				return []bool{got.Title == "edited", string(got.Metadata) == "edited", got.Version == thread.Version+1}
			}},
		{"DeleteThread", prepare,
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.Messages.DeleteThread(ctx, thread.ID)
			},
			func(t *trial, s driver.Stores, try int) []bool {
				threads, messages := visible(t, s)
				got, err := s.Messages.GetThread(t.ctx, thread.ID, true)
				t.ok("GetThread of a deleted one", err)
				return []bool{!threads, !messages, !got.DeletedAt.IsZero()}
			}},
		{"CreateMessage", prepare,
			func(ctx context.Context, s driver.Stores, try int) error {
				m := said(thread.ID, driver.MessageID(named("new", try)))
				m.Parent, m.Execution, m.Parts, m.Details = message.ID, driver.ExecutionID(named("run", try)), []byte("parts"), []byte("details")
				_, err := s.Messages.CreateMessage(ctx, m)
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, err := s.Messages.GetMessage(t.ctx, driver.MessageID(named("new", try)), true)
				ofThread := walk(t, "ListMessages of a thread", 10, messagesIn(s.Messages, driver.MessageQuery{Thread: thread.ID}))
				ofExecution := walk(t, "ListMessages of an execution", 10, messagesIn(s.Messages, driver.MessageQuery{Execution: driver.ExecutionID(named("run", try))}))
				return []bool{t.found(err), got.Parent == message.ID, string(got.Parts) == "parts", string(got.Details) == "details", len(ofThread) == 2, len(ofExecution) == 1}
			}},
		{"UpdateMessage", prepare,
			func(ctx context.Context, s driver.Stores, try int) error {
				edit := message
				edit.Content, edit.Parts, edit.Details = []byte("edited"), []byte("edited"), []byte("edited")
				_, err := s.Messages.UpdateMessage(ctx, edit)
				return err
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, err := s.Messages.GetMessage(t.ctx, message.ID, false)
				t.ok("GetMessage after an UpdateMessage that was cancelled", err)
				return []bool{string(got.Content) == "edited", string(got.Parts) == "edited", string(got.Details) == "edited", got.Version == message.Version+1}
			}},
		{"DeleteMessage", prepare,
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.Messages.DeleteMessage(ctx, message.ID)
			},
			func(t *trial, s driver.Stores, try int) []bool {
				_, messages := visible(t, s)
				got, err := s.Messages.GetMessage(t.ctx, message.ID, true)
				t.ok("GetMessage of a deleted one", err)
				return []bool{!messages, !got.DeletedAt.IsZero()}
			}},
	}
}

func vectorWrites() []cancelledWrite {
	ids := make([]string, batch)
	for i := range ids {
		ids[i] = fmt.Sprint("doc ", i)
	}
	collection := driver.Collection{Name: "c", Dimension: 2, Metric: driver.Dot}
	refill := func(t *trial, s driver.Stores, try int) {
		t.collection(s.Vectors, "c", 2, driver.Dot)
		var docs []driver.Document
		for _, id := range ids {
			docs = append(docs, driver.Document{ID: id, Content: "old", Metadata: []byte(`{"try":"old"}`), Embedding: []float32{-1, -1}})
		}
		t.upsert(s.Vectors, "c", docs...)
	}
	info := func(t *trial, s driver.Stores) (driver.CollectionInfo, bool) {
		got, err := s.Vectors.GetCollection(t.ctx, "c")
		return got, t.found(err)
	}
	return []cancelledWrite{
		{"EnsureCollection",
			func(t *trial, s driver.Stores, try int) {
				t.ok("DeleteCollection", s.Vectors.DeleteCollection(t.ctx, "c"))
			},
			func(ctx context.Context, s driver.Stores, try int) error {
				return s.Vectors.EnsureCollection(ctx, collection)
			},
			func(t *trial, s driver.Stores, try int) []bool {
				got, there := info(t, s)
				return []bool{there, got.Dimension == 2, len(walk(t, "ListCollections", 10, s.Vectors.ListCollections)) == 1}
			}},
		// The second half of the documents is new.
		{"Upsert",
			func(t *trial, s driver.Stores, try int) {
				refill(t, s, try)
				t.ok("Delete", s.Vectors.Delete(t.ctx, "c", ids[batch/2:]))
			},
			func(ctx context.Context, s driver.Stores, try int) error {
				var docs []driver.Document
				for _, id := range ids {
					docs = append(docs, driver.Document{ID: id, Content: "new", Metadata: fmt.Appendf(nil, `{"try":%d}`, try), Embedding: []float32{float32(try + 1), 1}})
				}
				return s.Vectors.Upsert(ctx, "c", docs)
			},
			func(t *trial, s driver.Stores, try int) (traces []bool) {
				for _, id := range ids {
					got, err := s.Vectors.Get(t.ctx, "c", id)
					there := t.found(err)
					traces = append(traces, there && got.Content == "new", there && got.Embedding[0] == float32(try+1),
						there && bytes.Equal(canonical(got.Metadata), canonical(fmt.Appendf(nil, `{"try":%d}`, try))))
				}
				got, _ := info(t, s)
				least := 0.0
				found := t.search(s.Vectors, "c", driver.Query{Embedding: []float32{1, 1}, Limit: batch, MinScore: &least})
				for i := range batch {
					traces = append(traces, i < len(found)) // those that are old score less
				}
				return append(traces, got.Count == batch)
			}},
		{"Delete", refill,
			func(ctx context.Context, s driver.Stores, try int) error { return s.Vectors.Delete(ctx, "c", ids) },
			func(t *trial, s driver.Stores, try int) (traces []bool) {
				for _, id := range ids {
					_, err := s.Vectors.Get(t.ctx, "c", id)
					traces = append(traces, !t.found(err))
				}
				got, _ := info(t, s)
				return append(traces, got.Count == 0)
			}},
		{"DeleteCollection", refill,
			func(ctx context.Context, s driver.Stores, try int) error { return s.Vectors.DeleteCollection(ctx, "c") },
			func(t *trial, s driver.Stores, try int) []bool {
				got, there := info(t, s)
				return []bool{!there, got.Count < batch, len(walk(t, "ListCollections", 10, s.Vectors.ListCollections)) == 0}
			}},
	}
}
