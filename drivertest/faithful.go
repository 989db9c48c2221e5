package drivertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

// Documents come back as they were: V7.

// awkwardMetadata is what careless stores change, by name.
var awkwardMetadata = map[string]string{
	"empty":           `{}`,
	"nested":          `{"a":{"b":[1,2,{"c":null}],"":false},"é":"e\u0301","l":[],"o":{},"n":null}`,
	"integers":        `{"big":9007199254740993,"l":[-9007199254740993,{"max":9223372036854775807}]}`,
	"large integers":  `{"bigger":18446744073709551617,"huge":123456789012345678901234567890}`,
	"fractions":       `{"z":-0.0,"f":0.1,"long":0.1234567890123456789,"e":1E+2}`,
	"out of range":    `{"e":1e400,"tiny":-1e-400}`,
	"spaced":          " {\r\n\t\"a\" : [ 1 ,2 ] } ",
	"escapes":         `{"a":"\u0000\u2028<&>\"\\\/\ud83d\ude00\u00e9","\u0061b":"\t"}`,
	"lone surrogate":  `{"a":"\ud800x"}`,
	"duplicate keys":  `{"a":1,"b":{"x":1,"x":2},"a":{"c":3}}`,
	"case":            `{"a":1,"A":2,"ä":3,"a\u0308":4}`,
	"code":            `{"'; DROP TABLE documents; --":"' OR '1'='1","$ref":"#","__proto__":{"a":1},"${x}":"%s"}`,
	"like a document": `{"id":"x","content":"y","embedding":[1],"metadata":{},"score":1,"_id":2,"vector":[2]}`,
	"empty key":       `{"":{"":""}}`,
	"lists":           `{"a":[[],[[]],[null],[1,"1",true,1.5]],"b":[3,1,2,1]}`,
	"strings":         `{"number":"1","bool":"true","null":"null","date":"2020-01-01T00:00:00Z","space":" a ","empty":""}`,
}

// awkwardDocuments have all that metadata, awkward contents and awkward IDs, in
// byte order of their IDs, with embeddings of three dimensions.
func awkwardDocuments() []driver.Document {
	var docs []driver.Document
	for name, metadata := range awkwardMetadata {
		docs = append(docs, driver.Document{ID: "metadata " + name, Content: name, Metadata: json.RawMessage(metadata)})
	}
	for name, content := range nastyBytes {
		docs = append(docs, driver.Document{ID: "content " + name, Content: string(content), Metadata: []byte(`{}`)})
	}
	for i, id := range nastyIDs {
		docs = append(docs, driver.Document{ID: id, Content: id, Metadata: fmt.Appendf(nil, `{"i":%d}`, i)})
	}
	slices.SortFunc(docs, func(a, b driver.Document) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	minusZero := float32(math.Copysign(0, -1))
	embeddings := [][]float32{
		{1, 2, 3}, {0.1, -0.1, math.SmallestNonzeroFloat32}, {1e18, -1e18, minusZero},
		{16777217, 1e-40, 1.0 / 3}, {minusZero, 0, 1}, {100, 200, 300}, {0.333333343, 3.1415927, 1.17549435e-38},
	}
	for i := range docs {
		docs[i].Embedding = embeddings[i%len(embeddings)]
	}
	return docs
}

// faithfulDocuments gets and finds documents with all kinds of contents.
func faithfulDocuments(t *trial) {
	for _, metric := range allMetrics {
		c := t.shelf(string(metric), 3, metric)
		c.put(t, t.Vectors, awkwardDocuments()...)
		for _, s := range t.twoViews() {
			c.described(t, "awkward documents", s)
			for id, want := range c.docs {
				got, err := s.Get(t.ctx, c.Name, id)
				t.ok(fmt.Sprintf("Get of document %q", id), err)
				equalDocument(t, fmt.Sprintf("Get of document %q", id), got, want)
			}
			result, err := s.Search(t.ctx, c.Name, driver.Query{Embedding: []float32{1, 1, 1}, Limit: 1000, Fields: allFields})
			t.ok("Search for all", err)
			equal(t, "Search for all: the IDs", slices.Sorted(slices.Values(idsOf(result.Matches, matchID))), c.ids())
			for _, m := range result.Matches {
				equalDocument(t, fmt.Sprintf("Search: document %q", m.ID), m.Document, c.docs[m.ID])
			}
		}
	}
}

// deletedDocuments deletes documents whose IDs are alike, in every way.
func deletedDocuments(t *trial) {
	views := t.twoViews()
	c, other := t.shelf("c", 1, driver.Dot), t.shelf("C", 1, driver.Dot)
	var docs []driver.Document
	for i, id := range nastyIDs {
		docs = append(docs, driver.Document{ID: id, Content: id, Metadata: []byte(`{"x":1}`), Embedding: []float32{float32(-i)}})
	}
	c.put(t, t.Vectors, docs...)
	other.put(t, t.Vectors, docs...)
	filtered := nearest(len(docs)+1, 1)
	filtered.Filter = driver.Eq("x", driver.Int(1))
	step := func(did string, s driver.VectorStore) {
		c.holds(t, did, s)
		c.answers(t, did+", filtered", s, filtered)
	}
	missing := func(did string, ids ...string) {
		for _, id := range ids {
			for _, s := range views {
				_, err := s.Get(t.ctx, c.Name, id)
				t.fails(fmt.Sprintf("%s: Get of document %q", did, id), err, driver.ErrNotFound)
			}
		}
	}
	missing("it was never there", "nobody", "A  ", "aA", "*%", "a\u00a0")
	c.remove(t, t.Vectors, "nobody", "A  ", "aA", "*%")
	step("after deleting missing ones", views[1])
	var gone []string
	for i := 0; i < len(nastyIDs); i += 9 {
		one := nastyIDs[i]
		c.remove(t, views[i%2], one)
		gone = append(gone, one)
		step(fmt.Sprintf("after deleting %q", one), views[1-i%2])
	}
	missing("it is deleted", gone...)
	c.remove(t, t.Vectors, gone[0])
	step("after deleting again", views[1])
	var half []string
	for i := 1; i < len(nastyIDs); i += 2 {
		half = append(half, nastyIDs[i], nastyIDs[i], "nobody")
	}
	c.remove(t, views[1], half...)
	for _, s := range views {
		step("after deleting every second one, named twice, and missing ones", s)
	}
	back := driver.Document{ID: gone[1], Content: "back", Metadata: []byte(`{"x":1.0}`), Embedding: []float32{5}}
	c.put(t, views[1], back, doc(gone[2], 3))
	for _, s := range views {
		step("after upserting deleted ones", s)
		other.holds(t, "the other collection", s)
	}
	c.remove(t, t.Vectors, slices.Collect(maps.Keys(c.docs))...)
	step("after deleting all", views[1])
}
