package hostile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/proof/stores"
)

// FuzzCursor gives one listing of each store in memory any text as a cursor, and any
// position under a right checksum.
func FuzzCursor(f *testing.F) {
	var all []*besieged
	for _, target := range stores.InMemory() {
		all = append(all, besiege(f, target))
	}
	for which := range all[0].listings {
		for _, c := range slices.Concat(all[0].cursors, all[0].foreign) {
			f.Add(string(c), "a of own", "1", 2, which)
		}
		for shape, part := range []string{"", "a of other", "9223372036854775808", "-1", "\x00", "\xff", "'; --", strings.Repeat("a", 300)} {
			f.Add(part, part, part, shape, which)
		}
	}
	f.Fuzz(func(t *testing.T, text, a, b string, shape, which int) {
		position := [][]byte{positionOf(a), positionOf(a, b), positionOf(a, b, a), []byte(text)}[uint(shape)%4]
		for _, s := range all {
			i := int(uint(which) % uint(len(s.listings)))
			l := s.listings[i]
			own := enact.Cursor(text) == s.cursors[i] || text == ""
			if s.check(t, l, enact.Cursor(text), "the text") && !own && (slices.Contains(s.foreign, enact.Cursor(text)) || slices.Contains(s.cursors, enact.Cursor(text))) {
				t.Errorf("%s: listing %s took another's cursor %q", s.target.Name, l.name, text)
			}
			if s.cursors[i] != "" {
				s.check(t, l, resumed(s.cursors[i], position), "a forged cursor")
			}
		}
	})
}
