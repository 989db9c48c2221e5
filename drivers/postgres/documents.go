package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// Upsert stores documents in order of their IDs, so that no two batches wait for
// one another, and adds to the collection's count at the end, so that batches for
// one collection wait for each other only as long as a commit takes.
func (s vectors) Upsert(ctx context.Context, name string, docs []driver.Document) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := s.find(ctx, tx, name, used)
		if err != nil {
			return err
		}
		if err := found.Validate(docs); err != nil {
			return err
		}
		ordered := slices.SortedFunc(slices.Values(docs), func(a, b driver.Document) int { return cmp.Compare(a.ID, b.ID) })
		var made int64
		for len(ordered) > 0 {
			n, err := putDocuments(ctx, tx, found, &ordered)
			if err != nil {
				return err
			}
			made += n
		}
		return s.addToCount(ctx, tx, found, made)
	})
}

// statementBytes is about how much one statement carries at most, unless a single
// document is larger.
const statementBytes = 4 << 20

// putDocuments stores as many documents as one statement takes, removes them from
// the list, and returns how many of them are new.
func putDocuments(ctx context.Context, tx pgx.Tx, c collection, docs *[]driver.Document) (made int64, err error) {
	var ids, attributes []string
	var extremes []bool
	var contents, metadata [][]byte
	var embeddings []float32
	for size := 0; len(*docs) > 0 && (size == 0 || size < statementBytes); *docs = (*docs)[1:] {
		d := (*docs)[0]
		text, err := attributesOf(d.Metadata)
		if err != nil {
			return 0, err
		}
		ids, attributes, extremes = append(ids, d.ID), append(attributes, text), append(extremes, driver.BeyondFloat32(d.Embedding))
		contents, metadata = append(contents, []byte(d.Content)), append(metadata, blob(d.Metadata))
		embeddings = append(embeddings, d.Embedding...)
		size += len(d.ID) + len(text) + len(d.Content) + len(d.Metadata) + 8*len(d.Embedding)
	}
	err = tx.QueryRow(ctx, c.sql(`WITH stored AS (
			INSERT INTO enact.documents AS d (id, extreme, content, metadata, attributes, embedding)
			SELECT g.id, g.extreme, g.content, g.metadata, g.attributes::jsonb, ($6::real[])[(g.i::int - 1) * $7::int + 1 : g.i::int * $7::int]::pgvector.vector
			FROM unnest($1::text[], $2::boolean[], $3::bytea[], $4::bytea[], $5::text[]) WITH ORDINALITY AS g (id, extreme, content, metadata, attributes, i)
			ON CONFLICT (id) DO UPDATE SET extreme = excluded.extreme, content = excluded.content, metadata = excluded.metadata,
				attributes = excluded.attributes, embedding = excluded.embedding
			RETURNING d.xmax = 0 AS is_new -- one that was there has been locked by this transaction, which xmax tells
		) SELECT count(*) FILTER (WHERE is_new) FROM stored`),
		ids, extremes, contents, metadata, attributes, embeddings, c.Dimension).Scan(&made)
	return made, err
}

func (s vectors) addToCount(ctx context.Context, tx pgx.Tx, c collection, n int64) error {
	if n == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, s.sql("UPDATE enact.collections SET count = count + $2 WHERE key = $1"), c.key, n)
	return err
}

func (s vectors) Get(ctx context.Context, name, id string) (doc driver.Document, err error) {
	err = s.readIn(ctx, name, func(ctx context.Context, q connection, found collection) error {
		var content, embedding []byte
		err := q.QueryRow(ctx, found.sql("SELECT content, metadata, pgvector.vector_send(embedding) FROM enact.documents WHERE id = $1"), id).
			Scan(&content, &doc.Metadata, &embedding)
		if noRow(err) {
			return driver.NotFoundf("document %q in collection %q", id, name)
		}
		if err != nil {
			return err
		}
		doc.ID, doc.Content = id, string(content)
		doc.Embedding, err = unpackEmbedding(embedding)
		return err
	})
	if err != nil {
		return driver.Document{}, err
	}
	return doc, nil
}

func (s vectors) Delete(ctx context.Context, name string, ids []string) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := s.find(ctx, tx, name, used)
		if err != nil || len(ids) == 0 {
			return err
		}
		tag, err := tx.Exec(ctx, found.sql(`DELETE FROM enact.documents WHERE id IN (
			SELECT id FROM enact.documents WHERE id = ANY ($1) ORDER BY id FOR UPDATE)`), ids)
		if err != nil {
			return err
		}
		return s.addToCount(ctx, tx, found, -tag.RowsAffected())
	})
}
