package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/enactdev/enact"
)

// origin is a document's metadata.
type origin struct {
	File string `json:"file"`
	Line int    `json:"line"`
	End  int    `json:"end"`
}

// documents makes a document of each chunk of the file.
func (f file) documents(chunks []chunk) []enact.Document {
	docs := make([]enact.Document, len(chunks))
	for i, c := range chunks {
		docs[i] = enact.Document{
			ID:        f.document(c.first),
			Content:   c.text,
			Metadata:  raw(object{"file": f.name(), "line": c.first, "end": c.last}),
			Embedding: embed(c.text),
		}
	}
	return docs
}

// deleteDocuments removes all documents of a file, page by page.
func (j *job) deleteDocuments(ctx context.Context, f file) error {
	collection := j.folder.collection(j.run)
	for {
		found, err := j.tenant.Vectors.Search(ctx, collection, enact.Query{
			Embedding: embed(""), Limit: maxUpsert, Filter: enact.Eq("file", enact.String(f.name())),
		})
		if err != nil || len(found.Matches) == 0 {
			return err
		}
		ids := make([]string, len(found.Matches))
		for i, match := range found.Matches {
			ids[i] = match.ID
		}
		if err := j.tenant.Vectors.Delete(ctx, collection, ids...); err != nil {
			return err
		}
	}
}

// originOf reads a document's metadata.
func originOf(d enact.Document) (origin, error) {
	var o origin
	if err := json.Unmarshal(d.Metadata, &o); err != nil {
		return origin{}, fmt.Errorf("metadata of document %q: %w", d.ID, err)
	}
	return o, nil
}
