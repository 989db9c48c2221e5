package sqlite

import (
	"math"

	"github.com/enactdev/enact/driver"
)

// column is one metadata field of every row of a matrix.
type column struct {
	cells []cellKind
	words []uint64 // a bool, a number's bits, or a place in texts or lists
	texts []string
	known map[string]uint64 // where short texts are
	lists [][]driver.Value
	held  int // the bytes of texts and lists
}

// cellKind is what a field holds in one row.
type cellKind uint8

const (
	cellMissing cellKind = iota
	cellEmpty            // the field is there, and has no scalar in it
	cellNull
	cellBool
	cellInt
	cellFloat
	cellText
	cellList // of several scalars
)

// Texts of at most sharedText bytes are kept once, as long as they are few.
const (
	sharedText  = 64
	sharedTexts = 1 << 12
)

// What a row, a text, a list and a value take, beside a text's bytes.
const (
	rowBytes   = 9
	textBytes  = 16
	knownBytes = 48
	listBytes  = 24
	valueBytes = 32
)

func newColumn(rows int) *column {
	return &column{cells: make([]cellKind, rows), words: make([]uint64, rows), known: map[string]uint64{}}
}

// bytes is what the column takes.
func (c *column) bytes() int {
	if c == nil {
		return 0
	}
	return cap(c.cells) + 8*cap(c.words) + c.held
}

func (c *column) grow() {
	if c != nil {
		c.cells, c.words = append(c.cells, cellMissing), append(c.words, 0)
	}
}

// remove fills the gap with the last row.
func (c *column) remove(place int32) {
	if c == nil {
		return
	}
	last := len(c.cells) - 1
	c.cells[place], c.words[place] = c.cells[last], c.words[last]
	c.cells, c.words = c.cells[:last], c.words[:last]
}

// set replaces what a row has.
func (c *column) set(place int32, values []driver.Value, there bool) {
	if c == nil {
		return
	}
	c.cells[place], c.words[place] = cellMissing, 0
	switch {
	case len(values) == 1:
		c.setScalar(place, values[0])
	case len(values) > 1:
		c.setList(place, values)
	case there:
		c.cells[place] = cellEmpty
	}
}

// add adds a row of the attributes table.
func (c *column) add(place int32, a attribute) {
	switch {
	case a.kind == kindPresent:
		c.cells[place] = cellEmpty
	case c.cells[place] == cellMissing:
		c.setScalar(place, a.scalar())
	default:
		c.setList(place, append(c.values(place, nil), a.scalar()))
	}
}

func (c *column) setScalar(place int32, v driver.Value) {
	switch v.Kind() {
	case driver.KindNull:
		c.cells[place] = cellNull
	case driver.KindBool:
		c.cells[place] = cellBool
		if v.AsBool() {
			c.words[place] = 1
		}
	case driver.KindInt:
		c.cells[place], c.words[place] = cellInt, uint64(v.AsInt())
	case driver.KindFloat:
		c.cells[place], c.words[place] = cellFloat, math.Float64bits(v.AsFloat())
	case driver.KindString:
		c.cells[place], c.words[place] = cellText, c.text(v.AsString())
	}
}

// text returns a place in texts.
func (c *column) text(s string) uint64 {
	if at, ok := c.known[s]; ok {
		return at
	}
	at := uint64(len(c.texts))
	c.texts = append(c.texts, s)
	c.held += textBytes + len(s)
	if len(s) <= sharedText && len(c.known) < sharedTexts {
		c.known[s] = at
		c.held += knownBytes
	}
	return at
}

// setList keeps values. A list that grows takes the place of what it was.
func (c *column) setList(place int32, values []driver.Value) {
	if c.cells[place] == cellList {
		added := values[len(values)-1]
		c.lists[c.words[place]] = values
		c.held += valueBytes + len(added.AsString())
		return
	}
	c.cells[place], c.words[place] = cellList, uint64(len(c.lists))
	c.lists = append(c.lists, values)
	c.held += listBytes
	for _, v := range values {
		c.held += valueBytes + len(v.AsString())
	}
}

// values returns the scalars of a row, in buffer if they are not a list.
func (c *column) values(place int32, buffer []driver.Value) []driver.Value {
	word := c.words[place]
	switch c.cells[place] {
	case cellNull:
		return append(buffer, driver.Null())
	case cellBool:
		return append(buffer, driver.Bool(word != 0))
	case cellInt:
		return append(buffer, driver.Int(int64(word)))
	case cellFloat:
		return append(buffer, driver.Float(math.Float64frombits(word)))
	case cellText:
		return append(buffer, driver.String(c.texts[word]))
	case cellList:
		return c.lists[word]
	}
	return buffer
}

// condition returns a function that tells whether a row matches a condition on this
// field.
func (c *column) condition(f driver.Filter) func(place int32) bool {
	least, greatest, isRange := intRange(f)
	return func(place int32) bool {
		if isRange && c.cells[place] == cellInt { // most filters, and much faster
			n := int64(c.words[place])
			return least <= n && n <= greatest
		}
		var one [1]driver.Value
		return f.MatchField(c.values(place, one[:0]), c.cells[place] != cellMissing)
	}
}

// intRange returns the integers that a comparison with an integer selects, from the
// least to the greatest.
func intRange(f driver.Filter) (least, greatest int64, ok bool) {
	if len(f.Values) != 1 || f.Values[0].Kind() != driver.KindInt {
		return 0, 0, false
	}
	n := f.Values[0].AsInt()
	switch f.Op {
	case driver.OpEq:
		return n, n, true
	case driver.OpLte:
		return math.MinInt64, n, true
	case driver.OpGte:
		return n, math.MaxInt64, true
	case driver.OpLt:
		return math.MinInt64, n - 1, n != math.MinInt64
	case driver.OpGt:
		return n + 1, math.MaxInt64, n != math.MaxInt64
	}
	return 0, 0, false
}
