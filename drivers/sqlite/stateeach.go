package sqlite

import (
	"context"
	"errors"

	"github.com/enactdev/enact/driver"
)

// GetEach implements driver.StateBatcher with one connection.
func (s state) GetEach(ctx context.Context, keys []string) []driver.GetResult {
	results := make([]driver.GetResult, len(keys))
	err := s.read(ctx, func(c *conn) error {
		for i, key := range keys {
			if err := s.Continue(ctx); err != nil {
				return err
			}
			entry, err := s.get(c, key)
			if err != nil && !errors.Is(err, driver.ErrNotFound) {
				return err
			}
			results[i] = driver.GetResult{Entry: entry, Err: err}
		}
		return nil
	})
	if err != nil {
		return driver.AllGetsFailed(len(keys), err)
	}
	return results
}

// SetEach implements driver.StateBatcher with one transaction.
func (s state) SetEach(ctx context.Context, items []driver.SetItem) []driver.SetResult {
	results := make([]driver.SetResult, len(items))
	err := s.write(ctx, func(c *conn) error {
		for i, item := range items {
			if err := s.Continue(ctx); err != nil {
				return err
			}
			version, err := s.set(c, item.Key, item.Value, item.Options)
			if err != nil && !refused(err) {
				return err
			}
			results[i] = driver.SetResult{Version: version, Err: err}
		}
		return nil
	})
	if err != nil {
		return driver.AllSetsFailed(len(items), err)
	}
	return results
}
