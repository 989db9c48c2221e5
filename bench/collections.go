package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/enactdev/enact"
)

// openingOfCollection is the part of point 6 about opening and memory.
func openingOfCollection(ctx context.Context, b *bench) error {
	path, err := b.newPath("enact")
	if err != nil {
		return err
	}
	config := allRoles("sqlite://" + path)
	err = b.scope(func() error {
		store, err := b.open(ctx, config)
		if err != nil {
			return err
		}
		return fillCollection(ctx, store.Vectors, makeDocuments(documents))
	})
	if err != nil {
		return err
	}
	query := makeQueries(1)[0]
	const ours, scan = "enact, open and search once", "bare scan of the rows"
	err = b.hold(ctx, contest{
		point: 6, same: "the same file, in the system's cache; the scan reads key and embedding of every row and copies nothing",
		contenders: []contender{
			timed(ours, func(ctx context.Context) error {
				rt, err := enact.Open(ctx, config)
				if err != nil {
					return err
				}
				_, err = searchFor(ctx, rt.Tenant(tenant).Vectors, query, buckets)
				return errors.Join(err, rt.Shutdown(context.WithoutCancel(ctx)))
			}),
			timed(scan, func(ctx context.Context) error { return scanDocuments(ctx, path) }),
		},
		verdicts: []verdict{{what: "SQLite, opening a collection of 50,000 × 384", unit: milliCall, ours: ours, other: scan, goal: atMost(1.5)}},
	})
	if err != nil {
		return err
	}
	return b.memoryOfCollection(ctx, config, query)
}

// scanDocuments reads what a search needs, and nothing is made of it.
func scanDocuments(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", handSQLiteName(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, "SELECT key, embedding FROM documents WHERE collection = 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var key int64
		var embedding sql.RawBytes
		if err := rows.Scan(&key, &embedding); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), wantCount(n, documents))
}

// memoryOfCollection measures what the process grows by when a collection is
// searched.
func (b *bench) memoryOfCollection(ctx context.Context, config enact.Config, query []float32) error {
	return b.scope(func() error {
		store, err := b.open(ctx, config)
		if err != nil {
			return err
		}
		debug.FreeOSMemory()
		before, err := usedMemory()
		if err != nil {
			return err
		}
		if _, err := searchFor(ctx, store.Vectors, query, buckets); err != nil {
			return err
		}
		debug.FreeOSMemory()
		after, err := usedMemory()
		if err != nil {
			return err
		}
		const raw = documents * dimension * 4
		b.add(once(6, "SQLite, memory of a searched collection of 50,000 × 384", mebibytes, side{"enact", float64(after-before) / (1 << 20)}, side{"raw vectors", float64(raw) / (1 << 20)}, atMost(1.3),
			"what the process's resident memory has grown by"))
		return nil
	})
}

// upsertsOfDocuments is the part of point 6 about writing.
func upsertsOfDocuments(ctx context.Context, b *bench) error {
	for _, with := range []struct {
		what     string
		metadata string
	}{
		{"without metadata", "{}"}, {"with two fields", `{"bucket":7,"language":"en"}`},
	} {
		err := b.scope(func() error { return b.holdUpserts(ctx, with.what, with.metadata) })
		if err != nil {
			return err
		}
	}
	return nil
}

// holdUpserts stores batches of documents that are new each time.
func (b *bench) holdUpserts(ctx context.Context, what, metadata string) error {
	store, err := b.openSQLite(ctx)
	if err != nil {
		return err
	}
	if err := fillCollection(ctx, store.Vectors, nil); err != nil {
		return err
	}
	hand, err := b.newHandSQLite(ctx)
	if err != nil {
		return err
	}
	docs := makeDocuments(upsertBatch)
	for i := range docs {
		docs[i].Metadata = []byte(metadata)
	}
	made := 0
	one := load{1, b.sample}
	const ours, bare = "enact", "bare inserts"
	fresh := func() {
		for i := range docs {
			made++
			docs[i].ID = fmt.Sprintf("document-%08d", made)
		}
	}
	return b.hold(ctx, contest{
		point: 6, same: sameSQLite + "; with metadata, the rows that filters need are inserted as well",
		contenders: []contender{
			one.several(ours, upsertBatch, func(ctx context.Context, _ int) error {
				fresh()
				return store.Vectors.Upsert(ctx, collectionName, docs...)
			}),
			one.several(bare, upsertBatch, func(ctx context.Context, _ int) error {
				fresh()
				return hand.commit(ctx, func() error { return hand.insertDocuments(ctx, docs, metadata != "{}") })
			}),
		},
		verdicts: []verdict{{what: "SQLite, documents upserted in batches of 1,000, " + what, unit: perSecond, ours: ours, other: bare, goal: atLeast(0.6)}},
	})
}

// insertDocuments stores documents, with the fields of their metadata if they have
// any.
func (h *handSQLite) insertDocuments(ctx context.Context, docs []enact.Document, fields bool) error {
	stamp := time.Now().UnixMicro()
	for _, d := range docs {
		packed := make([]byte, 4*len(d.Embedding))
		for i, x := range d.Embedding {
			binary.LittleEndian.PutUint32(packed[4*i:], math.Float32bits(x))
		}
		insert, err := h.stmt(ctx, "INSERT INTO documents (collection, changed, id, embedding, metadata, content) VALUES (1, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		done, err := insert.ExecContext(ctx, stamp, d.ID, packed, []byte(d.Metadata), []byte(d.Content))
		if err != nil || !fields {
			if err != nil {
				return err
			}
			continue
		}
		key, err := done.LastInsertId()
		if err != nil {
			return err
		}
		const attribute = "INSERT INTO attributes (collection, key, kind, value, document) VALUES (1, ?, ?, ?, ?)"
		if err := errors.Join(h.exec(ctx, attribute, []byte("bucket"), 2, 7, key), h.exec(ctx, attribute, []byte("language"), 3, []byte("en"), key)); err != nil {
			return err
		}
	}
	return nil
}
