package driver

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCursorComesBack(t *testing.T) {
	for _, position := range [][]string{{""}, {"a"}, {"a", "b"}, {"", "", ""}, {"\x00\xff", "é"}, {string(make([]byte, 300))}} {
		cursor := EncodeCursor("scope", position...)
		got, err := DecodeCursor("scope", cursor, len(position))
		if err != nil || !slices.Equal(got, position) {
			t.Errorf("position %q came back as %q, error %v", position, got, err)
		}
		if _, err := DecodeCursor("scope", cursor, len(position)+1); !errors.Is(err, ErrInvalid) {
			t.Errorf("position %q with a part too few: error %v; it should be ErrInvalid", position, err)
		}
	}
}

// B11: a cursor that was truncated, changed or made for another listing is refused.
func TestCursorOfAnotherListingIsInvalid(t *testing.T) {
	cursor := EncodeCursor(Scope("list", "tenant"), "position", "7")
	for _, scope := range []string{Scope("list", "Tenant"), Scope("listt", "enant"), Scope("list"), Scope("list", "tenant", ""), ""} {
		if _, err := DecodeCursor(scope, cursor, 2); !errors.Is(err, ErrInvalid) {
			t.Errorf("scope %q: error %v; it should be ErrInvalid", scope, err)
		}
	}
	for n := range len(cursor) {
		if _, err := DecodeCursor(Scope("list", "tenant"), cursor[:n], 2); !errors.Is(err, ErrInvalid) {
			t.Errorf("cut to %d bytes: error %v; it should be ErrInvalid", n, err)
		}
		changed := []byte(cursor)
		for _, b := range []byte("Aa0_=\n\x00") {
			if changed[n] = b; Cursor(changed) == cursor {
				continue
			}
			if _, err := DecodeCursor(Scope("list", "tenant"), Cursor(changed), 2); !errors.Is(err, ErrInvalid) {
				t.Errorf("byte %d changed to %q: error %v; it should be ErrInvalid", n, b, err)
			}
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add("scope", string(EncodeCursor("scope", "a", "b")), 2)
	f.Add("", "", 0)
	f.Fuzz(func(t *testing.T, scope, cursor string, parts int) {
		position, err := DecodeCursor(scope, Cursor(cursor), parts&7)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("error %v; it should be ErrInvalid", err)
			}
			return
		}
		again, err := DecodeCursor(scope, EncodeCursor(scope, position...), len(position))
		if err != nil || !slices.Equal(again, position) {
			t.Errorf("position %q came back as %q, error %v", position, again, err)
		}
	})
}

func TestPageNormalize(t *testing.T) {
	for limit, want := range map[int]int{0: DefaultPageLimit, 1: 1, MaxPageLimit: MaxPageLimit, -1: -1, MaxPageLimit + 1: -1} {
		got, err := Page{Limit: limit}.Normalize()
		if want < 0 {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("limit %d: error %v; it should be ErrInvalid", limit, err)
			}
		} else if err != nil || got.Limit != want {
			t.Errorf("limit %d became %d, error %v; it should be %d", limit, got.Limit, err, want)
		}
	}
}

func TestScopesDiffer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string][]string{}
	for range 10_000 {
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = "ab\x01\x02"[:r.IntN(5)]
		}
		if old, ok := seen[Scope(parts...)]; ok && !slices.Equal(old, parts) {
			t.Fatalf("%q and %q have the same scope", old, parts)
		}
		seen[Scope(parts...)] = parts
	}
}
