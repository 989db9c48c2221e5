package driver

import (
	"errors"
	"strings"
	"testing"
)

// FuzzValidateID: an identifier is what can be read rune by rune without a
// replacement, has 1 to 255 bytes and no NUL; anything else is refused in one line
// that stays short (B5).
func FuzzValidateID(f *testing.F) {
	for _, id := range []string{
		"", "a", "é", "e\u0301", "\U0001f600", "\ufffd", "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\x00", "a\x00b", "\n", "\u2028", "'; DROP TABLE events; --",
		strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("é", 127), strings.Repeat("é", 128), strings.Repeat("\xff", 300), strings.Repeat("a", 31) + strings.Repeat("é", 200),
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		valid := len(id) >= 1 && len(id) <= 255
		for _, r := range id {
			valid = valid && r != 0
		}
		// Only what is not UTF-8 changes on this way.
		valid = valid && string([]rune(id)) == id
		err := ValidateID("thing", TenantID(id))
		if (err == nil) != valid {
			t.Fatalf("%q: error %v; it is an identifier: %t", id, err, valid)
		}
		if err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "thing") || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 4*MaxIDBytes+100) {
			t.Errorf("%q: error %q; it should be ErrInvalid, in one line, and say what it is about", id, err)
		}
	})
}
