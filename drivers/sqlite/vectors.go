package sqlite

import (
	"context"

	"github.com/enactdev/enact/driver"
)

type vectors struct{ view }

// collection is a row of the table.
type collection struct {
	driver.Collection
	key              int64
	version, trimmed int64
	count            int
}

func (s vectors) find(c *conn, name string) (found collection, err error) {
	found.Name = name
	err = c.row("SELECT key, dimension, metric, version, trimmed, count FROM collections WHERE tenant = ? AND name = ?", s.tenant, name).
		Scan(&found.key, &found.Dimension, &found.Metric, &found.version, &found.trimmed, &found.count)
	if noRow(err) {
		return found, driver.NotFoundf("collection %q", name)
	}
	return found, err
}

func (s vectors) EnsureCollection(ctx context.Context, wanted driver.Collection) error {
	return s.write(ctx, func(c *conn) error {
		found, err := s.find(c, wanted.Name)
		if err == nil {
			return wanted.CheckSame(found.Collection)
		}
		if !isNotFound(err) {
			return err
		}
		return c.exec("INSERT INTO collections (tenant, name, dimension, metric, count, version, trimmed) VALUES (?, ?, ?, ?, 0, 0, 0)",
			s.tenant, wanted.Name, wanted.Dimension, string(wanted.Metric))
	})
}

func (s vectors) DeleteCollection(ctx context.Context, name string) error {
	return s.write(ctx, func(c *conn) error {
		found, err := s.find(c, name)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"attributes", "removals", "documents"} {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.exec("DELETE FROM "+table+" WHERE collection = ?", found.key); err != nil {
				return err
			}
		}
		return c.exec("DELETE FROM collections WHERE key = ?", found.key)
	})
}

func (s vectors) GetCollection(ctx context.Context, name string) (info driver.CollectionInfo, err error) {
	err = s.read(ctx, func(c *conn) error {
		info, err = scanCollection(c.row("SELECT name, dimension, metric, count FROM collections WHERE tenant = ? AND name = ?", s.tenant, name))
		if noRow(err) {
			return driver.NotFoundf("collection %q", name)
		}
		return err
	})
	return info, err
}

func scanCollection(row scanner) (info driver.CollectionInfo, err error) {
	err = row.Scan(&info.Name, &info.Dimension, &info.Metric, &info.Count)
	return info, err
}

func (s vectors) ListCollections(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
	scope := driver.Scope("collections", s.tenant)
	return list(ctx, s.view, scope, page, 1,
		func(after []string) (string, []any, error) {
			return "SELECT name, dimension, metric, count FROM collections WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?", []any{s.tenant, after[0]}, nil
		},
		func(row scanner) (driver.CollectionInfo, []string, error) {
			info, err := scanCollection(row)
			return info, []string{info.Name}, err
		})
}

func (s vectors) Upsert(ctx context.Context, name string, docs []driver.Document) error {
	return s.write(ctx, func(c *conn) error {
		found, err := s.find(c, name)
		if err != nil {
			return err
		}
		if err := found.Validate(docs); err != nil || len(docs) == 0 {
			return err
		}
		version, added := found.version+1, 0
		var rows []attributeRow
		for _, d := range docs {
			if err := ctx.Err(); err != nil {
				return err
			}
			key, isNew, err := putDocument(c, found.key, version, d)
			if err != nil {
				return err
			}
			if isNew {
				added++
			}
			if rows, err = appendAttributes(rows, key, d.Metadata); err != nil {
				return err
			}
		}
		if err := addAttributes(ctx, c, found.key, rows); err != nil {
			return err
		}
		return c.exec("UPDATE collections SET version = ?, count = count + ? WHERE key = ?", version, added, found.key)
	})
}

// putDocument inserts or replaces one document, without its attributes, and reports
// which.
func putDocument(c *conn, collection, version int64, d driver.Document) (key int64, isNew bool, err error) {
	embedding, metadata, content := packEmbedding(d.Embedding), blob(d.Metadata), []byte(d.Content)
	err = c.row("INSERT INTO documents (collection, changed, id, embedding, metadata, content) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (collection, id) DO NOTHING RETURNING key",
		collection, version, d.ID, embedding, metadata, content).Scan(&key)
	if !noRow(err) {
		return key, true, err
	}
	var old []byte
	if err := c.row("SELECT key, metadata FROM documents WHERE collection = ? AND id = ?", collection, d.ID).Scan(&key, &old); err != nil {
		return 0, false, err
	}
	if err := dropAttributes(c, collection, key, old); err != nil {
		return 0, false, err
	}
	return key, false, c.exec("UPDATE documents SET changed = ?, embedding = ?, metadata = ?, content = ? WHERE key = ?", version, embedding, metadata, content, key)
}

func (s vectors) Get(ctx context.Context, name, id string) (doc driver.Document, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.snapshot(func() error {
			found, err := s.find(c, name)
			if err != nil {
				return err
			}
			doc, err = scanDocument(c.row("SELECT "+documentColumns+" FROM documents WHERE collection = ? AND id = ?", found.key, id))
			if noRow(err) {
				return driver.NotFoundf("document %q in collection %q", id, name)
			}
			return err
		})
	})
	if err != nil {
		return driver.Document{}, err
	}
	return doc, nil
}

const documentColumns = "id, content, metadata, embedding"

func scanDocument(row scanner) (d driver.Document, err error) {
	var content, metadata, embedding []byte
	if err = row.Scan(&d.ID, &content, &metadata, &embedding); err != nil {
		return d, err
	}
	d.Content, d.Metadata, d.Embedding = string(content), metadata, unpackEmbedding(embedding)
	return d, nil
}

// Copies in memory that are at most this many versions old are brought up to date
// by what has changed; of an older one, or after a write that removed more
// documents at once than maxListedRemovals, the embeddings are read anew.
const (
	listedVersions    = 256
	maxListedRemovals = 256
)

func (s vectors) Delete(ctx context.Context, name string, ids []string) error {
	return s.write(ctx, func(c *conn) error {
		found, err := s.find(c, name)
		if err != nil {
			return err
		}
		version, removed := found.version+1, 0
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return err
			}
			var key int64
			var metadata []byte
			err := c.row("DELETE FROM documents WHERE collection = ? AND id = ? RETURNING key, metadata", found.key, id).Scan(&key, &metadata)
			if noRow(err) {
				continue
			}
			if err == nil {
				err = dropAttributes(c, found.key, key, metadata)
			}
			if removed++; err == nil && removed <= maxListedRemovals {
				err = c.exec("INSERT INTO removals (collection, version, document) VALUES (?, ?, ?)", found.key, version, key)
			}
			if err != nil {
				return err
			}
		}
		if removed == 0 {
			return nil
		}
		trimmed := max(found.trimmed, version-listedVersions)
		if removed > maxListedRemovals {
			trimmed = version
		}
		if err := c.exec("DELETE FROM removals WHERE collection = ? AND version <= ?", found.key, trimmed); err != nil {
			return err
		}
		return c.exec("UPDATE collections SET version = ?, trimmed = ?, count = count - ? WHERE key = ?", version, trimmed, removed, found.key)
	})
}
