package zoo

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/enactdev/enact/driver"
)

// keyListings break S5.
var keyListings = []*Broken{
	{Name: "prefix-like", Rule: "S5", Fault: "% and _ in a prefix stand for other text", State: selectedKeys(func(prefix, key string) bool { return wild(prefix+"%", key, '%', '_') })},
	{Name: "prefix-glob", Rule: "S5", Fault: "* and ? in a prefix stand for other text", State: selectedKeys(func(prefix, key string) bool { return wild(prefix+"*", key, '*', '?') })},
	{Name: "prefix-class", Rule: "S5", Fault: "brackets in a prefix stand for a set of letters", State: selectedKeys(func(prefix, key string) bool {
		if !strings.Contains(prefix, "[") {
			return strings.HasPrefix(key, prefix)
		}
		for end := range key + " " {
			if ok, _ := path.Match(strings.ReplaceAll(prefix, `\`, `\\`), key[:end]); ok {
				return true
			}
		}
		return false
	})},
	{Name: "prefix-escape", Rule: "S5", Fault: "a backslash in a prefix is dropped", State: selectedKeys(func(prefix, key string) bool {
		return strings.HasPrefix(key, strings.ReplaceAll(prefix, `\`, ""))
	})},
	{Name: "prefix-case", Rule: "S5", Fault: "prefixes match whatever the case", State: selectedKeys(func(prefix, key string) bool {
		return strings.HasPrefix(strings.ToLower(key), strings.ToLower(prefix))
	})},
	{Name: "prefix-up-to-ffff", Rule: "S5", Fault: "a prefix ends at U+FFFF, though characters go on behind it", State: selectedKeys(func(prefix, key string) bool {
		return strings.HasPrefix(key, prefix) && (prefix == "" || key < prefix+"\uffff")
	})},
	{Name: "prefix-without-itself", Rule: "S5", Fault: "the key that is the prefix is not listed", State: selectedKeys(func(prefix, key string) bool {
		return strings.HasPrefix(key, prefix) && key != prefix
	})},
	{Name: "order-utf-16", Rule: "S5", Fault: "keys are in the order of UTF-16", State: orderedKeys(func(list []driver.EntryInfo) {
		slices.SortFunc(list, func(a, b driver.EntryInfo) int {
			return slices.Compare(utf16.Encode([]rune(a.Key)), utf16.Encode([]rune(b.Key)))
		})
	})},
	{Name: "order-of-versions", Rule: "S5", Fault: "keys are listed by when they were written", State: orderedKeys(func(list []driver.EntryInfo) {
		slices.SortFunc(list, func(a, b driver.EntryInfo) int { return int(int64(a.Version) - int64(b.Version)) })
	})},
	{Name: "cursor-is-offset", Rule: "S5", Fault: "a page begins after so many keys, though some have gone", State: func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			scope, skip := driver.Scope("offset", string(at.Tenant), prefix), 0
			if page.Cursor != "" {
				parts, err := driver.DecodeCursor(scope, page.Cursor, 1)
				if err != nil {
					return nil, "", err
				}
				skip, _ = strconv.Atoi(parts[0])
			}
			list, err := everyKey(ctx, s, prefix)
			list = list[min(skip, len(list)):]
			if len(list) <= page.Limit {
				return list, "", err
			}
			return list[:page.Limit], driver.EncodeCursor(scope, strconv.Itoa(skip+page.Limit)), err
		}}
	}},
	{Name: "cursor-on-the-last-page", Rule: "S5", Fault: "a last page that is full has a cursor, to an empty one", State: func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			list, next, err := s.List(ctx, prefix, page)
			if err == nil && next == "" && len(list) == page.Limit {
				more, cursor, err := s.List(ctx, "", driver.Page{Limit: page.Limit})
				if err == nil && cursor != "" && len(more) == page.Limit {
					return list, cursor, nil
				}
			}
			return list, next, err
		}}
	}},
	{Name: "page-of-100", Rule: "S5", Fault: "a page has at most 100 keys, whatever is asked for", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			page.Limit = min(page.Limit, 100)
			return s.List(ctx, prefix, page)
		}}
	}},
	{Name: "lists-first-version", Rule: "S5", Fault: "a key is listed with the version that it was made with", State: func(s driver.StateStore, at *Place) driver.StateStore {
		first := Remember[sync.Map](at.Store, "first versions of "+string(at.Tenant))
		return &aStateStore{StateStore: s,
			set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
				version, err := s.Set(ctx, key, value, o)
				if err == nil {
					first.LoadOrStore(key, version)
				}
				return version, err
			},
			delete: func(ctx context.Context, key string, when driver.Precondition) error {
				err := s.Delete(ctx, key, when)
				if err == nil {
					first.Delete(key)
				}
				return err
			},
			list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
				list, next, err := s.List(ctx, prefix, page)
				for i := range list {
					if version, ok := first.Load(list[i].Key); ok {
						list[i].Version = version.(uint64)
					}
				}
				return list, next, err
			},
		}
	}},
	{Name: "listing-reads-values", Rule: "S5", Fault: "List reads the values, too", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			list, next, err := s.List(ctx, prefix, page)
			for _, info := range list {
				s.Get(ctx, info.Key)
			}
			return list, next, err
		}}
	}},
	{Name: "set-deletes-first", Rule: "S5", Fault: "setting a key again removes and makes it", State: func(s driver.StateStore, _ *Place) driver.StateStore {
		return &aStateStore{StateStore: s, set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
			if _, stated := o.When.Version(); !stated {
				if err := s.Delete(ctx, key, driver.Precondition{}); err != nil {
					return 0, err
				}
			}
			return s.Set(ctx, key, value, o)
		}}
	}},
}

// wild matches key with a pattern in which many stands for any text and one for
// any byte.
func wild(pattern, key string, many, one byte) bool {
	switch {
	case pattern == "":
		return key == ""
	case pattern[0] == many:
		return wild(pattern[1:], key, many, one) || (key != "" && wild(pattern, key[1:], many, one))
	case key == "":
		return false
	}
	return (pattern[0] == one || pattern[0] == key[0]) && wild(pattern[1:], key[1:], many, one)
}

// everyKey lists all keys that begin with prefix.
func everyKey(ctx context.Context, s driver.StateStore, prefix string) (all []driver.EntryInfo, err error) {
	page := driver.Page{Limit: driver.MaxPageLimit}
	for {
		list, next, err := s.List(ctx, prefix, page)
		if all = append(all, list...); err != nil || next == "" {
			return all, err
		}
		page.Cursor = next
	}
}

// pageOfKeys cuts a page out of a listing in any order.
func pageOfKeys(list []driver.EntryInfo, scope string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	if page.Cursor != "" {
		after, err := driver.DecodeCursor(scope, page.Cursor, 1)
		if err != nil {
			return nil, "", err
		}
		i := slices.IndexFunc(list, func(e driver.EntryInfo) bool { return e.Key == after[0] })
		if i < 0 {
			i = slices.IndexFunc(list, func(e driver.EntryInfo) bool { return e.Key > after[0] })
			if i < 0 {
				i = len(list)
			}
			i--
		}
		list = list[i+1:]
	}
	if len(list) <= page.Limit {
		return list, "", nil
	}
	return list[:page.Limit], driver.EncodeCursor(scope, list[page.Limit-1].Key), nil
}

// selectedKeys lists the keys that match a prefix in the driver's opinion.
func selectedKeys(matches func(prefix, key string) bool) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			list, err := everyKey(ctx, s, "")
			if err != nil {
				return nil, "", err
			}
			list = slices.DeleteFunc(list, func(e driver.EntryInfo) bool { return !matches(prefix, e.Key) })
			return pageOfKeys(list, driver.Scope("selected", string(at.Tenant), prefix), page)
		}}
	}
}

// orderedKeys lists keys in an order of the driver's own.
func orderedKeys(sort func([]driver.EntryInfo)) func(driver.StateStore, *Place) driver.StateStore {
	return func(s driver.StateStore, at *Place) driver.StateStore {
		return &aStateStore{StateStore: s, list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			list, err := everyKey(ctx, s, prefix)
			if err != nil {
				return nil, "", err
			}
			sort(list)
			return pageOfKeys(list, driver.Scope("ordered", string(at.Tenant), prefix), page)
		}}
	}
}
