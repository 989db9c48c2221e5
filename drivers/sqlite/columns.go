package sqlite

import (
	"context"
	"maps"
	"slices"

	"github.com/enactdev/enact/driver"
)

// columns are copies of metadata fields, beside the rows of a matrix, by the name
// of the field. Only fields are here that filters have asked for where an index
// would have found too many rows. One for which there was no room is here as nil.
type columns map[string]*column

// Columns of a collection take at most a part of what its embeddings take, or this
// much if that is more.
const (
	columnsPart  = 8
	columnsBytes = 4 << 20
)

// columnsBudget is how many bytes the columns of m may take.
func (m *matrix) columnsBudget() int {
	return max(columnsBytes, len(m.keys)*m.dimension*4/columnsPart)
}

// know reports whether each field is there, or it is known that there is no room for
// it.
func (cs columns) know(fields []string) bool {
	for _, field := range fields {
		if _, ok := cs[field]; !ok {
			return false
		}
	}
	return true
}

// have reports whether all fields are there.
func (cs columns) have(fields []string) bool {
	for _, field := range fields {
		if cs[field] == nil {
			return false
		}
	}
	return true
}

// entryBytes is what a column takes without rows, or that there is none.
const entryBytes = 256

func (cs columns) bytes() (sum int) {
	for field, column := range cs {
		sum += entryBytes + len(field) + column.bytes()
	}
	return sum
}

// grow adds a row without fields.
func (cs columns) grow() {
	for _, column := range cs {
		column.grow()
	}
}

// remove fills the gap with the last row.
func (cs columns) remove(place int32) {
	for _, column := range cs {
		column.remove(place)
	}
}

// loadColumns makes the copies that are not there yet, of the version that m has.
// Others go if there is no room for them.
func (m *matrix) loadColumns(ctx context.Context, c *conn, collection int64, fields []string) error {
	loaded, room := columns{}, m.columnsBudget()
	keep := func(field string, column *column) {
		loaded[field] = column
		room -= entryBytes + len(field) + column.bytes()
	}
	for _, field := range fields {
		column, known := m.columns[field]
		if !known {
			var err error
			if column, err = m.loadColumn(ctx, c, collection, field, room-entryBytes-len(field)); err != nil {
				return err
			}
		}
		keep(field, column)
	}
	for field, column := range m.columns {
		if _, wanted := loaded[field]; !wanted && entryBytes+len(field)+column.bytes() <= room {
			keep(field, column)
		}
	}
	m.columns = loaded
	return nil
}

// loadColumn returns nil for a column that would take more than so many bytes.
func (m *matrix) loadColumn(ctx context.Context, c *conn, collection int64, field string, room int) (*column, error) {
	if rowBytes*len(m.keys) > room {
		return nil, nil
	}
	column := newColumn(len(m.keys))
	var document int64
	var a attribute
	dest := []any{&document, &a.kind, &a.value}
	err := c.each(ctx, "SELECT document, kind, value FROM attributes WHERE collection = ? AND key = ?", []any{collection, []byte(field)}, func(row scanner) (bool, error) {
		if err := row.Scan(dest...); err != nil {
			return false, err
		}
		if place, ok := m.places[document]; ok {
			column.add(place, a)
		}
		return column.bytes() <= room, nil
	})
	if column.bytes() > room {
		column = nil
	}
	return column, err
}

// refreshColumns brings the copies to the version that c sees, after the rows. What
// they no longer hold takes memory as well, so when that is too much they go.
func (m *matrix) refreshColumns(ctx context.Context, c *conn, found collection) error {
	if len(m.columns) == 0 {
		return nil
	}
	var key int64
	var metadata []byte
	dest := []any{&key, &metadata}
	err := c.each(ctx, "SELECT key, metadata FROM documents WHERE collection = ? AND changed > ?", []any{found.key, m.version}, func(row scanner) (bool, error) {
		if err := row.Scan(dest...); err != nil {
			return false, err
		}
		fields, err := driver.ParseMetadata(metadata)
		if err != nil {
			return false, err
		}
		for name, column := range m.columns {
			field, there := fields[name]
			column.set(m.places[key], driver.ScalarsOf(field), there)
		}
		return true, nil
	})
	if m.columns.bytes() > m.columnsBudget() {
		m.columns = nil
	}
	return err
}

// fieldsOf returns the fields that a filter looks at.
func fieldsOf(f driver.Filter) []string {
	fields := map[string]struct{}{}
	var visit func(f driver.Filter)
	visit = func(f driver.Filter) {
		switch f.Op {
		case driver.OpAll:
		case driver.OpAnd, driver.OpOr, driver.OpNot:
			for _, inner := range f.Filters {
				visit(inner)
			}
		default:
			fields[f.Key] = struct{}{}
		}
	}
	visit(f)
	return slices.Sorted(maps.Keys(fields))
}

// condition returns a function that tells whether a row matches.
func (cs columns) condition(f driver.Filter) func(place int32) bool {
	switch f.Op {
	case driver.OpAll:
		return func(int32) bool { return true }
	case driver.OpAnd, driver.OpOr:
		conditions := make([]func(int32) bool, len(f.Filters))
		for i, inner := range f.Filters {
			conditions[i] = cs.condition(inner)
		}
		decisive := f.Op == driver.OpOr // what one of them says decides
		return func(place int32) bool {
			for _, holds := range conditions {
				if holds(place) == decisive {
					return decisive
				}
			}
			return !decisive
		}
	case driver.OpNot:
		holds := cs.condition(f.Filters[0])
		return func(place int32) bool { return !holds(place) }
	}
	return cs[f.Key].condition(f)
}
