package durability

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/enactdev/enact"
)

// vectorWriter makes a collection and puts, replaces and deletes documents in it.
type vectorWriter struct{}

const collection = "collection"

func (vectorWriter) deletes(n int) bool { return n%5 == 0 }

// documents are what write n upserts. Every fifth replaces those of the write before.
func (vectorWriter) documents(n int) []enact.Document {
	docs := make([]enact.Document, 3)
	for i := range docs {
		number := n
		if n%5 == 3 {
			number--
		}
		docs[i] = enact.Document{
			ID: fmt.Sprintf("%d-%d", number, i), Content: content("vectors", n, n%300), Metadata: fmt.Appendf(nil, `{"write":%d}`, n),
			Embedding: []float32{float32(n), float32(i), 1},
		}
	}
	return docs
}

func (w vectorWriter) marked(n int) bool { return !w.deletes(n) }

func (w vectorWriter) write(ctx context.Context, t *enact.Tenant, n int) (uint64, error) {
	switch {
	case n == 0:
		return 0, t.Vectors.EnsureCollection(ctx, enact.Collection{Name: collection, Dimension: 3, Metric: enact.Dot})
	case w.deletes(n):
		var ids []string
		for _, d := range w.documents(n - 1) {
			ids = append(ids, d.ID)
		}
		return 0, t.Vectors.Delete(ctx, collection, ids...)
	}
	return 0, t.Vectors.Upsert(ctx, collection, w.documents(n)...)
}

func (w vectorWriter) check(ctx context.Context, t *enact.Tenant, n int, _ []uint64) error {
	if n == 0 {
		if there, err := t.Vectors.CollectionExists(ctx, collection); there || err != nil {
			return fmt.Errorf("a collection that was not made is there (%v)", err)
		}
		return nil
	}
	want := map[string]enact.Document{}
	for i := 1; i < n; i++ {
		if w.deletes(i) {
			for _, d := range w.documents(i - 1) {
				delete(want, d.ID)
			}
			continue
		}
		for _, d := range w.documents(i) {
			want[d.ID] = d
		}
	}
	result, err := t.Vectors.Search(ctx, collection, enact.Query{
		Embedding: []float32{1, 1, 1}, Limit: len(want) + 1, Filter: enact.Gte("write", enact.Int(0)),
		Fields: enact.Fields{Content: true, Metadata: true, Embedding: true},
	})
	if err != nil {
		return err
	}
	for _, m := range result.Matches {
		if d, there := want[m.ID]; !there || m.Content != d.Content || !bytes.Equal(m.Metadata, d.Metadata) || !slices.Equal(m.Embedding, d.Embedding) {
			return fmt.Errorf("document %q is stored with metadata %s, want %s (%t)", m.ID, m.Metadata, d.Metadata, there)
		}
	}
	info, err := t.Vectors.GetCollection(ctx, collection)
	if err != nil || info.Count != uint64(len(want)) || len(result.Matches) != len(want) {
		return fmt.Errorf("%d documents are counted (%v) and %d found, want %d", info.Count, err, len(result.Matches), len(want))
	}
	return nil
}
