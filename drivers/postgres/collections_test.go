package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestCollectionsComeAndGo has several handles write to collections, search in them
// and delete them, all at once: nothing fails but because a collection is not
// there, and in the end each count is right and no table is left over.
func TestCollectionsComeAndGo(t *testing.T) {
	comeAndGo(t, usePGlite(t).dsn(t))
}

func comeAndGo(t *testing.T, dsn string) {
	const names, handles, workers = 3, 2, 4
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var all []*backend
	for range handles {
		c, err := parseDSN(dsn)
		testkit.Check(t, err)
		b, err := c.Connect(t.Context())
		testkit.Check(t, err)
		defer func() { testkit.Check(t, b.Shutdown(context.Background())) }()
		all = append(all, b.(*backend))
	}
	calls := make(map[string]int)
	var mu sync.Mutex
	var running sync.WaitGroup
	for w := range handles * workers {
		s := all[w%handles].Tenant("tenant").Vectors
		r := rand.New(rand.NewPCG(uint64(w), 0))
		running.Go(func() {
			for ctx.Err() == nil {
				c := driver.Collection{Name: fmt.Sprint("c", r.IntN(names)), Dimension: 2, Metric: driver.Dot}
				var docs []driver.Document
				var ids []string
				for i := range 1 + r.IntN(20) {
					docs = append(docs, driver.Document{ID: fmt.Sprint(i), Embedding: []float32{1, float32(i)}})
					ids = append(ids, fmt.Sprint(r.IntN(20)))
				}
				r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
				var did string
				var err error
				switch r.IntN(12) {
				case 0:
					did, err = "DeleteCollection", s.DeleteCollection(ctx, c.Name)
				case 1, 2:
					did, err = "EnsureCollection", s.EnsureCollection(ctx, c)
				case 3, 4, 5:
					did, err = "Upsert", s.Upsert(ctx, c.Name, docs)
				case 6, 7:
					did, err = "Delete", s.Delete(ctx, c.Name, ids)
				case 8:
					did = "Get"
					_, err = s.Get(ctx, c.Name, "1")
				default:
					did = "Search"
					_, err = s.Search(ctx, c.Name, driver.Query{Embedding: []float32{1, 1}, Limit: 5})
				}
				if err != nil && !errors.Is(err, driver.ErrNotFound) && ctx.Err() == nil {
					t.Errorf("%s: %v", did, err)
				}
				mu.Lock()
				calls[fmt.Sprintf("%s %v", did, err == nil)]++
				mu.Unlock()
			}
		})
	}
	running.Wait()
	t.Log(calls)
	b := all[0]
	s := vectors{view{b, "tenant"}}
	infos, _, err := s.ListCollections(t.Context(), driver.Page{Limit: names + 1})
	testkit.Check(t, err)
	for _, info := range infos {
		found, err := s.find(t.Context(), b.pool, info.Name, "")
		testkit.Check(t, err)
		var n uint64
		testkit.Check(t, b.pool.QueryRow(t.Context(), found.sql("SELECT count(*) FROM enact.documents")).Scan(&n))
		if n != info.Count {
			t.Errorf("collection %q: the count is %d, there are %d documents", info.Name, info.Count, n)
		}
	}
	var tables int
	testkit.Check(t, b.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'documents%'", b.schema).Scan(&tables))
	if tables != len(infos) {
		t.Errorf("%d tables of documents for %d collections", tables, len(infos))
	}
}
