package reference

import (
	"cmp"
	"slices"

	"github.com/enactdev/enact/driver"
)

// sortedKeys returns the keys of m in byte order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pageOf cuts a page out of items, which are all entries of the listing called
// scope, in its order. position names an entry's place in so many parts; compare
// orders an entry against a place that a cursor holds.
func pageOf[T any](items []T, scope string, page driver.Page, parts int, position func(T) []string, compare func(T, []string) int) ([]T, driver.Cursor, error) {
	if page.Cursor != "" {
		after, err := driver.DecodeCursor(scope, page.Cursor, parts)
		if err != nil {
			return nil, "", err
		}
		i, found := slices.BinarySearchFunc(items, after, compare)
		if found {
			i++
		}
		items = items[i:]
	}
	if len(items) <= page.Limit {
		return items, "", nil
	}
	items = items[:page.Limit]
	return items, driver.EncodeCursor(scope, position(items[page.Limit-1])...), nil
}

// pageByKey is pageOf for listings that are ordered by one string.
func pageByKey[T any](items []T, scope string, page driver.Page, key func(T) string) ([]T, driver.Cursor, error) {
	return pageOf(items, scope, page, 1,
		func(item T) []string { return []string{key(item)} },
		func(item T, after []string) int { return cmp.Compare(key(item), after[0]) })
}
