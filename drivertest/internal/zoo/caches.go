package zoo

import (
	"context"
	"errors"
	"iter"

	"github.com/enactdev/enact/driver"
)

// caches break S6: their state is more than a cache.
var caches = []*Broken{
	{Name: "snapshot-compacts-the-log", Rule: "S6", Fault: "events that a snapshot has seen are no longer loaded", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		events, state := s.Events, s.State
		s.Events = &anEventStore{EventStore: events, load: func(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
			if snapshot, err := state.LoadSnapshot(ctx, id); err == nil {
				after = max(after, snapshot.Sequence)
			}
			return events.Load(ctx, id, after)
		}}
		return s
	}},
	{Name: "snapshot-is-the-end", Rule: "S6", Fault: "the sequence of a snapshot counts as the last of the log", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		events, state := s.Events, s.State
		s.Events = &anEventStore{EventStore: events, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
			last, err := events.LatestSequence(ctx, id)
			if snapshot, missing := state.LoadSnapshot(ctx, id); err == nil && missing == nil {
				last = max(last, snapshot.Sequence)
			}
			return last, err
		}}
		return s
	}},
	{Name: "snapshot-is-expected", Rule: "S6", Fault: "a writer must expect the sequence of a snapshot that is ahead", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		events, state := s.Events, s.State
		s.Events = &anEventStore{EventStore: events, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
			if snapshot, err := state.LoadSnapshot(ctx, id); err == nil {
				if last, stated := expect.Last(); stated && last < snapshot.Sequence {
					return 0, expect.Check(id, snapshot.Sequence)
				}
			}
			return events.Append(ctx, id, expect, batch)
		}}
		return s
	}},
	{Name: "append-drops-the-snapshot", Rule: "S6", Fault: "appending events deletes the snapshot", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		events, state := s.Events, s.State
		s.Events = &anEventStore{EventStore: events, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
			last, err := events.Append(ctx, id, expect, batch)
			if err == nil {
				state.DeleteSnapshot(ctx, id)
			}
			return last, err
		}}
		return s
	}},
	{Name: "snapshot-needs-events", Rule: "S6", Fault: "a snapshot of an execution without events is not kept", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		events, state := s.Events, s.State
		s.State = &aStateStore{StateStore: state, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if last, err := events.LatestSequence(ctx, snapshot.Execution); err != nil || last < snapshot.Sequence {
				return err
			}
			return state.SaveSnapshot(ctx, snapshot)
		}}
		return s
	}},
	{Name: "key-is-a-thread", Rule: "S6", Fault: "deleting a key deletes the thread of that name", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		state, messages := s.State, s.Messages
		s.State = &aStateStore{StateStore: state, delete: func(ctx context.Context, key string, when driver.Precondition) error {
			err := state.Delete(ctx, key, when)
			if err == nil {
				if gone := messages.DeleteThread(ctx, driver.ThreadID(key)); gone != nil && !errors.Is(gone, driver.ErrNotFound) {
					return gone
				}
			}
			return err
		}}
		return s
	}},
	{Name: "snapshot-is-a-thread", Rule: "S6", Fault: "saving a snapshot edits the message of that name", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		state, messages := s.State, s.Messages
		s.State = &aStateStore{StateStore: state, saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			if m, err := messages.GetMessage(ctx, driver.MessageID(snapshot.Execution), false); err == nil {
				m.Content = snapshot.Data
				messages.UpdateMessage(ctx, m)
			}
			return state.SaveSnapshot(ctx, snapshot)
		}}
		return s
	}},
	{Name: "key-is-a-collection", Rule: "S6", Fault: "deleting a key deletes the collection of that name", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		state, vectors := s.State, s.Vectors
		s.State = &aStateStore{StateStore: state, delete: func(ctx context.Context, key string, when driver.Precondition) error {
			err := state.Delete(ctx, key, when)
			if err == nil {
				return vectors.DeleteCollection(ctx, key)
			}
			return err
		}}
		return s
	}},
	{Name: "ttl-takes-documents", Rule: "S6", Fault: "a key with a TTL removes the documents of that name", Stores: func(s driver.Stores, _ driver.Backend, _ *Place) driver.Stores {
		state, vectors := s.State, s.Vectors
		s.State = &aStateStore{StateStore: state, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			version, err := state.Set(ctx, key, value, o)
			if err == nil && o.TTL > 0 {
				list, _, _ := vectors.ListCollections(ctx, driver.Page{Limit: 10})
				for _, c := range list {
					vectors.Delete(ctx, c.Name, []string{key})
				}
			}
			return version, err
		}}
		return s
	}},
}
