package weaviate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/enactdev/enact/driver"
)

// What filters ask for is stored with each document as tokens, in one property that
// Weaviate indexes by whole values. So any key can be filtered, whatever its values
// are from one document to the next, without a change of the schema. A token is a
// hash of a fact about the metadata: that a field is there, that it has a value, or
// that it has a value which begins in a certain way when it is written so that the
// order of bytes is the order of values. A range of values is a set of such
// beginnings.

// tokenLength is the length of a token: 128 bits in base64.
const tokenLength = 22

// Tokens that are no hashes.
const (
	tokenAll     = "all"     // every document has it
	tokenExtreme = "extreme" // the embedding is not in the index
	tokenMany    = "many"    // the document has too many facts, and no other tokens
)

// mostTokens bounds the tokens of a document. One that would have more is asked for
// with every filter, and looked at by this program.
const mostTokens = 4096

// Kinds of facts.
const (
	factExists = 'e'
	factEquals = '='
	factNumber = 'n' // begins with, as a number
	factString = 's' // begins with, as a string
)

// token returns the one for a fact.
func token(fact byte, key string, value ...byte) string {
	text := make([]byte, 0, 16+len(key)+len(value))
	text = append(text, fact)
	text = binary.AppendUvarint(text, uint64(len(key)))
	text = append(text, key...)
	text = append(text, value...)
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// tokensOf returns the tokens of a document, each once.
func tokensOf(metadata json.RawMessage) ([]string, error) {
	fields, err := driver.ParseMetadata(metadata)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{tokenAll: true}
	tokens := []string{tokenAll}
	add := func(t string) {
		if !seen[t] {
			seen[t] = true
			tokens = append(tokens, t)
		}
	}
	for key, field := range fields {
		add(token(factExists, key))
		for _, v := range driver.ScalarsOf(field) {
			add(equalsToken(key, v))
			if fact, text, ok := sortable(v); ok {
				for n := range min(2*len(text), longestBeginning) {
					add(token(fact, key, beginning(text, n+1)...))
				}
			}
			if len(tokens) > mostTokens {
				return []string{tokenAll, tokenMany}, nil
			}
		}
	}
	return tokens, nil
}

// equalsToken is the same for values that are equal.
func equalsToken(key string, v driver.Value) string {
	switch v.Kind() {
	case driver.KindNull:
		return token(factEquals, key, 'z')
	case driver.KindBool:
		if v.AsBool() {
			return token(factEquals, key, 't')
		}
		return token(factEquals, key, 'f')
	}
	fact, text, _ := sortable(v)
	return token(factEquals, key, append([]byte{fact}, text...)...)
}

// longestBeginning is how many half bytes of a value there are tokens for: all of a
// number, and of a string what a date takes.
const longestBeginning = 20

// beginning returns n half bytes of a text, in a form that tells odd from even.
func beginning(text []byte, n int) []byte {
	begin := append([]byte{byte(n)}, text[:(n+1)/2]...)
	if n%2 == 1 {
		begin[len(begin)-1] &= 0xf0
	}
	return begin
}

// sortable writes a number or a string so that the order of bytes is the order of
// values, and equal numbers are written alike. A number is a float64 that is not
// above it, and how far it is above that, which an integer beyond 2⁵³ can be; zeros at
// the end are left out.
func sortable(v driver.Value) (fact byte, text []byte, ok bool) {
	switch v.Kind() {
	case driver.KindString:
		return factString, []byte(v.AsString()), true
	case driver.KindInt:
		floor, rest := floorFloat(v.AsInt())
		return factNumber, sortableNumber(floor, rest), true
	case driver.KindFloat:
		return factNumber, sortableNumber(v.AsFloat(), 0), true
	}
	return 0, nil, false
}

func sortableNumber(f float64, rest uint16) []byte {
	if f == 0 {
		f = 0 // not minus zero
	}
	bits := math.Float64bits(f)
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	text := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, bits), rest)
	for len(text) > 0 && text[len(text)-1] == 0 {
		text = text[:len(text)-1]
	}
	return text
}

// floorFloat returns the greatest float64 that is not above i, and the difference,
// which is less than 2¹¹.
func floorFloat(i int64) (floor float64, rest uint16) {
	floor = float64(i)
	if driver.Float(floor).Equal(driver.Int(i)) {
		return floor, 0
	}
	if order, _ := driver.Float(floor).Compare(driver.Int(i)); order > 0 {
		floor = math.Nextafter(floor, math.Inf(-1))
	}
	return floor, uint16(i - int64(floor))
}
