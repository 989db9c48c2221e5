package weaviate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

// vectors is one tenant's collections. The documents of a collection are a tenant, in
// Weaviate's sense, of the class for the collection's name and metric; shard is the
// tenant's own share of the registry.
type vectors struct {
	*backend
	tenant string
	shard  string
}

// pinned is a collection that is there, as far as is known.
type pinned struct {
	entry
	classInfo
	class  string
	tenant string // in Weaviate's sense
}

// find reads from the registry what a collection is.
func (s vectors) find(ctx context.Context, name string) (pinned, error) {
	e, err := s.entry(ctx, name)
	if err != nil {
		return pinned{}, err
	}
	key := cacheKey{s.shard, name}
	if !e.live {
		s.known.drop(key)
		return pinned{}, driver.NotFoundf("collection %q", name)
	}
	info, err := s.findClass(ctx, name, e.Metric)
	if err != nil {
		return pinned{}, err
	}
	p := pinned{e, info, className(name, e.Metric), dataTenant(s.shard, e.generation)}
	s.known.put(key, p)
	return p, nil
}

// with runs f with a collection, and again when it turns out to be another one than
// was known. The last error of f may be errGone: then the collection is there, and
// nothing was ever written to it.
func (s vectors) with(ctx context.Context, name string, f func(pinned) error) error {
	c, fromCache := s.known.get(cacheKey{s.shard, name})
	for {
		if !fromCache {
			var err error
			if c, err = s.find(ctx, name); err != nil {
				return err
			}
		}
		err := f(c)
		if err == nil || err != errGone && !(fromCache && errors.Is(err, driver.ErrInvalid)) {
			return err
		}
		now, findErr := s.find(ctx, name)
		if findErr != nil {
			return findErr
		}
		if now == c {
			return err
		}
		c, fromCache = now, true
	}
}

// attempts bounds how often EnsureCollection begins anew because others delete the
// collection.
const attempts = 20

func (s vectors) EnsureCollection(ctx context.Context, wanted driver.Collection) error {
	return s.write(ctx, func(ctx context.Context, w *write) error {
		for range attempts {
			e, err := s.entry(ctx, wanted.Name)
			if err != nil {
				return err
			}
			if e.live {
				if err := wanted.CheckSame(e.Collection); err != nil {
					return err
				}
				_, err := s.findClass(ctx, wanted.Name, wanted.Metric)
				return err
			}
			made, ok, err := s.make(w, wanted, e.generation+1)
			if err != nil {
				return err
			}
			if ok {
				return wanted.CheckSame(made)
			}
		}
		return fmt.Errorf("weaviate: others make and delete collection %q again and again; repeat the call", wanted.Name)
	})
}

// make has a collection decided on and registered. ok is false when others were
// faster.
func (s vectors) make(w *write, wanted driver.Collection, generation uint64) (made driver.Collection, ok bool, err error) {
	if made, ok, err = s.elect(w, wanted, generation); err != nil || !ok {
		return made, false, err
	}
	// The class comes first, so that whoever finds the collection finds its class.
	if err := w.do(func(ctx context.Context) error {
		_, err := s.ensureClass(ctx, made.Name, made.Metric)
		return err
	}); err != nil {
		return made, false, err
	}
	var now entry
	if err := w.do(func(ctx context.Context) (err error) {
		now, err = s.entry(ctx, wanted.Name)
		return err
	}); err != nil {
		return made, false, err
	}
	if ok = now.generation < generation; ok {
		if err := s.register(w, entry{made, generation, true}); err != nil {
			return made, false, err
		}
	}
	return made, ok, s.endElection(w, wanted.Name, generation)
}

func (s vectors) DeleteCollection(ctx context.Context, name string) error {
	return s.write(ctx, func(ctx context.Context, w *write) error {
		s.known.drop(cacheKey{s.shard, name})
		e, err := s.entry(ctx, name)
		if err != nil || e.generation == 0 {
			return err
		}
		if e.live {
			e.live = false
			if err := s.register(w, e); err != nil {
				return err
			}
		}
		// Also where it was deleted before: that call may have been cut short.
		err = s.dropTenants(w, className(name, e.Metric), dataTenant(s.shard, e.generation))
		if says(err, "could not find class", "class not found", "multi-tenancy is not enabled") {
			return nil // somebody else has deleted the class
		}
		return err
	})
}

func (s vectors) GetCollection(ctx context.Context, name string) (info driver.CollectionInfo, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		found, err := s.find(ctx, name)
		if err != nil {
			return err
		}
		counts, err := s.count(ctx, []pinned{found})
		if err != nil {
			return err
		}
		info = driver.CollectionInfo{Collection: found.Collection, Count: counts[0]}
		return nil
	})
	return info, err
}

func (s vectors) ListCollections(ctx context.Context, page driver.Page) (infos []driver.CollectionInfo, next driver.Cursor, err error) {
	scope, after := driver.Scope("collections", s.namespace, s.tenant), ""
	if page.Cursor != "" {
		position, err := driver.DecodeCursor(scope, page.Cursor, 1)
		if err != nil {
			return nil, "", err
		}
		after = position[0]
	}
	err = s.read(ctx, func(ctx context.Context) error {
		all, err := s.entries(ctx)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(e entry) bool { return !e.live || e.Name <= after })
		slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
		next = ""
		if len(all) > page.Limit {
			all = all[:page.Limit]
			next = driver.EncodeCursor(scope, all[page.Limit-1].Name)
		}
		listed := make([]pinned, len(all))
		for i, e := range all {
			listed[i] = pinned{entry: e, class: className(e.Name, e.Metric), tenant: dataTenant(s.shard, e.generation)}
		}
		counts, err := s.count(ctx, listed)
		if err != nil {
			return err
		}
		infos = make([]driver.CollectionInfo, len(all))
		for i, e := range all {
			infos[i] = driver.CollectionInfo{Collection: e.Collection, Count: counts[i]}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return infos, next, nil
}
