package reference

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/enactdev/enact/driver"
)

type vectors struct{ view }

type collection struct {
	driver.Collection
	docs map[string]driver.Document
}

func (c *collection) info() driver.CollectionInfo {
	return driver.CollectionInfo{Collection: c.Collection, Count: uint64(len(c.docs))}
}

func copyDocument(d driver.Document) driver.Document {
	d.Metadata, d.Embedding = bytes.Clone(d.Metadata), slices.Clone(d.Embedding)
	return d
}

func (t *tenant) collection(name string) (*collection, error) {
	if c := t.collections[name]; c != nil {
		return c, nil
	}
	return nil, driver.NotFoundf("collection %q", name)
}

func (s vectors) EnsureCollection(ctx context.Context, c driver.Collection) error {
	return s.write(ctx, func(t *tenant) error {
		if old := t.collections[c.Name]; old != nil {
			return c.CheckSame(old.Collection)
		}
		t.collections[c.Name] = &collection{c, map[string]driver.Document{}}
		return nil
	})
}

func (s vectors) DeleteCollection(ctx context.Context, name string) error {
	return s.write(ctx, func(t *tenant) error {
		delete(t.collections, name)
		return nil
	})
}

func (s vectors) GetCollection(ctx context.Context, name string) (info driver.CollectionInfo, err error) {
	err = s.read(ctx, func(t *tenant) error {
		c, err := t.collection(name)
		if err == nil {
			info = c.info()
		}
		return err
	})
	return info, err
}

func (s vectors) ListCollections(ctx context.Context, page driver.Page) (list []driver.CollectionInfo, next driver.Cursor, err error) {
	err = s.read(ctx, func(t *tenant) error {
		for _, name := range sortedKeys(t.collections) {
			list = append(list, t.collections[name].info())
		}
		list, next, err = pageByKey(list, driver.Scope("collections", string(s.id)), page, func(c driver.CollectionInfo) string { return c.Name })
		return err
	})
	return list, next, err
}

func (s vectors) Upsert(ctx context.Context, name string, docs []driver.Document) error {
	return s.write(ctx, func(t *tenant) error {
		c, err := t.collection(name)
		if err != nil {
			return err
		}
		if err := c.Validate(docs); err != nil {
			return err
		}
		for _, d := range docs {
			c.docs[d.ID] = copyDocument(d)
		}
		return nil
	})
}

func (s vectors) Get(ctx context.Context, name, id string) (doc driver.Document, err error) {
	err = s.read(ctx, func(t *tenant) error {
		c, err := t.collection(name)
		if err != nil {
			return err
		}
		d, ok := c.docs[id]
		if !ok {
			return driver.NotFoundf("document %q in collection %q", id, name)
		}
		doc = copyDocument(d)
		return nil
	})
	return doc, err
}

func (s vectors) Delete(ctx context.Context, name string, ids []string) error {
	return s.write(ctx, func(t *tenant) error {
		c, err := t.collection(name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			delete(c.docs, id)
		}
		return nil
	})
}

func (s vectors) Search(ctx context.Context, name string, q driver.Query) (result driver.Result, err error) {
	result.Exact = true
	err = s.read(ctx, func(t *tenant) error {
		c, err := t.collection(name)
		if err != nil {
			return err
		}
		if err := c.ValidateQuery(q); err != nil {
			return err
		}
		var found []driver.Match
		for _, d := range c.docs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if metadata, _ := driver.ParseMetadata(d.Metadata); !q.Filter.Match(metadata) {
				continue
			}
			score := driver.Score(c.Metric, q.Embedding, d.Embedding)
			if q.MinScore == nil || score >= *q.MinScore {
				found = append(found, driver.Match{Document: d, Score: score})
			}
		}
		slices.SortFunc(found, func(a, b driver.Match) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
		})
		for _, m := range found[:min(q.Limit, len(found))] {
			result.Matches = append(result.Matches, driver.Match{Document: q.Fields.Of(m.Document), Score: m.Score})
		}
		return nil
	})
	if err != nil {
		return driver.Result{}, err
	}
	return result, nil
}
