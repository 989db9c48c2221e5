package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var eventForms = []*Broken{
	{
		Name: "payload-normalised", Rule: "E8",
		Fault: "a payload that is JSON loses the space between its tokens, as in a jsonb column",
		Events: showing(func(e *driver.StoredEvent) {
			var compact bytes.Buffer
			if json.Valid(e.Payload) && json.Compact(&compact, e.Payload) == nil {
				e.Payload = compact.Bytes()
			}
		}),
	},
	{
		Name: "payload-is-text", Rule: "E8",
		Fault:  "invalid UTF-8 in a payload is replaced",
		Events: showing(func(e *driver.StoredEvent) { e.Payload = bytes.ToValidUTF8(e.Payload, []byte("\ufffd")) }),
	},
	{
		Name: "payload-ends-at-nul", Rule: "E8",
		Fault: "a short payload ends before its last NUL",
		Events: showing(func(e *driver.StoredEvent) {
			if len(e.Payload) < 10 {
				e.Payload = bytes.TrimRight(e.Payload, "\x00")
			}
		}),
	},
	{
		Name: "empty-payload-is-null", Rule: "E8",
		Fault: "an empty payload comes back as the JSON value null",
		Events: showing(func(e *driver.StoredEvent) {
			if len(e.Payload) == 0 {
				e.Payload = []byte("null")
			}
		}),
	},
	{
		Name: "second-payload-of-a-batch", Rule: "E8",
		Fault: "large events behind the twentieth of a batch have its payload, whose buffer is used again",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			events = append([]driver.Event{}, events...)
			for i := range events {
				if i > 20 && i < 30 && len(events[i].Payload) >= 1<<15 {
					events[i].Payload = events[20].Payload
				}
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "type-trimmed", Rule: "E8",
		Fault:  "the space at the end of a type is lost",
		Events: showing(func(e *driver.StoredEvent) { e.Type = strings.TrimRight(e.Type, " ") }),
	},
	{
		Name: "type-cut", Rule: "E8",
		Fault:  "a type is cut to 254 bytes",
		Events: storing(func(_ int, e *driver.Event) { e.Type = e.Type[:min(len(e.Type), 254)] }),
	},
	{
		Name: "id-as-uuid", Rule: "E8",
		Fault: "an event ID that looks like a UUID is kept as one, in lower case",
		Events: showing(func(e *driver.StoredEvent) {
			if len(e.ID) == 36 && strings.Count(string(e.ID), "-") == 4 {
				e.ID = driver.EventID(strings.ToLower(string(e.ID)))
			}
		}),
	},
	{
		Name: "id-normalised", Rule: "E8",
		Fault: "an accent that follows its letter in an event ID is joined with it",
		Events: showing(func(e *driver.StoredEvent) {
			e.ID = driver.EventID(strings.ReplaceAll(string(e.ID), "e\u0301", "é"))
		}),
	},
	{
		Name: "times-to-the-millisecond", Rule: "E8",
		Fault:  "times are kept to the millisecond",
		Events: storing(func(_ int, e *driver.Event) { e.Time = e.Time.Truncate(time.Millisecond) }),
	},
	{
		Name: "times-as-numbers", Rule: "E8",
		Fault: "times are kept as floating-point seconds",
		Events: storing(func(_ int, e *driver.Event) {
			if !e.Time.IsZero() && e.Time.Year() > 2020 {
				seconds := float64(e.Time.UnixMicro()) / 1e6
				whole := int64(seconds)
				e.Time = driver.Timestamp(time.Unix(whole, int64((seconds-float64(whole))*1e9)))
			}
		}),
	},
	{
		Name: "times-as-nanoseconds", Rule: "E8",
		Fault: "times are kept as nanoseconds since 1970, which is enough from 1678 to 2262",
		Events: storing(func(_ int, e *driver.Event) {
			if !e.Time.IsZero() {
				e.Time = time.Unix(0, e.Time.UnixNano()).UTC()
			}
		}),
	},
	{
		Name: "times-before-1970", Rule: "E8",
		Fault: "the microseconds of a time before 1970 are added instead of taken away",
		Events: storing(func(_ int, e *driver.Event) {
			if micros := e.Time.UnixMicro(); !e.Time.IsZero() && micros < 0 && micros%1e6 != 0 {
				e.Time = time.Unix(micros/1e6, -micros%1e6*1e3).UTC()
			}
		}),
	},
	{
		Name: "first-day-is-no-time", Rule: "E8",
		Fault: "a time in the first second of the year 1 is taken for none",
		Events: storing(func(_ int, e *driver.Event) {
			if e.Time.Year() == 1 && e.Time.YearDay() == 1 && e.Time.Hour() == 0 && e.Time.Second() == 0 {
				e.Time = time.Time{}
			}
		}),
	},
	{
		Name: "times-of-a-place", Rule: "E8",
		Fault: "times come back in the zone of the engine",
		Events: showing(func(e *driver.StoredEvent) {
			e.Time = e.Time.In(time.FixedZone("", 3600))
		}),
	},
	{
		Name: "stamped-by-the-reader", Rule: "E8",
		Fault: "an event without a time gets that of the reading",
		Events: func(s driver.EventStore, at *Place) driver.EventStore {
			unstamped := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC).Add(time.Nanosecond)
			return showing(func(e *driver.StoredEvent) {
				if e.Time.Equal(unstamped) {
					e.Time = driver.Timestamp(time.Now())
				}
			})(storing(func(_ int, e *driver.Event) {
				if e.Time.IsZero() {
					e.Time = unstamped
				}
			})(s, at), at)
		},
	},
	{
		Name: "stamps-all-of-a-batch", Rule: "E8",
		Fault: "a batch whose first event has no time is stamped, all of it",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			if events[0].Time.IsZero() && !anyKnown(logOf(ctx, s, id), events) {
				events = append([]driver.Event{}, events...)
				for i := range events {
					events[i].Time = time.Time{}
				}
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "stamps-to-the-nanosecond", Rule: "E8",
		Fault: "the store's stamps are finer than a microsecond",
		Events: storing(func(_ int, e *driver.Event) {
			if e.Time.IsZero() {
				e.Time = driver.Timestamp(time.Now()).Add(17)
			}
		}),
	},
	{
		Name: "large-payload-cut", Rule: "E10",
		Fault:  "a payload is cut to one byte less than eight mebibytes",
		Events: storing(func(_ int, e *driver.Event) { e.Payload = e.Payload[:min(len(e.Payload), driver.MaxPayloadBytes-1)] }),
	},
	{
		Name: "large-payload-refused", Rule: "E10",
		Fault: "an event with its payload must fit into eight mebibytes",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			for _, e := range events {
				if err := driver.ValidateSize("event", len(e.Payload)+len(e.Type)+len(e.ID), driver.MaxPayloadBytes, "bytes"); err != nil {
					return 0, err
				}
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "too-many-parameters", Rule: "E10",
		Fault: "a batch is one statement, and an engine takes 65,535 parameters, seven for each event",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			if err := driver.ValidateSize("append", 7*len(events), 65_535, "parameters"); err != nil {
				return 0, err
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
	{
		Name: "large-batch-cut", Rule: "E10",
		Fault: "of a batch the first 8192 events are stored",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			last, err := s.Append(ctx, id, expect, events[:min(len(events), 8192)])
			if err == nil {
				last += uint64(max(len(events)-8192, 0))
			}
			return last, err
		}),
	},
	{
		Name: "packet-too-large", Rule: "E10",
		Fault: "an append must fit into a packet of 16 mebibytes",
		Events: appending(func(ctx context.Context, s driver.EventStore, _ *Place, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (uint64, error) {
			total := 0
			for _, e := range events {
				total += len(e.Payload)
			}
			if err := driver.ValidateSize("append", total, 16<<20, "bytes"); err != nil {
				return 0, err
			}
			return s.Append(ctx, id, expect, events)
		}),
	},
}
