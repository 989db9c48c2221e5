package durability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/enactdev/enact"
)

// eventWriter appends batches of events to an execution, in which others may write
// too. Every eighth has large payloads, if there are any.
type eventWriter struct {
	name      string
	execution enact.ExecutionID
	large     int
}

func (w eventWriter) batch(n int) []enact.Identified {
	batch := make([]enact.Identified, 1+n%4)
	for i := range batch {
		size := (n*97 + i*31) % 400
		if n%8 == 7 {
			size += w.large
		}
		batch[i].ID = enact.EventID(fmt.Sprintf("%s/%d/%d", w.name, n, i))
		batch[i].Data = enact.Custom{Type: "Written", Data: []byte(content(w.name, n, size))}
	}
	return batch
}

func (w eventWriter) marked(int) bool { return true }

func (w eventWriter) write(ctx context.Context, t *enact.Tenant, n int) (last uint64, err error) {
	var batch []enact.EventData
	for _, e := range w.batch(n) {
		batch = append(batch, e)
	}
	return t.Events.Append(ctx, w.execution, enact.Expectation{}, batch...)
}

func (w eventWriter) check(ctx context.Context, t *enact.Tenant, n int, receipts []uint64) error {
	var rest []enact.Identified // of the batch that is being read
	batches, sequence := 0, uint64(0)
	for e, err := range t.Events.Load(ctx, w.execution, 0) {
		if err != nil {
			return err
		}
		if sequence++; e.Sequence != sequence {
			return fmt.Errorf("event %d of execution %q has sequence %d: there is a gap", sequence, w.execution, e.Sequence)
		}
		if len(rest) == 0 {
			if !strings.HasPrefix(string(e.ID), w.name+"/") {
				continue
			}
			rest = w.batch(batches)
			batches++
		}
		if want := rest[0].Data.(enact.Custom); e.ID != rest[0].ID || !bytes.Equal(e.Payload, want.Data) {
			return fmt.Errorf("sequence %d of execution %q holds event %q with %d bytes, want %q with its %d", sequence, w.execution, e.ID, len(e.Payload), rest[0].ID, len(want.Data))
		}
		if rest = rest[1:]; len(rest) == 0 && batches <= len(receipts) && receipts[batches-1] != sequence {
			return fmt.Errorf("batch %d of %s ends at sequence %d, it was acknowledged to end at %d", batches-1, w.name, sequence, receipts[batches-1])
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("batch %d of %s is stored without its last %d events", batches-1, w.name, len(rest))
	}
	if batches != n {
		return fmt.Errorf("%d batches of %s are stored, want %d", batches, w.name, n)
	}
	if last, err := t.Events.LatestSequence(ctx, w.execution); err != nil || last != sequence {
		return fmt.Errorf("the last sequence of execution %q is %d (%v), but %d events are stored", w.execution, last, err, sequence)
	}
	return w.checkAppend(ctx, t, sequence, receipts)
}

// checkAppend makes appends that may store nothing: one with a stale expectation (E5)
// and one that repeats the last that was acknowledged (E6).
func (w eventWriter) checkAppend(ctx context.Context, t *enact.Tenant, last uint64, receipts []uint64) error {
	var conflict *enact.ConflictError
	_, err := t.Events.Append(ctx, w.execution, enact.ExpectLast(last+1), enact.Custom{Type: "Refused"})
	if !errors.As(err, &conflict) || conflict.Actual != last {
		return fmt.Errorf("an append to execution %q that expects sequence %d: %v, want a conflict with %d", w.execution, last+1, err, last)
	}
	if len(receipts) == 0 {
		return nil
	}
	n := len(receipts) - 1
	if again, err := w.write(ctx, t, n); err != nil || again != receipts[n] {
		return fmt.Errorf("batch %d of %s repeated ends at sequence %d (%v), it was acknowledged to end at %d", n, w.name, again, err, receipts[n])
	}
	return nil
}
