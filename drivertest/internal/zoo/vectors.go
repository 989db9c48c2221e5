package zoo

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/enactdev/enact/driver"
)

var vectors = slices.Concat(badCollections, badUpserts, badScores, badFilters, badSearches, badDocuments, badFreshness)

// allOf asks for every field.
var allOf = driver.Fields{Content: true, Metadata: true, Embedding: true}

// everything returns a collection and its documents, scored, the best first.
func everything(ctx context.Context, s driver.VectorStore, collection string, embedding []float32) (driver.CollectionInfo, []driver.Match, error) {
	info, err := s.GetCollection(ctx, collection)
	if err != nil {
		return info, nil, err
	}
	if embedding == nil {
		embedding = slices.Repeat([]float32{1}, info.Dimension)
	}
	result, err := s.Search(ctx, collection, driver.Query{Embedding: embedding, Limit: 1 << 30, Fields: allOf})
	return info, result.Matches, err
}

// ranking is a search of which some parts are replaced.
type ranking struct {
	score func(m driver.Metric, query, doc []float32) float64
	match func(f driver.Filter, metadata map[string]json.RawMessage) bool
	order func(a, b driver.Match) int
	// enough says whether a score meets the minimum.
	enough func(score, least float64) bool
	// choose thins out what has matched and is in order.
	choose func(list []driver.Match, q driver.Query) []driver.Match
	// extra are documents besides those that are there.
	extra func(collection string) []driver.Document
}

func (r ranking) search(s driver.VectorStore) func(context.Context, string, driver.Query) (driver.Result, error) {
	return func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
		info, all, err := everything(ctx, s, collection, q.Embedding)
		if err != nil || q.Embedding == nil {
			_, err = s.Search(ctx, collection, q)
			return driver.Result{}, err
		}
		if r.extra != nil {
			for _, d := range r.extra(collection) {
				all = append(all, driver.Match{Document: d})
			}
		}
		var found []driver.Match
		for _, m := range all {
			metadata, _ := driver.ParseMetadata(m.Metadata)
			if r.match == nil && !q.Filter.Match(metadata) || r.match != nil && !r.match(q.Filter, metadata) {
				continue
			}
			if r.score != nil {
				m.Score = r.score(info.Metric, q.Embedding, m.Embedding)
			} else {
				m.Score = driver.Score(info.Metric, q.Embedding, m.Embedding)
			}
			if q.MinScore != nil {
				if r.enough == nil && m.Score < *q.MinScore || r.enough != nil && !r.enough(m.Score, *q.MinScore) {
					continue
				}
			}
			found = append(found, m)
		}
		order := r.order
		if order == nil {
			order = bestFirst
		}
		slices.SortFunc(found, order)
		if r.choose != nil {
			found = r.choose(found, q)
		}
		found = found[:min(q.Limit, len(found))]
		for i := range found {
			found[i].Document = q.Fields.Of(found[i].Document)
		}
		return driver.Result{Matches: found, Exact: true}, nil
	}
}

func bestFirst(a, b driver.Match) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
}

// ranks replaces parts of the search.
func ranks(r ranking) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: r.search(s)}
	}
}

// upserts changes documents on their way in.
func upserts(change func(info driver.CollectionInfo, d driver.Document) driver.Document) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			info, err := s.GetCollection(ctx, collection)
			if err != nil {
				return err
			}
			changed := slices.Clone(docs)
			for i := range changed {
				changed[i] = change(info, changed[i])
			}
			return s.Upsert(ctx, collection, changed)
		}}
	}
}

// renames maps the names of collections on their way in.
func renames(rename func(string) string) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{
			VectorStore: s,
			ensureCollection: func(ctx context.Context, c driver.Collection) error {
				c.Name = rename(c.Name)
				return s.EnsureCollection(ctx, c)
			},
			deleteCollection: func(ctx context.Context, name string) error { return s.DeleteCollection(ctx, rename(name)) },
			getCollection: func(ctx context.Context, name string) (driver.CollectionInfo, error) {
				info, err := s.GetCollection(ctx, rename(name))
				if err == nil {
					info.Name = name
				}
				return info, err
			},
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				return s.Upsert(ctx, rename(collection), docs)
			},
			get: func(ctx context.Context, collection, id string) (driver.Document, error) {
				return s.Get(ctx, rename(collection), id)
			},
			delete: func(ctx context.Context, collection string, ids []string) error {
				return s.Delete(ctx, rename(collection), ids)
			},
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				return s.Search(ctx, rename(collection), q)
			},
		}
	}
}

// renamesDocuments maps document IDs on their way in, and gives back the one that
// was asked for.
func renamesDocuments(rename func(string) string) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, at *Place) driver.VectorStore {
		return &aVectorStore{
			VectorStore: s,
			upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
				changed := slices.Clone(docs)
				for i := range changed {
					changed[i].ID = rename(changed[i].ID)
				}
				return s.Upsert(ctx, collection, changed)
			},
			get: func(ctx context.Context, collection, id string) (driver.Document, error) {
				d, err := s.Get(ctx, collection, rename(id))
				if err == nil {
					d.ID = id
				}
				return d, err
			},
			delete: func(ctx context.Context, collection string, ids []string) error {
				changed := slices.Clone(ids)
				for i := range changed {
					changed[i] = rename(changed[i])
				}
				return s.Delete(ctx, collection, changed)
			},
		}
	}
}
