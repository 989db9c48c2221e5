package weaviate

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// objectOf returns a document as it is stored, and how many tokens it has.
func objectOf(c pinned, d driver.Document) (*models.Object, int, error) {
	tokens, err := tokensOf(d.Metadata)
	if err != nil {
		return nil, 0, err
	}
	properties := map[string]any{propertyID: d.ID, propertyMetadata: string(d.Metadata)}
	if utf8.ValidString(d.Content) {
		properties[propertyContent] = d.Content
	} else {
		properties[propertyBytes] = base64.StdEncoding.EncodeToString([]byte(d.Content))
	}
	object := &models.Object{Class: c.class, Tenant: c.tenant, ID: objectID(d.ID), Properties: properties}
	if driver.BeyondFloat32(d.Embedding) {
		packed := make([]byte, 0, 4*len(d.Embedding))
		for _, x := range d.Embedding {
			packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(x))
		}
		properties[propertyEmbedding] = base64.StdEncoding.EncodeToString(packed)
		tokens = append(tokens, tokenExtreme)
	} else {
		object.Vector = d.Embedding
	}
	properties[propertyFilters] = tokens
	return object, len(tokens), nil
}

// documentOf reads what objectOf has made, as far as the properties are there.
func documentOf(properties map[string]any, vector []float32) (driver.Document, error) {
	text := func(name string) string { s, _ := properties[name].(string); return s }
	d := driver.Document{ID: text(propertyID), Content: text(propertyContent), Metadata: json.RawMessage(text(propertyMetadata)), Embedding: vector}
	if packed := text(propertyBytes); packed != "" {
		content, err := base64.StdEncoding.DecodeString(packed)
		if err != nil {
			return d, broken(d.ID, propertyBytes)
		}
		d.Content = string(content)
	}
	if packed := text(propertyEmbedding); packed != "" {
		bits, err := base64.StdEncoding.DecodeString(packed)
		if err != nil || len(bits)%4 != 0 {
			return d, broken(d.ID, propertyEmbedding)
		}
		d.Embedding = make([]float32, len(bits)/4)
		for i := range d.Embedding {
			d.Embedding[i] = math.Float32frombits(binary.LittleEndian.Uint32(bits[4*i:]))
		}
	}
	return d, nil
}

func broken(id, property string) error {
	return fmt.Errorf("weaviate: document %q: somebody else has changed its property %s; store it again", id, property)
}
