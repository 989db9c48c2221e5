package enact

import (
	"encoding/json"
	"time"
)

// Role says who speaks. Any identifier is a role; these are the usual ones.
type Role string

// The usual roles.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Thread is a conversation of a user.
type Thread struct {
	ID   ThreadID
	User UserID
	// Title is any string.
	Title string
	// Metadata is a JSON object, kept byte for byte, or empty.
	Metadata json.RawMessage

	// CreatedAt may be given for a new thread; zero: the store stamps it.
	CreatedAt time.Time
	// UpdatedAt is when the thread or a message in it was last created, edited
	// or deleted; DeletedAt is zero unless deleted.
	UpdatedAt, DeletedAt time.Time
	// Version grows with every edit of title and metadata.
	Version uint64
}

// Message is a message in a thread.
type Message struct {
	ID     MessageID
	Thread ThreadID
	// Parent is the message, in the same thread, that this one answers or
	// replaces; may be empty.
	Parent MessageID
	// Execution is the one that made this message; may be empty.
	Execution ExecutionID
	Role      Role
	// Content is any string, kept byte for byte.
	Content string
	// Parts are the message in pieces, kept byte for byte.
	Parts []Part
	// Metadata is a JSON object or empty; it comes back equal as JSON.
	Metadata json.RawMessage
	// Usage, Cost, FinishReason and Stats say how the message was made.
	Usage        *TokenUsage
	Cost         *Cost
	FinishReason string
	Stats        *ExecutionStats

	// Position grows along the thread, with gaps. The store assigns it.
	Position uint64
	// CreatedAt may be given for a new message; zero: the store stamps it.
	CreatedAt time.Time
	// UpdatedAt and DeletedAt are the store's; DeletedAt is zero unless deleted.
	UpdatedAt, DeletedAt time.Time
	// Version grows with every edit.
	Version uint64
}

// TokenUsage counts a model's tokens.
type TokenUsage struct {
	Input       int64 `json:"input,omitempty"`
	Output      int64 `json:"output,omitempty"`
	Total       int64 `json:"total,omitempty"`
	Reasoning   int64 `json:"reasoning,omitempty"`
	CachedInput int64 `json:"cached_input,omitempty"`
}

// Cost is an amount of money in billionths of a currency's unit, which can hold
// the price of a single token exactly.
type Cost struct {
	Nanos int64 `json:"nanos"`
	// Currency is an ISO 4217 code, for example "USD".
	Currency string `json:"currency,omitempty"`
}

// ExecutionStats says how much work a message took.
type ExecutionStats struct {
	Duration         time.Duration `json:"duration_ns,omitempty"`
	TimeToFirstToken time.Duration `json:"time_to_first_token_ns,omitempty"`
	Steps            int64         `json:"steps,omitempty"`
	ToolCalls        int64         `json:"tool_calls,omitempty"`
	ModelCalls       int64         `json:"model_calls,omitempty"`
	Retries          int64         `json:"retries,omitempty"`
}

// details is what of a message the drivers keep as one JSON object.
type details struct {
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	Usage        *TokenUsage     `json:"usage,omitempty"`
	Cost         *Cost           `json:"cost,omitempty"`
	FinishReason string          `json:"finish_reason,omitempty"`
	Stats        *ExecutionStats `json:"stats,omitempty"`
}
