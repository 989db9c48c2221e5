// Package enact is the storage layer of agent runtimes and durable workflow
// engines: four stores behind small interfaces, opened by URL.
//
//	store     role                                            authoritative
//	Events    append-only history, the source of truth        yes
//	State     snapshots and working memory: a cache           no
//	Messages  threads and messages as people see them         for conversations
//	Vectors   semantic recall over documents with embeddings  no
//
// As with database/sql, a program blank-imports the drivers that it needs and
// names the backend in its configuration:
//
//	import (
//		"github.com/enactdev/enact"
//		_ "github.com/enactdev/enact/drivers/sqlite"
//	)
//
//	rt, err := enact.Open(ctx, enact.Config{
//		Events: "sqlite:///var/lib/app/enact.db",
//		State:  "sqlite:///var/lib/app/enact.db", // equal DSNs share one backend
//	})
//	if err != nil {
//		return err
//	}
//	defer rt.Shutdown(context.WithoutCancel(ctx))
//
//	acme := rt.Tenant("acme")
//	last, err := acme.Events.Append(ctx, "order-17", enact.ExpectLast(0),
//		enact.ExecutionStarted{}, enact.StepStarted{Step: "charge"})
//
// # Two layers
//
// The application holds handles ([EventStore], [StateStore], [MessageStore],
// [VectorStore]). A handle validates, encodes and measures once for all drivers;
// a driver, behind the interfaces of package driver, translates to its engine.
// Everything is scoped by tenant: whoever holds a [Tenant] reaches nothing else.
//
// # What is promised
//
// Events are durable when Append returns, numbered from 1 without gaps, stored a
// batch at a time or not at all, never changed, and idempotent by ID: an append
// that failed in an unclear way is simply repeated (see [Identified]). A writer
// states the sequence that it expects to be last ([ExpectLast]); of several that
// expect the same exactly one wins. [Tenant.Rehydrate] returns the state of an
// execution from its snapshot and the events after it, and drops a snapshot that
// does not fit the log.
//
// # Errors
//
// Match errors with [errors.Is] against [ErrNotFound], [ErrConflict], [ErrExists],
// [ErrInvalid], [ErrTooLarge], [ErrUnsupported], [ErrUnavailable], [ErrClosed] and
// [ErrAirGapped]. An [ErrUnavailable] from a write means that it certainly was not
// applied; any other error leaves that open, and the write can be repeated.
//
// # Air-gapped mode
//
// With [Config].AirGapped set, a backend that needs the network is refused after
// its DSN is parsed and before a name is resolved or a socket opened.
//
// A program that is built with the tag enact_airgapped is always in that mode. With the
// tag, drivers that need a network do not compile, and [Register] and [Connectors] take
// only what comes from the embedded drivers of this module and from packages that the
// build names by their import paths:
//
//	go build -tags enact_airgapped -ldflags "-X github.com/enactdev/enact.airGappedDrivers=example.com/bolt"
//
// See docs/air-gapped.md for what the mode does and does not protect from.
//
// All types are safe for concurrent use unless they say otherwise.
package enact

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

// Register makes a driver available under a DSN scheme, in lower case. It is
// called from a driver's init. It panics if d is nil, if scheme is not a valid
// scheme (RFC 3986, section 3.1) or is taken, and in a program built with the tag
// enact_airgapped if d is not of a package that the tag takes.
func Register(scheme string, d driver.Driver) {
	if builtAirGapped && d != nil {
		if err := refuseForeign(d); err != nil {
			panic(fmt.Sprintf("enact: Register of scheme %q: %v", scheme, err))
		}
	}
	registered.add(scheme, d)
}

// Schemes returns the registered DSN schemes, sorted.
func Schemes() []string { return registered.schemes() }

