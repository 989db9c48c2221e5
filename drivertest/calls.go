package drivertest

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/enactdev/enact/driver"
)

// call is a valid use of one method.
type call struct {
	// role and method name it.
	role   driver.Role
	method string
	// writes says that it changes what the store holds.
	writes bool
	run    func(context.Context, driver.Stores) error
}

// name is, for example, Events.Append.
func (c call) name() string { return fieldOf[c.role] + "." + c.method }

// fieldOf names the field of driver.Stores that holds a role.
var fieldOf = map[driver.Role]string{
	driver.RoleEvents: "Events", driver.RoleState: "State", driver.RoleMessages: "Messages", driver.RoleVectors: "Vectors",
}

// prepared stores what the calls need and returns one of every method of every
// role that is offered. Each succeeds on a store so prepared, once, in this order.
func prepared(t *trial, s driver.Stores) []call {
	var calls []call
	if s.Events != nil {
		calls = append(calls, eventCalls(t, s)...)
	}
	if s.State != nil {
		calls = append(calls, stateCalls(t, s)...)
	}
	if s.Messages != nil {
		calls = append(calls, messageCalls(t, s)...)
	}
	if s.Vectors != nil {
		calls = append(calls, vectorCalls(t, s)...)
	}
	return calls
}

// writesIn returns those calls that change something.
func writesIn(calls []call) []call {
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return !c.writes })
}

// reads and changes make calls of one role.

func reads(role driver.Role, method string, run func(context.Context, driver.Stores) error) call {
	return call{role, method, false, run}
}

func changes(role driver.Role, method string, run func(context.Context, driver.Stores) error) call {
	return call{role, method, true, run}
}

func eventCalls(t *trial, s driver.Stores) []call {
	const role = driver.RoleEvents
	t.append(s.Events, "run", event("1"), event("2"))
	return []call{
		reads(role, "Load", func(ctx context.Context, s driver.Stores) error { return streamError(s.Events.Load(ctx, "run", 0)) }),
		reads(role, "LatestSequence", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Events.LatestSequence(ctx, "run")
			return err
		}),
		reads(role, "ListExecutions", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.Events.ListExecutions(ctx, driver.Page{Limit: 10})
			return err
		}),
		changes(role, "Append", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Events.Append(ctx, "run", driver.ExpectLast(2), []driver.Event{event("3"), event("4")})
			return err
		}),
	}
}

// streamError reads a stream to its end and returns its error, which must come
// once and last.
func streamError[E any](stream iter.Seq2[E, error]) (failed error) {
	for _, err := range stream {
		if failed != nil {
			return fmt.Errorf("the stream went on after the error %q", failed)
		}
		failed = err
	}
	return failed
}

func stateCalls(t *trial, s driver.Stores) []call {
	const role = driver.RoleState
	t.set(s.State, "key", "old")
	t.set(s.State, "doomed", "old")
	t.save(s.State, snapshot("run", 1, "old"))
	t.save(s.State, snapshot("doomed", 1, "old"))
	return []call{
		reads(role, "Get", func(ctx context.Context, s driver.Stores) error {
			_, err := s.State.Get(ctx, "key")
			return err
		}),
		reads(role, "List", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.State.List(ctx, "", driver.Page{Limit: 10})
			return err
		}),
		reads(role, "LoadSnapshot", func(ctx context.Context, s driver.Stores) error {
			_, err := s.State.LoadSnapshot(ctx, "run")
			return err
		}),
		reads(role, "ListSnapshots", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.State.ListSnapshots(ctx, driver.Page{Limit: 10})
			return err
		}),
		changes(role, "Set", func(ctx context.Context, s driver.Stores) error {
			_, err := s.State.Set(ctx, "key", []byte("new"), driver.SetOptions{})
			return err
		}),
		changes(role, "Delete", func(ctx context.Context, s driver.Stores) error {
			return s.State.Delete(ctx, "doomed", driver.Precondition{})
		}),
		changes(role, "SaveSnapshot", func(ctx context.Context, s driver.Stores) error {
			return s.State.SaveSnapshot(ctx, snapshot("run", 2, "new"))
		}),
		changes(role, "DeleteSnapshot", func(ctx context.Context, s driver.Stores) error { return s.State.DeleteSnapshot(ctx, "doomed") }),
	}
}

func messageCalls(t *trial, s driver.Stores) []call {
	const role = driver.RoleMessages
	thread := t.thread(s.Messages, "thread")
	message := t.say(s.Messages, "thread", "message")
	t.say(s.Messages, "thread", "doomed")
	t.thread(s.Messages, "doomed")
	thread.Title, message.Content = "new", []byte("new")
	return []call{
		reads(role, "GetThread", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.GetThread(ctx, "thread", false)
			return err
		}),
		reads(role, "ListThreads", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "ann", Page: driver.Page{Limit: 10}})
			return err
		}),
		reads(role, "GetMessage", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.GetMessage(ctx, "message", false)
			return err
		}),
		reads(role, "ListMessages", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.Messages.ListMessages(ctx, driver.MessageQuery{Thread: "thread", Page: driver.Page{Limit: 10}})
			return err
		}),
		changes(role, "CreateThread", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: "new", User: "ann"})
			return err
		}),
		changes(role, "UpdateThread", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.UpdateThread(ctx, thread)
			return err
		}),
		changes(role, "DeleteThread", func(ctx context.Context, s driver.Stores) error { return s.Messages.DeleteThread(ctx, "doomed") }),
		changes(role, "CreateMessage", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.CreateMessage(ctx, said("thread", "new"))
			return err
		}),
		changes(role, "UpdateMessage", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Messages.UpdateMessage(ctx, message)
			return err
		}),
		changes(role, "DeleteMessage", func(ctx context.Context, s driver.Stores) error { return s.Messages.DeleteMessage(ctx, "doomed") }),
	}
}

func vectorCalls(t *trial, s driver.Stores) []call {
	const role = driver.RoleVectors
	t.collection(s.Vectors, "collection", 2, driver.Dot)
	t.collection(s.Vectors, "doomed", 2, driver.Dot)
	t.upsert(s.Vectors, "collection", doc("old", 1, 2), doc("doomed", 1, 2))
	return []call{
		reads(role, "GetCollection", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Vectors.GetCollection(ctx, "collection")
			return err
		}),
		reads(role, "ListCollections", func(ctx context.Context, s driver.Stores) error {
			_, _, err := s.Vectors.ListCollections(ctx, driver.Page{Limit: 10})
			return err
		}),
		reads(role, "Get", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Vectors.Get(ctx, "collection", "old")
			return err
		}),
		reads(role, "Search", func(ctx context.Context, s driver.Stores) error {
			_, err := s.Vectors.Search(ctx, "collection", nearest(9, 1, 1))
			return err
		}),
		changes(role, "EnsureCollection", func(ctx context.Context, s driver.Stores) error {
			return s.Vectors.EnsureCollection(ctx, driver.Collection{Name: "new", Dimension: 1, Metric: driver.Cosine})
		}),
		changes(role, "Upsert", func(ctx context.Context, s driver.Stores) error {
			return s.Vectors.Upsert(ctx, "collection", []driver.Document{doc("new", 3, 4), doc("old", 5, 6)})
		}),
		changes(role, "Delete", func(ctx context.Context, s driver.Stores) error {
			return s.Vectors.Delete(ctx, "collection", []string{"doomed"})
		}),
		changes(role, "DeleteCollection", func(ctx context.Context, s driver.Stores) error {
			return s.Vectors.DeleteCollection(ctx, "doomed")
		}),
	}
}
