package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// filling fills a store in one role, by writes that are told apart by a number and
// of which each consists of several rows.
type filling struct {
	prepare func(t *testing.T, s driver.Stores)
	write   func(s driver.Stores, i int) error
	// check compares what is stored with the first n writes.
	check func(t *testing.T, s driver.Stores, n int)
}

// bulk is what makes a write large, and tells which one it is.
func bulk(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%07d\n", i), 250) }

var fillings = map[string]filling{
	"events": {
		write: func(s driver.Stores, i int) error {
			_, err := s.Events.Append(context.Background(), "execution", driver.ExpectLast(uint64(3*i)), someEvents(fmt.Sprint(i), 3, bulk(i)))
			return err
		},
		check: func(t *testing.T, s driver.Stores, n int) {
			history := load(t, s.Events, "execution")
			if len(history) != 3*n {
				t.Errorf("%d events are stored, want those of %d appends of 3 (E3)", len(history), n)
			}
			for at, e := range history {
				if want := someEvents(fmt.Sprint(at/3), 3, bulk(at/3))[at%3]; e.ID != want.ID || !bytes.Equal(e.Payload, want.Payload) {
					t.Errorf("sequence %d holds event %q, want %q with its payload", e.Sequence, e.ID, want.ID)
				}
			}
		},
	},
	"state": {
		write: func(s driver.Stores, i int) error {
			_, err := s.State.Set(context.Background(), fmt.Sprintf("key-%06d", i), bulk(i), driver.SetOptions{})
			return err
		},
		check: func(t *testing.T, s driver.Stores, n int) {
			keys := keysOf(t, s.State)
			if len(keys) != n {
				t.Errorf("%d keys are stored, want %d", len(keys), n)
			}
			for i, key := range keys {
				if want := fmt.Sprintf("key-%06d", i); key != want {
					t.Fatalf("key %d is %q, want %q", i, key, want)
				}
				wantValue(t, s.State, key, string(bulk(i)))
			}
		},
	},
	"messages": {
		prepare: func(t *testing.T, s driver.Stores) {
			testkit.Must(s.Messages.CreateThread(t.Context(), driver.Thread{ID: "thread", User: "user"}))(t)
		},
		write: func(s driver.Stores, i int) error {
			_, err := s.Messages.CreateMessage(context.Background(), driver.Message{ID: driver.MessageID(fmt.Sprint(i)), Thread: "thread", Role: "user", Content: bulk(i)})
			return err
		},
		check: func(t *testing.T, s driver.Stores, n int) {
			messages := everyPage(t, func(p driver.Page) ([]driver.Message, driver.Cursor, error) {
				return s.Messages.ListMessages(context.Background(), driver.MessageQuery{Thread: "thread", Page: p})
			})
			if len(messages) != n {
				t.Errorf("%d messages are stored, want %d", len(messages), n)
			}
			for i, m := range messages {
				if m.ID != driver.MessageID(fmt.Sprint(i)) || !bytes.Equal(m.Content, bulk(i)) {
					t.Errorf("message %d is %q with %d bytes, want %d with its content", i, m.ID, len(m.Content), i)
				}
			}
		},
	},
	"vectors": {
		prepare: func(t *testing.T, s driver.Stores) {
			testkit.Check(t, s.Vectors.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 1, Metric: driver.Dot}))
		},
		write: func(s driver.Stores, i int) error {
			docs := make([]driver.Document, 3)
			for j := range docs {
				docs[j] = driver.Document{ID: fmt.Sprintf("%06d-%d", i, j), Content: string(bulk(i)), Metadata: fmt.Appendf(nil, `{"write":%d}`, i), Embedding: []float32{float32(-i)}}
			}
			return s.Vectors.Upsert(context.Background(), "c", docs)
		},
		check: func(t *testing.T, s driver.Stores, n int) {
			for name, filter := range map[string]driver.Filter{"all": {}, "by an attribute": driver.Gte("write", driver.Int(0))} {
				result, err := s.Vectors.Search(context.Background(), "c", driver.Query{Embedding: []float32{1}, Limit: driver.MaxResults, Filter: filter, Fields: driver.Fields{Content: true}})
				testkit.Check(t, err)
				if len(result.Matches) != 3*n {
					t.Errorf("search %s finds %d documents, want those of %d upserts of 3", name, len(result.Matches), n)
				}
				for at, m := range result.Matches {
					if m.ID != fmt.Sprintf("%06d-%d", at/3, at%3) || m.Content != string(bulk(at/3)) {
						t.Errorf("match %d is %q with %d bytes, want %06d-%d with its content", at, m.ID, len(m.Content), at/3, at%3)
					}
				}
			}
			info, err := s.Vectors.GetCollection(context.Background(), "c")
			if err != nil || info.Count != uint64(3*n) {
				t.Errorf("the collection counts %d documents (%v), want %d", info.Count, err, 3*n)
			}
		},
	},
}

