package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// watched is a context that counts how often somebody looks whether it is done, and
// can end at one of these looks.
type watched struct {
	context.Context
	cancel context.CancelFunc
	looks  atomic.Int64
	endAt  int64 // 0: never
}

func watch(endAt int64) *watched {
	ctx, cancel := context.WithCancel(context.Background())
	return &watched{Context: ctx, cancel: cancel, endAt: endAt}
}

func (w *watched) look() {
	if w.looks.Add(1) == w.endAt {
		w.cancel()
	}
}

func (w *watched) Err() error {
	w.look()
	return w.Context.Err()
}

func (w *watched) Done() <-chan struct{} {
	w.look()
	return w.Context.Done()
}

// cancelEverywhere calls f with contexts that end at the first look, the second and
// so on, with growing steps, until f does not look so often. f may succeed or fail
// with the context's error.
func cancelEverywhere(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	interrupted := 0
	for at := int64(1); ; at += 1 + at/8 {
		ctx := watch(at)
		err := f(ctx)
		ended := ctx.Context.Err() != nil
		ctx.cancel()
		switch {
		case errors.Is(err, context.Canceled) && ended:
			interrupted++
		case err != nil:
			t.Fatalf("%s whose context ended at look %d: %v, want the context's error (B6)", what, at, err)
		}
		if !ended {
			break
		}
	}
	if interrupted < 5 {
		t.Errorf("%s was ended by its context at %d moments, want it to look more often (B6)", what, interrupted)
	}
}

// cancelAtRandom calls f with contexts that end at some time while it goes on.
func cancelAtRandom(t *testing.T, r *rand.Rand, what string, times int, f func(ctx context.Context) error) {
	t.Helper()
	begin := time.Now()
	testkit.Check(t, f(t.Context()))
	usual := time.Since(begin)
	for range times {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Int64N(int64(usual))))
		if err := f(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s whose context ended in the middle: %v, want the context's error (B6)", what, err)
		}
		cancel()
	}
}

// TestSearchCancelledInTheMiddle: a copy that is being read, a filter that is being
// evaluated and results that are being read are broken off, and the next search on
// the same connection is whole.
func TestSearchCancelledInTheMiddle(t *testing.T) {
	const n = 800
	r := seeded(t)
	path := newFile(t)
	shutdown(t, open(t, dsnFor(path)))
	enlarge(t, path, n, "documents", "attributes")
	b := open(t, dsnFor(path, "readers=1"))
	s := b.Tenant("t").Vectors
	search := func(ctx context.Context, q driver.Query) error {
		q.Embedding = []float32{1, 1}
		result, err := s.Search(ctx, "large"+pad, q)
		if err == nil && len(result.Matches) != min(n, q.Limit) {
			return fmt.Errorf("%d matches, want %d", len(result.Matches), min(n, q.Limit))
		}
		return err
	}
	forget := func() { b.matrices.forgetUnused(time.Now().Add(time.Hour)) }
	many := driver.Query{Limit: n}
	for what, q := range map[string]driver.Query{
		"a search for many":                  many,
		"a search with a filter":             {Limit: 1, Filter: driver.Eq("k"+pad, driver.String("v"))},
		"a search with a filter that is not": {Limit: 1, Filter: driver.Not(driver.Exists("other"))},
	} {
		cancelEverywhere(t, what, func(ctx context.Context) error { return search(ctx, q) })
		testkit.Check(t, search(t.Context(), many))
		cancelAtRandom(t, r, what, 5, func(ctx context.Context) error { return search(ctx, q) })
		testkit.Check(t, search(t.Context(), many))
	}
	cancelEverywhere(t, "a first search, which reads the copy", func(ctx context.Context) error {
		forget()
		return search(ctx, driver.Query{Limit: 1})
	})
	testkit.Check(t, search(t.Context(), many))
}

// TestSearchLooksAtItsContext also while it reads the documents that it has found,
// up to MaxResults of them with all their contents, and the IDs of those that score
// the same: a context that is done must end it promptly (B6).
func TestSearchLooksAtItsContext(t *testing.T) {
	t.Parallel()
	const n = 800
	path := newFile(t)
	shutdown(t, open(t, dsnFor(path)))
	enlarge(t, path, n, "documents", "attributes") // all embeddings are the same
	s := open(t, dsnFor(path)).Tenant("t").Vectors
	looksOf := func(q driver.Query) int64 {
		ctx := watch(0)
		q.Embedding = []float32{1, 1}
		testkit.Must(s.Search(ctx, "large"+pad, q))(t)
		return ctx.looks.Load()
	}
	looksOf(driver.Query{Limit: 1}) // reads the copy
	highest := math.Inf(1)
	none := looksOf(driver.Query{Limit: 1, MinScore: &highest})
	for what, q := range map[string]driver.Query{"reads 800 documents": {Limit: n}, "reads the IDs of 800 documents that score the same": {Limit: 1}} {
		if looks := looksOf(q); looks < none+n/256 {
			t.Errorf("a search that %s looks %d times at its context, and one that finds nothing %d times, want it to look at least every 256 documents (B6: promptly)", what, looks, none)
		}
	}
}

// TestWritesCancelledInTheMiddle: what was interrupted has left nothing behind, and
// the writing connection is good for the next one.
func TestWritesCancelledInTheMiddle(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t")
	testkit.Check(t, s.Vectors.EnsureCollection(t.Context(), driver.Collection{Name: "collection", Dimension: 2, Metric: driver.Dot}))
	const size = 40
	calls, stored, put := 0, 0, 0
	cancelEverywhere(t, "Append", func(ctx context.Context) error {
		calls++
		last, err := s.Events.Append(ctx, "execution", driver.ExpectLast(uint64(stored)), someEvents(fmt.Sprint(calls), size, nil))
		if err == nil {
			stored = int(last)
		}
		if n := len(load(t, s.Events, "execution")); n != stored {
			t.Fatalf("%d events are stored after an Append that returned %v, want %d (B6)", n, err, stored)
		}
		return err
	})
	db := outside(t, path)
	cancelEverywhere(t, "Upsert", func(ctx context.Context) error {
		calls++
		docs := make([]driver.Document, size)
		for i := range docs {
			docs[i] = driver.Document{ID: fmt.Sprintf("%d-%d", calls, i), Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2}}
		}
		err := s.Vectors.Upsert(ctx, "collection", docs)
		if err == nil {
			put += size
		}
		for _, table := range []string{"documents", "attributes"} {
			if n := valueOf[int](t, db, "SELECT count(*) FROM "+table+""); n != put {
				t.Fatalf("%d rows are in %s after an Upsert that returned %v, want those of %d documents (B6)", n, table, err, put)
			}
		}
		return err
	})
	ids := make([]string, size) // those of the last Upsert, which succeeded
	for i := range ids {
		ids[i] = fmt.Sprintf("%d-%d", calls, i)
	}
	there := size
	cancelEverywhere(t, "Delete of documents", func(ctx context.Context) error {
		err := s.Vectors.Delete(ctx, "collection", ids)
		if err == nil {
			put, there = put-there, 0
		}
		if n := valueOf[int](t, db, "SELECT count(*) FROM documents"); n != put {
			t.Fatalf("%d documents are stored after a Delete that returned %v, want %d (B6)", n, err, put)
		}
		return err
	})
	checkIntegrity(t, path)
}
