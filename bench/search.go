package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/philippgille/chromem-go"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// searchesOfSQLite is the part of point 6 that is about searching.
func searchesOfSQLite(ctx context.Context, b *bench) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	docs, queries := makeDocuments(documents), makeQueries(20)
	store, err := b.openSQLite(ctx)
	if err != nil {
		return err
	}
	if err := fillCollection(ctx, store.Vectors, docs); err != nil {
		return err
	}
	peer, err := chromemWith(ctx, docs)
	if err != nil {
		return err
	}
	if err := sameAnswers(ctx, store.Vectors, peer, queries); err != nil {
		return err
	}
	if err := b.holdSearch(ctx, store.Vectors, peer, queries); err != nil {
		return err
	}
	return b.holdFilters(ctx, store.Vectors, docs, queries)
}

// chromemWith returns the same documents in the peer, in memory.
func chromemWith(ctx context.Context, docs []enact.Document) (*chromem.Collection, error) {
	none := func(context.Context, string) ([]float32, error) { return nil, fmt.Errorf("embeddings are given") }
	c, err := chromem.NewDB().CreateCollection(collectionName, nil, none)
	if err != nil {
		return nil, err
	}
	theirs := make([]chromem.Document, len(docs))
	for i, d := range docs {
		theirs[i] = chromem.Document{ID: d.ID, Content: d.Content, Metadata: map[string]string{"metadata": string(d.Metadata)}, Embedding: d.Embedding}
	}
	return c, c.AddDocuments(ctx, theirs, runtime.GOMAXPROCS(0))
}

func sameAnswers(ctx context.Context, vectors *enact.VectorStore, peer *chromem.Collection, queries [][]float32) error {
	for n, query := range queries {
		ours, err := searchFor(ctx, vectors, query, buckets)
		if err != nil {
			return err
		}
		theirs, err := peer.QueryEmbedding(ctx, query, nearest, nil, nil)
		if err != nil {
			return err
		}
		if len(ours.Matches) != nearest || len(theirs) != nearest {
			return fmt.Errorf("query %d has %d results and the peer's %d, want %d", n, len(ours.Matches), len(theirs), nearest)
		}
		for i, m := range ours.Matches {
			if m.ID != theirs[i].ID {
				return fmt.Errorf("result %d of query %d is %q and the peer's %q; they must be the same", i, n, m.ID, theirs[i].ID)
			}
		}
	}
	return nil
}

func (b *bench) holdSearch(ctx context.Context, vectors *enact.VectorStore, peer *chromem.Collection, queries [][]float32) error {
	one := load{1, b.sample}
	at := 0
	next := func() []float32 { at++; return queries[at%len(queries)] }
	memory := make([]uint64, documents*dimension/2) // as many bytes as the float32
	const ours, theirs, reading = "enact", "chromem-go", "reading the memory once"
	return b.hold(ctx, contest{
		point: 6, same: "2 cores; the same documents, the same ten results, with content, metadata and embedding; chromem-go keeps all in memory and nothing on disk",
		contenders: []contender{
			one.each(ours, func(ctx context.Context, _ int) error {
				_, err := searchFor(ctx, vectors, next(), buckets)
				return err
			}),
			one.each(theirs, func(ctx context.Context, _ int) error {
				_, err := peer.QueryEmbedding(ctx, next(), nearest, nil, nil)
				return err
			}),
			one.each(reading, func(context.Context, int) error { readOnce(memory); return nil }),
		},
		verdicts: []verdict{
			{what: "SQLite, exact top 10 of 50,000 × 384", unit: perSecond, ours: ours, other: theirs, goal: atLeast(10)},
			{what: "SQLite, exact top 10 of 50,000 × 384, time", unit: typicalTime, ours: ours, other: reading, goal: atMost(2)},
		},
	})
}

// readOnce reads memory on two cores, eight bytes at a time.
func readOnce(memory []uint64) {
	var sums [2]uint64
	var wg sync.WaitGroup
	half := len(memory) / 2
	for i, part := range [][]uint64{memory[:half], memory[half:]} {
		wg.Go(func() {
			var a, b, c, d uint64
			for ; len(part) >= 4; part = part[4:] {
				a += part[0]
				b += part[1]
				c += part[2]
				d += part[3]
			}
			sums[i] = a + b + c + d
		})
	}
	wg.Wait()
	runtime.KeepAlive(sums)
}

// holdFilters compares searches whose filters select fewer and fewer documents.
func (b *bench) holdFilters(ctx context.Context, vectors *enact.VectorStore, docs []enact.Document, queries [][]float32) error {
	one := load{1, b.sample}
	c := contest{point: 6, same: "one collection, one kind of filter; the results are compared with those of a loop over all documents"}
	name := func(below int) string { return fmt.Sprintf("%g %% selected", float64(below)*100/buckets) }
	sizes := []int{buckets, buckets / 2, buckets / 10, buckets / 100, buckets / 1000}
	for i, below := range sizes {
		if err := isExact(ctx, vectors, docs, queries[i], below); err != nil {
			return err
		}
		at := 0
		c.contenders = append(c.contenders, one.each(name(below), func(ctx context.Context, _ int) error {
			at++
			_, err := searchFor(ctx, vectors, queries[at%len(queries)], below)
			return err
		}))
		if i > 0 {
			c.verdicts = append(c.verdicts, verdict{
				what: "SQLite, filtered search, a more selective filter", unit: typicalTime, ours: name(below), other: name(sizes[i-1]), goal: atMost(1),
			})
		}
	}
	return b.hold(ctx, c)
}

// isExact makes sure that a search finds what a loop over all documents finds.
func isExact(ctx context.Context, vectors *enact.VectorStore, docs []enact.Document, query []float32, below int) error {
	result, err := searchFor(ctx, vectors, query, below)
	if err != nil {
		return err
	}
	if len(result.Matches) == 0 {
		return fmt.Errorf("a search among the documents with a bucket below %d finds nothing", below)
	}
	matches := enact.Lt("bucket", enact.Int(int64(below)))
	better, selected := 0, 0
	for _, d := range docs {
		metadata, err := driver.ParseMetadata(d.Metadata)
		if err != nil {
			return err
		}
		if !matches.Match(metadata) {
			continue
		}
		selected++
		if driver.Score(enact.Cosine, query, d.Embedding) >= result.Matches[len(result.Matches)-1].Score {
			better++
		}
	}
	if want := min(nearest, selected); len(result.Matches) != want || better != want || !result.Exact {
		return fmt.Errorf("a filter that selects %d documents has %d results, and %d documents are as good as the last of them; the search is not exact", selected, len(result.Matches), better)
	}
	return nil
}
