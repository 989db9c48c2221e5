package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// scoreTolerance is how far an engine that computes in float32 may be off.
const scoreTolerance = 1e-4

// CheckSearch judges a search, with a filter that selects wanted, in documents of which
// nothing is being written.
func CheckSearch(collection enact.Collection, documents []enact.Document, wanted func(enact.Document) bool, query []float32, limit int, got enact.Result) error {
	if !got.Exact {
		return nil
	}
	var want []enact.Match
	for _, d := range documents {
		if wanted(d) {
			want = append(want, enact.Match{Document: d, Score: driver.Score(collection.Metric, query, d.Embedding)})
		}
	}
	slices.SortFunc(want, func(a, b enact.Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	want = want[:min(limit, len(want))]
	if len(got.Matches) != len(want) {
		return broken("V5", "a search in collection %q found %d documents, want %d", collection.Name, len(got.Matches), len(want))
	}
	scores := map[string]float64{}
	for _, d := range documents {
		if wanted(d) {
			scores[d.ID] = driver.Score(collection.Metric, query, d.Embedding)
		}
	}
	for i, m := range got.Matches {
		// Documents that are nearly as near may have changed places.
		score, matches := scores[m.ID]
		delete(scores, m.ID)
		if !matches || math.Abs(score-want[i].Score) > scoreTolerance || math.Abs(m.Score-score) > scoreTolerance {
			return broken("V3", "result %d of a search in collection %q is %q with score %v, want %q with %v", i, collection.Name, m.ID, m.Score, want[i].ID, want[i].Score)
		}
	}
	return nil
}

// CheckWhole judges documents that are always written together, when nothing is being
// written: all have the same content, or none is there.
func CheckWhole(name string, size int, documents []enact.Document) error {
	for _, d := range documents {
		if len(documents) != size || d.Content != documents[0].Content {
			return broken("V2", "%s: %d of %d documents are there, with %q and %q: an upsert or a deletion was torn", name, len(documents), size, documents[0].Content, d.Content)
		}
	}
	return nil
}
