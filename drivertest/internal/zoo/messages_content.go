package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var miskeptMessages = []*Broken{
	{Name: "content-ends-at-nul", Rule: "M6", Fault: "Content ends at its first NUL.",
		Messages: messagesRead(func(_ *Place, m *driver.Message) { m.Content, _, _ = bytes.Cut(m.Content, []byte{0}) })},
	{Name: "parts-are-jsonb", Rule: "M6", Fault: "Parts that are JSON lose their insignificant space.",
		Messages: messagesRead(func(_ *Place, m *driver.Message) {
			var compact bytes.Buffer
			if json.Compact(&compact, m.Parts) == nil {
				m.Parts = compact.Bytes()
			}
		})},
	{Name: "content-cut", Rule: "M6", Fault: "Content is cut at 64 KiB less a byte, as a TEXT column cuts it.",
		Messages: messagesRead(func(_ *Place, m *driver.Message) { m.Content = m.Content[:min(len(m.Content), 1<<16-1)] })},
	{Name: "list-without-details", Rule: "M6", Fault: "Listings leave the details out.",
		Messages: messagesListed(func(ctx context.Context, s driver.MessageStore, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			all, next, err := s.ListMessages(ctx, q)
			for i := range all {
				all[i].Details = nil
			}
			return all, next, err
		})},
	{Name: "edited-content-is-text", Rule: "M6", Fault: "Editing replaces what is not UTF-8 in the parts, creating does not.",
		Messages: messagesEdited(func(s driver.MessageStore, _ *Place) messageStep {
			return func(ctx context.Context, m driver.Message) (driver.Message, error) {
				m.Parts = bytes.ToValidUTF8(m.Parts, []byte("?"))
				return s.UpdateMessage(ctx, m)
			}
		})},
	{Name: "titles-are-text", Rule: "M6", Fault: "What is not UTF-8 in a title is replaced.",
		Messages: threadsStored(func(t *driver.Thread) { t.Title = strings.ToValidUTF8(t.Title, "\ufffd") })},
	{Name: "message-ids-are-short", Rule: "M6", Fault: "Message IDs are cut at 254 bytes.",
		Messages: messagesStored(func(m *driver.Message) { m.ID = m.ID[:min(len(m.ID), 254)] })},
	{Name: "message-times-in-milliseconds", Rule: "M6", Fault: "Creation times of messages are kept to the millisecond.",
		Messages: messagesRead(func(_ *Place, m *driver.Message) { m.CreatedAt = m.CreatedAt.Truncate(time.Millisecond) })},
	{Name: "thread-times-in-nanoseconds", Rule: "M6", Fault: "Creation times of threads are kept as nanoseconds in 64 bits, which end in the year 2262.",
		Messages: threadsStored(func(t *driver.Thread) {
			if !t.CreatedAt.IsZero() {
				t.CreatedAt = time.Unix(0, t.CreatedAt.UnixNano()).UTC()
			}
		})},
	{Name: "epoch-is-none", Rule: "M6", Fault: "A creation time at the Unix epoch counts as none, and the store stamps its own.",
		Messages: messagesStored(func(m *driver.Message) {
			if m.CreatedAt.Unix() == 0 {
				m.CreatedAt = time.Time{}
			}
		})},
	{Name: "times-of-elsewhere", Rule: "M6", Fault: "Times come back in the zone of the server.",
		Messages: messagesRead(func(_ *Place, m *driver.Message) { m.UpdatedAt = m.UpdatedAt.In(time.FixedZone("CET", 3600)) })},
	{Name: "content-kept-in-memory", Rule: "M6", Durable: true, Fault: "The parts of a message are in the memory of the process and empty after a restart.",
		Messages: func(s driver.MessageStore, at *Place) driver.MessageStore {
			known := notesOf[driver.MessageID, bool](at, "in memory")
			r := messagesRead(func(_ *Place, m *driver.Message) {
				if here, _ := known.get(m.ID); !here {
					m.Parts = nil
				}
			})(s, at).(*aMessageStore)
			create := r.createMessage
			r.createMessage = func(ctx context.Context, m driver.Message) (driver.Message, error) {
				if _, err := s.GetMessage(ctx, m.ID, true); err != nil {
					known.set(m.ID, true)
				}
				return create(ctx, m)
			}
			return r
		}},
}
