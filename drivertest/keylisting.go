package drivertest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

var keyListChecks = []check{
	{rule: "S5", name: "literal-prefix", why: "clearing the keys of one run would clear those of another", role: driver.RoleState, run: keyPrefixesAreLiteral},
	{rule: "S5", name: "pages", why: "a key would be left out or listed twice, or described as it once was", role: driver.RoleState, run: keyPagesAreWhole},
	{rule: "S5", name: "while-changing", why: "who works through the keys page by page would miss some", role: driver.RoleState, run: keyListingWhileKeysComeAndGo},
	{rule: "S5", name: "while-racing", why: "who works through the keys while others write would miss some", role: driver.RoleState, run: keyListingWhileOthersWrite},
	{rule: "S5", name: "without-values", why: "listing a few keys would take as much memory as all their values have", role: driver.RoleState, alone: true, run: keyListingLoadsNoValues},
}

// keyPrefixesAreLiteral lists by every prefix of every key.
func keyPrefixesAreLiteral(t *trial) {
	keys := slices.Concat(nastyIDs, []string{
		"p", "p%", "p%q", "p%%q", "p_", "p_q", "p*", "p*q", "p?q", "p[", "p[q", "p[a-z]", "p[^q]", "p\\", "p\\q", "p\\%q", "pxq", "pq", "P%q", "p{q}", "p.q", "p$", "^p", "p|q",
		"日", "日本", "本", "ü", "u\u0308", "üü", "\U0010ffff", "\U0010ffffx", "\x7f\x7f", "\u0080", "p\uffffx", "p\U0001F600", "p\U0010ffff\U0010ffff",
	})
	slices.Sort(keys)
	keys = slices.Compact(keys)
	versions := map[string]uint64{}
	for _, key := range slices.Backward(keys) {
		versions[key] = t.set(t.State, key, "x")
	}
	prefixes := map[string]bool{"": true, "nothing": true, "pp": true, "p%_": true, "\U0010fffe": true, "P": true, "__": true, "%%": true, strings.Repeat("y", 255): true}
	for _, key := range keys {
		prefixes[key] = true
		for end := range key {
			if end < 4 || end > 252 || len(key) < 100 && end%5 == 0 {
				prefixes[key[:end]] = true
			}
		}
	}
	for prefix := range prefixes {
		var want []driver.EntryInfo
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, driver.EntryInfo{Key: key, Version: versions[key]})
			}
		}
		did := fmt.Sprintf("the keys that begin with %q", prefix)
		limit := 7
		if t.rand.IntN(2) == 0 {
			limit = driver.MaxPageLimit
		}
		if got := walk(t, did, limit, keysOf(t.State, prefix)); len(got)+len(want) > 0 {
			equal(t, did, got, want)
		}
	}
}

// keyPagesAreWhole lists keys that were made, overwritten and deleted in disorder,
// more of them than some engines return at once.
func keyPagesAreWhole(t *trial) {
	const n = 120
	states := t.twoStates()
	versions := map[string]uint64{}
	for _, i := range t.rand.Perm(n) {
		key := fmt.Sprintf("k%03d", i)
		versions[key] = t.set(states[i%2], key, "first")
	}
	lasting := map[string]driver.EntryInfo{}
	for i := 0; i < n; i += 7 {
		key := fmt.Sprintf("k%03d", i)
		versions[key] = t.set(states[1], key, "second")
	}
	for i := 3; i < n; i += 20 {
		key := fmt.Sprintf("k%03d", i)
		lasting[key] = t.setLasting(states[0], key, "third", driver.SetOptions{TTL: time.Duration(i) * time.Hour})
	}
	var want, ten []driver.EntryInfo
	for i := range n {
		key := fmt.Sprintf("k%03d", i)
		if i%11 == 5 {
			t.deleteKey(states[0], key)
			continue
		}
		info, ok := lasting[key]
		if !ok {
			info = driver.EntryInfo{Key: key, Version: versions[key]}
		}
		want = append(want, info)
		if i/10 == 4 {
			ten = append(ten, info)
		}
	}
	for _, s := range states {
		lists(t, "the keys", t.keysLike(s, "", want), want)
		lists(t, `the keys that begin with "k04"`, t.keysLike(s, "k04", ten), ten)
	}
	for _, limit := range []int{10, 50, 100, driver.MaxPageLimit} {
		equal(t, fmt.Sprintf("the keys in pages of %d", limit), walk(t, "the keys", limit, t.keysLike(t.State, "k", want)), want)
	}
}

