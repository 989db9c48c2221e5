package drivertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"

	"github.com/enactdev/enact/driver"
)

// equalDocument ends the check unless got is want: metadata equal as JSON,
// embeddings to the bit, and nothing where want has nothing.
func equalDocument(t *trial, did string, got, want driver.Document) {
	equal(t, did+": the ID", got.ID, want.ID)
	equal(t, did+": the content", got.Content, want.Content)
	switch {
	case len(want.Metadata) == 0:
		if len(got.Metadata) > 0 {
			t.fatal(did+": the metadata", shorten(got.Metadata), "none")
		}
	case !bytes.Equal(got.Metadata, want.Metadata):
		g, err := jsonValue(got.Metadata)
		if err != nil {
			t.fatal(did+": the metadata", fmt.Sprintf("%s, which is no JSON: %v", shorten(got.Metadata), err), shorten(want.Metadata))
		}
		w, err := jsonValue(want.Metadata)
		t.ok("reading the check's own metadata", err)
		if _, _, _, same := difference("", g, w); !same {
			t.fatal(did+": the metadata, as JSON", shorten(got.Metadata), shorten(want.Metadata))
		}
	}
	if len(got.Embedding)+len(want.Embedding) > 0 {
		equal(t, did+": the bits of the embedding", idsOf(got.Embedding, math.Float32bits), idsOf(want.Embedding, math.Float32bits))
	}
}

// jsonValue is a value that is equal for equal JSON, however it is written.
func jsonValue(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows")
	}
	return exactNumbers(v), nil
}

// canonical writes equal JSON in the same way, for comparing. What is no JSON stays
// as it is.
func canonical(raw json.RawMessage) json.RawMessage {
	v, err := jsonValue(raw)
	if err != nil {
		return raw
	}
	return fmt.Appendf(nil, "%#v", v)
}

// exactNumbers replaces the text of each number with its value.
func exactNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, field := range v {
			v[key] = exactNumbers(field)
		}
	case []any:
		for i, element := range v {
			v[i] = exactNumbers(element)
		}
	case json.Number:
		if _, exponent, there := strings.Cut(strings.ToLower(v.String()), "e"); there && len(exponent) > 5 {
			return v
		}
		if value, ok := new(big.Rat).SetString(v.String()); ok {
			return json.Number(value.RatString())
		}
	}
	return v
}

// randomEmbedding has components of about one, none of which is all zero.
func randomEmbedding(r *rand.Rand, dimension int) []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	v[r.IntN(dimension)] += 0x1p-10
	return v
}

// randomDocs are documents with near ties and exact ones, and metadata such as
// {"n":57,"m":3}.
func randomDocs(r *rand.Rand, prefix string, n, dimension int) []driver.Document {
	docs := make([]driver.Document, n)
	for i := range docs {
		v := randomEmbedding(r, dimension)
		if i > 0 && r.IntN(4) == 0 {
			copy(v, docs[r.IntN(i)].Embedding)
			if r.IntN(2) == 0 {
				j := r.IntN(dimension)
				v[j] = math.Nextafter32(v[j], 9)
			}
		}
		docs[i] = driver.Document{
			ID: fmt.Sprintf("%s%x-%d", prefix, r.Uint32(), i), Embedding: v,
			Content: fmt.Sprint("content ", i), Metadata: fmt.Appendf(nil, `{"n":%d,"m":%d}`, i%100, i%7),
		}
	}
	return docs
}
