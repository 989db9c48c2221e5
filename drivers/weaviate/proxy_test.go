package weaviate

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// proxy stands before the shared server and can do something else instead.
type proxy struct {
	*httptest.Server
	mu       sync.Mutex
	instead  func(w http.ResponseWriter, r *http.Request) (done bool)
	requests atomic.Int64
	largest  atomic.Int64 // body of a request
}

func newProxy(tb testing.TB) *proxy {
	tb.Helper()
	target, err := url.Parse("http" + strings.TrimPrefix(serverOf(tb).DSN(""), "weaviate"))
	testkit.Check(tb, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.largest.Store(max(p.largest.Load(), int64(len(body))))
		p.mu.Lock()
		instead := p.instead
		p.mu.Unlock()
		if instead == nil || !instead(w, r) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.Header.Del("Authorization") // the server knows no keys, and refuses any
			forward.ServeHTTP(w, r)
		}
	}))
	tb.Cleanup(p.Close)
	return p
}

func (p *proxy) do(instead func(w http.ResponseWriter, r *http.Request) (done bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

func (p *proxy) dsn(parameters ...string) string {
	return "weaviate" + strings.TrimPrefix(p.URL, "http") + "/" + newNamespace() + "?" + strings.Join(parameters, "&")
}

// answer is what a proxy does for requests to a path.
func answer(path string, status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, path) {
			return false
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}
}
