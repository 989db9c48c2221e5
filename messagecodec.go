package enact

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/enactdev/enact/driver"
)

func encodeThread(t Thread) (driver.Thread, error) {
	if err := checkMetadata(t.Metadata); err != nil {
		return driver.Thread{}, driver.Invalidf("thread %q: %v", t.ID, err)
	}
	stored := driver.Thread{
		ID: t.ID, User: t.User, Title: t.Title, Metadata: t.Metadata,
		CreatedAt: driver.Timestamp(t.CreatedAt), UpdatedAt: t.UpdatedAt, DeletedAt: t.DeletedAt, Version: t.Version,
	}
	return stored, driver.ValidateThread(stored)
}

func decodeThread(t driver.Thread) Thread {
	thread := Thread{
		ID: t.ID, User: t.User, Title: t.Title,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, DeletedAt: t.DeletedAt, Version: t.Version,
	}
	if len(t.Metadata) > 0 {
		thread.Metadata = t.Metadata
	}
	return thread
}

func encodeMessage(m Message) (driver.Message, error) {
	if err := checkMetadata(m.Metadata); err != nil {
		return driver.Message{}, driver.Invalidf("message %q: %v", m.ID, err)
	}
	parts, err := encodeParts(m.Parts)
	if err != nil {
		return driver.Message{}, driver.Invalidf("message %q: %v", m.ID, err)
	}
	stored := driver.Message{
		ID: m.ID, Thread: m.Thread, Parent: m.Parent, Execution: m.Execution, Role: string(m.Role),
		Content: []byte(m.Content), Parts: parts,
		Position: m.Position, CreatedAt: driver.Timestamp(m.CreatedAt), UpdatedAt: m.UpdatedAt, DeletedAt: m.DeletedAt, Version: m.Version,
	}
	d := details{m.Metadata, m.Usage, m.Cost, m.FinishReason, m.Stats}
	if stored.Details, err = marshalJSON(d); err != nil {
		return driver.Message{}, driver.Invalidf("message %q: %v", m.ID, err)
	}
	if bytes.Equal(stored.Details, []byte("{}")) {
		stored.Details = nil
	}
	return stored, driver.ValidateMessage(stored)
}

func decodeMessage(m driver.Message) (Message, error) {
	var d details
	if len(m.Details) > 0 {
		if err := json.Unmarshal(m.Details, &d); err != nil {
			return Message{}, fmt.Errorf("details of message %q do not decode: %w", m.ID, err)
		}
	}
	parts, err := decodeParts(m.Parts)
	if err != nil {
		return Message{}, fmt.Errorf("parts of message %q do not decode: %w", m.ID, err)
	}
	return Message{
		ID: m.ID, Thread: m.Thread, Parent: m.Parent, Execution: m.Execution, Role: Role(m.Role),
		Content: string(m.Content), Parts: parts,
		Metadata: d.Metadata, Usage: d.Usage, Cost: d.Cost, FinishReason: d.FinishReason, Stats: d.Stats,
		Position: m.Position, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, DeletedAt: m.DeletedAt, Version: m.Version,
	}, nil
}

func checkMetadata(metadata json.RawMessage) error {
	_, err := driver.ParseMetadata(metadata)
	return err
}
