package weaviate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// mostAtOnce is how many documents Weaviate returns at most, unless its setting
// QUERY_MAXIMUM_RESULTS is less.
const mostAtOnce = 10_000

// componentsAtOnce bounds the components of embeddings in one answer.
const componentsAtOnce = 4 << 20

// Search asks the index for somewhat more documents than are wanted, and computes
// their scores from their embeddings. It asks for more as long as a document that it
// has not seen might be among the best; past what Weaviate returns at once it reads
// the collection.
func (s vectors) Search(ctx context.Context, name string, q driver.Query) (result driver.Result, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		err := s.with(ctx, name, func(c pinned) error {
			if err := c.ValidateQuery(q); err != nil {
				return err
			}
			x := &search{vectors: s, pinned: c, Query: q, where: atLeast(q.Filter)}
			result, err = x.run(ctx)
			return err
		})
		if err == errGone {
			result, err = driver.Result{Exact: true}, nil // there are no documents
		}
		return err
	})
	if err != nil {
		return driver.Result{}, err
	}
	return result, nil
}

// search is a query in a collection.
type search struct {
	vectors
	pinned
	driver.Query
	where condition

	found []driver.Match
	// total is how many documents the collection has.
	total int64
	// extremes is how many documents were found that are not in the index.
	extremes int
}

func (x *search) run(ctx context.Context) (driver.Result, error) {
	if driver.BeyondFloat32(x.Embedding) {
		return x.scan(ctx)
	}
	for wanted := x.Limit + x.Limit/8 + 16; ; wanted *= 4 {
		wanted = min(wanted, mostAtOnce)
		x.found = nil
		seen, last, err := x.nearest(ctx, wanted)
		if err != nil {
			return driver.Result{}, err
		}
		exact := x.total <= x.exactUpTo // each document was compared
		switch {
		case x.extremes == mostAtOnce:
			return x.scan(ctx)
		case seen < wanted:
			// Either there are no more, or the index does not have them: it may lack
			// one that is being replaced, and some after its server was killed.
			matching := x.total
			if !x.where.isAlways() {
				if matching, err = x.countMatching(ctx); err != nil {
					return driver.Result{}, err
				}
			}
			if matching == int64(seen+x.extremes) {
				return driver.Result{Matches: x.best(), Exact: true}, nil
			}
			return x.scan(ctx)
		case x.nothingBetter(last):
			return driver.Result{Matches: x.best(), Exact: exact}, nil
		case wanted == mostAtOnce && (exact || len(x.found) < x.Limit):
			return x.scan(ctx)
		case wanted == mostAtOnce:
			return driver.Result{Matches: x.best()}, nil
		}
	}
}

// countMatching counts the documents for which the condition holds. It takes the
// server the longer the more there are.
func (x *search) countMatching(ctx context.Context) (int64, error) {
	data, err := x.ask(ctx, get(x.pinned, x.consistency, &x.where), x.class)
	if err != nil {
		return 0, err
	}
	return x.counted(data)
}

func (x *search) counted(data map[string]models.JSONObject) (int64, error) {
	n, ok := countOf(object(data["Aggregate"])[x.class])
	if !ok {
		return 0, fmt.Errorf("weaviate: the server has not counted the documents of class %s", x.class)
	}
	return n, nil
}

// nothingBetter: no document that the server holds to be as far as one of this score,
// or farther, is among the best. What it computes are sums of float32.
func (x *search) nothingBetter(last float64) bool {
	bar := math.Inf(-1)
	if best := x.best(); len(best) == x.Limit {
		bar = best[len(best)-1].Score
	} else if x.MinScore != nil {
		bar = *x.MinScore
	}
	return last+1e-5*x.scale(last) < bar
}

// scale is how large the numbers are of which a score is the sum.
func (x *search) scale(score float64) float64 {
	switch x.Metric {
	case driver.Cosine:
		return 1
	case driver.Euclidean:
		return math.Abs(score)
	}
	var squares float64
	for _, c := range x.Embedding {
		squares += float64(c) * float64(c)
	}
	return math.Max(math.Abs(score), math.Sqrt(squares))
}

