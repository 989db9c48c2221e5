package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestEventsInEveryFormat: a history comes back the same whether the pool has values
// sent as text or in the binary format (E8).
func TestEventsInEveryFormat(t *testing.T) {
	t.Parallel()
	b := open(t, newDSN(t))
	var written []driver.Event
	for i, payload := range [][]byte{{}, []byte("\x00\xff"), bytes.Repeat([]byte("x"), smallPayload), bytes.Repeat([]byte("y"), smallPayload+1), {}, []byte("z")} {
		at := []time.Time{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)}[i%3]
		id := []driver.EventID{"01890a5d-ac96-774b-bcce-b302099a805" + driver.EventID('0'+rune(i)), driver.EventID(fmt.Sprint("sixteen bytes ok"[1:], i)), driver.EventID(fmt.Sprint(i))}[i%3]
		written = append(written, driver.Event{ID: id, Type: []string{"a", "a", "é"}[i%3], Payload: payload, Time: at})
	}
	testkit.Must(b.Tenant("t").Events.Append(t.Context(), "run", driver.ExpectLast(0), written))(t)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
		pool := newPool(t, serverOf(t).SocketDSN(), func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		other := testkit.Must(connectTo(t.Context(), NewConnector(pool, Schema(b.schema))))(t)
		defer shutdown(t, other)
		read := testkit.History(t, other, "run")
		same := slices.EqualFunc(written, read, func(e driver.Event, stored driver.StoredEvent) bool {
			return e.SameContent(stored.Event) && e.Time == stored.Time && stored.Payload != nil
		})
		if !same {
			t.Errorf("in mode %v the history is %+v, want %+v", mode, read, written)
		}
	}
}

// TestPayloadsShareNothing: a caller may change and append to a payload, and no other
// changes (B8).
func TestPayloadsShareNothing(t *testing.T) {
	t.Parallel()
	d := eventDecoder{}
	var payloads [][]byte
	for i := range 100 {
		answer := bytes.Repeat([]byte{byte(i)}, 100+i)
		payloads = append(payloads, testkit.Must(d.binary(eventRow("id", "type", answer)))(t).Payload)
		clear(answer)
	}
	for i, payload := range payloads {
		if !bytes.Equal(payload, bytes.Repeat([]byte{byte(i)}, 100+i)) {
			t.Fatalf("payload %d has become %x", i, payload)
		}
		clear(payload)
		_ = append(payload, 0xff)
	}
}

// TestMalformedRows: a row that is no event is an error, whatever is in it.
func TestMalformedRows(t *testing.T) {
	t.Parallel()
	d := eventDecoder{}
	if e, err := d.binary(eventRow("id", "type", nil)); err != nil || e.Payload != nil {
		t.Errorf("a payload that is NULL came back as %v, %v; want nil", e.Payload, err)
	}
	for column, values := range map[int][][]byte{
		0: {nil, {}, make([]byte, 7), make([]byte, 9)},
		1: {nil},
		2: {nil},
		3: {nil, {}, make([]byte, 4), make([]byte, 16), {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0, 0, 0, 0, 0}},
	} {
		for _, value := range values {
			row := eventRow("id", "type", []byte("payload"))
			row[column] = value
			if e, err := d.binary(row); err == nil {
				t.Errorf("a row with %x in column %d was read as %+v, want an error", value, column+1, e)
			}
		}
	}
	whole := eventRow("id", "type", []byte("payload"))
	for n := range whole {
		if e, err := d.binary(whole[:n]); err == nil {
			t.Errorf("a row of %d columns was read as %+v, want an error", n, e)
		}
	}
	if e, err := d.binary(append(whole, nil)); err == nil {
		t.Errorf("a row with a column more was read as %+v, want an error", e)
	}
}

// TestAnswerOfAnotherFunction: a schema whose function load is another release's ends
// the stream with an error, and the connection can be used again.
func TestAnswerOfAnotherFunction(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b := open(t, dsn)
	outside(t, dsn).exec("DROP FUNCTION enact.load", `CREATE FUNCTION enact.load(text, text, bigint, int, int)
		RETURNS TABLE (sequence int, id bytea, type text, "time" timestamptz, payload bytea) LANGUAGE sql AS $$ SELECT i, 'id'::bytea, 'type', now(), 'payload'::bytea FROM generate_series(1, 1000) i $$`)
	for range 3 {
		n, failed := 0, error(nil)
		for _, err := range b.Tenant("t").Events.Load(context.Background(), "run", 0) {
			n, failed = n+1, err
		}
		if n != 1 || failed == nil {
			t.Errorf("the stream had %d entries, the last with error %v; want one, an error", n, failed)
		}
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}

// eventRow is what the server sends of an event.
func eventRow(id, kind string, payload []byte) [][]byte {
	return [][]byte{binary.BigEndian.AppendUint64(nil, 1), []byte(id), []byte(kind), make([]byte, 8), payload}
}