// What applications need of package driver, so that they import one package.
type (
	// TenantID names a tenant.
	TenantID = driver.TenantID
	// ExecutionID names one run of an agent or workflow.
	ExecutionID = driver.ExecutionID
	// EventID makes an event idempotent; unique within its execution.
	EventID = driver.EventID
	// UserID names the person whom a thread belongs to.
	UserID = driver.UserID
	// ThreadID names a thread; unique within the tenant.
	ThreadID = driver.ThreadID
	// MessageID names a message; unique within the tenant.
	MessageID = driver.MessageID

	// Page asks for a part of a listing.
	Page = driver.Page
	// Cursor marks a position in a listing.
	Cursor = driver.Cursor

	// Expectation is what a writer believes the last sequence to be.
	Expectation = driver.Expectation
	// StoredEvent is an event as it is in the log.
	StoredEvent = driver.StoredEvent
	// ExecutionInfo describes an execution without loading its events.
	ExecutionInfo = driver.ExecutionInfo
	// Entry is a state key with its value.
	Entry = driver.Entry
	// EntryInfo describes a state key.
	EntryInfo = driver.EntryInfo
	// GetResult is what a Get of many has found.
	GetResult = driver.GetResult
	// SetResult is what a Set of many has done.
	SetResult = driver.SetResult
	// SnapshotInfo describes a snapshot.
	SnapshotInfo = driver.SnapshotInfo
	// Collection fixes what its documents' embeddings are like.
	Collection = driver.Collection
	// CollectionInfo is a collection and the number of its documents.
	CollectionInfo = driver.CollectionInfo
	// Document is what a collection holds.
	Document = driver.Document
	// Query is a search in a collection.
	Query = driver.Query
	// Fields says which fields of the documents a search returns.
	Fields = driver.Fields
	// Result is the answer to a search.
	Result = driver.Result
	// Match is one result of a search.
	Match = driver.Match
	// Metric says how near two embeddings are.
	Metric = driver.Metric
	// Filter selects documents by their metadata; its rules are documented
	// there.
	Filter = driver.Filter
	// Value is a scalar in a filter.
	Value = driver.Value

	// ConflictError says which expectation failed and what is there instead.
	ConflictError = driver.ConflictError
	// TooLargeError says which limit was exceeded.
	TooLargeError = driver.TooLargeError
)

// The errors of the contract; see package driver for what each means.
var (
	ErrNotFound    = driver.ErrNotFound
	ErrConflict    = driver.ErrConflict
	ErrExists      = driver.ErrExists
	ErrInvalid     = driver.ErrInvalid
	ErrTooLarge    = driver.ErrTooLarge
	ErrUnsupported = driver.ErrUnsupported
	ErrUnavailable = driver.ErrUnavailable
	ErrClosed      = driver.ErrClosed
	ErrAirGapped   = driver.ErrAirGapped
)

// The metrics of collections.
const (
	Cosine    = driver.Cosine
	Dot       = driver.Dot
	Euclidean = driver.Euclidean
)

// ExpectLast states that last is the sequence of the execution's last event; 0:
// that it has none.
func ExpectLast(last uint64) Expectation { return driver.ExpectLast(last) }

// ExpectAny states nothing: the events go to the end, wherever that is.
func ExpectAny() Expectation { return Expectation{} }

// Null is JSON's null in a filter.
func Null() Value { return driver.Null() }

// Bool is a truth value in a filter.
func Bool(b bool) Value { return driver.Bool(b) }

// Int is an integer in a filter.
func Int(i int64) Value { return driver.Int(i) }

// Float is a floating-point number in a filter.
func Float(f float64) Value { return driver.Float(f) }

// String is a string in a filter.
func String(s string) Value { return driver.String(s) }

// Eq selects documents whose field equals v.
func Eq(key string, v Value) Filter { return driver.Eq(key, v) }

// Ne selects documents that Eq does not select, those without the field included.
func Ne(key string, v Value) Filter { return driver.Ne(key, v) }

// In selects documents whose field equals one of the values.
func In(key string, values ...Value) Filter { return driver.In(key, values...) }

// Lt selects documents whose field is less than v.
func Lt(key string, v Value) Filter { return driver.Lt(key, v) }

// Lte selects documents whose field is less than v or equal.
func Lte(key string, v Value) Filter { return driver.Lte(key, v) }

// Gt selects documents whose field is greater than v.
func Gt(key string, v Value) Filter { return driver.Gt(key, v) }

// Gte selects documents whose field is greater than v or equal.
func Gte(key string, v Value) Filter { return driver.Gte(key, v) }

// Exists selects documents that have the field, null included.
func Exists(key string) Filter { return driver.Exists(key) }

// And selects documents that every filter selects.
func And(filters ...Filter) Filter { return driver.And(filters...) }

// Or selects documents that at least one filter selects.
func Or(filters ...Filter) Filter { return driver.Or(filters...) }

// Not selects documents that f does not select.
func Not(f Filter) Filter { return driver.Not(f) }
