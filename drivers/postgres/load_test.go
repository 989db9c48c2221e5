package postgres

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestPiecesOfAnySize: a history whose payloads are small and large by turns comes back
// whole, in pieces that are bounded (E7, E8).
func TestPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t))
	s := b.Tenant("t").Events
	sizes := []int{pieceBytes / longPiece, pieceBytes/longPiece + 1, pieceBytes / shortPiece, pieceBytes/shortPiece + 1, pieceBytes / 4}
	var payloads [][]byte
	for i, n := range []int{shortPiece + 1, longPiece + 3, 1, shortPiece, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, longPiece} {
		for range n {
			payloads = append(payloads, []byte(fmt.Sprint(len(payloads))))
		}
		payloads = append(payloads, bytes.Repeat([]byte{byte(i)}, sizes[min(i, len(sizes)-1)]))
	}
	for from := 0; from < len(payloads); from += 500 {
		var batch []driver.Event
		for i := from; i < min(from+500, len(payloads)); i++ {
			batch = append(batch, driver.Event{ID: driver.EventID(fmt.Sprint(i)), Type: fmt.Sprint("type ", i%3), Payload: payloads[i]})
		}
		testkit.Must(s.Append(t.Context(), "run", driver.ExpectLast(uint64(from)), batch))(t)
	}
	p := newPieces(s.(events), "run")
	read, pieces := 0, 0
	for more := true; more; pieces++ {
		piece, further, err := p.next(t.Context(), uint64(read))
		testkit.Check(t, err)
		size := 0
		for _, e := range piece {
			if e.Sequence != uint64(read+1) || e.ID != driver.EventID(fmt.Sprint(read)) || e.Type != fmt.Sprint("type ", read%3) || !bytes.Equal(e.Payload, payloads[read]) {
				t.Fatalf("event %d came back as %d, %q, %q with %d bytes; it has %d", read+1, e.Sequence, e.ID, e.Type, len(e.Payload), len(payloads[read]))
			}
			size += len(e.Payload)
			read++
		}
		if len(piece) > longPiece || size >= 2*pieceBytes {
			t.Errorf("piece %d has %d events of %d bytes", pieces+1, len(piece), size)
		}
		if more = further; more && len(piece) == 0 {
			t.Fatalf("piece %d is empty and not the last one", pieces+1)
		}
	}
	if read != len(payloads) {
		t.Errorf("%d events were read, want %d", read, len(payloads))
	}
	if most := 20; pieces > most {
		t.Errorf("%d events were read in %d pieces, want at most %d", read, pieces, most)
	}
}

// TestLastsAreHints: what a process remembers of an execution may be wrong in any way,
// and an append still follows the last event that is there (E2, E5).
func TestLastsAreHints(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b, other := open(t, dsn), open(t, dsn)
	s := b.Tenant("t").Events
	last := testkit.Must(s.Append(t.Context(), "run", driver.ExpectLast(0), testkit.Events("first", 5)))(t)
	for i, hint := range []uint64{0, 1, 4, 5, 6, 1000, maxSequence} {
		testkit.Check(t, testkit.Append(t.Context(), other, "run", testkit.Events(fmt.Sprint("other", i), 1)))
		b.lasts.remember(executionName{"t", "run"}, hint)
		if got := testkit.Must(s.Append(t.Context(), "run", driver.Expectation{}, testkit.Events(fmt.Sprint("new", i), 1)))(t); got != last+2 {
			t.Fatalf("an append after %d events returned %d with a hint of %d", last+1, got, hint)
		}
		last += 2
	}
	if n := uint64(len(testkit.History(t, b, "run"))); n != last {
		t.Errorf("%d events are stored, want %d", n, last)
	}
	for i := range maxLasts + 10 {
		b.lasts.remember(executionName{"t", fmt.Sprint(i)}, 1)
	}
	if n := len(b.lasts.known); n > maxLasts {
		t.Errorf("%d executions are remembered, want at most %d", n, maxLasts)
	}
}
