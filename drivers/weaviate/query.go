package weaviate

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// Queries are written in GraphQL. All that gets into one are numbers, tokens, and
// names that the driver has made of letters, digits, - and _; never what an
// application has said.

// Parts of the answer to a query.
const (
	partNear    = "near"    // the nearest documents of the index
	partExtreme = "extreme" // those that are not in the index
	partScan    = "scan"    // all, one page after the other
)

// part asks for documents of a collection.
type part struct {
	name      string
	near      []float32  // nil: in no order
	where     *condition // nil: all documents
	after     string     // the UUID to go on after, if not empty
	limit     int
	offset    int
	embedding bool // whether the index has the embedding
	fields    driver.Fields
}

// firstUUID is before all that documents have.
const firstUUID = "00000000-0000-0000-0000-000000000000"

// get writes a query for parts, and if counted is not nil, for the number of documents
// that fulfil it; the zero condition is for all, which are counted at once.
func get(c pinned, consistency string, counted *condition, parts ...part) string {
	var text strings.Builder
	text.WriteString("{")
	if len(parts) > 0 {
		text.WriteString("Get{")
	}
	for _, p := range parts {
		fmt.Fprintf(&text, "%s:%s(tenant:%q limit:%d", p.name, c.class, c.tenant, p.limit)
		if c.replicated {
			text.WriteString(" consistencyLevel:" + consistency)
		}
		if p.offset > 0 {
			fmt.Fprintf(&text, " offset:%d", p.offset)
		}
		if p.after != "" {
			fmt.Fprintf(&text, " after:%q", p.after)
		}
		if p.near != nil {
			text.WriteString(" nearVector:{vector:[")
			for i, x := range p.near {
				if i > 0 {
					text.WriteByte(',')
				}
				text.WriteString(strconv.FormatFloat(float64(x), 'g', -1, 32))
			}
			text.WriteString("]}")
		}
		if p.where != nil {
			text.WriteString(" where:")
			p.where.write(&text)
		}
		text.WriteString("){" + propertyID)
		if p.fields.Content {
			text.WriteString(" " + propertyContent + " " + propertyBytes)
		}
		if p.fields.Metadata {
			text.WriteString(" " + propertyMetadata)
		}
		if !p.embedding || p.name == partScan {
			text.WriteString(" " + propertyEmbedding)
		}
		text.WriteString(" _additional{id")
		if p.embedding {
			text.WriteString(" vector")
		}
		text.WriteString("}}")
	}
	if len(parts) > 0 {
		text.WriteString("}")
	}
	if counted != nil {
		fmt.Fprintf(&text, "Aggregate{%s(tenant:%q", c.class, c.tenant)
		if counted.operator != "" {
			text.WriteString(" where:")
			counted.write(&text)
		}
		text.WriteString("){meta{count}}}")
	}
	text.WriteString("}")
	return text.String()
}

// write writes a condition. An operator needs at least one token.
func (c condition) write(text *strings.Builder) {
	switch {
	case c.isAlways():
		anyOf(tokenAll).write(text)
		return
	case c.isNever():
		condition{operator: containsNone, tokens: []string{tokenAll}}.write(text)
		return
	}
	text.WriteString("{operator:" + c.operator)
	if c.tokens != nil {
		text.WriteString(` path:["` + propertyFilters + `"] valueText:["` + strings.Join(c.tokens, `","`) + `"]}`)
		return
	}
	text.WriteString(" operands:[")
	for _, inner := range c.conditions {
		inner.write(text)
	}
	text.WriteString("]}")
}

// behind: the node that answers has not heard yet of a class that there is.
type behind struct{ error }

// ask sends a query about classes.
func (b *backend) ask(ctx context.Context, text string, classes ...string) (map[string]models.JSONObject, error) {
	data, err := b.server.query(ctx, text)
	if !says(err, "Cannot query field") {
		return data, gone(err)
	}
	for _, class := range classes {
		_, missed := b.server.schema.ClassGetter().WithClassName(class).Do(ctx)
		switch {
		case missing(missed):
			return nil, deleted(class)
		case missed != nil:
			return nil, missed
		}
	}
	return nil, behind{err}
}

// matchOf reads a document that a query has found, and its UUID.
func matchOf(answer any) (m driver.Match, id string, err error) {
	properties := object(answer)
	additional := object(properties["_additional"])
	numbers, _ := additional["vector"].([]any)
	var embedding []float32
	if len(numbers) > 0 {
		embedding = make([]float32, len(numbers))
		for i, n := range numbers {
			x, _ := n.(float64)
			embedding[i] = float32(x)
		}
	}
	id, _ = additional["id"].(string)
	m.Document, err = documentOf(properties, embedding)
	return m, id, err
}
