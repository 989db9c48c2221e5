package weaviate

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// countedAtOnce bounds the collections that are counted by one query.
const countedAtOnce = 50

// count returns the numbers of documents in collections. One to which nothing was
// ever written has none.
func (s vectors) count(ctx context.Context, collections []pinned) (counts []uint64, err error) {
	for some := range slices.Chunk(collections, countedAtOnce) {
		var text strings.Builder
		text.WriteString("{Aggregate{")
		classes := make([]string, len(some))
		for i, c := range some {
			classes[i] = c.class
			fmt.Fprintf(&text, "c%d:%s(tenant:%q){meta{count}} ", i, c.class, c.tenant)
		}
		text.WriteString("}}")
		data, err := s.ask(ctx, text.String(), classes...)
		if err != nil && err != errGone {
			return nil, err
		}
		answers := object(data["Aggregate"])
		for i := range some {
			n, ok := countOf(answers[fmt.Sprint("c", i)])
			if !ok && err != errGone {
				return nil, fmt.Errorf("weaviate: the server has not counted the documents of class %s", some[i].class)
			}
			counts = append(counts, uint64(n))
		}
	}
	return counts, nil
}

// countOf reads the answer to one Aggregate.
func countOf(answer any) (n int64, ok bool) {
	list, _ := answer.([]any)
	if len(list) == 0 {
		return 0, false
	}
	count, ok := object(object(list[0])["meta"])["count"].(float64)
	return int64(count), ok
}

// object returns what an answer holds by name, nothing if it is something else.
func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}
