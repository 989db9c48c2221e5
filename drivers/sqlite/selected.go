package sqlite

import (
	"context"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

// A condition is answered by the index of the file while it selects at most this
// part of the rows, or so many; looking at every row in memory is faster from there
// on.
const (
	indexedPart = 512
	indexedRows = 64
)

// selected returns the rows whose documents match the filter. done is false when m
// would have to be changed first and mayChange is not.
func (m *matrix) selected(ctx context.Context, c *conn, collection int64, f driver.Filter, mayChange bool) (among candidates, done bool, err error) {
	if f.Op == driver.OpAll {
		return candidates{}, true, nil
	}
	listed, err := m.narrowed(ctx, c, collection, f)
	if err != nil || listed != nil && indexable(f) {
		return candidates{listed: listed}, true, err
	}
	fields := fieldsOf(f)
	if !m.columns.know(fields) {
		if !mayChange {
			return candidates{}, false, nil
		}
		if err := m.loadColumns(ctx, c, collection, fields); err != nil {
			return candidates{}, false, err
		}
	}
	if m.columns.have(fields) {
		return candidates{listed, m.columns.condition(f)}, true, nil
	}
	listed, _, err = m.indexed(ctx, c, collection, f, math.MaxInt)
	return candidates{listed: listed}, true, err
}

// indexable: one range of the index, which is read from its beginning on, answers
// the filter.
func indexable(f driver.Filter) bool {
	switch f.Op {
	case driver.OpEq, driver.OpIn, driver.OpLt, driver.OpLte, driver.OpGt, driver.OpGte, driver.OpExists:
		return true
	}
	return false
}

// narrowed returns the rows that a condition selects without which the filter does
// not hold; nil: each such condition selects too many, or there is none.
func (m *matrix) narrowed(ctx context.Context, c *conn, collection int64, f driver.Filter) ([]int32, error) {
	conditions := []driver.Filter{f}
	if f.Op == driver.OpAnd {
		conditions = f.Filters
	}
	most := max(indexedRows, len(m.keys)/indexedPart)
	for _, condition := range conditions {
		if !indexable(condition) {
			continue
		}
		places, all, err := m.indexed(ctx, c, collection, condition, most)
		if all || err != nil {
			return places, err
		}
	}
	return nil, nil
}

// indexed returns the rows that the index of the file finds, in order; not nil. It
// stops behind so many, and then they are not all.
func (m *matrix) indexed(ctx context.Context, c *conn, collection int64, f driver.Filter, most int) (places []int32, all bool, err error) {
	query, args := selectDocuments(collection, f)
	places = []int32{}
	var key int64
	dest := []any{&key}
	run := c.eachOnce
	if indexable(f) && f.Op != driver.OpIn {
		run = c.each // one query for each operator
	}
	err = run(ctx, query, args, func(row scanner) (bool, error) {
		if err := row.Scan(dest...); err != nil {
			return false, err
		}
		if place, ok := m.places[key]; ok {
			places = append(places, place)
		}
		return len(places) <= most, nil
	})
	all = len(places) <= most && err == nil
	slices.Sort(places)                     // to walk through memory in one direction
	return slices.Compact(places), all, err // a list may match more than once
}
