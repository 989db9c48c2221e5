package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

// groupSize is how many documents are always written together.
const groupSize = 3

func documentID(group, i int) string { return fmt.Sprintf("document-%d-%d", group, i) }

func documentIDs(group int) (ids []string) {
	for i := range groupSize {
		ids = append(ids, documentID(group, i))
	}
	return ids
}

// document is the document of a group after a write with a value.
func document(group, i int, value string) enact.Document {
	d := enact.Document{ID: documentID(group, i), Content: value, Embedding: make([]float32, dimension)}
	d.Metadata = json.RawMessage(fmt.Sprintf(`{%q:%d}`, client.GroupKey, group))
	for j := range d.Embedding {
		// Any numbers will do that follow from the content.
		d.Embedding[j] = float32(int(value[(i+j*7)%len(value)])-90) + float32(i) + 0.5
	}
	return d
}

// upsert stores or deletes the documents of this worker's group.
func (w *worker) upsert(t *tenant) {
	r := t.groups[w.number]
	s := &model.Setting{Value: w.text(t, w.name()), Deletes: w.rand.IntN(5) == 0}
	var call client.Call
	if s.Deletes {
		call = client.DeleteDocuments{Tenant: t.shelf, Collection: collection, IDs: documentIDs(w.number)}
	} else {
		upserting := client.Upsert{Tenant: t.shelf, Collection: collection}
		for i := range groupSize {
			upserting.Documents = append(upserting.Documents, document(w.number, i, s.Value))
		}
		call = upserting
	}
	r.Begin(s)
	fate, _ := w.write(call)
	w.Journal.Judge(r.End(s, fate, 0))
}

// readVectors reads a document, or searches.
func (w *worker) readVectors(t *tenant) {
	group, i := w.rand.IntN(workers), w.rand.IntN(groupSize)
	c, timeout := w.anyClient(), w.timeout()
	if w.rand.IntN(2) == 0 {
		got, during, err := read[enact.Document](w, c, client.GetDocument{Tenant: t.shelf, Collection: collection, ID: documentID(group, i)}, timeout, enact.ErrNotFound)
		if !errors.Is(err, errNotRead) {
			w.Journal.Judge(t.groups[group].Check(model.Reading{Found: err == nil, Value: got.Content}, during))
		}
		return
	}
	call := client.Search{Tenant: t.shelf, Collection: collection, Embedding: w.embedding(), Limit: 100, Group: int64(group)}
	result, during, err := read[enact.Result](w, c, call, timeout)
	if err != nil {
		return
	}
	for _, m := range result.Matches {
		owner, ok := groupOf(m.ID)
		if !ok || owner != group {
			w.Journal.Judge(&model.Broken{Rule: "V4", What: fmt.Sprintf("a search of group %d finds document %q", group, m.ID)})
			continue
		}
		w.Journal.Judge(t.groups[group].Check(model.Reading{Found: true, Value: m.Content}, during))
	}
}

func (w *worker) embedding() []float32 {
	query := make([]float32, dimension)
	for i := range query {
		query[i] = w.rand.Float32() - 0.5
	}
	return query
}

// groupOf is the group of a document.
func groupOf(id string) (int, bool) {
	parts := strings.Split(id, "-")
	if len(parts) != 3 {
		return 0, false
	}
	group, err := strconv.Atoi(parts[1])
	return group, err == nil && group < workers
}
