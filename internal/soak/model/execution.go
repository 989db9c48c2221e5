package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"

	"github.com/enactdev/enact"
)

// Execution is what is known about the history of one execution.
type Execution struct {
	Name string

	mu      sync.Mutex
	batches []*Batch
	byEvent map[enact.EventID]place
}

// Batch is an append.
type Batch struct {
	Events []enact.Identified
	// Expect counts if Expects says so.
	Expect  uint64
	Expects bool

	write
	repeated bool // an attempt of an unknown outcome came before
	last     uint64
}

type place struct {
	batch *Batch
	index int
}

// NewExecution is an execution without events.
func NewExecution(name string) *Execution {
	return &Execution{Name: name, byEvent: map[enact.EventID]place{}}
}

// Begin notes that a batch is going to be appended, for the first time or again.
func (x *Execution) Begin(b *Batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b.began == 0 {
		b.began = Now()
		x.batches = append(x.batches, b)
		for i, e := range b.Events {
			x.byEvent[e.ID] = place{b, i}
		}
		return
	}
	if b.fate != Acknowledged {
		b.repeated = b.repeated || b.fate == Unknown
		b.fate, b.told = Unknown, 0
	}
}

// Acknowledge notes the last sequence that an append returned.
func (x *Execution) Acknowledge(b *Batch, last uint64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b.fate == Acknowledged && b.last != last {
		return broken("E6", "execution %q: the append of event %q returned %d, and %d when it was repeated", x.Name, b.Events[0].ID, b.last, last)
	}
	b.end(Acknowledged, b.repeated, false)
	b.last = last
	n := uint64(len(b.Events))
	switch {
	case last < n:
		return broken("E2", "execution %q: an append of %d events returned sequence %d", x.Name, n, last)
	case b.Expects && last-n != b.Expect:
		return broken("E5", "execution %q: an append of %d events that expected %d returned sequence %d", x.Name, n, b.Expect, last)
	}
	return nil
}

// Fail notes that an append failed: Refused if the error was ErrUnavailable or came
// before the call, Unknown for any other.
func (x *Execution) Fail(b *Batch, fate Fate) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if b.fate != Acknowledged {
		b.end(fate, b.repeated, false)
	}
}

// Conflict notes that an append failed over its expectation. No earlier attempt of it
// can have been applied, since a repetition would have found that, nor can one later:
// the log has gone past what it expected.
func (x *Execution) Conflict(b *Batch, actual uint64, event enact.EventID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case b.fate == Acknowledged:
		return broken("E6", "execution %q: repeating the acknowledged append of event %q is a conflict", x.Name, b.Events[0].ID)
	case event != "":
		return broken("E6", "execution %q: an append, with the content of the first time if it is a repetition, is told that event %q has other content", x.Name, event)
	case !b.Expects:
		return broken("E5", "execution %q: an append that expected nothing was a conflict", x.Name)
	case actual == b.Expect:
		return broken("E5", "execution %q: a conflict says that %d was expected and found", x.Name, actual)
	}
	b.end(Refused, b.repeated, true)
	return nil
}

// Last is the last sequence that anyone was told.
func (x *Execution) Last() (last uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.batches {
		last = max(last, b.last)
	}
	return last
}

// CheckLatest judges what LatestSequence or a listing said.
func (x *Execution) CheckLatest(latest uint64, during Span) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.batches {
		if b.surely(during.From) && b.last > latest {
			return broken("E1", "execution %q: the last sequence is said to be %d, and event %d was acknowledged before", x.Name, latest, b.last)
		}
	}
	return nil
}

// CheckHistory judges the events that were loaded after a sequence.
func (x *Execution) CheckHistory(after uint64, history []enact.StoredEvent, during Span) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var seen []*Batch
	for i := 0; i < len(history); {
		b, err := x.checkBatch(after, uint64(i), history[i:])
		if err != nil {
			return err
		}
		// A load after a sequence inside a batch begins with the rest of it.
		first := x.byEvent[history[i].ID].index
		seen = append(seen, b)
		i += len(b.Events) - first
	}
	found := map[*Batch]bool{}
	for _, b := range seen {
		if found[b] {
			return broken("E6", "execution %q: the batch with event %q is there twice", x.Name, b.Events[0].ID)
		}
		found[b] = true
	}
	for _, b := range x.batches {
		if b.surely(during.From) && b.last > after && !found[b] {
			return broken("E1", "execution %q: the acknowledged event %q, at %d, is missing among the %d events after %d", x.Name, b.Events[0].ID, b.last, len(history), after)
		}
	}
	return nil
}

// checkBatch judges the batch at the beginning of rest, which has skipped events
// between itself and the sequence after.
func (x *Execution) checkBatch(after, skipped uint64, rest []enact.StoredEvent) (*Batch, error) {
	at, known := x.byEvent[rest[0].ID]
	if !known {
		return nil, broken("E6", "execution %q: event %d is %q, which nobody has appended here", x.Name, rest[0].Sequence, rest[0].ID)
	}
	b := at.batch
	if at.index > 0 && skipped > 0 {
		return nil, broken("E3", "execution %q: event %d is %q, without those of its batch before it", x.Name, rest[0].Sequence, rest[0].ID)
	}
	if len(rest) < len(b.Events)-at.index {
		return nil, broken("E3", "execution %q: of the batch with event %q only the beginning is there", x.Name, rest[0].ID)
	}
	for i, want := range b.Events[at.index:] {
		got := rest[i]
		sequence := after + skipped + uint64(i) + 1
		content, err := payload(want.Data)
		if err != nil {
			return nil, err
		}
		switch {
		case got.Sequence != sequence:
			return nil, broken("E2", "execution %q: event %q has sequence %d, want %d", x.Name, got.ID, got.Sequence, sequence)
		case got.ID != want.ID:
			return nil, broken("E3", "execution %q: event %d is %q, want %q of the same batch", x.Name, sequence, got.ID, want.ID)
		case got.Type != want.EventType() || !bytes.Equal(got.Payload, content):
			return nil, broken("E8", "execution %q: event %q is %q with %q, want %q with %q", x.Name, got.ID, got.Type, got.Payload, want.EventType(), content)
		}
	}
	first := rest[0].Sequence - uint64(at.index)
	switch last := first + uint64(len(b.Events)) - 1; {
	case b.fate == Refused:
		return nil, broken("B9", "execution %q: event %q is there, at %d, and its append was refused", x.Name, b.Events[0].ID, first)
	case b.fate == Acknowledged && b.last != last:
		return nil, broken("E6", "execution %q: the batch of event %q ends at %d and was acknowledged to end at %d", x.Name, b.Events[0].ID, last, b.last)
	case b.Expects && first != b.Expect+1:
		return nil, broken("E5", "execution %q: event %q expected %d to be last and is at %d", x.Name, b.Events[0].ID, b.Expect, first)
	}
	return b, nil
}

// payload is how an event is stored.
func payload(data enact.EventData) ([]byte, error) {
	if custom, ok := data.(enact.Custom); ok {
		return custom.Data, nil
	}
	if data == nil {
		return nil, errors.New("an event without data")
	}
	return json.Marshal(data)
}
