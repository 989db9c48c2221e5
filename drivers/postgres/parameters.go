package postgres

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/enactdev/enact/driver"
)

// parameters encodes those of a statement in the binary format, as the chapter
// "Frontend/Backend Protocol" of the server's manual and the functions array_send and
// timestamptz_send have it. pgx does the same, with several allocations for each array
// and element.
type parameters struct {
	buffer []byte
	ends   []int // of each value; negative: NULL
	values [][]byte
}

// maxKept bounds the memory that is kept for the next statement.
const maxKept = 1 << 20

var keptParameters = sync.Pool{New: func() any { return new(parameters) }}

func newParameters() *parameters {
	p := keptParameters.Get().(*parameters)
	p.buffer, p.ends = p.buffer[:0], p.ends[:0]
	return p
}

// free is for when nobody uses the values any more.
func (p *parameters) free() {
	if cap(p.buffer) <= maxKept {
		keptParameters.Put(p)
	}
}

// encoded returns the values.
func (p *parameters) encoded() [][]byte {
	p.values = p.values[:0]
	begin := 0
	for _, end := range p.ends {
		if end < 0 {
			p.values = append(p.values, nil)
			continue
		}
		p.values = append(p.values, p.buffer[begin:end:end])
		begin = end
	}
	return p.values
}

// end ends a value that is no array, or an array.
func (p *parameters) end() { p.ends = append(p.ends, len(p.buffer)) }

func (p *parameters) null() { p.ends = append(p.ends, -1) }

func (p *parameters) bool(b bool) {
	var value byte
	if b {
		value = 1
	}
	p.buffer = append(p.buffer, value)
	p.end()
}

func (p *parameters) text(s string) {
	p.buffer = append(p.buffer, s...)
	p.end()
}

func (p *parameters) uint32(n uint32) { p.buffer = binary.BigEndian.AppendUint32(p.buffer, n) }

// array begins an array with so many elements, at least one; end ends it.
func (p *parameters) array(element uint32, n int) {
	for _, field := range [...]uint32{1, 1, element, uint32(n), 1} { // dimensions, NULL may occur, type, length, first index
		p.uint32(field)
	}
}

func (p *parameters) textElement(s string) {
	p.uint32(uint32(len(s)))
	p.buffer = append(p.buffer, s...)
}

func (p *parameters) bytesElement(b []byte) {
	p.uint32(uint32(len(b)))
	p.buffer = append(p.buffer, b...)
}

// idElement adds the ID of an event, packed.
func (p *parameters) idElement(id driver.EventID) {
	length := len(p.buffer)
	p.uint32(0)
	p.buffer = appendPackedID(p.buffer, id)
	binary.BigEndian.PutUint32(p.buffer[length:], uint32(len(p.buffer)-length-4))
}

func (p *parameters) int4Element(n int32) {
	p.uint32(4)
	p.uint32(uint32(n))
}

func (p *parameters) int8Element(n int64) {
	p.uint32(8)
	p.buffer = binary.BigEndian.AppendUint64(p.buffer, uint64(n))
}

func (p *parameters) timeElement(t time.Time) { p.int8Element(t.UnixMicro() - epochMicros) }

func (p *parameters) nullElement() { p.uint32(1<<32 - 1) }

// epochMicros is where the server counts microseconds from.
var epochMicros = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// int8Array decodes an array of numbers none of which is NULL; nil is NULL itself.
func int8Array(value []byte) ([]int64, error) {
	const header, element = 20, 12
	switch {
	case value == nil:
		return nil, nil
	case len(value) < 12 || binary.BigEndian.Uint32(value[8:]) != pgtype.Int8OID:
		return nil, fmt.Errorf("the server's answer is no array of bigint")
	case binary.BigEndian.Uint32(value) == 0:
		return []int64{}, nil
	case len(value) < header || len(value) != header+element*int(binary.BigEndian.Uint32(value[12:])):
		return nil, fmt.Errorf("the server's array of bigint has %d bytes", len(value))
	}
	numbers := make([]int64, 0, (len(value)-header)/element)
	for rest := value[header:]; len(rest) > 0; rest = rest[element:] {
		numbers = append(numbers, int64(binary.BigEndian.Uint64(rest[4:])))
	}
	return numbers, nil
}
