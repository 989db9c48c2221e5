package driver

import (
	"strings"
	"unicode/utf8"
)

// Identifiers are UTF-8 of 1 to [MaxIDBytes] bytes without NUL, compared byte by
// byte: two that differ in case, normalisation, trailing space or separators are
// two. The types keep them from being mixed up; keys, collection names, document
// IDs, roles and event types follow the same rule as plain strings.
type (
	// TenantID names a tenant: a wall around all its data.
	TenantID string
	// ExecutionID names one run of an agent or workflow.
	ExecutionID string
	// EventID makes an event idempotent. It is unique within its execution.
	EventID string
	// UserID names the person whom a thread belongs to.
	UserID string
	// ThreadID names a thread; unique within the tenant.
	ThreadID string
	// MessageID names a message; unique within the tenant.
	MessageID string
)

// ValidateID checks an identifier; kind says what it is, for the error, which
// matches [ErrInvalid].
func ValidateID[S ~string](kind string, id S) error {
	s := string(id)
	switch {
	case s == "":
		return Invalidf("%s is empty; it needs 1 to %d bytes", kind, MaxIDBytes)
	case len(s) > MaxIDBytes:
		return Invalidf("%s %q… has %d bytes; at most %d are allowed", kind, strings.ToValidUTF8(s[:32], ""), len(s), MaxIDBytes)
	case strings.IndexByte(s, 0) >= 0:
		return Invalidf("%s %q contains a NUL byte", kind, s)
	case !utf8.ValidString(s):
		return Invalidf("%s %q is not valid UTF-8", kind, s)
	}
	return nil
}
