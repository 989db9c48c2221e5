package driver

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
)

// FuzzCursorComesBack: every position comes back from its cursor, and from no cursor
// that differs in a byte. A checksum of 32 bits is certain to see that.
func FuzzCursorComesBack(f *testing.F) {
	f.Add("", "", "", 0, byte(1))
	f.Add(Scope("state", "acme", "a"), "key", "7", 3, byte(0x80))
	f.Add(Scope("messages", "é", "\x00"), "\x00\xff", "'; --", 9, byte(0xff))
	f.Fuzz(func(t *testing.T, scope, a, b string, at int, change byte) {
		for _, position := range [][]string{{a}, {a, b}, {b, a, a}, {a + b, ""}} {
			cursor := EncodeCursor(scope, position...)
			got, err := DecodeCursor(scope, cursor, len(position))
			if err != nil || !slices.Equal(got, position) {
				t.Fatalf("position %q came back as %q, error %v", position, got, err)
			}
			for _, parts := range []int{0, len(position) - 1, len(position) + 1} {
				if got, err := DecodeCursor(scope, cursor, parts); !errors.Is(err, ErrInvalid) {
					t.Errorf("position %q as one of %d parts is %q, error %v; it should be ErrInvalid", position, parts, got, err)
				}
			}
			body, err := base64.RawURLEncoding.DecodeString(string(cursor))
			if err != nil {
				t.Fatal(err)
			}
			if change == 0 {
				continue
			}
			body[uint(at)%uint(len(body))] ^= change
			if got, err := DecodeCursor(scope, Cursor(base64.RawURLEncoding.EncodeToString(body)), len(position)); !errors.Is(err, ErrInvalid) {
				t.Errorf("position %q with a byte changed is %q, error %v; it should be ErrInvalid", position, got, err)
			}
		}
	})
}

// FuzzScope: two selections share a name only if they are one.
func FuzzScope(f *testing.F) {
	f.Add("state", "acme", "state\x04acme", "")
	f.Add("a", "b", "ab", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		all := [][]string{{a, b}, {c, d}, {a + b}, {c + d}, {a, b, c}, {a, b + c}, {a + b, c}, {a}, {b}, {}, {""}}
		for _, one := range all {
			for _, other := range all {
				if (Scope(one...) == Scope(other...)) != slices.Equal(one, other) {
					t.Errorf("%q and %q share the scope %q", one, other, Scope(one...))
				}
			}
		}
	})
}
