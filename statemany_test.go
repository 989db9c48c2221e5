package enact

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// oneByOne is a store without driver.StateBatcher, which has the keys that were set and
// writes down what it was asked. fail says how it fails.
type oneByOne struct {
	driver.StateStore
	values map[string]string
	asked  []string
	fail   func(key string) error
}

func newOneByOne() *oneByOne {
	return &oneByOne{values: map[string]string{}, fail: func(string) error { return nil }}
}

func (s *oneByOne) Get(_ context.Context, key string) (Entry, error) {
	s.asked = append(s.asked, key)
	value, ok := s.values[key]
	if err := s.fail(key); err != nil || !ok {
		return Entry{}, errors.Join(err, driver.NotFoundf("key %q", key))
	}
	return Entry{EntryInfo: EntryInfo{Key: key}, Value: []byte(value)}, nil
}

func (s *oneByOne) Set(_ context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
	s.asked = append(s.asked, key)
	if err := s.fail(key); err != nil {
		return 0, err
	}
	s.values[key] = fmt.Sprintf("%s %v", value, o)
	return uint64(len(s.asked)), nil
}

// atOnce is a store with driver.StateBatcher, which writes down how much it was asked
// for at once.
type atOnce struct {
	*oneByOne
	pieces []int
	lost   int // how many results it forgets
}

func (s *atOnce) GetEach(ctx context.Context, keys []string) []GetResult {
	s.pieces = append(s.pieces, len(keys))
	results := make([]GetResult, len(keys))
	for i, key := range keys {
		results[i].Entry, results[i].Err = s.Get(ctx, key)
	}
	return results[s.lost:]
}

func (s *atOnce) SetEach(ctx context.Context, items []driver.SetItem) []SetResult {
	s.pieces = append(s.pieces, len(items))
	results := make([]SetResult, len(items))
	for i, item := range items {
		results[i].Version, results[i].Err = s.Set(ctx, item.Key, item.Value, item.Options)
	}
	return results[s.lost:]
}

func numbered(n int) (keys []string, items []SetItem) {
	for i := range n {
		keys = append(keys, fmt.Sprint("key ", i))
		items = append(items, SetItem{Key: keys[i], Value: fmt.Append(nil, "value ", i)})
	}
	return keys, items
}

// TestManyKeys: drivers with the ability and without it give the same results, in order,
// and no driver is asked for more at once than it was told.
func TestManyKeys(t *testing.T) {
	const n = 2*driver.MaxEachKeys + 10
	keys, items := numbered(n)
	items[7].Options = []SetOption{WithTTL(5), IfVersion(3)}
	batcher := &atOnce{oneByOne: newOneByOne()}
	var values []map[string]string
	for _, store := range []driver.StateStore{newOneByOne(), batcher} {
		s := &StateStore{store: store}
		set, err := s.SetMany(t.Context(), items)
		if err != nil || len(set) != n {
			t.Fatalf("SetMany of %d items: %d results, %v", n, len(set), err)
		}
		for i, r := range set {
			if r.Err != nil || r.Version != uint64(i+1) {
				t.Fatalf("SetMany, result %d: %+v", i, r)
			}
		}
		got, err := s.GetMany(t.Context(), append([]string{"missing"}, keys...))
		if err != nil || len(got) != n+1 {
			t.Fatalf("GetMany of %d keys: %d results, %v", n+1, len(got), err)
		}
		if !errors.Is(got[0].Err, ErrNotFound) {
			t.Errorf("GetMany of a missing key: %v", got[0].Err)
		}
		found := map[string]string{}
		for i, r := range got[1:] {
			if r.Err != nil || r.Entry.Key != keys[i] {
				t.Fatalf("GetMany, result %d: %+v", i, r)
			}
			found[keys[i]] = string(r.Entry.Value)
		}
		values = append(values, found)
	}
	if !maps.Equal(values[0], values[1]) {
		t.Errorf("a driver that is asked one by one has %v, one that is asked for many %v", values[0], values[1])
	}
	if want := fmt.Sprintf("value 7 %v", driver.SetOptions{TTL: 5, When: driver.IfVersion(3)}); values[1]["key 7"] != want {
		t.Errorf("an item with options was set as %q, want %q", values[1]["key 7"], want)
	}
	if want := []int{256, 256, 10, 256, 256, 11}; !slices.Equal(batcher.pieces, want) {
		t.Errorf("the driver was asked for %v keys at once, want %v", batcher.pieces, want)
	}
}

// TestManyLargeValues: a driver is not given more bytes at once than it was told, but
// for one larger value.
func TestManyLargeValues(t *testing.T) {
	half, large := make([]byte, driver.MaxEachBytes/2), make([]byte, driver.MaxEachBytes+1)
	var items []SetItem
	for i, value := range [][]byte{half, half, half, large, nil, half, nil} {
		items = append(items, SetItem{Key: fmt.Sprint(i), Value: value})
	}
	store := &atOnce{oneByOne: newOneByOne()}
	if _, err := (&StateStore{store: store}).SetMany(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 1, 1, 3}; !slices.Equal(store.pieces, want) {
		t.Errorf("items were given in pieces of %v, want %v", store.pieces, want)
	}
}

