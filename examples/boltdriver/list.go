package boltdriver

import (
	"context"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
)

// list reads a page of a tenant's bucket of a kind, in byte order of the keys that
// begin with prefix. decode makes an entry of a key and its value, or says that it
// is to be left out.
func list[T any](ctx context.Context, v view, kind, prefix string, page driver.Page, decode func(key string, value []byte) (item T, ok bool, err error)) (items []T, next driver.Cursor, err error) {
	scope := driver.Scope(kind, v.tenant, prefix)
	err = v.read(ctx, func(tx *bolt.Tx) error {
		from := prefix
		if page.Cursor != "" {
			last, err := driver.DecodeCursor(scope, page.Cursor, 1)
			if err != nil {
				return err
			}
			from = last[0] + "\x00" // nothing lies between the two
		}
		bucket := find(tx, kind, v.tenant)
		if bucket == nil {
			return nil
		}
		c, last := bucket.Cursor(), ""
		for k, value := c.Seek([]byte(from)); k != nil && strings.HasPrefix(string(k), prefix); k, value = c.Next() {
			if err := v.Continue(ctx); err != nil {
				return err
			}
			item, ok, err := decode(string(k), value)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if len(items) == page.Limit {
				next = driver.EncodeCursor(scope, last)
				return nil
			}
			items, last = append(items, item), string(k)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return items, next, nil
}