// testFull fills a store until there is no space, looks whether everything that was
// acknowledged is there and nothing else, makes space and goes on without opening
// it again.
func testFull(t *testing.T, path string, b *backend, f filling, makeSpace func()) {
	s := b.Tenant("t")
	n := 0
	for ; ; n++ {
		err := f.write(s, n)
		if err == nil {
			if n > 100_000 {
				t.Fatal("the store does not become full")
			}
			continue
		}
		testkit.WantError(t, fmt.Sprintf("write %d, for which there is no space", n), err, driver.ErrUnavailable, "no space", path, "free some")
		break
	}
	t.Logf("full after %d writes", n)
	f.check(t, s, n)
	for range 5 {
		if err := f.write(s, n); err == nil {
			n++ // a little was left
		} else if !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("another write without space: %v, want ErrUnavailable (B9)", err)
		}
	}
	f.check(t, s, n)
	makeSpace()
	for range 20 {
		if err := f.write(s, n); err != nil {
			t.Fatalf("write %d when there is space again: %v, want nil without reopening", n, err)
		}
		n++
	}
	f.check(t, s, n)
	shutdown(t, b)
	checkIntegrity(t, path)
	b = open(t, dsnFor(path))
	f.check(t, b.Tenant("t"), n)
	shutdown(t, b)
}

// TestFullByPageCount lets SQLite itself refuse to make the file larger.
func TestFullByPageCount(t *testing.T) {
	t.Parallel()
	for role, f := range fillings {
		t.Run(role, func(t *testing.T) {
			path := newFile(t)
			b := open(t, dsnFor(path))
			if f.prepare != nil {
				f.prepare(t, b.Tenant("t"))
			}
			limitPages := func(limit string) {
				withWriter(t, b, func(c *conn) { testkit.Check(t, c.script("PRAGMA max_page_count = "+limit)) })
			}
			limitPages("120")
			testFull(t, path, b, f, func() { limitPages("1000000") })
		})
	}
}

// TestFullKeepsTheOldValue: what could not be replaced is as it was.
func TestFullKeepsTheOldValue(t *testing.T) {
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t")
	testkit.Prepare(t, b)
	setKey(t, b, "key", "old")
	old := driver.Document{ID: "doc", Content: "old", Metadata: []byte(`{"age":"old"}`), Embedding: []float32{1, 2}}
	testkit.Check(t, s.Vectors.Upsert(t.Context(), "collection", []driver.Document{old}))
	withWriter(t, b, func(c *conn) { testkit.Check(t, c.script("PRAGMA max_page_count = 1")) }) // no more than there are
	large := bytes.Repeat([]byte("new "), 1<<16)

	_, err := s.State.Set(t.Context(), "key", large, driver.SetOptions{})
	testkit.WantError(t, "Set without space", err, driver.ErrUnavailable, "no space")
	wantValue(t, s.State, "key", "old")
	err = s.Vectors.Upsert(t.Context(), "collection", []driver.Document{
		{ID: "doc", Content: "new", Metadata: []byte(`{"age":"new"}`), Embedding: []float32{3, 4}},
		{ID: "other", Content: string(large), Metadata: []byte(`{}`), Embedding: []float32{3, 4}},
	})
	testkit.WantError(t, "Upsert without space", err, driver.ErrUnavailable, "no space")
	got := testkit.Must(s.Vectors.Get(t.Context(), "collection", "doc"))(t)
	if got.Content != old.Content || string(got.Metadata) != string(old.Metadata) || !slices.Equal(got.Embedding, old.Embedding) {
		t.Errorf("after an Upsert that failed the document is %+v, want %+v (V2: all or none)", got, old)
	}
	for age, want := range map[string]int{"old": 1, "new": 0} {
		result := testkit.Must(s.Vectors.Search(t.Context(), "collection", driver.Query{Embedding: []float32{1, 1}, Limit: 9, Filter: driver.Eq("age", driver.String(age))}))(t)
		if len(result.Matches) != want {
			t.Errorf("after an Upsert that failed the filter age = %q finds %d documents, want %d", age, len(result.Matches), want)
		}
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}
