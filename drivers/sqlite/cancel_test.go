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
)

// cancelAtRandom calls f with contexts that end at some moment of it, until it has
// happened often in the middle. f may succeed or fail with the context's error.
func cancelAtRandom(t *testing.T, r *rand.Rand, what string, times int, f func(ctx context.Context) error) {
	t.Helper()
	var longest time.Duration
	for range 2 { // the second time is the usual one
		begin := time.Now()
		if err := f(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		longest = time.Since(begin)
	}
	interrupted := 0
	for range times {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Int64N(int64(longest))))
		switch err := f(ctx); {
		case errors.Is(err, context.DeadlineExceeded):
			interrupted++
		case err != nil:
			t.Errorf("%s whose context ended in the middle: %v, want the context's error (B6)", what, err)
		}
		cancel()
	}
	if interrupted == 0 {
		t.Errorf("%s, which takes %v, was not ended once by %d contexts that ended before that, want it to look at its context (B6: promptly)", what, longest, times)
	}
}

// TestSearchCancelledInTheMiddle: a filter that is being evaluated, and a copy that
// is being read, are broken off, and the next search on the same connection is whole.
func TestSearchCancelledInTheMiddle(t *testing.T) {
	const n = 1_000
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
	for what, q := range map[string]driver.Query{
		"a search with a filter":             {Limit: 1, Filter: driver.Eq("k"+pad, driver.String("v"))},
		"a search with a filter that is not": {Limit: 1, Filter: driver.Not(driver.Exists("other"))},
	} {
		cancelAtRandom(t, r, what, 10, func(ctx context.Context) error { return search(ctx, q) })
		check(t, search(t.Context(), q))
	}
	cancelAtRandom(t, r, "a first search, which reads the copy", 10, func(ctx context.Context) error {
		b.matrices.forgetUnused(time.Now().Add(time.Hour))
		return search(ctx, driver.Query{Limit: 1})
	})
	check(t, search(t.Context(), driver.Query{Limit: n}))
}

// watched is a context that counts how often somebody looks whether it is done.
type watched struct {
	context.Context
	looks atomic.Int64
}

func (w *watched) Err() error {
	w.looks.Add(1)
	return w.Context.Err()
}

func (w *watched) Done() <-chan struct{} {
	w.looks.Add(1)
	return w.Context.Done()
}

// TestSearchLooksAtItsContext also while it reads the documents that it has found,
// up to MaxResults of them with all their contents, and the IDs of those that score
// the same: a context that is done must end it promptly (B6).
func TestSearchLooksAtItsContext(t *testing.T) {
	t.Parallel()
	const n = 1_000
	path := newFile(t)
	shutdown(t, open(t, dsnFor(path)))
	enlarge(t, path, n, "documents", "attributes") // all embeddings are the same
	s := open(t, dsnFor(path)).Tenant("t").Vectors
	looksOf := func(q driver.Query) int64 {
		ctx := &watched{Context: t.Context()}
		q.Embedding = []float32{1, 1}
		must(s.Search(ctx, "large"+pad, q))(t)
		return ctx.looks.Load()
	}
	looksOf(driver.Query{Limit: 1}) // reads the copy
	highest := math.Inf(1)
	none := looksOf(driver.Query{Limit: 1, MinScore: &highest})
	for what, q := range map[string]driver.Query{"reads 1,000 documents": {Limit: n}, "reads the IDs of 1,000 documents that score the same": {Limit: 1}} {
		if looks := looksOf(q); looks < none+n/256 {
			t.Errorf("a search that %s looks %d times at its context, and one that finds nothing %d times, want it to look at least every 256 documents (B6: promptly)", what, looks, none)
		}
	}
}

// TestWritesCancelledInTheMiddle: what was interrupted has left nothing behind, and
// the writing connection is good for the next one.
func TestWritesCancelledInTheMiddle(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t")
	prepareWrites(t, s)
	const size = 120
	calls, stored := 0, 0
	cancelAtRandom(t, r, "Append", 20, func(ctx context.Context) error {
		calls++
		last, err := s.Events.Append(ctx, "execution", driver.ExpectLast(uint64(stored)), someEvents(fmt.Sprint(calls), size, nil))
		if err == nil {
			stored = int(last)
		}
		return err
	})
	if n := len(load(t, s.Events, "execution")); n != stored {
		t.Errorf("%d events are stored, want the %d of the appends that succeeded (B6)", n, stored)
	}
	docs := make([]driver.Document, size)
	put := 0
	cancelAtRandom(t, r, "Upsert", 20, func(ctx context.Context) error {
		calls++
		for i := range docs {
			docs[i] = driver.Document{ID: fmt.Sprintf("%d-%d", calls, i), Metadata: []byte(`{"a":1}`), Embedding: []float32{1, 2}}
		}
		err := s.Vectors.Upsert(ctx, "collection", docs)
		if err == nil {
			put += size
		}
		return err
	})
	db := outside(t, path)
	for _, table := range []string{"documents", "attributes"} {
		if n := valueOf[int](t, db, "SELECT count(*) FROM "+table); n != put {
			t.Errorf("%d rows are in %s, want those of the %d documents of the upserts that succeeded (B6)", n, table, put)
		}
	}
}
