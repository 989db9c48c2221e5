package sqlite

import (
	"cmp"
	"context"
	"slices"

	"github.com/enactdev/enact/driver"
)

// Search locks the collection's copy, brings it to the version that one snapshot
// of the file shows, and asks filter and fields of the same snapshot. So what it
// answers is true of one moment, whoever writes meanwhile.
func (s vectors) Search(ctx context.Context, name string, q driver.Query) (driver.Result, error) {
	if err := s.Enter(ctx); err != nil {
		return driver.Result{}, err
	}
	defer s.Leave()
	for {
		var found collection
		err := s.reading(ctx, func(c *conn) (err error) {
			found, err = s.find(c, name)
			return err
		})
		if err != nil {
			return driver.Result{}, err
		}
		if err := found.ValidateQuery(q); err != nil {
			return driver.Result{}, err
		}
		m := s.matrices.of(found)
		for _, weight := range []int64{1, everyReader} { // reading is enough if nobody has written
			result, done, err := s.searchIn(ctx, m, found.key, name, q, weight)
			if done || err != nil {
				return result, err
			}
		}
		// The collection was made anew in between: begin again.
	}
}

// searchIn searches with m locked by weight. done is false when m would have to be
// changed first and may not be, or is not the collection's copy any more.
func (s vectors) searchIn(ctx context.Context, m *matrix, key int64, name string, q driver.Query, weight int64) (result driver.Result, done bool, err error) {
	if err := m.lock.Acquire(ctx, weight); err != nil {
		return driver.Result{}, false, err
	}
	defer m.lock.Release(weight)
	err = s.reading(ctx, func(c *conn) error {
		return c.snapshot(func() error {
			found, err := s.find(c, name)
			if err != nil || found.key != key {
				return err
			}
			if m.version != found.version {
				if weight != everyReader {
					return nil
				}
				if err := m.refresh(ctx, c, found); err != nil {
					return err
				}
			}
			result, done, err = m.search(ctx, c, found, q, weight == everyReader)
			return err
		})
	})
	if err != nil {
		return driver.Result{}, false, err
	}
	return result, done, nil
}

// search answers q from m and, for everything but the embeddings, from c. done is
// false when m would have to be changed first and mayChange is not.
func (m *matrix) search(ctx context.Context, c *conn, found collection, q driver.Query, mayChange bool) (result driver.Result, done bool, err error) {
	among, done, err := m.selected(ctx, c, found.key, q.Filter, mayChange)
	if !done || err != nil {
		return driver.Result{}, done, err
	}
	result, err = m.searchAmong(ctx, c, found, q, among)
	return result, true, err
}

// searchAmong is search among some rows.
func (m *matrix) searchAmong(ctx context.Context, c *conn, found collection, q driver.Query, among candidates) (driver.Result, error) {
	best, err := m.nearest(ctx, found.Metric, q, among)
	if err != nil {
		return driver.Result{}, err
	}
	if best, err = m.breakTie(ctx, c, best, q.Limit); err != nil {
		return driver.Result{}, err
	}
	result := driver.Result{Exact: true}
	for _, r := range best {
		if err := ctx.Err(); err != nil {
			return driver.Result{}, err
		}
		doc, err := scanDocument(c.row(documentQuery(q.Fields), m.keys[r.place]))
		if err != nil {
			return driver.Result{}, err
		}
		result.Matches = append(result.Matches, driver.Match{Document: q.Fields.Of(doc), Score: r.score})
	}
	slices.SortFunc(result.Matches, func(a, b driver.Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return result, nil
}

// breakTie cuts best to limit. Where the cut goes through rows with the same
// score, those with the least IDs stay.
func (m *matrix) breakTie(ctx context.Context, c *conn, best []ranked, limit int) ([]ranked, error) {
	if len(best) <= limit {
		return best, nil
	}
	tied := slices.IndexFunc(best, func(r ranked) bool { return r.score == best[limit-1].score })
	ids := make(map[int32]string, len(best)-tied)
	for _, r := range best[tied:] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var id string
		if err := c.row("SELECT id FROM documents WHERE key = ?", m.keys[r.place]).Scan(&id); err != nil {
			return nil, err
		}
		ids[r.place] = id
	}
	slices.SortFunc(best[tied:], func(a, b ranked) int { return cmp.Compare(ids[a.place], ids[b.place]) })
	return best[:limit], nil
}

// documentQuery reads the columns that fields ask for, and an empty one for each
// other.
func documentQuery(fields driver.Fields) string {
	column := func(wanted bool, name string) string {
		if wanted {
			return ", " + name
		}
		return ", NULL"
	}
	return "SELECT id" + column(fields.Content, "content") + column(fields.Metadata, "metadata") + column(fields.Embedding, "embedding") + " FROM documents WHERE key = ?"
}
