package postgres

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

// The attributes of a document are its metadata as filters see it: for each key,
// which is there even if it has no scalar, the scalars by kind, so that what is
// compared has one type and no comparison is unknown. {"a": [1, "x", {}], "b": null}
// has the attributes {"a": {"n": [1], "s": ["x"]}, "b": {"z": [true]}}.
const (
	kindNull   = "z"
	kindBool   = "b"
	kindNumber = "n"
	kindString = "s"
)

// attributesOf returns the attributes of a document as JSON.
func attributesOf(metadata json.RawMessage) (string, error) {
	fields, err := driver.ParseMetadata(metadata)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	separator := "{"
	for key, field := range fields {
		byKind := map[string][]string{}
		for _, v := range driver.ScalarsOf(field) {
			kind, literal := scalar(v)
			byKind[kind] = append(byKind[kind], literal)
		}
		text.WriteString(separator + quoted(key) + ":")
		inner := "{"
		for kind, literals := range byKind {
			text.WriteString(inner + quoted(kind) + ":[" + strings.Join(literals, ",") + "]")
			inner = ","
		}
		if inner == "{" {
			text.WriteString(inner)
		}
		text.WriteString("}")
		separator = ","
	}
	if separator == "{" {
		text.WriteString(separator)
	}
	text.WriteString("}")
	return text.String(), nil
}

// scalar returns the kind of a value and how it is written, in JSON and in a JSON
// path.
func scalar(v driver.Value) (kind, literal string) {
	switch v.Kind() {
	case driver.KindBool:
		return kindBool, strconv.FormatBool(v.AsBool())
	case driver.KindInt:
		return kindNumber, strconv.FormatInt(v.AsInt(), 10)
	case driver.KindFloat:
		return kindNumber, decimal(v.AsFloat())
	case driver.KindString:
		return kindString, quoted(v.AsString())
	}
	return kindNull, "true"
}

// decimal writes a float as a number that the server, which compares decimals,
// orders like the float, among floats and integers alike. From 2⁵³ on every float
// is a whole number, which is written exactly; below that the shortest decimal that
// is nearest to f is on the same side of every other float, and so of every
// integer. No finite float is beyond 1e400.
func decimal(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "1e400"
	case math.IsInf(f, -1):
		return "-1e400"
	case math.Abs(f) >= 1<<53:
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// quoted writes a string in UTF-8 as a literal that JSON and JSON paths read alike.
// The server's JSON has no NUL; \x01\x01 stands for it and \x01\x02 for \x01,
// which keeps the order of strings.
func quoted(s string) string {
	var text strings.Builder
	text.Grow(len(s) + 2)
	text.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0:
			text.WriteString(`\u0001\u0001`)
		case c == 1:
			text.WriteString(`\u0001\u0002`)
		case c < ' ':
			text.WriteString(`\u00` + string(hex[c>>4]) + string(hex[c&15]))
		case c == '"' || c == '\\':
			text.WriteByte('\\')
			text.WriteByte(c)
		default:
			text.WriteByte(c)
		}
	}
	text.WriteByte('"')
	return text.String()
}

const hex = "0123456789abcdef"
