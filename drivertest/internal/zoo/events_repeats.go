package zoo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventRepeats = []*Broken{
	{
		Name: "expectation-before-repeats", Rule: "E6",
		Fault: "the expectation is checked first, so that a repeated append fails by its own success",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			last, err := s.LatestSequence(ctx, id)
			if err != nil {
				return 0, err
			}
			if err := expect.Check(id, last); err != nil {
				return 0, err
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "ids-of-the-handle", Rule: "E6",
		Fault: "each handle remembers only the IDs of its own appends",
		Events: forgetting(func(at *Place, id driver.ExecutionID, _ uint64, e driver.StoredEvent) bool {
			return Remember[noted](at.Handle, "IDs").add(fmt.Sprintf("%q %q %q", at.Tenant, id, e.ID)) == 1
		}),
	},
	{
		Name: "ids-of-a-window", Rule: "E6",
		Fault: "only the last 2000 events are searched for known IDs",
		Events: forgetting(func(_ *Place, _ driver.ExecutionID, last uint64, stored driver.StoredEvent) bool {
			return stored.Sequence+2000 <= last && last < 8000
		}),
	},
	{
		Name: "only-the-first-id", Rule: "E6",
		Fault: "only the first ID of a batch is looked up; others that are known are stored again",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return withoutMarks(appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				log := logOf(ctx, s, id)
				return appendAgain(ctx, s, at, id, expect, events, func(e driver.Event) bool {
					return log[events[0].ID].Sequence == 0 && log[e.ID].Sequence != 0
				})
			})(s, at), at)
		},
	},
	{
		Name: "payload-not-compared", Rule: "E6",
		Fault:  "a known ID with another payload is taken for a repeated append",
		Events: comparing(func(e, stored *driver.Event) { e.Payload = stored.Payload }),
	},
	{
		Name: "type-not-compared", Rule: "E6",
		Fault:  "a known ID with another type is taken for a repeated append",
		Events: comparing(func(e, stored *driver.Event) { e.Type = stored.Type }),
	},
	{
		Name: "time-not-compared", Rule: "E6",
		Fault:  "a known ID with another time is taken for a repeated append",
		Events: comparing(func(e, stored *driver.Event) { e.Time = stored.Time }),
	},
	{
		Name: "payload-compared-by-length", Rule: "E6",
		Fault: "the payloads of a repeated append are compared by their lengths",
		Events: comparing(func(e, stored *driver.Event) {
			if len(e.Payload) == len(stored.Payload) {
				e.Payload = stored.Payload
			}
		}),
	},
	{
		Name: "compared-at-the-beginning", Rule: "E6",
		Fault: "of a long payload that is repeated only as much as fits into an index is compared",
		Events: comparing(func(e, stored *driver.Event) {
			if n := 1 << 10; len(e.Payload) > n && len(stored.Payload) > n && bytes.Equal(e.Payload[:n], stored.Payload[:n]) {
				e.Payload = stored.Payload
			}
		}),
	},
	{
		Name: "stamped-is-another-time", Rule: "E6",
		Fault: "a repeated event without a time is stamped again before it is compared, and is a conflict where it had stated one",
		Events: comparing(func(e, stored *driver.Event) {
			if e.Time.IsZero() && stored.Time.Before(time.Now().Add(-time.Hour)) {
				e.Time = time.Now()
			}
		}),
	},
	{
		Name: "order-not-compared", Rule: "E6",
		Fault: "known events in another order, or with others between them, are taken for a repeated append",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			last := uint64(0)
			for _, e := range events {
				if stored := log[e.ID]; stored.Sequence == 0 || !e.SameContent(stored.Event) {
					return s.Append(ctx, id, expect, events)
				}
				last = max(last, log[e.ID].Sequence)
			}
			return last, nil
		}),
	},
	{
		Name: "known-ones-ignored", Rule: "E6",
		Fault: "of a batch that is partly known the rest is stored, as INSERT OR IGNORE does",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			fresh := slices.DeleteFunc(slices.Clone(events), func(e driver.Event) bool { return log[e.ID].Sequence != 0 })
			if len(fresh) == 0 {
				return s.Append(ctx, id, expect, events)
			}
			return s.Append(ctx, id, expect, fresh)
		}),
	},
	{
		Name: "ids-of-the-tenant", Rule: "E6",
		Fault: "event IDs are unique in the tenant, and one that another execution has used is a conflict",
		Events: appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			owners := Remember[locked[map[driver.EventID]driver.ExecutionID]](at.Store, "owners "+string(at.Tenant))
			owners.Lock()
			defer owners.Unlock()
			for _, e := range events {
				if owner := owners.value[e.ID]; owner != "" && owner != id {
					last, _ := s.LatestSequence(ctx, id)
					return 0, &driver.ConflictError{Subject: "execution", Event: e.ID, Actual: last}
				}
			}
			last, err := s.Append(ctx, id, expect, events)
			for _, e := range events {
				if owners.value == nil {
					owners.value = map[driver.EventID]driver.ExecutionID{}
				}
				if err == nil {
					owners.value[e.ID] = id
				}
			}
			return last, err
		}),
	},
	{
		Name: "id-key-without-separator", Rule: "E6",
		Fault: "execution and event ID are joined with a slash into one key, which others make as well",
		Events: appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			owners := Remember[locked[map[string]driver.ExecutionID]](at.Store, "keys "+string(at.Tenant))
			owners.Lock()
			defer owners.Unlock()
			for _, e := range events {
				if owner := owners.value[string(id)+"/"+string(e.ID)]; owner != "" && owner != id {
					last, _ := s.LatestSequence(ctx, id)
					return 0, &driver.ConflictError{Subject: "execution", Event: e.ID, Actual: last}
				}
			}
			last, err := s.Append(ctx, id, expect, events)
			for _, e := range events {
				if owners.value == nil {
					owners.value = map[string]driver.ExecutionID{}
				}
				if err == nil {
					owners.value[string(id)+"/"+string(e.ID)] = id
				}
			}
			return last, err
		}),
	},
	{
		Name: "ids-without-case", Rule: "E6",
		Fault: "an event ID that differs from a known one only in case is a conflict",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			log := logOf(ctx, s, id)
			if len(events) < 100 {
				for stored := range log {
					for _, e := range events {
						if e.ID != stored && strings.EqualFold(string(e.ID), string(stored)) && log[e.ID].Sequence == 0 {
							return 0, &driver.ConflictError{Subject: "execution", Event: e.ID, Actual: uint64(len(log))}
						}
					}
				}
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "repeat-returns-the-end", Rule: "E6",
		Fault: "a repeated append returns the last sequence of now, not that of the first time",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			before, err := s.LatestSequence(ctx, id)
			if err != nil {
				return 0, err
			}
			last, err := s.Append(ctx, id, expect, events)
			if err == nil {
				last = max(last, before)
			}
			return last, err
		}),
	},
	{
		Name: "repeat-is-an-update", Rule: "E6",
		Fault: "a repeated append changes when the execution was updated",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			repeated := Remember[noted](at.Store, "repeated "+string(at.Tenant))
			first := appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				before, _ := s.LatestSequence(ctx, id)
				last, err := s.Append(ctx, id, expect, events)
				if err == nil && last <= before {
					repeated.add(string(id))
				}
				return last, err
			})(s, at)
			return listing(func(_ driver.Page, list []driver.ExecutionInfo) []driver.ExecutionInfo {
				for i, x := range list {
					list[i].UpdatedAt = x.UpdatedAt.Add(time.Duration(repeated.count(string(x.ID))) * time.Millisecond)
				}
				return list
			})(first, at)
		},
	},
	{
		Name: "failed-append-uses-up-ids", Rule: "E6",
		Fault: "the IDs of an append that failed over its expectation are remembered, and the same events are then taken for stored",
		Events: appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			used := Remember[noted](at.Store, "used "+string(at.Tenant))
			key := fmt.Sprintf("%q %q", id, events[0].ID)
			if actual, err := s.LatestSequence(ctx, id); err == nil && used.count(key) > 0 && expect.Check(id, actual) == nil && !anyKnown(logOf(ctx, s, id), events) {
				return actual, nil
			}
			last, err := s.Append(ctx, id, expect, events)
			var conflict *driver.ConflictError
			if errors.As(err, &conflict) && conflict.Event == "" {
				used.add(key)
			}
			return last, err
		}),
	},
	{
		Name: "repeat-before-the-lock", Rule: "E6",
		Fault: "known IDs are looked up before the write, in another transaction, and no unique index stands behind",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			return withoutMarks(appending(func(ctx context.Context, s driver.EventStore, at *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
				before := logOf(ctx, s, id)
				if anyKnown(before, events) {
					return s.Append(ctx, id, expect, events)
				}
				yieldHere()
				now := logOf(ctx, s, id)
				return appendAgain(ctx, s, at, id, expect, events, func(e driver.Event) bool { return now[e.ID].Sequence != 0 })
			})(s, at), at)
		},
	},
	{
		Name: "conflict-names-no-event", Rule: "E6",
		Fault: "a conflict over a known ID does not say which",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			last, err := s.Append(ctx, id, expect, events)
			var conflict *driver.ConflictError
			if errors.As(err, &conflict) {
				conflict.Event = ""
			}
			return last, err
		}),
	},
}

// comparing changes a known event before it is compared with the stored one.
func comparing(change func(e, stored *driver.Event)) eventFault {
	return appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
		log, events := logOf(ctx, s, id), slices.Clone(events)
		for i := range events {
			if stored, ok := log[events[i].ID]; ok {
				change(&events[i], &stored.Event)
			}
		}
		return s.Append(ctx, id, expect, events)
	})
}
