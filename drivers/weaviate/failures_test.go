package weaviate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestReasonsAreKept: what the server answers is said, in one line, and has its place
// in the contract.
func TestReasonsAreKept(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	for _, test := range []struct {
		status      int
		body        string
		read, write error
		words       []string
	}{
		{401, `{"code":401,"message":"anonymous access\nnot enabled"}`, nil, nil, []string{"401", "anonymous access not enabled"}},
		{403, `{"error":[{"message":"rbac: no"}]}`, nil, nil, []string{"403", "rbac: no"}},
		{404, "<html>not here</html>", nil, nil, nil},
		{422, `{"error":[{"message":"odd"},{"message":"even"}]}`, nil, nil, []string{"422", "odd even"}},
		{429, "slower", driver.ErrUnavailable, driver.ErrUnavailable, []string{"429", "slower"}},
		{500, `{"error":[{"message":"disk full"}]}`, driver.ErrUnavailable, nil, []string{"500", "disk full"}},
		{502, "<html>\n" + strings.Repeat("x", 5000), driver.ErrUnavailable, nil, []string{"502", "…"}},
		{503, "", driver.ErrUnavailable, nil, []string{"503"}},
	} {
		did := fmt.Sprint("status ", test.status)
		p.do(answer("/v1/graphql", test.status, test.body))
		_, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 1})
		testkit.WantError(t, "Search, "+did, err, test.read, test.words...)
		p.do(answer("/v1/batch", test.status, test.body))
		err = s.Upsert(t.Context(), "docs", docs1("a"))
		testkit.WantError(t, "Upsert, "+did, err, test.write, test.words...)
		if unknown := strings.Contains(err.Error(), "repeat the call"); test.status >= 500 && (!unknown || errors.Is(err, driver.ErrUnavailable)) {
			t.Errorf("Upsert, %s: the error %q does not leave open whether it was applied", did, err)
		}
		p.do(answer("/v1/objects", test.status, test.body))
		_, err = s.GetCollection(t.Context(), "docs")
		testkit.WantError(t, "GetCollection, "+did, err, test.read, test.words...)
	}
	p.do(nil)
	if _, err := s.Get(t.Context(), "docs", "a"); err != nil {
		t.Error(err)
	}
}

// TestNonsense: a server that answers something else is an error, not an empty result.
func TestNonsense(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	for _, body := range []string{"", "{}", "[]", "null", "<html>", `{"data":{}}`, `{"data":{"Get":{"near":[{}]},"Aggregate":null}}`} {
		p.do(answer("/v1/graphql", 200, body))
		if result, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 1}); err == nil {
			t.Errorf("%q: Search found %v", body, result)
		}
		if info, err := s.GetCollection(t.Context(), "docs"); err == nil {
			t.Errorf("%q: GetCollection says %v", body, info)
		}
		p.do(answer("/v1/batch", 200, body))
		if err := s.Upsert(t.Context(), "docs", docs1("b")); err == nil {
			t.Errorf("%q: Upsert succeeded", body)
		}
	}
}

// TestRedirects: no request follows one to another host, with the key or without; one
// to the same host is followed.
func TestRedirects(t *testing.T) {
	var visits atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer elsewhere.Close()
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn("api_key=word")), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	for _, status := range []int{301, 302, 307, 308} {
		p.do(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			return true
		})
		testkit.WantError(t, "Upsert", s.Upsert(t.Context(), "docs", docs1("a")), nil, "redirect")
		_, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 1})
		testkit.WantError(t, "Search", err, nil, "redirect")
		c, err := parseDSN(p.dsn())
		testkit.Check(t, err)
		_, err = c.Connect(t.Context())
		testkit.WantError(t, "Connect", err, nil, "redirect")
	}
	if n := visits.Load(); n > 0 {
		t.Errorf("%d requests were sent to another host", n)
	}
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("again") || r.Method != http.MethodGet {
			return false
		}
		http.Redirect(w, r, r.URL.Path+"?again&"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		return true
	})
	if _, err := s.GetCollection(t.Context(), "docs"); err != nil {
		t.Error(err)
	}
}

