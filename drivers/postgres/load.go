package postgres

import (
	"context"
	"iter"
	"sync"

	"github.com/enactdev/enact/driver"
)

// A stream is read in pieces of at most so many events, whose payloads have at most so
// many bytes beside those of one event. Between pieces no connection is held.
const (
	shortPiece = 512
	longPiece  = 8192
	pieceBytes = 4 << 20
)

// Load implements driver.EventStore.
func (s events) Load(ctx context.Context, id driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	return func(yield func(driver.StoredEvent, error) bool) {
		p := newPieces(s, id)
		defer p.free()
		s.LoadInPieces(ctx, after, func(after uint64) ([]driver.StoredEvent, bool, error) { return p.next(ctx, after) })(yield)
	}
}

// pieces reads a history piece by piece.
type pieces struct {
	events
	id driver.ExecutionID
	// The next piece has at most so many events, and ends before a payload that has
	// more than largest bytes; 0: it goes by the bytes of all.
	length, largest int
	// piece is the last one; its memory is kept, and holds no event, for the next.
	piece *[]driver.StoredEvent
}

var keptPieces = sync.Pool{New: func() any { return new([]driver.StoredEvent) }}

func newPieces(s events, id driver.ExecutionID) *pieces {
	return &pieces{events: s, id: id, length: shortPiece, largest: pieceBytes / shortPiece, piece: keptPieces.Get().(*[]driver.StoredEvent)}
}

// free is for when nobody uses the last piece any more.
func (p *pieces) free() {
	clear(*p.piece)
	keptPieces.Put(p.piece)
}

// How a piece is read. The first is short, and a plan takes long to make, so it is that
// of a function, which keeps its result in memory until it has all. The others send
// each event as they find it. loadBytes ends behind the event that fills the piece;
// sizes are summed up by the server, so that large payloads are not sent to be thrown
// away.
const (
	loadShort = "SELECT sequence, id, type, time, payload FROM enact.load($1, $2, $3, $4, $5)"
	loadLong  = "SELECT sequence, id, type, time, CASE WHEN octet_length(payload) <= $5 THEN payload END FROM " + eventsAfter
	loadBytes = `SELECT p.sequence, p.id, p.type, p.time, p.payload FROM (
		SELECT e.*, sum(octet_length(e.payload)) OVER (ORDER BY e.sequence) - octet_length(e.payload) AS before FROM (SELECT * FROM ` + eventsAfter + `) e
	) p WHERE p.before < $5 ORDER BY p.sequence`
	eventsAfter = "enact.events WHERE execution = (SELECT key FROM enact.executions WHERE tenant = $1 AND id = $2) AND sequence > $3 ORDER BY sequence LIMIT $4"
)

// statement returns how the next piece is read, and what its last argument is.
func (p *pieces) statement() (sql string, bytes int) {
	switch {
	case p.largest == 0:
		return loadBytes, pieceBytes
	case p.length == shortPiece:
		return loadShort, p.largest
	}
	return loadLong, p.largest
}

// next reads some events after a sequence and says whether there may be more. What it
// returns is overwritten by the next call. A piece is one statement, which sees every batch
// whole or not at all, so cutting it here shows no part of one that is not there.
func (p *pieces) next(ctx context.Context, after uint64) (piece []driver.StoredEvent, more bool, err error) {
	if after > maxSequence {
		return nil, false, nil
	}
	for {
		found, err := p.read(ctx, after)
		if err != nil {
			return nil, false, err
		}
		size, largest, cut := 0, 0, len(*p.piece) < found
		for _, e := range *p.piece {
			size, largest = size+len(e.Payload), max(largest, len(e.Payload))
		}
		more = found == p.length || cut || size >= pieceBytes
		p.resize(largest, cut)
		if len(*p.piece) > 0 || !cut {
			return *p.piece, more, nil
		}
	}
}

// read reads a piece up to the first payload that is too large for it, and returns how
// many events the server has sent.
func (p *pieces) read(ctx context.Context, after uint64) (found int, err error) {
	err = p.reading(ctx, func(ctx context.Context, q connection) error {
		piece := (*p.piece)[:0]
		defer func() { *p.piece = piece }()
		found = 0
		sql, bytes := p.statement()
		rows, err := q.Query(ctx, p.sql(sql), binaryResult, p.tenant, string(p.id), int64(after), p.length, bytes)
		if err != nil {
			return err
		}
		defer rows.Close()
		decoder := eventDecoder{}
		for ; rows.Next(); found++ {
			if len(piece) < found {
				continue
			}
			e, err := decoder.event(rows)
			if err != nil {
				return err
			}
			if e.Payload != nil {
				piece = append(piece, e)
			}
		}
		return rows.Err()
	})
	return found, err
}

// resize makes pieces long where payloads are small. The last piece had payloads up to
// largest, and was cut if a larger one follows.
func (p *pieces) resize(largest int, cut bool) {
	switch {
	case largest > pieceBytes/shortPiece || (cut && (p.length == shortPiece || len(*p.piece) == 0)):
		p.length, p.largest = shortPiece, 0
	case cut:
		p.length, p.largest = shortPiece, pieceBytes/shortPiece
	default:
		p.largest = min(max(2*largest, pieceBytes/longPiece), pieceBytes/shortPiece)
		p.length = pieceBytes / p.largest
	}
}