func keyListingWhileKeysComeAndGo(t *trial) {
	for i := range 10 {
		t.set(t.State, fmt.Sprintf("k%d goes", i), "x")
		t.set(t.State, fmt.Sprintf("k%d stays", i), "x")
	}
	seen := map[string]int{}
	page := driver.Page{Limit: 3}
	for n := 0; ; n++ {
		items, next, err := t.State.List(t.ctx, "k", page)
		t.ok("List", err)
		for _, info := range items {
			seen[info.Key]++
			if strings.HasSuffix(info.Key, "goes") {
				t.deleteKey(t.State, info.Key)
			}
		}
		t.set(t.State, fmt.Sprintf("k%d goes", 9-n%10), "back again")
		t.set(t.State, fmt.Sprintf("k%d added", n%10), "x")
		t.set(t.State, fmt.Sprintf("k%d stays", n%10), "another value, which is longer")
		t.set(t.State, fmt.Sprintf("k%d stays", 9-n%10), "")
		if n == 50 {
			t.fatal("List page by page", "51 pages of 3 and another cursor", "an end: there are at most 30 keys")
		}
		if next == "" {
			break
		}
		page.Cursor = next
	}
	for i := range 10 {
		if key := fmt.Sprintf("k%d stays", i); seen[key] != 1 {
			t.fatal("List page by page while keys come and go", fmt.Sprintf("key %q %d times", key, seen[key]), "once: it was there all the time")
		}
	}
	for key, times := range seen {
		if times > 1 {
			t.fatal("List page by page while keys come and go", fmt.Sprintf("key %q %d times", key, times), "each key at most once")
		}
	}
}

// keyListingWhileOthersWrite walks through keys of which one half is overwritten
// and the other comes and goes.
func keyListingWhileOthersWrite(t *trial) {
	const n, writers = 8, 2
	states := t.twoStates()
	for i := range n {
		t.set(t.State, fmt.Sprintf("k%d stays", i), "x")
	}
	var over atomic.Int32
	t.together(writers+2, func(w int) {
		s := states[w%2]
		if w < writers {
			defer over.Add(1)
			for i := range t.rounds(40, 150) {
				var err error
				switch key := fmt.Sprintf("k%d ", (i*5+w)%n); {
				case i%2 == 0:
					_, err = s.Set(t.shaken(), key+"stays", fmt.Append(nil, i), driver.SetOptions{})
				case i%4 == 1:
					_, err = s.Set(t.shaken(), key+"comes", nil, driver.SetOptions{})
				default:
					err = s.Delete(t.shaken(), key+"comes", driver.Precondition{})
				}
				t.ok("a write", err)
			}
			return
		}
		last := map[string]uint64{}
		for walks := 0; walks < 2 || (over.Load() < writers && walks < 200); walks++ {
			t.walkInOrder(s, n, last)
		}
	})
}

// walkInOrder ends the check unless the listing is in order and holds the n keys
// that stay, none at a version below the last.
func (t *trial) walkInOrder(s driver.StateStore, n int, last map[string]uint64) {
	before, stay := "", 0
	page := driver.Page{Limit: 3}
	for {
		items, next, err := s.List(t.shaken(), "k", page)
		t.ok("List while others write", err)
		for _, info := range items {
			if info.Key <= before {
				t.fatal("List while others write", fmt.Sprintf("key %q after %q", info.Key, before), "byte order, each key once")
			}
			if info.Version < last[info.Key] {
				t.fatal("List while others write", fmt.Sprintf("version %d of key %q after %d", info.Version, info.Key, last[info.Key]), "a version that is not below the one before")
			}
			before, last[info.Key] = info.Key, info.Version
			if strings.HasSuffix(info.Key, "stays") {
				stay++
			}
		}
		if next == "" {
			break
		}
		page.Cursor = next
	}
	if stay != n {
		t.fatal("List while others write", fmt.Sprintf("%d of the keys that are always there", stay), fmt.Sprint("all ", n))
	}
}

func keyListingLoadsNoValues(t *trial) {
	value := t.patterned(3 << 20)
	for i := range 4 {
		_, err := t.State.Set(t.ctx, fmt.Sprint("key ", i), value, driver.SetOptions{})
		t.ok("Set", err)
	}
	t.allocatesLess("List of 4 keys with 3 MiB each", 3<<20, func() {
		items, _, err := t.State.List(t.ctx, "key", driver.Page{Limit: 4})
		t.ok("List", err)
		equal(t, "the number of keys", len(items), 4)
	})
}

// allocatesLess ends the check if f allocates limit bytes or more each time. Other
// goroutines count, too: the check must be alone.
func (t *trial) allocatesLess(did string, limit uint64, f func()) {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least >= limit {
		t.fatal(did, fmt.Sprintf("%d bytes of memory", least), fmt.Sprintf("fewer than %d: it takes none of the data", limit))
	}
}
