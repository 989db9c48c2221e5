package enact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Part is a piece of a message: a JSON object with a string "type", in the shape
// of the AI SDK's UI message parts (https://ai-sdk.dev, UIMessage.parts). Types
// that this package does not know are kept all the same. Its bytes come back
// exactly.
type Part []byte

// TextPart is a piece of text.
func TextPart(text string) (Part, error) {
	return newPart(struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}{"text", text})
}

// ReasoningPart is a piece of a model's reasoning.
func ReasoningPart(text string) (Part, error) {
	return newPart(struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}{"reasoning", text})
}

// ToolState is how far a tool call has come.
type ToolState string

// The states of a tool call.
const (
	ToolInputStreaming  ToolState = "input-streaming"
	ToolInputAvailable  ToolState = "input-available"
	ToolOutputAvailable ToolState = "output-available"
	ToolOutputError     ToolState = "output-error"
)

// ToolCall is a call of a tool, as a part of a message.
type ToolCall struct {
	// Tool is the tool's name; the part's type is "tool-" and the name.
	Tool      string          `json:"-"`
	Call      string          `json:"toolCallId"`
	State     ToolState       `json:"state"`
	Input     json.RawMessage `json:"input,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	ErrorText string          `json:"errorText,omitempty"`
}

// ToolPart is a call of a tool.
func ToolPart(c ToolCall) (Part, error) {
	return newPart(struct {
		Type string `json:"type"`
		ToolCall
	}{"tool-" + c.Tool, c})
}

// FilePart refers to a file.
func FilePart(mediaType, filename, url string) (Part, error) {
	return newPart(struct {
		Type      string `json:"type"`
		MediaType string `json:"mediaType"`
		Filename  string `json:"filename,omitempty"`
		URL       string `json:"url"`
	}{"file", mediaType, filename, url})
}

// SourceURLPart names a source of what the message says.
func SourceURLPart(id, url, title string) (Part, error) {
	return newPart(struct {
		Type     string `json:"type"`
		SourceID string `json:"sourceId"`
		URL      string `json:"url"`
		Title    string `json:"title,omitempty"`
	}{"source-url", id, url, title})
}

// DataPart carries data of the application's own; its type is "data-" and name.
func DataPart(name string, data any) (Part, error) {
	return newPart(struct {
		Type string `json:"type"`
		Data any    `json:"data"`
	}{"data-" + name, data})
}

// StepStartPart separates the steps of a message.
func StepStartPart() (Part, error) {
	return newPart(struct {
		Type string `json:"type"`
	}{"step-start"})
}

func newPart(v any) (Part, error) { return marshalJSON(v) }

// Type returns the part's type, empty if p is not a part.
func (p Part) Type() string {
	kind, _ := p.kind()
	return kind
}

// Decode reads the part into v, as json.Unmarshal does.
func (p Part) Decode(v any) error { return json.Unmarshal(p, v) }

// MarshalJSON implements json.Marshaler.
func (p Part) MarshalJSON() ([]byte, error) { return p, nil }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Part) UnmarshalJSON(raw []byte) error {
	*p = bytes.Clone(raw)
	return nil
}

func (p Part) kind() (string, error) {
	if !utf8.Valid(p) {
		return "", errors.New("it is not valid UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(p, &fields); err != nil {
		return "", err
	}
	var kind string
	if json.Unmarshal(fields["type"], &kind) != nil || kind == "" {
		return "", errors.New(`it has no string "type"`)
	}
	return kind, nil
}

// encodeParts writes parts as one JSON array, each as it is.
func encodeParts(parts []Part) ([]byte, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	array := []byte{'['}
	for i, p := range parts {
		if _, err := p.kind(); err != nil {
			return nil, fmt.Errorf("part %d is not a message part: %w", i, err)
		}
		if i > 0 {
			array = append(array, ',')
		}
		array = append(array, p...)
	}
	return append(array, ']'), nil
}

// decodeParts is the inverse. A part is everything between two separators of the
// array, space included.
func decodeParts(array []byte) ([]Part, error) {
	if len(array) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(array))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("the parts are not a JSON array")
	}
	var parts []Part
	start := dec.InputOffset()
	for dec.More() {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		end := dec.InputOffset()
		for end < int64(len(array)) && array[end] != ',' && array[end] != ']' {
			end++
		}
		parts = append(parts, bytes.Clone(array[start:end]))
		start = end + 1
	}
	return parts, nil
}
