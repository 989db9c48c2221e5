package driver

import "context"

// EventBatcher is an optional ability of a [Backend] whose events become durable by
// commits that cost much the same for one append and for many: to store the appends
// of several callers with one commit. Package enact uses it for appends that arrive
// while commits are on their way.
type EventBatcher interface {
	// AppendEach does what [EventStore].Append does, for each append in turn, and
	// commits them together. It returns as many results, when those without an
	// error are durable. Each append succeeds or fails alone, as if one came after
	// the other; only a failure of the engine is everybody's, and then an error
	// that matches ErrUnavailable means that none was done. ctx belongs to none of
	// the callers alone; when it ends, nothing is half-applied. Appends are neither
	// kept nor changed.
	AppendEach(ctx context.Context, appends []Append) []AppendResult
	// CommitsAtOnce is how many commits may be on their way before more appends
	// had better wait and share the next one: 1 if the engine has one writer.
	CommitsAtOnce() int
}

// Append is an append of a tenant, valid as [ValidateAppend] has it.
type Append struct {
	Tenant    TenantID
	Execution ExecutionID
	Expect    Expectation
	Events    []Event
}

// AppendResult is what [EventStore].Append returns.
type AppendResult struct {
	Last uint64
	Err  error
}

// AllFailed is what AppendEach returns when nothing was done, or may have been,
// for a reason that is everybody's.
func AllFailed(appends []Append, err error) []AppendResult {
	results := make([]AppendResult, len(appends))
	for i := range results {
		results[i].Err = err
	}
	return results
}