// TestTimeout: a server that does not answer in time is unavailable to a read; a write
// may have been applied. The caller's own deadline comes first.
func TestTimeout(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn("timeout=300ms")), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	release := make(chan struct{})
	defer close(release)
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	_, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 1})
	testkit.WantError(t, "Search", err, driver.ErrUnavailable, "300ms")
	err = s.Upsert(t.Context(), "docs", docs1("a"))
	testkit.WantError(t, "Upsert", err, nil, "not known", "repeat")
	if errors.Is(err, driver.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Upsert: error %q", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	testkit.WantError(t, "Upsert", s.Upsert(ctx, "docs", docs1("a")), context.DeadlineExceeded)
	_, err = s.Get(ctx, "docs", "a")
	testkit.WantError(t, "Get", err, context.DeadlineExceeded)
}

// TestSlowServer: what takes long is waited for, and a caller who gives up leaves whole
// what was begun.
func TestSlowServer(t *testing.T) {
	p := newProxy(t)
	b := connect(t, p.dsn())
	s := vectorsOf(b, "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	p.do(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/batch/objects") {
			time.Sleep(400 * time.Millisecond)
		}
		return false
	})
	many := make([]string, 2*requestDocuments+10)
	for i := range many {
		many[i] = number(i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	testkit.WantError(t, "Upsert", s.Upsert(ctx, "docs", docs1(many...)), context.DeadlineExceeded)
	if took := time.Since(begin); took > 900*time.Millisecond {
		t.Errorf("the caller who gave up after 100ms waited for %v", took)
	}
	shutdown, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	testkit.Check(t, b.Shutdown(shutdown)) // waits for what was begun
	info, err := vectorsOf(connect(t, serverOf(t).DSN(b.namespace)), "tenant").GetCollection(t.Context(), "docs")
	testkit.Check(t, err)
	if info.Count != uint64(len(many)+1) {
		t.Errorf("%d documents of a batch of %d are there", info.Count-1, len(many))
	}
}

// TestNobodyListens: what was certainly not applied is said to be so.
func TestNobodyListens(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	p.Close()
	// A connection that is still kept may take a write before it is known to be closed,
	// which leaves open what became of it.
	testkit.Await(t, "a write that certainly was not applied", func() bool {
		return errors.Is(s.Upsert(t.Context(), "docs", docs1("b")), driver.ErrUnavailable)
	})
	testkit.WantError(t, "Delete", s.Delete(t.Context(), "docs", []string{"a"}), driver.ErrUnavailable)
	_, err := s.Get(t.Context(), "docs", "a")
	testkit.WantError(t, "Get", err, driver.ErrUnavailable)
	testkit.WantError(t, "EnsureCollection", s.EnsureCollection(t.Context(), collection), driver.ErrUnavailable)
}

// TestHangUp: a connection that is lost in the middle leaves open whether a write was
// applied, and repeating it is safe.
func TestHangUp(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	testkit.Check(t, s.EnsureCollection(t.Context(), collection))
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("a")))
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/batch") {
			return false
		}
		panic(http.ErrAbortHandler)
	})
	err := s.Upsert(t.Context(), "docs", docs1("b"))
	testkit.WantError(t, "Upsert", err, nil, "not known")
	if errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("Upsert: error %q", err)
	}
	// One lost connection is nothing that a caller notices.
	var lost atomic.Bool
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		if lost.CompareAndSwap(false, true) {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	testkit.Check(t, s.Upsert(t.Context(), "docs", docs1("b")))
	lost.Store(false)
	_, err = s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 1})
	testkit.Check(t, err)
}

// TestOldServer: a version without what is needed is refused.
func TestOldServer(t *testing.T) {
	p := newProxy(t)
	p.do(answer("/v1/meta", 200, `{"version":"1.27.3"}`))
	c, err := parseDSN(p.dsn())
	testkit.Check(t, err)
	_, err = c.Connect(t.Context())
	testkit.WantError(t, "Connect", err, driver.ErrUnsupported, "1.27.3", "1.33")
}

// TestHealthAsksWithTheKey: a server that is ready and refuses the key is not healthy.
func TestHealthAsksWithTheKey(t *testing.T) {
	p := newProxy(t)
	b := connect(t, p.dsn("api_key=word"))
	testkit.Check(t, b.HealthCheck(t.Context()))
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer word" || strings.Contains(r.URL.Path, "/schema") {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, "revoked")
			return true
		}
		return false
	})
	testkit.WantError(t, "HealthCheck", b.HealthCheck(t.Context()), driver.ErrUnavailable, "revoked")
}
