package driver

import (
	"context"
	"iter"
)

// LoadInPieces returns what [EventStore].Load does, for a store that reads a
// history in pieces: read returns some events after a sequence, which become the
// stream's, and whether there may be more. Between two pieces, and so while the
// loop body runs, nothing of the engine need be held. The loop is a call in flight
// until it ends, and ends with the context or when the gate is aborted.
func (g *Gate) LoadInPieces(ctx context.Context, after uint64, read func(after uint64) (piece []StoredEvent, more bool, err error)) iter.Seq2[StoredEvent, error] {
	return func(yield func(StoredEvent, error) bool) {
		if err := g.Enter(ctx); err != nil {
			yield(StoredEvent{}, err)
			return
		}
		defer g.Leave()
		aborted := g.Aborted()
		after := after // the stream may be ranged over again
		for more := true; more; {
			var piece []StoredEvent
			var err error
			if piece, more, err = read(after); err != nil {
				yield(StoredEvent{}, err)
				return
			}
			for i, e := range piece {
				if err := ended(ctx, aborted); err != nil {
					yield(StoredEvent{}, err)
					return
				}
				piece[i] = StoredEvent{} // what was handed out need not stay
				if after = e.Sequence; !yield(e, nil) {
					return
				}
			}
		}
	}
}
