package zoo

import (
	"context"
	"slices"

	"github.com/enactdev/enact/driver"
)

// asks changes a query on its way in.
func asks(change func(q driver.Query) driver.Query) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			return s.Search(ctx, collection, change(q))
		}}
	}
}

// postFiltered filters the nearest documents only.
func postFiltered(candidates func(limit int) int, exact bool) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			if q.Filter.Op == driver.OpAll {
				return s.Search(ctx, collection, q)
			}
			wide := q
			wide.Filter, wide.Fields, wide.Limit = driver.Filter{}, allOf, candidates(q.Limit)
			result, err := s.Search(ctx, collection, wide)
			var found []driver.Match
			for _, m := range result.Matches {
				if fields, _ := driver.ParseMetadata(m.Metadata); q.Filter.Match(fields) && len(found) < q.Limit {
					m.Document = q.Fields.Of(m.Document)
					found = append(found, m)
				}
			}
			return driver.Result{Matches: found, Exact: exact}, err
		}}
	}
}

var badSearches = []*Broken{
	{Name: "filtered-afterwards", Rule: "V5", Fault: "The filter is applied to ten times as many documents as are asked for.", Vectors: postFiltered(func(limit int) int { return 10 * limit }, true)},
	{Name: "filtered-afterwards-approximately", Rule: "V5", Fault: "The filter is applied to the 500 nearest documents, and the result says that it is approximate.", Vectors: postFiltered(func(limit int) int { return max(limit, 500) }, false)},
	{Name: "one-list-is-probed", Rule: "V5", Fault: "In large collections only the documents on the query's side of the first axis are looked at, and the result is said to be exact.", Vectors: func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			return ranking{choose: func(list []driver.Match, q driver.Query) []driver.Match {
				if len(list) < 900 || q.Limit > 100 {
					return list
				}
				return slices.DeleteFunc(slices.Clone(list), func(m driver.Match) bool {
					d, _ := s.Get(ctx, collection, m.ID)
					return len(d.Embedding) > 0 && d.Embedding[0]*q.Embedding[0] < 0
				})
			}}.search(s)(ctx, collection, q)
		}}
	}},
	{Name: "minimum-is-exclusive", Rule: "V6", Fault: "A score that is the minimum is left out.", Vectors: ranks(ranking{enough: func(score, least float64) bool { return score > least }})},
	{Name: "minimum-of-zero-is-none", Rule: "V6", Fault: "A minimum score of zero is taken for none.", Vectors: ranks(ranking{enough: func(score, least float64) bool { return least == 0 || score >= least }})},
	{Name: "thousand-results-at-most", Rule: "V6", Fault: "A search returns 1,000 results at most.", Vectors: asks(func(q driver.Query) driver.Query {
		q.Limit = min(q.Limit, 1000)
		return q
	})},
	{Name: "metadata-with-content-only", Rule: "V6", Fault: "Metadata come back when the content does, too.", Vectors: asks(func(q driver.Query) driver.Query {
		q.Fields.Metadata = q.Fields.Metadata && q.Fields.Content
		return q
	})},
	{Name: "filter-brings-metadata", Rule: "V6", Fault: "A search with a filter returns the metadata unasked.", Vectors: asks(func(q driver.Query) driver.Query {
		q.Fields.Metadata = q.Fields.Metadata || q.Filter.Op != driver.OpAll
		return q
	})},
}
