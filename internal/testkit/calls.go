package testkit

import (
	"context"

	"github.com/enactdev/enact/driver"
)

// Call is a call of one method, on a tenant that Prepare has seen.
type Call struct {
	Name string
	Role driver.Role
	// Do makes the call. A write is of what id names, a read of what Prepare has
	// made.
	Do func(ctx context.Context, s driver.Stores, id string) error
}

// Writes are a write of each kind, of the roles that s offers, each of which
// succeeds again with the same ID.
func Writes(s driver.Stores) []Call { return offered(s, writes) }

// Reads are a read of each kind, of the roles that s offers.
func Reads(s driver.Stores) []Call { return offered(s, reads) }

func offered(s driver.Stores, calls []Call) (those []Call) {
	for _, c := range calls {
		if s.Offers(c.Role) {
			those = append(those, c)
		}
	}
	return those
}

// Write makes the write with a name.
func Write(ctx context.Context, b driver.Backend, name, id string) error {
	for _, c := range writes {
		if c.Name == name {
			return c.Do(ctx, b.Tenant(Tenant), id)
		}
	}
	panic("no write is called " + name)
}

// BatchEvents is how many events the call Append appends.
const BatchEvents = 3

var writes = []Call{
	{"Append", driver.RoleEvents, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Events.Append(ctx, "execution", driver.Expectation{}, Events(id, BatchEvents))
		return err
	}},
	{"Set", driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.State.Set(ctx, id, []byte(id), driver.SetOptions{})
		return err
	}},
	{"SetEach", driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		items := []driver.SetItem{{Key: id, Value: []byte("first")}, {Key: id, Value: []byte(id)}}
		for _, r := range s.State.(driver.StateBatcher).SetEach(ctx, items) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	}},
	{"Delete a key", driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.Delete(ctx, "not "+id, driver.Precondition{})
	}},
	{"SaveSnapshot", driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: driver.ExecutionID(id), Sequence: 1}, Data: []byte(id)})
	}},
	{"DeleteSnapshot", driver.RoleState, func(ctx context.Context, s driver.Stores, id string) error {
		return s.State.DeleteSnapshot(ctx, driver.ExecutionID("not "+id))
	}},
	{"CreateThread", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: driver.ThreadID(id), User: "user"})
		return err
	}},
	{"UpdateThread", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		t, err := s.Messages.GetThread(ctx, "thread", false)
		if err != nil {
			return err
		}
		_, err = s.Messages.UpdateThread(ctx, t)
		return err
	}},
	{"CreateMessage", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: driver.MessageID(id), Thread: "thread", Execution: "execution", Parent: "message", Role: "user"})
		return err
	}},
	{"UpdateMessage", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		m, err := s.Messages.GetMessage(ctx, "message", false)
		if err != nil {
			return err
		}
		_, err = s.Messages.UpdateMessage(ctx, m)
		return err
	}},
	{"DeleteMessage", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Messages.DeleteMessage(ctx, "deleted message")
	}},
	{"DeleteThread", driver.RoleMessages, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Messages.DeleteThread(ctx, "deleted thread")
	}},
	{"EnsureCollection", driver.RoleVectors, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Vectors.EnsureCollection(ctx, driver.Collection{Name: id, Dimension: 2, Metric: driver.Dot})
	}},
	{"Upsert", driver.RoleVectors, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Vectors.Upsert(ctx, "collection", []driver.Document{{ID: id, Embedding: []float32{1, 2}, Metadata: []byte("{}")}})
	}},
	{"Delete documents", driver.RoleVectors, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Vectors.Delete(ctx, "collection", []string{"not " + id})
	}},
	{"DeleteCollection", driver.RoleVectors, func(ctx context.Context, s driver.Stores, id string) error {
		return s.Vectors.DeleteCollection(ctx, "not "+id)
	}},
}

var reads = []Call{
	{"Load", driver.RoleEvents, func(ctx context.Context, s driver.Stores, _ string) error {
		for _, err := range s.Events.Load(ctx, "execution", 0) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"LatestSequence", driver.RoleEvents, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.Events.LatestSequence(ctx, "execution")
		return err
	}},
	{"ListExecutions", driver.RoleEvents, func(ctx context.Context, s driver.Stores, _ string) error {
		return twoPages(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Events.ListExecutions(ctx, p)
			return next, err
		})
	}},
	{"Get", driver.RoleState, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.State.Get(ctx, "key")
		return err
	}},
	{"GetEach", driver.RoleState, func(ctx context.Context, s driver.Stores, _ string) error {
		for _, r := range s.State.(driver.StateBatcher).GetEach(ctx, []string{"key", "key"}) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	}},
	{"List", driver.RoleState, func(ctx context.Context, s driver.Stores, _ string) error {
		for _, prefix := range []string{"", "k"} {
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				_, next, err := s.State.List(ctx, prefix, p)
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"LoadSnapshot", driver.RoleState, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.State.LoadSnapshot(ctx, "execution")
		return err
	}},
	{"ListSnapshots", driver.RoleState, func(ctx context.Context, s driver.Stores, _ string) error {
		return twoPages(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.State.ListSnapshots(ctx, p)
			return next, err
		})
	}},
	{"GetThread", driver.RoleMessages, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.Messages.GetThread(ctx, "thread", false)
		return err
	}},
	{"GetMessage", driver.RoleMessages, func(ctx context.Context, s driver.Stores, _ string) error {
		for _, includeDeleted := range []bool{false, true} {
			if _, err := s.Messages.GetMessage(ctx, "message", includeDeleted); err != nil {
				return err
			}
		}
		return nil
	}},
	{"ListThreads", driver.RoleMessages, func(ctx context.Context, s driver.Stores, _ string) error {
		for _, includeDeleted := range []bool{false, true} {
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				_, next, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "user", IncludeDeleted: includeDeleted, Page: p})
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"ListMessages", driver.RoleMessages, func(ctx context.Context, s driver.Stores, _ string) error {
		for i := range 8 {
			q := driver.MessageQuery{Thread: "thread", IncludeDeleted: i&1 > 0, Backward: i&2 > 0}
			if i&4 > 0 {
				q.Thread, q.Execution = "", "execution"
			}
			err := twoPages(func(p driver.Page) (driver.Cursor, error) {
				q.Page = p
				_, next, err := s.Messages.ListMessages(ctx, q)
				return next, err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"Get a document", driver.RoleVectors, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.Vectors.Get(ctx, "collection", "document")
		return err
	}},
	{"GetCollection", driver.RoleVectors, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.Vectors.GetCollection(ctx, "collection")
		return err
	}},
	{"ListCollections", driver.RoleVectors, func(ctx context.Context, s driver.Stores, _ string) error {
		return twoPages(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Vectors.ListCollections(ctx, p)
			return next, err
		})
	}},
	{"Search", driver.RoleVectors, func(ctx context.Context, s driver.Stores, _ string) error {
		_, err := s.Vectors.Search(ctx, "collection", driver.Query{Embedding: []float32{1, 2}, Limit: 10})
		return err
	}},
}

// twoPages reads the beginning of a listing, and what follows it if there is more.
func twoPages(list func(driver.Page) (driver.Cursor, error)) error {
	next, err := list(driver.Page{Limit: 10})
	if err == nil && next != "" {
		_, err = list(driver.Page{Limit: 10, Cursor: next})
	}
	return err
}
