package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

// rewritten decodes metadata and encodes it again.
func rewritten(useNumber bool, change func(any) any) func(driver.VectorStore, *Place) driver.VectorStore {
	return upserts(func(_ driver.CollectionInfo, d driver.Document) driver.Document {
		dec := json.NewDecoder(bytes.NewReader(d.Metadata))
		if useNumber {
			dec.UseNumber()
		}
		var v any
		if dec.Decode(&v) != nil {
			return d
		}
		if text, err := json.Marshal(change(v)); err == nil {
			d.Metadata = text
		}
		return d
	})
}

// content changes contents on their way in.
func content(change func(string) string) func(driver.VectorStore, *Place) driver.VectorStore {
	return upserts(func(_ driver.CollectionInfo, d driver.Document) driver.Document {
		d.Content = change(d.Content)
		return d
	})
}

// deletes replaces Delete.
func deletes(remove func(ctx context.Context, s driver.VectorStore, collection string, ids []string) error) func(driver.VectorStore, *Place) driver.VectorStore {
	return func(s driver.VectorStore, _ *Place) driver.VectorStore {
		return &aVectorStore{VectorStore: s, delete: func(ctx context.Context, collection string, ids []string) error {
			return remove(ctx, s, collection, ids)
		}}
	}
}

var badDocuments = []*Broken{
	{Name: "metadata-through-float64", Rule: "V7", Fault: "Integers in metadata beyond 2⁵³ are rounded.", Vectors: rewritten(false, func(v any) any { return v })},
	{Name: "metadata-first-key-counts", Rule: "V7", Fault: "Of duplicate keys in metadata the first one counts.", Vectors: upserts(func(_ driver.CollectionInfo, d driver.Document) driver.Document {
		d.Metadata = firstOfKeys(d.Metadata)
		return d
	})},
	{Name: "metadata-nul-is-dropped", Rule: "V7", Fault: "An escaped NUL in metadata is dropped.", Vectors: upserts(func(_ driver.CollectionInfo, d driver.Document) driver.Document {
		d.Metadata = bytes.ReplaceAll(d.Metadata, []byte(`\u0000`), nil)
		return d
	})},
	{Name: "content-is-made-utf8", Rule: "V7", Fault: "Bytes of the content that are not UTF-8 are replaced.", Vectors: content(func(s string) string { return strings.ToValidUTF8(s, "\ufffd") })},
	{Name: "content-up-to-64k", Rule: "V7", Fault: "Content beyond 65,535 bytes is cut off.", Vectors: content(func(s string) string { return s[:min(len(s), 65535)] })},
	{Name: "embedding-as-text", Rule: "V7", Fault: "Embeddings are kept as text of seven digits.", Vectors: eachComponent(func(_ driver.Metric, x float32) float32 {
		y, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', 7, 32), 32)
		return float32(y)
	})},
	{Name: "embedding-is-kept-normalised", Rule: "V7", Fault: "Under cosine embeddings are kept with the length 1.", Vectors: upserts(func(info driver.CollectionInfo, d driver.Document) driver.Document {
		if info.Metric == driver.Cosine && len(d.Embedding) == info.Dimension && info.Validate([]driver.Document{d}) == nil {
			d.Embedding = normal(d.Embedding)
		}
		return d
	})},
	{Name: "document-ids-are-trimmed", Rule: "V7", Fault: "Space at the end of a document's ID does not count.", Vectors: renamesDocuments(func(id string) string {
		if trimmed := strings.TrimRight(id, " "); trimmed != "" {
			return trimmed
		}
		return id
	})},
	{Name: "deleting-ends-at-missing", Rule: "V7", Fault: "Of several IDs those after a missing one are not deleted.", Vectors: deletes(func(ctx context.Context, s driver.VectorStore, collection string, ids []string) error {
		for i, id := range ids {
			if _, err := s.Get(ctx, collection, id); errors.Is(err, driver.ErrNotFound) && i > 0 {
				return s.Delete(ctx, collection, ids[:i])
			}
		}
		return s.Delete(ctx, collection, ids)
	})},
	{Name: "deleting-by-pattern", Rule: "V7", Fault: "A _ in an ID to delete stands for any byte.", Vectors: deletes(func(ctx context.Context, s driver.VectorStore, collection string, ids []string) error {
		_, all, _ := everything(ctx, s, collection, nil)
		ids = slices.Clone(ids)
		for _, id := range ids {
			for _, m := range all {
				if before, after, there := strings.Cut(id, "_"); there && len(m.ID) == len(id) && strings.HasPrefix(m.ID, before) && strings.HasSuffix(m.ID, after) {
					ids = append(ids, m.ID)
				}
			}
		}
		return s.Delete(ctx, collection, ids)
	})},
	{Name: "deleted-are-found-by-filter", Rule: "V7", Fault: "A deleted document stays in the index of metadata, and a filtered search finds it.", Vectors: func(s driver.VectorStore, at *Place) driver.VectorStore {
		left := Remember[orphans](at.Store, "deleted of "+string(at.Tenant))
		return &aVectorStore{
			VectorStore: s,
			delete: func(ctx context.Context, collection string, ids []string) error {
				left.mu.Lock()
				defer left.mu.Unlock()
				if left.docs == nil {
					left.docs = map[string][]driver.Document{}
				}
				for _, id := range ids {
					if d, err := s.Get(ctx, collection, id); err == nil {
						left.docs[collection] = append(left.docs[collection], d)
					}
				}
				return s.Delete(ctx, collection, ids)
			},
			search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
				if q.Filter.Op == driver.OpAll {
					return s.Search(ctx, collection, q)
				}
				return ranking{extra: func(string) []driver.Document {
					left.mu.Lock()
					defer left.mu.Unlock()
					return slices.DeleteFunc(slices.Clone(left.docs[collection]), func(d driver.Document) bool {
						_, err := s.Get(ctx, collection, d.ID)
						return err == nil || len(d.Embedding) != len(q.Embedding)
					})
				}}.search(s)(ctx, collection, q)
			},
		}
	}},
}

// firstOfKeys drops top-level fields whose key was there before.
func firstOfKeys(text []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return text
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return text
		}
		if name, _ := key.(string); fields[name] == nil {
			fields[name] = value
		}
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return text
	}
	return out
}