// fields are those that are needed of a document, and those asked for.
func (x *search) fields() driver.Fields {
	fields := x.Fields
	fields.Metadata = fields.Metadata || x.Filter.Op != driver.OpAll
	return fields
}

// nearest collects the documents that the server holds to be nearest, and those that
// are not in its index. It returns how many there were of the former, and the score of
// the last one.
func (x *search) nearest(ctx context.Context, wanted int) (seen int, last float64, err error) {
	page := min(wanted, max(1, componentsAtOnce/x.Dimension))
	extremes := joined(and, []condition{x.where, anyOf(tokenExtreme)})
	everything := condition{}
	near := part{name: partNear, near: x.Embedding, where: &x.where, embedding: true, fields: x.fields()}
	for seen < wanted {
		near.limit, near.offset = min(page, wanted-seen), seen
		parts, counted := []part{near}, (*condition)(nil)
		if seen == 0 {
			parts, counted = append(parts, part{name: partExtreme, where: &extremes, limit: mostAtOnce, fields: x.fields()}), &everything
		}
		data, err := x.ask(ctx, get(x.pinned, x.consistency, counted, parts...), x.class)
		if err != nil {
			return 0, 0, err
		}
		answers := object(data["Get"])
		if seen == 0 {
			if x.total, err = x.counted(data); err != nil {
				return 0, 0, err
			}
			if x.extremes, _, _, err = x.collect(answers[partExtreme]); err != nil {
				return 0, 0, err
			}
		}
		n, score, _, err := x.collect(answers[partNear])
		if err != nil {
			return 0, 0, err
		}
		if n > 0 {
			last = score
		}
		if seen += n; n < near.limit {
			break
		}
	}
	return seen, last, nil
}

// collect adds those documents of an answer that match. It returns how many there
// were, and the score and the UUID of the last one.
func (x *search) collect(answer any) (seen int, score float64, id string, err error) {
	list, ok := answer.([]any)
	if !ok {
		return 0, 0, "", fmt.Errorf("weaviate: the server has not searched class %s", x.class)
	}
	for _, found := range list {
		var m driver.Match
		if m, id, err = matchOf(found); err != nil {
			return 0, 0, "", err
		}
		if len(m.Embedding) != x.Dimension {
			return 0, 0, "", broken(m.ID, "vector")
		}
		m.Score = driver.Score(x.Metric, x.Embedding, m.Embedding)
		score = m.Score
		if err := x.add(m); err != nil {
			return 0, 0, "", err
		}
	}
	return len(list), score, id, nil
}

// add keeps a document if it matches and may be among the best.
func (x *search) add(m driver.Match) error {
	if x.MinScore != nil && m.Score < *x.MinScore {
		return nil
	}
	if x.Filter.Op != driver.OpAll {
		metadata, err := driver.ParseMetadata(m.Metadata)
		if err != nil {
			return broken(m.ID, propertyMetadata)
		}
		if !x.Filter.Match(metadata) {
			return nil
		}
	}
	m.Document = x.Fields.Of(m.Document)
	if x.found = append(x.found, m); len(x.found) > 4*x.Limit+1000 {
		x.found = slices.Clone(x.best())
	}
	return nil
}

// best returns what was found, the best first.
func (x *search) best() []driver.Match {
	slices.SortFunc(x.found, func(a, b driver.Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	return x.found[:min(len(x.found), x.Limit)]
}

// scan compares with every document of the collection.
func (x *search) scan(ctx context.Context) (driver.Result, error) {
	x.found = nil
	page := part{name: partScan, after: firstUUID, embedding: true, fields: x.fields(), limit: min(1000, max(1, componentsAtOnce/x.Dimension))}
	for {
		data, err := x.ask(ctx, get(x.pinned, x.consistency, nil, page), x.class)
		if err != nil {
			return driver.Result{}, err
		}
		seen, _, last, err := x.collect(object(data["Get"])[partScan])
		if err != nil {
			return driver.Result{}, err
		}
		if seen < page.limit {
			return driver.Result{Matches: x.best(), Exact: true}, nil
		}
		page.after = last
	}
}
