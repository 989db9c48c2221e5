package zoo

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// outages are wrong about what became of a write while the engine went away.
var outages = []*Broken{
	{
		Name: "unavailable-after-the-write", Rule: "B9", Fault: "reports a write as certainly not applied when it loses the engine right after it", Durable: true,
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return &anEventStore{EventStore: s, append: func(ctx context.Context, execution driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				last, err := s.Append(ctx, execution, expect, events)
				if err != nil {
					return last, err
				}
				time.Sleep(time.Millisecond)
				if _, err := os.Stat(pathIn(at.DSN)); err != nil {
					return 0, gone("the answer was lost")
				}
				return last, nil
			}}
		},
	},
	{
		Name: "writes-it-later", Rule: "B9", Fault: "reports a write as certainly not applied, and applies it when the engine is back", Durable: true,
		State: func(s driver.StateStore, at *Place) driver.StateStore {
			type pending struct {
				sync.Mutex
				writes []func()
			}
			later := Remember[pending](at.Handle, "later")
			return &aStateStore{
				StateStore: s,
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					version, err := s.Set(ctx, key, value, o)
					later.Lock()
					defer later.Unlock()
					if errors.Is(err, driver.ErrUnavailable) {
						value := slices.Clone(value)
						later.writes = append(later.writes, func() { s.Set(context.WithoutCancel(ctx), key, value, o) })
					} else if err == nil {
						for _, write := range later.writes {
							write()
						}
						later.writes = nil
					}
					return version, err
				},
			}
		},
	},
	{
		Name: "accepts-what-it-cannot-write", Rule: "B9", Fault: "acknowledges messages while the engine is away, and loses them", Durable: true,
		Messages: func(s driver.MessageStore, _ *Place) driver.MessageStore {
			return &aMessageStore{MessageStore: s, createMessage: func(ctx context.Context, m driver.Message) (driver.Message, error) {
				stored, err := s.CreateMessage(ctx, m)
				if errors.Is(err, driver.ErrUnavailable) {
					return m, nil
				}
				return stored, err
			}}
		},
	},
	{
		Name: "writes-half-of-a-batch", Rule: "B9", Fault: "stores the documents of a batch one by one, and reports ErrUnavailable when the engine goes away between two", Durable: true,
		Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
			return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				for i := range docs {
					if err := s.Upsert(ctx, collection, docs[i:i+1]); err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			}}
		},
	},
}
