package reference

import (
	"context"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

type state struct{ view }

type entry struct {
	driver.Entry
	reclaim *time.Timer // removes the entry when it has expired; nil without a TTL
}

// live returns the entry under key, nil when it is missing or has expired.
func (t *tenant) live(key string) *entry {
	e := t.keys[key]
	if e == nil || (!e.ExpiresAt.IsZero() && !t.now().Before(e.ExpiresAt)) {
		return nil
	}
	return e
}

func (t *tenant) version(key string) uint64 {
	if e := t.live(key); e != nil {
		return e.Version
	}
	return 0
}

// remove drops the entry under key, expired or not.
func (t *tenant) remove(key string) {
	if e := t.keys[key]; e != nil && e.reclaim != nil {
		e.reclaim.Stop()
	}
	delete(t.keys, key)
}

// Stop ends all removing of expired keys, when nobody uses the store any more.
func (s *Store) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tenants {
		for _, e := range t.keys {
			if e.reclaim != nil {
				e.reclaim.Stop()
			}
		}
	}
}

func (s state) Get(ctx context.Context, key string) (got driver.Entry, err error) {
	err = s.read(ctx, func(t *tenant) error {
		e := t.live(key)
		if e == nil {
			return driver.NotFoundf("key %q", key)
		}
		got = e.Entry
		got.Value = append([]byte{}, e.Value...)
		return nil
	})
	return got, err
}

func (s state) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	err = s.write(ctx, func(t *tenant) error {
		if err := o.When.Check(key, t.version(key)); err != nil {
			return err
		}
		t.remove(key)
		t.lastVersion++
		version = t.lastVersion
		e := &entry{Entry: driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: version}, Value: append([]byte{}, value...)}}
		if o.TTL > 0 {
			e.ExpiresAt = driver.Timestamp(s.store.now().Add(o.TTL + time.Microsecond - 1))
			store := s.store
			e.reclaim = time.AfterFunc(o.TTL+time.Millisecond, func() {
				store.mu.Lock()
				defer store.mu.Unlock()
				if t.keys[key] == e {
					delete(t.keys, key)
				}
			})
		}
		t.keys[key] = e
		return nil
	})
	return version, err
}

// GetEach implements driver.StateBatcher.
func (s state) GetEach(ctx context.Context, keys []string) []driver.GetResult {
	results := make([]driver.GetResult, len(keys))
	for i, key := range keys {
		results[i].Entry, results[i].Err = s.Get(ctx, key)
	}
	return results
}

// SetEach implements driver.StateBatcher.
func (s state) SetEach(ctx context.Context, items []driver.SetItem) []driver.SetResult {
	results := make([]driver.SetResult, len(items))
	for i, item := range items {
		results[i].Version, results[i].Err = s.Set(ctx, item.Key, item.Value, item.Options)
	}
	return results
}

func (s state) Delete(ctx context.Context, key string, when driver.Precondition) error {
	return s.write(ctx, func(t *tenant) error {
		if err := when.Check(key, t.version(key)); err != nil {
			return err
		}
		t.remove(key)
		return nil
	})
}

func (s state) List(ctx context.Context, prefix string, page driver.Page) (list []driver.EntryInfo, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		for _, key := range sortedKeys(t.keys) {
			if e := t.live(key); e != nil && strings.HasPrefix(key, prefix) {
				list = append(list, e.EntryInfo)
			}
		}
		list, next, err = pageByKey(list, driver.Scope("state", string(s.id), prefix), page, func(e driver.EntryInfo) string { return e.Key })
		return err
	})
	return list, next, err
}

func (s state) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	return s.write(ctx, func(t *tenant) error {
		if old, ok := t.snapshots[snapshot.Execution]; ok && old.Sequence > snapshot.Sequence {
			return nil
		}
		snapshot.Data = append([]byte{}, snapshot.Data...)
		t.snapshots[snapshot.Execution] = snapshot
		return nil
	})
}

func (s state) LoadSnapshot(ctx context.Context, id driver.ExecutionID) (snapshot driver.Snapshot, err error) {
	err = s.read(ctx, func(t *tenant) error {
		var ok bool
		if snapshot, ok = t.snapshots[id]; !ok {
			return driver.NotFoundf("snapshot of execution %q", id)
		}
		snapshot.Data = append([]byte{}, snapshot.Data...)
		return nil
	})
	return snapshot, err
}

func (s state) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	return s.write(ctx, func(t *tenant) error {
		delete(t.snapshots, id)
		return nil
	})
}

func (s state) ListSnapshots(ctx context.Context, page driver.Page) (list []driver.SnapshotInfo, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		for _, id := range sortedKeys(t.snapshots) {
			list = append(list, t.snapshots[id].SnapshotInfo)
		}
		list, next, err = pageByKey(list, driver.Scope("snapshots", string(s.id)), page, func(i driver.SnapshotInfo) string { return string(i.Execution) })
		return err
	})
	return list, next, err
}
