package driver

import "context"

// EventWatcher is an optional ability of an [EventStore]: to say at once when an
// execution goes on, where package enact would otherwise ask again and again.
type EventWatcher interface {
	// AwaitEvents waits until the execution may have events after sequence
	// after, and returns nil. It may return with nothing new, and news may reach
	// it late, by a few seconds at most. It ends with the context's error when
	// that is done. Whoever calls it looks with Load afterwards, so no event is
	// missed or seen twice.
	AwaitEvents(ctx context.Context, execution ExecutionID, after uint64) error
}
