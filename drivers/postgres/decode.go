package postgres

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/canonical"
)

// binaryResult asks for all columns in the binary format.
var binaryResult = pgx.QueryResultFormats{pgx.BinaryFormatCode}

// What is small shares memory with what comes next. Who keeps an ID or a payload keeps
// at most so many bytes with it.
const (
	sharedIDs      = 1 << 10
	sharedPayloads = 4 << 10
	smallPayload   = sharedPayloads / 4
)

// eventDecoder decodes rows of sequence, id, type, time and payload.
type eventDecoder struct {
	lastType string
	ids      *strings.Builder
	payloads []byte
}

// event decodes the row that rows is at. The payload is nil if it is NULL. What it
// returns is the caller's.
func (d *eventDecoder) event(rows pgx.Rows) (e driver.StoredEvent, err error) {
	for _, field := range rows.FieldDescriptions() {
		if field.Format != pgx.BinaryFormatCode {
			return scanEvent(rows)
		}
	}
	return d.binary(rows.RawValues())
}

// scanEvent is for a pool that has all values sent as text.
func scanEvent(rows pgx.Rows) (e driver.StoredEvent, err error) {
	var id []byte
	err = rows.Scan(&e.Sequence, &id, &e.Type, &e.Time, &e.Payload)
	e.ID, e.Time = unpackID(id), e.Time.UTC()
	return e, err
}

// binary decodes values as the functions int8send, byteasend, textsend and
// timestamptz_send of the server encode them. pgx does the same, and takes several
// times as long to find out how.
func (d *eventDecoder) binary(values [][]byte) (e driver.StoredEvent, err error) {
	if len(values) != 5 || len(values[0]) != 8 || values[1] == nil || values[2] == nil || len(values[3]) != 8 {
		return e, fmt.Errorf("the server's row of %d columns is no event", len(values))
	}
	if e.Time, err = decodeTime(values[3]); err != nil {
		return e, err
	}
	e.Sequence = binary.BigEndian.Uint64(values[0])
	e.ID, e.Type, e.Payload = d.id(values[1]), d.kind(values[2]), d.payload(values[4])
	return e, nil
}

// maxMicros is beyond the year 9999, the last that an event can have, and below the
// server's infinite times.
const maxMicros = 1 << 60

func decodeTime(value []byte) (time.Time, error) {
	micros := int64(binary.BigEndian.Uint64(value))
	if micros < -maxMicros || micros > maxMicros {
		return time.Time{}, fmt.Errorf("the time of an event, %d µs from 2000 on, is none that an event can have", micros)
	}
	return time.UnixMicro(micros + epochMicros).UTC(), nil
}

// id is unpackID, in memory that UUIDs share.
func (d *eventDecoder) id(stored []byte) driver.EventID {
	if len(stored) != len(uuid.UUID{}) {
		return unpackID(stored)
	}
	if d.ids == nil || d.ids.Cap()-d.ids.Len() < canonical.Length {
		d.ids = new(strings.Builder)
		d.ids.Grow(sharedIDs)
	}
	begin := d.ids.Len()
	var text [canonical.Length]byte
	d.ids.Write(canonical.Append(text[:0], uuid.UUID(stored)))
	return driver.EventID(d.ids.String()[begin:])
}

func (d *eventDecoder) kind(value []byte) string {
	if d.lastType != string(value) {
		d.lastType = string(value)
	}
	return d.lastType
}

func (d *eventDecoder) payload(value []byte) []byte {
	switch {
	case value == nil:
		return nil
	case len(value) > smallPayload:
		own := make([]byte, len(value))
		copy(own, value)
		return own
	case d.payloads == nil || cap(d.payloads)-len(d.payloads) < len(value):
		d.payloads = make([]byte, 0, sharedPayloads)
	}
	begin := len(d.payloads)
	d.payloads = append(d.payloads, value...)
	return d.payloads[begin:len(d.payloads):len(d.payloads)]
}
