package weaviate

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestRestartUnderLoad kills the server again and again while several write: what was
// acknowledged is there, with its embedding in the index and its tokens, what was
// unavailable is not, and the rest can be repeated.
func TestRestartUnderLoad(t *testing.T) {
	needsServer(t)
	w := testserver.WeaviateFor(t)
	b := connect(t, w.DSN(""))
	s := vectorsOf(b, "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("first")))
	const writers = 4
	stop, ended := make(chan struct{}), make(chan map[string]error)
	for writer := range writers {
		go func() {
			outcomes := map[string]error{}
			defer func() { ended <- outcomes }()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%s", writer, number(n))
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				outcomes[id] = s.Upsert(ctx, "docs", []driver.Document{{ID: id, Content: id, Metadata: []byte(`{"id":"` + id + `"}`), Embedding: []float32{float32(n + 1)}}})
				cancel()
				if outcomes[id] != nil {
					time.Sleep(20 * time.Millisecond)
				}
			}
		}()
	}
	for range 3 {
		time.Sleep(700 * time.Millisecond)
		testkit.Check(t, w.Kill())
		time.Sleep(100 * time.Millisecond)
		testkit.Check(t, w.Start())
	}
	time.Sleep(500 * time.Millisecond)
	close(stop)
	acknowledged, unavailable, open := 0, 0, 0
	for range writers {
		for id, err := range <-ended {
			_, getErr := s.Get(t.Context(), "docs", id)
			result, searchErr := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 2, Filter: driver.Eq("id", driver.String(id))})
			testkit.Check(t, searchErr)
			found := len(result.Matches) == 1 && result.Matches[0].ID == id
			switch {
			case err == nil:
				acknowledged++
				if getErr != nil || !found {
					t.Errorf("document %s was acknowledged: Get: %v, found by search: %v", id, getErr, found)
				}
			case errors.Is(err, driver.ErrUnavailable):
				unavailable++
				if !errors.Is(getErr, driver.ErrNotFound) || found {
					t.Errorf("document %s was %v: Get: %v, found by search: %v", id, err, getErr, found)
				}
			default:
				open++
				testkit.Check(t, s.Upsert(t.Context(), "docs", docs1(id)))
				if _, err := s.Get(t.Context(), "docs", id); err != nil {
					t.Errorf("document %s was repeated: Get: %v", id, err)
				}
			}
		}
	}
	t.Logf("%d writes were acknowledged, %d unavailable, %d left open", acknowledged, unavailable, open)
	if acknowledged < 20 || unavailable+open == 0 {
		t.Error("the server was not restarted under load")
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}
