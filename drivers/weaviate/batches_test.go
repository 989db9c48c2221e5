package weaviate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestPartialFailure: documents that the server refuses are listed by ID, all others
// are stored, and repeating the call repairs it.
func TestPartialFailure(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	// The server refuses embeddings of another dimension.
	p.do(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/batch/objects") {
			return false
		}
		var body map[string]any
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			return false
		}
		for i, object := range body["objects"].([]any) {
			if i%10 == 3 {
				object.(map[string]any)["vector"] = []float32{1, 2, 3}
			}
		}
		changed, _ := json.Marshal(body)
		request, err := http.NewRequest(r.Method, strings.Replace(serverOf(t).DSN(""), "weaviate", "http", 1)+r.URL.RequestURI(), bytes.NewReader(changed))
		if err != nil {
			return false
		}
		request.Header = r.Header
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		w := bytes.Buffer{}
		io.Copy(&w, response.Body)
		p.do(answerOnce(p, w.String()))
		return false
	})
	var ids []string
	for i := range 25 {
		ids = append(ids, number(i))
	}
	err := s.Upsert(t.Context(), "docs", docs1(ids...))
	if err == nil {
		// The first request was used to make the answer of the second.
		err = s.Upsert(t.Context(), "docs", docs1(ids...))
	}
	var partial *PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("Upsert: error %v", err)
	}
	if want := []string{number(3), number(13), number(23)}; !slices.Equal(partial.IDs, want) {
		t.Errorf("failed: %q, want %q", partial.IDs, want)
	}
	testkit.WantError(t, "Upsert", err, nil, number(13), "repeat the call", "dimension")
	p.do(nil)
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1(ids...)))
	result, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{-1}, Limit: 100})
	testkit.Check(t, err)
	if len(result.Matches) != 26 {
		t.Errorf("%d documents are there", len(result.Matches))
	}
}

// answerOnce answers one batch as the server has answered another.
func answerOnce(p *proxy, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/batch/objects") {
			return false
		}
		p.do(nil)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
		return true
	}
}

// TestRequestsAreBounded: a large batch is sent in pieces, and a bad document in it has
// nothing sent at all.
func TestRequestsAreBounded(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	c := driver.Collection{Name: "large", Dimension: 100, Metric: driver.Cosine}
	testkit.Check(t, s.EnsureCollection(t.Context(), c))
	docs := make([]driver.Document, 2500)
	for i := range docs {
		embedding := make([]float32, 100)
		embedding[i%100] = 1 / float32(i+3)
		docs[i] = driver.Document{ID: number(i), Content: strings.Repeat("é", 4000), Metadata: fmt.Appendf(nil, `{"n":%d,"text":"\u0000%0500d"}`, i, i), Embedding: embedding}
	}
	bad := slices.Clone(docs)
	bad[2499].Embedding = make([]float32, 100)
	p.largest.Store(0)
	testkit.WantError(t, "Upsert", s.Upsert(t.Context(), "large", bad), driver.ErrInvalid, number(2499))
	if p.largest.Load() > 1000 {
		t.Errorf("%d bytes were sent of a batch that is refused", p.largest.Load())
	}
	before := p.requests.Load()
	testkit.Check(t, s.Upsert(t.Context(), "large", docs))
	if largest, n := p.largest.Load(), p.requests.Load()-before; largest > requestBytes || n < 3 {
		t.Errorf("%d requests, the largest of %d bytes", n, largest)
	}
	info, err := s.GetCollection(t.Context(), "large")
	testkit.Check(t, err)
	if info.Count != 2500 {
		t.Errorf("%d documents are there", info.Count)
	}
	got, err := s.Get(t.Context(), "large", number(2400))
	testkit.Check(t, err)
	if got.Content != docs[2400].Content || string(got.Metadata) != string(docs[2400].Metadata) {
		t.Error("a document is not as it was given")
	}
	var ids []string
	for _, d := range docs {
		ids = append(ids, d.ID)
	}
	testkit.Check(t, s.Delete(t.Context(), "large", ids))
	info, err = s.GetCollection(t.Context(), "large")
	testkit.Check(t, err)
	if info.Count != 0 {
		t.Errorf("%d documents are left", info.Count)
	}
}
