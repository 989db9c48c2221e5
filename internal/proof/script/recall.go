package script

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/enactdev/enact"
)

// EnsureCollection makes a collection of one dimension.
func EnsureCollection(name string) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("make collection %q", name), do: func(p *Player) (string, error) {
		return errOnly(p.Tenant.Vectors.EnsureCollection(p.Context, enact.Collection{Name: name, Dimension: 1, Metric: enact.Dot}))
	}}
}

// DeleteCollection removes a collection.
func DeleteCollection(name string) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("delete collection %q", name), do: func(p *Player) (string, error) {
		p.unsettled = p.Eventual > 0
		return errOnly(p.Tenant.Vectors.DeleteCollection(p.Context, name))
	}}
}

// Upsert stores a document whose content, and a field's name and value, are text.
func Upsert(collection, id, text string) Step {
	fields, _ := json.Marshal(map[string]any{text: text, "text": text, "list": []any{text, nil}, "nested": map[string]any{text: text}, "size": len(text)})
	return Step{needs: vectors, Doing: fmt.Sprintf("upsert document %q with %q into %q", id, text, collection), do: func(p *Player) (string, error) {
		p.unsettled = p.Eventual > 0
		return errOnly(p.Tenant.Vectors.Upsert(p.Context, collection, enact.Document{ID: id, Content: text, Metadata: fields, Embedding: []float32{1}}))
	}}
}

// GetDocument reads a document.
func GetDocument(collection, id string) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("get document %q of %q", id, collection), settles: true, do: func(p *Player) (string, error) {
		d, err := p.Tenant.Vectors.Get(p.Context, collection, id)
		return showDocument(d), err
	}}
}

// DeleteDocument removes a document.
func DeleteDocument(collection, id string) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("delete document %q of %q", id, collection), do: func(p *Player) (string, error) {
		p.unsettled = p.Eventual > 0
		return errOnly(p.Tenant.Vectors.Delete(p.Context, collection, id))
	}}
}

// Search finds all documents that a filter selects, whole if there is no filter. A
// driver may refuse the filter.
func Search(collection, described string, filter enact.Filter) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("search %q for %s", collection, described), settles: true, mayRefuse: filter.Op != "", do: func(p *Player) (string, error) {
		result, err := p.Tenant.Vectors.Search(p.Context, collection, enact.Query{Embedding: []float32{1}, Limit: 1000, Filter: filter, Fields: enact.Fields{Content: filter.Op == "", Metadata: filter.Op == ""}})
		found := make([]string, len(result.Matches))
		for i, m := range result.Matches {
			found[i] = fmt.Sprintf("%s %.3g", showDocument(m.Document), m.Score)
		}
		return strings.Join(found, "; "), err
	}}
}

// Searches ask for a field, and for a value, in every way that there is.
func Searches(collection, key, text string) (steps []Step) {
	value := enact.String(text)
	for name, filter := range map[string]enact.Filter{
		"=": enact.Eq(key, value), "≠": enact.Ne(key, value), "in": enact.In(key, value, enact.Null()), "<": enact.Lt(key, value), "≤": enact.Lte(key, value),
		">": enact.Gt(key, value), "≥": enact.Gte(key, value), "exists": enact.Exists(key),
		"not and or": enact.Not(enact.And(enact.Or(enact.Eq(key, value), enact.Eq("text", value)), enact.Ne(key, enact.Int(1)), enact.Exists("list"))),
	} {
		steps = append(steps, Search(collection, fmt.Sprintf("%q %s %q", key, name, text), filter))
	}
	slices.SortFunc(steps, func(a, b Step) int { return strings.Compare(a.Doing, b.Doing) })
	return steps
}

// ListCollections lists collections with the number of their documents.
func ListCollections(limit int) Step {
	return Step{needs: vectors, Doing: fmt.Sprintf("list collections by %d", limit), settles: true, do: func(p *Player) (string, error) {
		return listed(p, limit, p.Tenant.Vectors.ListCollections, func(i enact.CollectionInfo) string {
			return fmt.Sprintf("%q %d %s %d", i.Name, i.Dimension, i.Metric, i.Count)
		})
	}}
}

// showDocument writes metadata as they are compared: equal as JSON.
func showDocument(d enact.Document) string {
	var fields map[string]any
	json.Unmarshal(d.Metadata, &fields)
	return fmt.Sprintf("%q %q %q %v", d.ID, d.Content, fields, d.Embedding)
}
