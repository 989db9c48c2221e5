package redis

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestLostKeys: a server that evicts may drop any key of a tenant. What is left is still
// right: no version comes again, no entry is torn, and what is set anew is listed (S3).
func TestLostKeys(t *testing.T) {
	t.Parallel()
	server := plain.get(t)
	for _, lost := range []string{keyNames, keyExpiries, keyClock, keyEntry + "a"} {
		dsn := server.DSN(newPrefix(), often)
		b := open(t, dsn).(*backend)
		s := b.Tenant("t").State.(state)
		highest := map[string]uint64{}
		set := func(key string, o driver.SetOptions) {
			t.Helper()
			version := testkit.Must(s.Set(t.Context(), key, []byte(key), o))(t)
			if version <= highest[key] {
				t.Errorf("without %s, version %d of key %q follows %d", lost, version, key, highest[key])
			}
			highest[key] = version
		}
		for range 3 {
			set("a", driver.SetOptions{})
			set("b", driver.SetOptions{TTL: time.Hour})
		}
		if n := testkit.Must(server.Client().Del(t.Context(), s.tag+lost).Result())(t); n != 1 {
			t.Fatalf("there was no key %s", lost)
		}
		for _, key := range []string{"a", "b"} {
			e, err := s.Get(t.Context(), key)
			if gone := lost == keyEntry+key; gone != errors.Is(err, driver.ErrNotFound) || !gone && (string(e.Value) != key || e.Version != highest[key]) {
				t.Errorf("without %s, key %q is %+v, %v", lost, key, e, err)
			}
		}
		listed, _, err := s.List(t.Context(), "", driver.Page{Limit: 10})
		testkit.Check(t, err)
		for _, info := range listed {
			if lost == keyEntry+info.Key || info.Version != highest[info.Key] {
				t.Errorf("without %s, there is %+v in the list", lost, info)
			}
		}
		set("a", driver.SetOptions{})
		set("b", driver.SetOptions{TTL: time.Millisecond})
		testkit.Await(t, "the list is right again without "+lost, func() bool {
			listed, _, err := s.List(t.Context(), "", driver.Page{Limit: 10})
			return err == nil && len(listed) == 1 && listed[0] == driver.EntryInfo{Key: "a", Version: highest["a"]}
		})
		testkit.Await(t, "the expired key is reclaimed without "+lost, func() bool { return heldKeys(t, dsn) == 1 })
		set("b", driver.SetOptions{When: driver.IfAbsent()})
	}
}

// TestRenewedForEver: a key that was to expire and is set again without a TTL stays, and
// is not looked at by the sweeper again.
func TestRenewedForEver(t *testing.T) {
	t.Parallel()
	server := plain.get(t)
	b := open(t, server.DSN(newPrefix(), often)).(*backend)
	s := b.Tenant("t").State.(state)
	for i := range 20 {
		testkit.Must(s.Set(t.Context(), fmt.Sprint(i), nil, driver.SetOptions{TTL: 50 * time.Millisecond}))(t)
		if i%2 == 0 {
			testkit.Must(s.Set(t.Context(), fmt.Sprint(i), nil, driver.SetOptions{}))(t)
		}
	}
	testkit.Await(t, "nothing is known to expire", func() bool {
		n, err := server.Client().ZCard(t.Context(), s.tag+keyExpiries).Result()
		return err == nil && n == 0
	})
	listed, _, err := s.List(t.Context(), "", driver.Page{Limit: 100})
	if err != nil || len(listed) != 10 {
		t.Errorf("%d keys are left, %v, want the 10 that were set again", len(listed), err)
	}
	if n := testkit.Must(server.Client().ZCard(t.Context(), s.tag+keyNames).Result())(t); n != 10 {
		t.Errorf("%d names are left, want 10", n)
	}
}

// TestForeignValue: what another program has put in the place of an entry is an error
// and not a value, and is replaced or removed as any other.
func TestForeignValue(t *testing.T) {
	t.Parallel()
	server := plain.get(t)
	s := open(t, server.DSN(newPrefix())).(*backend).Tenant("t").State.(state)
	for _, foreign := range []string{"", "value", "12", "12 0", "x 0 value", " "} {
		for _, key := range []string{"a", "b"} {
			testkit.Must(s.Set(t.Context(), key, nil, driver.SetOptions{}))(t)
			testkit.Check(t, server.Client().Set(t.Context(), s.tag+keyEntry+key, foreign, 0).Err())
			_, err := s.Get(t.Context(), key)
			wantUnknown(t, "Get of a foreign value", err, "not of this driver", key)
		}
		testkit.Must(s.Set(t.Context(), "a", []byte("new"), driver.SetOptions{}))(t)
		testkit.Check(t, s.Delete(t.Context(), "b", driver.Precondition{}))
		if got := testkit.Must(s.Get(t.Context(), "a"))(t); string(got.Value) != "new" {
			t.Errorf("a foreign value was replaced by %q", got.Value)
		}
	}
}

// TestManyAtOnce: more keys than package enact would name at once are all set, and listed.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, plain.get(t).DSN(newPrefix())).Tenant("t").State.(state)
	var items []driver.SetItem
	for i := range 5_000 {
		items = append(items, driver.SetItem{Key: fmt.Sprintf("%04d", i), Value: []byte("value")})
	}
	versions := map[string]uint64{}
	for i, r := range s.SetEach(t.Context(), items) {
		testkit.Check(t, r.Err)
		versions[items[i].Key] = r.Version
	}
	listed := 0
	for page := (driver.Page{Limit: 1_000}); ; {
		infos, next, err := s.List(t.Context(), "", page)
		testkit.Check(t, err)
		for _, info := range infos {
			if info.Version != versions[info.Key] {
				t.Errorf("key %q is listed at version %d, want %d", info.Key, info.Version, versions[info.Key])
			}
			listed++
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	if listed != len(items) {
		t.Errorf("%d of %d keys are listed", listed, len(items))
	}
}
