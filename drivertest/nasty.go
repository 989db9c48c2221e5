package drivertest

import (
	"bytes"
	"slices"
	"strings"
)

// nastyIDs are identifiers that careless stores mix up, cut, or take for code.
// They are in byte order.
var nastyIDs = slices.Sorted(slices.Values([]string{
	"a", "A", "a ", " a", "a\t", "a\n", "aa",
	"a/b", "a:b", "a|b", "a\x1fb", "a%2Fb", "a%2fb", "a.b", "a,b", "b/a", "a-b", "a_b", "a b",
	"é", "e\u0301", "É", "日本語", "\U0001F600", "\u00a0", "\u200b", "\ufeff", "\ufeffa", "\uffff", "ß", "ss", "ı", "i", "I",
	"%", "_", "*", "?", "[a]", "\\", "\\0", "%00", "..", "../a", "/", "//", ".", "{a}", "{b}",
	"'", "''", `"`, "`", "a' OR '1'='1", `"; DROP TABLE events; --`, "NULL", "null", "0", "00", "1", "1.0", "1e0", "-1", "true",
	"{}", "$a", "${a}", "\x7f", "\x01", "\r\n", "#", "&", "=", "+", "a+b",
	"01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-774B-BCCE-B302099A8057",
	strings.Repeat("x", 255), strings.Repeat("x", 254), strings.Repeat("x", 254) + "y", strings.Repeat("x", 32) + "y", strings.Repeat("x", 32) + "z",
	strings.Repeat("é", 127), strings.Repeat("\U0001F600", 63),
}))

// nastyBytes are payloads, values and contents that careless stores change.
var nastyBytes = map[string][]byte{
	"nil":                  nil,
	"empty":                {},
	"a NUL":                {0},
	"a NUL in the middle":  []byte("a\x00b"),
	"a NUL at the end":     []byte("a\x00"),
	"invalid UTF-8":        {0xff, 0xfe, 0x80, 0xc0, 0xed, 0xa0, 0x80},
	"every byte":           everyByte(),
	"spaces":               []byte("  \t\r\n "),
	"a newline at the end": []byte("a\n"),
	"big integers":         []byte(`{"n": 9007199254740993, "m": 18446744073709551616, "f": 1e400, "z": -0.0}`),
	"duplicate keys":       []byte(`{"b":1,"a":2,"b":3}`),
	"space in JSON":        []byte(" { \"a\" :\t[ 1 , 2 ]\r\n} "),
	"null":                 []byte("null"),
	"HTML and separators":  []byte("<a href='x'>&\u2028\u2029</a>"),
	"a byte order mark":    []byte("\ufeffx"),
	"composed":             []byte("é"),
	"decomposed":           []byte("e\u0301"),
	"a replacement rune":   []byte("\ufffd"),
	"an escaped NUL":       []byte(`"\u0000"`),
	"a lone surrogate":     []byte(`"\ud800"`),
	"code":                 []byte(`'; DROP TABLE state; -- " \ %s $1 ?`),
	"32 KiB and a byte":    bytes.Repeat([]byte{'x'}, 32<<10+1),
	"64 KiB":               bytes.Repeat([]byte("0123456789abcde\xff"), 1<<12),
	"a mebibyte":           bytes.Repeat([]byte("0123456789abcde\x00"), 1<<16),
}

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// notNil is b as it comes back where empty is not told from nil.
func notNil(b []byte) []byte { return append([]byte{}, b...) }

// scribble overwrites what b points to, spare capacity included.
func scribble(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = '#'
	}
}
