package airgap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// sweeping is how long a store gets to reclaim what has expired.
const sweeping = 200 * time.Millisecond

const execution = "execution"

// use does with a store what applications do with it, in each of these roles.
func use(ctx context.Context, t *enact.Tenant, roles []driver.Role) error {
	for _, role := range roles {
		if err := uses[role](ctx, t); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	if slices.Contains(roles, driver.RoleEvents) && slices.Contains(roles, driver.RoleState) {
		return rehydrate(ctx, t)
	}
	return nil
}

var uses = map[driver.Role]func(context.Context, *enact.Tenant) error{
	driver.RoleEvents:   useEvents,
	driver.RoleState:    useState,
	driver.RoleMessages: useMessages,
	driver.RoleVectors:  useVectors,
}

// useEvents appends, and tails what is appended meanwhile.
func useEvents(ctx context.Context, t *enact.Tenant) error {
	if _, err := t.Events.Append(ctx, execution, enact.ExpectLast(0), enact.ExecutionStarted{}, enact.StepStarted{Step: "step"}); err != nil {
		return err
	}
	appended := make(chan error, 1)
	for event, err := range t.Events.Tail(ctx, execution, 0) {
		if err != nil {
			return err
		}
		if event.Sequence == 2 {
			go func() {
				_, err := t.Events.Append(ctx, execution, enact.ExpectLast(2), enact.StepCompleted{Step: "step"})
				appended <- err
			}()
		}
		if event.Sequence == 3 {
			break
		}
	}
	_, latest := t.Events.LatestSequence(ctx, execution)
	_, _, listing := t.Events.ListExecutions(ctx, enact.Page{})
	return errors.Join(<-appended, latest, listing)
}

// useState sets keys, one of which expires and is swept.
func useState(ctx context.Context, t *enact.Tenant) error {
	_, setting := t.State.Set(ctx, "key", []byte("value"))
	_, creating := t.State.Set(ctx, "expires", []byte("value"), enact.WithTTL(time.Millisecond), enact.IfAbsent())
	time.Sleep(sweeping)
	_, getting := t.State.Get(ctx, "key")
	_, _, listing := t.State.List(ctx, "k", enact.Page{})
	return errors.Join(setting, creating, getting, listing, t.State.Delete(ctx, "key"))
}

func useMessages(ctx context.Context, t *enact.Tenant) error {
	if _, err := t.Messages.CreateThread(ctx, enact.Thread{ID: "thread", User: "user"}); err != nil {
		return err
	}
	m, err := t.Messages.CreateMessage(ctx, enact.Message{ID: "message", Thread: "thread", Role: enact.RoleUser, Content: "text"})
	if err != nil {
		return err
	}
	m.Content = "another text"
	_, updating := t.Messages.UpdateMessage(ctx, m)
	_, _, threads := t.Messages.ListThreads(ctx, enact.ThreadQuery{User: "user"})
	_, _, messages := t.Messages.ListMessages(ctx, enact.MessageQuery{Thread: "thread"})
	return errors.Join(updating, threads, messages, t.Messages.DeleteMessage(ctx, "message"))
}

func useVectors(ctx context.Context, t *enact.Tenant) error {
	making := t.Vectors.EnsureCollection(ctx, enact.Collection{Name: "collection", Dimension: 2, Metric: enact.Cosine})
	storing := t.Vectors.Upsert(ctx, "collection",
		enact.Document{ID: "a", Content: "text", Metadata: []byte(`{"n":1}`), Embedding: []float32{0, 1}},
		enact.Document{ID: "b", Metadata: []byte(`{}`), Embedding: []float32{1, 0}})
	if err := errors.Join(making, storing); err != nil {
		return err
	}
	for _, filter := range []enact.Filter{{}, enact.Eq("n", enact.Int(1))} {
		found, err := t.Vectors.Search(ctx, "collection", enact.Query{Embedding: []float32{0, 1}, Limit: 1, Filter: filter})
		if err != nil {
			return err
		}
		if len(found.Matches) != 1 || found.Matches[0].ID != "a" {
			return fmt.Errorf("found %v, want the document a", found.Matches)
		}
	}
	_, getting := t.Vectors.Get(ctx, "collection", "a")
	_, _, listing := t.Vectors.ListCollections(ctx, enact.Page{})
	return errors.Join(getting, listing, t.Vectors.Delete(ctx, "collection", "a"), t.Vectors.DeleteCollection(ctx, "collection"))
}

// rehydrate reads the execution from its events, and then from its snapshot as well.
func rehydrate(ctx context.Context, t *enact.Tenant) error {
	snapshot, err := t.Rehydrate(ctx, execution)
	if err != nil {
		return err
	}
	if err := t.State.SaveSnapshot(ctx, snapshot); err != nil {
		return err
	}
	again, err := t.Rehydrate(ctx, execution)
	if err == nil && again.Sequence != 3 {
		err = fmt.Errorf("rehydrated up to event %d, want 3", again.Sequence)
	}
	return err
}
