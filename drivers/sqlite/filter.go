package sqlite

import (
	"strings"

	"github.com/enactdev/enact/driver"
)

// selection builds the query that finds the documents a filter selects, as a set
// operation for each operator. Keys and values are only ever bound.
type selection struct {
	collection int64
	args       []any
}

// selectDocuments returns a query for the keys of the documents in collection
// that f selects, with its arguments.
func selectDocuments(collection int64, f driver.Filter) (query string, args []any) {
	s := selection{collection: collection}
	return s.of(f), s.args
}

// maxCompound keeps a UNION or INTERSECT well below SQLite's limit of 500 terms.
const maxCompound = 100

func (s *selection) of(f driver.Filter) string {
	switch f.Op {
	case driver.OpAnd:
		if len(f.Filters) > 0 {
			return s.combine(" INTERSECT ", f.Filters)
		}
		return s.all()
	case driver.OpOr:
		if len(f.Filters) > 0 {
			return s.combine(" UNION ", f.Filters)
		}
		return none
	case driver.OpNot:
		return s.not(f.Filters[0])
	case driver.OpNe:
		return s.not(driver.Eq(f.Key, f.Values[0]))
	case driver.OpExists:
		return s.having(f.Key, "")
	case driver.OpIn:
		return s.in(f.Key, f.Values)
	case driver.OpEq:
		return s.compare(f, " = ?")
	case driver.OpLt:
		return s.compare(f, " < ?")
	case driver.OpLte:
		return s.compare(f, " <= ?")
	case driver.OpGt:
		return s.compare(f, " > ?")
	case driver.OpGte:
		return s.compare(f, " >= ?")
	}
	return s.all()
}

const none = "SELECT 0 WHERE FALSE"

func (s *selection) all() string {
	s.args = append(s.args, s.collection)
	return "SELECT key FROM documents WHERE collection = ?"
}

func (s *selection) not(f driver.Filter) string {
	return s.all() + " EXCEPT SELECT * FROM (" + s.of(f) + ")"
}

// combine joins filters by a set operator, as a tree if they are many.
func (s *selection) combine(operator string, filters []driver.Filter) string {
	if len(filters) > maxCompound {
		half := len(filters) / 2
		return "SELECT * FROM (" + s.combine(operator, filters[:half]) + ")" + operator +
			"SELECT * FROM (" + s.combine(operator, filters[half:]) + ")"
	}
	terms := make([]string, len(filters))
	for i, f := range filters {
		terms[i] = "SELECT * FROM (" + s.of(f) + ")"
	}
	return strings.Join(terms, operator)
}

// having selects the documents that have the field, with a condition on its
// values whose arguments the caller adds.
func (s *selection) having(key, condition string) string {
	s.args = append(s.args, s.collection, []byte(key))
	return "SELECT document FROM attributes WHERE collection = ? AND key = ?" + condition
}

func (s *selection) compare(f driver.Filter, condition string) string {
	query := s.having(f.Key, " AND kind = ? AND value"+condition)
	a := attributeOf(f.Values[0])
	s.args = append(s.args, a.kind, a.value)
	return query
}

func (s *selection) in(key string, values []driver.Value) string {
	byKind := map[int][]any{}
	for _, v := range values {
		a := attributeOf(v)
		byKind[a.kind] = append(byKind[a.kind], a.value)
	}
	var terms []string
	for kind, values := range byKind {
		terms = append(terms, s.having(key, " AND kind = ? AND value IN (?"+strings.Repeat(", ?", len(values)-1)+")"))
		s.args = append(append(s.args, kind), values...)
	}
	if terms == nil {
		return none
	}
	return strings.Join(terms, " UNION ALL ") // which, unlike UNION, need not find them all first
}
