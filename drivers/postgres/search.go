package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// exactComponents is how many components of embeddings are compared at most in an
// exact search where an index could be asked: 10,000 documents of 384 dimensions.
const exactComponents = 384 * 10_000

// Search compares with every document where these are few, or where there is no
// index. Otherwise it asks the approximate index, which the extension scans on and
// on until enough documents match, up to its bound hnsw.max_scan_tuples; if that is
// reached first, few documents match, and all of those are compared.
func (s vectors) Search(ctx context.Context, name string, q driver.Query) (result driver.Result, err error) {
	err = s.readIn(ctx, name, func(ctx context.Context, conn connection, found collection) error {
		if err := found.ValidateQuery(q); err != nil {
			return err
		}
		x := &search{collection: found, Query: q, extreme: driver.BeyondFloat32(q.Embedding)}
		if found.indexed() && !x.extreme && found.count*int64(found.Dimension) > s.exactUpTo {
			enough, err := x.approximate(ctx, conn)
			if enough || err != nil {
				result = driver.Result{Matches: x.best()}
				return err
			}
		}
		result = driver.Result{Exact: true}
		err := x.exact(ctx, conn)
		result.Matches = x.best()
		return err
	})
	if err != nil {
		return driver.Result{}, err
	}
	return result, nil
}

// search is a query in a collection.
type search struct {
	collection
	driver.Query
	extreme bool // the server cannot compare the query's embedding
	found   []driver.Match
}

// wanted is how many documents the server is asked for: some more than the limit,
// since it computes distances in float32, and so may have those that are equally
// near, or almost, in another order than their scores.
func (x *search) wanted() int { return x.Limit + x.Limit/8 + 16 }

// exact compares with every document that matches.
func (x *search) exact(ctx context.Context, q querier) error {
	x.found = nil
	_, err := x.run(ctx, q, x.reading(x.exactly))
	return err
}

// run collects what a statement selects, with scores, and returns how many of the
// documents were ordered by the server.
func (x *search) run(ctx context.Context, q querier, s statement) (ordered int, err error) {
	rows, err := q.Query(ctx, s.text, s.args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var m driver.Match
		var extreme bool
		var content, packed []byte
		if err := rows.Scan(&m.ID, &extreme, &content, &m.Metadata, &packed); err != nil {
			return 0, err
		}
		if m.Embedding, err = unpackEmbedding(packed); err != nil {
			return 0, err
		}
		m.Content = string(content)
		if !extreme {
			ordered++
		}
		x.add(m)
	}
	return ordered, rows.Err()
}

// add scores a match, and keeps it if it may be among the best.
func (x *search) add(m driver.Match) {
	m.Score = driver.Score(x.Metric, x.Embedding, m.Embedding)
	if x.MinScore != nil && m.Score < *x.MinScore {
		return
	}
	m.Document = x.Fields.Of(m.Document)
	if x.found = append(x.found, m); len(x.found) > 4*x.wanted() {
		x.found = slices.Clone(x.best())
	}
}

// best returns what was found, the best first.
func (x *search) best() []driver.Match {
	slices.SortFunc(x.found, func(a, b driver.Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	return x.found[:min(len(x.found), x.Limit)]
}

// Bounds of hnsw.ef_search, the number of candidates that a scan of the index
// considers at a time: what finds nearly all, and the most that the extension
// allows.
const (
	leastCandidates = 100
	mostCandidates  = 1000
)

// beginApproximate lets a scan of the index go on until enough documents match, and
// keeps the server from reading the whole table instead: it does not count what
// embeddings cost that are stored beside the table, as all above 2 kB are. Nor does
// it compile a statement that ends soon.
const beginApproximate = "BEGIN READ ONLY; SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '%d', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"

// approximate asks the index. It says whether it got as much as it asked for: if
// not, there may be more.
func (x *search) approximate(ctx context.Context, conn connection) (enough bool, err error) {
	candidates := min(max(leastCandidates, 2*x.wanted()), mostCandidates)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf(beginApproximate, candidates)})
	if err != nil {
		return false, err
	}
	defer tx.Rollback(ctx)
	ordered, err := x.run(ctx, tx, x.reading(x.approximately))
	if err != nil {
		return false, err
	}
	return ordered >= x.wanted(), tx.Commit(ctx)
}
