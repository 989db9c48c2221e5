package postgres

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

// statement is the text of a statement and its arguments.
type statement struct {
	text string
	args []any
}

// bind adds an argument and returns its place in the text.
func (s *statement) bind(arg any) string {
	s.args = append(s.args, arg)
	return fmt.Sprintf("$%d", len(s.args))
}

// matching is a condition on documents: the filter's.
func (x *search) matching(s *statement) string {
	if x.Filter.Op == driver.OpAll {
		return ""
	}
	return " AND attributes @@ " + s.bind(jsonPath(x.Filter)) + "::jsonpath"
}

// distance is what the index is ordered by.
func (x *search) distance(s *statement) string {
	return "embedding OPERATOR(pgvector." + operators[x.Metric] + ") " + s.bind(x.Embedding) + "::real[]::pgvector.vector"
}

// approximately lets the server use the index. Documents with extreme
// embeddings, which are not in it, are all returned.
func (x *search) approximately(s *statement) string {
	filter, distance := x.matching(s), x.distance(s)
	return "(SELECT * FROM enact.documents WHERE NOT extreme" + filter + " ORDER BY " + distance + " LIMIT " + s.bind(x.wanted()) + ")" +
		" UNION ALL SELECT * FROM enact.documents WHERE extreme" + filter
}

// exactly orders by a sum, which no approximate index offers.
func (x *search) exactly(s *statement) string {
	filter := x.matching(s)
	if x.extreme {
		return "SELECT * FROM enact.documents WHERE TRUE" + filter
	}
	distance := x.distance(s)
	near := ""
	if farthest, known := x.farthest(); known {
		near = " AND " + distance + " <= " + s.bind(farthest)
	}
	return "(SELECT * FROM enact.documents WHERE NOT extreme" + filter + near + " ORDER BY 0 + (" + distance + "), id LIMIT " + s.bind(x.wanted()) + ")" +
		" UNION ALL SELECT * FROM enact.documents WHERE extreme" + filter
}

// farthest is a distance, as the server computes it, that no document with the
// minimum score exceeds. The tolerance is more than sums of float32 lose. For inner
// products no distance follows from the score alone.
func (x *search) farthest() (distance float64, known bool) {
	const tolerance = 1e-2
	if x.MinScore == nil {
		return 0, false
	}
	switch x.Metric {
	case driver.Cosine:
		return 1 - *x.MinScore + tolerance, true
	case driver.Euclidean:
		return -*x.MinScore*(1+tolerance) + tolerance*driver.LeastFloat32Length, true
	}
	return 0, false
}

// reading completes a statement that selects documents: it returns what the query
// asks for of them, and the embedding, to compute the score from. The outer query
// keeps the server from unpacking what is not among the nearest.
func (x *search) reading(nearest func(*statement) string) (s statement) {
	content, metadata := "''::bytea", "''::bytea"
	if x.Fields.Content {
		content = "content"
	}
	if x.Fields.Metadata {
		metadata = "metadata"
	}
	s.text = x.sql("SELECT id, extreme, " + content + ", " + metadata + ", pgvector.vector_send(embedding) FROM (" + nearest(&s) + ") nearest")
	return s
}
