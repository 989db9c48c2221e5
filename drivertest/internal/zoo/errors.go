package zoo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/enactdev/enact/driver"
)

// failing returns an event store whose Append has its errors changed.
func failing(change func(error) error) func(driver.EventStore, *Place) driver.EventStore {
	return func(s driver.EventStore, _ *Place) driver.EventStore {
		return &anEventStore{EventStore: s, append: func(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, batch []driver.Event) (uint64, error) {
			last, err := s.Append(ctx, id, expect, batch)
			return last, change(err)
		}}
	}
}

var wrongErrors = []*Broken{
	{
		Name: "conflicts-without-numbers", Rule: "B9", Fault: "a conflict matches ErrConflict and holds no sequence",
		Events: failing(func(err error) error {
			if errors.Is(err, driver.ErrConflict) {
				return fmt.Errorf("%w: %s", driver.ErrConflict, err)
			}
			return err
		}),
	},
	{
		Name: "conflicts-say-what-was-expected", Rule: "B9", Fault: "a conflict has the expected sequence in the place of the actual one",
		Events: failing(func(err error) error {
			var conflict *driver.ConflictError
			if errors.As(err, &conflict) && conflict.Event == "" {
				return &driver.ConflictError{Subject: conflict.Subject, Expected: conflict.Actual, Actual: conflict.Expected}
			}
			return err
		}),
	},
	{
		Name: "conflicts-have-no-type", Rule: "B9", Fault: "the engine's own error comes back for a conflict",
		Events: failing(func(err error) error {
			if errors.Is(err, driver.ErrConflict) {
				return errors.New("UNIQUE constraint failed: events.sequence")
			}
			return err
		}),
	},
	{
		Name: "errors-of-several-lines", Rule: "B9", Fault: "errors have the engine's hint in a second line",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				m, err := s.GetMessage(ctx, id, includeDeleted)
				if errors.Is(err, driver.ErrNotFound) {
					err = fmt.Errorf("%w\nHINT: no such row", err)
				}
				return m, err
			}}
		},
	},
	{
		Name: "missing-threads-are-empty", Rule: "B9", Fault: "getting an unknown thread returns an empty one and no error",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, getThread: func(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
				t, err := s.GetThread(ctx, id, includeDeleted)
				if errors.Is(err, driver.ErrNotFound) {
					return driver.Thread{}, nil
				}
				return t, err
			}}
		},
	},
	{
		Name: "exists-is-a-conflict-too", Rule: "B9", Fault: "creating a thread whose ID is taken matches ErrConflict as well as ErrExists",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createThread: func(ctx context.Context, t driver.Thread) (driver.Thread, error) {
				t, err := s.CreateThread(ctx, t)
				if errors.Is(err, driver.ErrExists) {
					err = fmt.Errorf("%w: %w", driver.ErrConflict, err)
				}
				return t, err
			}}
		},
	},
	{
		Name: "upsert-makes-collections", Rule: "B9", Fault: "upserting into an unknown collection makes one instead of failing",
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				err := s.Upsert(ctx, collection, docs)
				if errors.Is(err, driver.ErrNotFound) && len(docs) > 0 {
					if err := s.EnsureCollection(ctx, driver.Collection{Name: collection, Dimension: len(docs[0].Embedding), Metric: driver.Cosine}); err != nil {
						return err
					}
					return s.Upsert(ctx, collection, docs)
				}
				return err
			}}
		},
	},
	{
		Name: "deleting-a-missing-key-fails", Rule: "B9", Fault: "deleting a key that is not there is ErrNotFound",
		State: func(s driver.StateStore, _ *Place) driver.StateStore {
			return &aStateStore{StateStore: s, delete: func(ctx context.Context, key string, when driver.Precondition) error {
				if _, err := s.Get(ctx, key); err != nil {
					return err
				}
				return s.Delete(ctx, key, when)
			}}
		},
	},
	{
		Name: "bad-parents-are-missing", Rule: "B9", Fault: "a parent that is not in the thread is ErrNotFound instead of ErrInvalid",
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrInvalid) {
					err = driver.NotFoundf("%s", strings.TrimPrefix(err.Error(), "invalid: "))
				}
				return stored, err
			}}
		},
	},
}
