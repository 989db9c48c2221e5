package testkit

import (
	"context"
	"fmt"
	"testing"

	"github.com/enactdev/enact/driver"
)

// Tenant is whose data the functions of this package write and read.
const Tenant driver.TenantID = "t"

// Events makes a batch of events whose IDs begin with a name.
func Events(name string, n int) []driver.Event {
	batch := make([]driver.Event, n)
	for i := range batch {
		batch[i] = driver.Event{ID: driver.EventID(fmt.Sprintf("%s-%d", name, i)), Type: "test", Payload: []byte(name)}
	}
	return batch
}

// Numbered is the event with a number of a writer.
func Numbered(writer string, i int) driver.Event {
	return driver.Event{ID: driver.EventID(fmt.Sprintf("%s-%d", writer, i)), Type: writer, Payload: fmt.Appendf(nil, "payload %d of %s", i, writer)}
}

// Append appends a batch, whatever is there before.
func Append(ctx context.Context, b driver.Backend, id driver.ExecutionID, batch []driver.Event) error {
	_, err := b.Tenant(Tenant).Events.Append(ctx, id, driver.Expectation{}, batch)
	return err
}

// History reads a whole history and makes sure that it has no gap (E2).
func History(tb testing.TB, b driver.Backend, id driver.ExecutionID) []driver.StoredEvent {
	tb.Helper()
	ctx, s := context.Background(), b.Tenant(Tenant).Events
	var history []driver.StoredEvent
	for e, err := range s.Load(ctx, id, 0) {
		if err != nil {
			tb.Fatalf("load execution %q after %d events: %v", id, len(history), err)
		}
		history = append(history, e)
		if e.Sequence != uint64(len(history)) {
			tb.Fatalf("execution %q: event %d has sequence %d (E2: sequences have no gaps)", id, len(history), e.Sequence)
		}
	}
	last, err := s.LatestSequence(ctx, id)
	if err != nil || last != uint64(len(history)) {
		tb.Errorf("execution %q: the last sequence is %d, %v; but %d events can be read", id, last, err, len(history))
	}
	return history
}

// CheckOnce makes sure that a history holds the events of its writers, made by
// Numbered, each once, and nothing else; the order within a writer is that of its
// numbers.
func CheckOnce(tb testing.TB, b driver.Backend, id driver.ExecutionID, wanted int) {
	tb.Helper()
	history := History(tb, b, id)
	if len(history) != wanted {
		tb.Errorf("execution %q has %d events, want %d", id, len(history), wanted)
	}
	next := map[string]int{}
	for _, e := range history {
		writer := e.Type
		if want := Numbered(writer, next[writer]); e.ID != want.ID || string(e.Payload) != string(want.Payload) {
			tb.Fatalf("execution %q: sequence %d holds event %q of writer %s, want %q: lost, doubled or out of order", id, e.Sequence, e.ID, writer, want.ID)
		}
		next[writer]++
	}
}

// CheckPairs makes sure that events that writers append in pairs are together (E3).
func CheckPairs(tb testing.TB, b driver.Backend, id driver.ExecutionID) {
	tb.Helper()
	history := History(tb, b, id)
	for i := 1; i < len(history); i += 2 {
		if history[i].Type != history[i-1].Type {
			tb.Fatalf("execution %q: the batch of %s at sequence %d is torn (E3)", id, history[i].Type, history[i].Sequence)
		}
	}
}