// TestManyKeysAreCheckedFirst: nothing is asked or written for a bad key, and nothing on
// a handle without a store or with a context that is done.
func TestManyKeysAreCheckedFirst(t *testing.T) {
	store := newOneByOne()
	s := &StateStore{store: store}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	keys, items := numbered(3)
	with := func(last SetItem) []SetItem { return append(slices.Clone(items), last) }
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"GetMany of a bad key":       {second(s.GetMany(t.Context(), append(slices.Clone(keys), "a\x00b"))), ErrInvalid},
		"GetMany, context done":      {second(s.GetMany(done, keys)), context.Canceled},
		"GetMany without a store":    {second((&StateStore{access: access{closed: ErrClosed}}).GetMany(t.Context(), keys)), ErrClosed},
		"SetMany of a bad key":       {second(s.SetMany(t.Context(), with(SetItem{}))), ErrInvalid},
		"SetMany of a bad TTL":       {second(s.SetMany(t.Context(), with(SetItem{Key: "k", Options: []SetOption{WithTTL(-1)}}))), ErrInvalid},
		"SetMany of a large value":   {second(s.SetMany(t.Context(), with(SetItem{Key: "k", Value: make([]byte, driver.MaxValueBytes+1)}))), ErrTooLarge},
		"SetMany, context done":      {second(s.SetMany(done, items)), context.Canceled},
		"SetMany without a store":    {second((&StateStore{access: access{closed: ErrClosed}}).SetMany(t.Context(), items)), ErrClosed},
		"GetMany of nothing":         {second(s.GetMany(t.Context(), nil)), nil},
		"SetMany of nothing":         {second(s.SetMany(t.Context(), nil)), nil},
		"GetMany of nothing and bad": {second(s.GetMany(t.Context(), []string{""})), ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if len(store.asked) > 0 {
		t.Errorf("the driver was asked for %q", store.asked)
	}
}

func second[T any](_ T, err error) error { return err }

// TestManyKeysStopEarly: when the engine cannot be used, or nobody waits any longer, the
// rest is not tried and has that error; any other failure is of its key alone.
func TestManyKeysStopEarly(t *testing.T) {
	odd := errors.New("odd")
	for name, c := range map[string]struct {
		cancel bool
		err    error
		want   []string // what the driver is asked for
	}{
		"unavailable": {false, fmt.Errorf("%w: engine gone", ErrUnavailable), []string{"key 0", "key 1"}},
		"closed":      {false, ErrClosed, []string{"key 0", "key 1"}},
		"cancelled":   {true, context.Canceled, []string{"key 0", "key 1"}},
		"conflict":    {false, &ConflictError{Expected: 1}, []string{"key 0", "key 1", "key 2", "key 3"}},
		"unknown":     {false, odd, []string{"key 0", "key 1", "key 2", "key 3"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		store := newOneByOne()
		store.fail = func(key string) error {
			if key != "key 1" {
				return nil
			}
			if c.cancel {
				cancel()
			}
			return c.err
		}
		keys, items := numbered(4)
		set, err := (&StateStore{store: store}).SetMany(ctx, items)
		if err != nil || len(set) != 4 || set[0].Err != nil || !errors.Is(set[1].Err, c.err) {
			t.Errorf("%s: %+v, %v", name, set, err)
			continue
		}
		if rest := len(c.want) == 2; rest != errors.Is(set[3].Err, c.err) || rest != errors.Is(set[2].Err, c.err) {
			t.Errorf("%s: the items after the one that failed have the errors %v and %v", name, set[2].Err, set[3].Err)
		}
		if !reflect.DeepEqual(store.asked, c.want) {
			t.Errorf("%s: the driver was asked to set %q, want %q", name, store.asked, c.want)
		}
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		store.asked, store.values = nil, map[string]string{"key 0": "", "key 1": "", "key 2": "", "key 3": ""}
		got, err := (&StateStore{store: store}).GetMany(ctx, keys)
		if err != nil || len(got) != 4 || !reflect.DeepEqual(store.asked, c.want) {
			t.Errorf("%s: the driver was asked for %q, want %q", name, store.asked, c.want)
		}
		cancel()
	}
}

// TestManyKeysMiscounted: of a driver that forgets results it is not known what it has
// done.
func TestManyKeysMiscounted(t *testing.T) {
	keys, items := numbered(3)
	s := &StateStore{store: &atOnce{oneByOne: newOneByOne(), lost: 1}}
	set, err := s.SetMany(t.Context(), items)
	got, err2 := s.GetMany(t.Context(), keys)
	if err != nil || err2 != nil || len(set) != 3 || len(got) != 3 {
		t.Fatalf("%v, %v, %v, %v", set, err, got, err2)
	}
	for i := range 3 {
		for _, err := range []error{set[i].Err, got[i].Err} {
			if err == nil || errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "2 results for 3") {
				t.Errorf("result %d: %v, want an error that says what is wrong", i, err)
			}
		}
	}
}
