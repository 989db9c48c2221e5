package weaviate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	client "github.com/weaviate/weaviate-go-client/v4/weaviate"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// useIt writes, searches, reads and deletes.
func useIt(t *testing.T, s driver.VectorStore) {
	t.Helper()
	c := driver.Collection{Name: "docs", Dimension: 2, Metric: driver.Cosine}
	testkit.Check(t, s.EnsureCollection(t.Context(), c))
	testkit.Check(t, s.Upsert(t.Context(), "docs", []driver.Document{
		{ID: "a", Content: "é\x00", Metadata: []byte(`{"n":[1,2.5,"x"],"":null}`), Embedding: []float32{1, 0.1}},
		{ID: "b", Content: "\xff", Metadata: []byte(`{}`), Embedding: []float32{3e30, 1}},
	}))
	result, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1, 0}, Limit: 9, Filter: driver.Gt("n", driver.Int(2))})
	testkit.Check(t, err)
	equalIDs(t, "Search", result.Matches, "a")
	d, err := s.Get(t.Context(), "docs", "b")
	testkit.Check(t, err)
	if d.Content != "\xff" || d.Embedding[0] != 3e30 {
		t.Errorf("got %+v", d)
	}
	testkit.Check(t, s.Delete(t.Context(), "docs", []string{"a"}))
	info, err := s.GetCollection(t.Context(), "docs")
	testkit.Check(t, err)
	if info.Count != 1 {
		t.Errorf("%d documents are left", info.Count)
	}
}

// TestAPIKey uses a server that wants a key, by HTTP alone and with gRPC.
func TestAPIKey(t *testing.T) {
	needsServer(t)
	w := testserver.WeaviateFor(t, "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=false", "AUTHENTICATION_APIKEY_ENABLED=true", "AUTHENTICATION_APIKEY_ALLOWED_KEYS=right+key", "AUTHENTICATION_APIKEY_USERS=enact")
	grpc := fmt.Sprint("grpc_port=", w.GRPCPort)
	useIt(t, vectorsOf(connect(t, w.DSN("", "api_key=right%2Bkey")), "by HTTP"))
	useIt(t, vectorsOf(connect(t, w.DSN("", "api_key=right%2Bkey", grpc)), "by gRPC"))
	for _, parameters := range [][]string{{"api_key=wrong"}, nil} {
		c, err := parseDSN(w.DSN("", parameters...))
		testkit.Check(t, err)
		_, err = c.Connect(t.Context())
		testkit.WantError(t, fmt.Sprint("Connect with ", parameters), err, nil, "401")
		if strings.Contains(err.Error(), "wrong") {
			t.Errorf("the error %q has the key", err)
		}
	}
}

// TestGRPC sends documents by gRPC, and notices when nobody listens there.
func TestGRPC(t *testing.T) {
	w := serverOf(t)
	b := connect(t, newDSN(t, fmt.Sprint("grpc_port=", w.GRPCPort)))
	if b.server.grpc == nil {
		t.Fatal("gRPC is not used")
	}
	useIt(t, vectorsOf(b, "tenant"))
	s := vectorsOf(connect(t, newDSN(t, "grpc_port=1")), "tenant")
	testkit.WantError(t, "EnsureCollection", s.EnsureCollection(t.Context(), collection), nil, "refused")
}

// TestNewConnector uses the application's client.
func TestNewConnector(t *testing.T) {
	c, err := client.NewClient(client.Config{Scheme: "http", Host: strings.TrimPrefix(serverOf(t).DSN(""), "weaviate://")})
	testkit.Check(t, err)
	namespace := newNamespace()
	b, err := NewConnector(c, Namespace(namespace), ConsistencyLevel("ALL")).Connect(t.Context())
	testkit.Check(t, err)
	useIt(t, vectorsOf(b, "tenant"))
	testkit.Check(t, b.HealthCheck(t.Context()))
	testkit.Check(t, b.Shutdown(t.Context()))
	info, err := vectorsOf(connect(t, serverOf(t).DSN(namespace)), "tenant").GetCollection(t.Context(), "docs")
	testkit.Check(t, err)
	if info.Count != 1 {
		t.Errorf("the DSN of the same namespace finds %d documents", info.Count)
	}
	for _, option := range []Option{Namespace("a b"), ConsistencyLevel("most"), ReplicationFactor(-1)} {
		_, err := NewConnector(c, option).Connect(t.Context())
		testkit.WantError(t, "Connect", err, driver.ErrInvalid)
	}
}

// TestClientCredentials: tokens come from the provider that the server names, are used
// until they expire, and the secret goes nowhere else.
func TestClientCredentials(t *testing.T) {
	var given atomic.Int64
	var refuse atomic.Bool
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/configuration":
			json.NewEncoder(w).Encode(map[string]any{"token_endpoint": "http://" + r.Host + "/token"})
		case "/token":
			id, secret, _ := r.BasicAuth()
			secret = cmp.Or(secret, r.FormValue("client_secret")) // it is tried in both ways
			if refuse.Load() || id != "program" || secret != "word" || r.FormValue("scope") != "one two" || r.FormValue("grant_type") != "client_credentials" {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprintf(w, `{"error":"invalid_client","error_description":"secret %s"}`, secret)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprint("token-", given.Add(1)), "token_type": "Bearer", "expires_in": 3600})
		}
	}))
	defer provider.Close()
	p := newProxy(t)
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "openid-configuration"):
			json.NewEncoder(w).Encode(map[string]any{"href": provider.URL + "/configuration", "clientId": "program", "scopes": []string{"one", "two"}})
			return true
		case r.Header.Get("Authorization") != "Bearer token-1":
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	})
	useIt(t, vectorsOf(connect(t, p.dsn("oidc_client_secret=word")), "tenant"))
	if n := given.Load(); n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}
	refuse.Store(true)
	c, err := parseDSN(p.dsn("oidc_client_secret=word", "oidc_client_id=program"))
	testkit.Check(t, err)
	_, err = c.Connect(t.Context())
	testkit.WantError(t, "Connect", err, driver.ErrUnavailable, "OIDC", "invalid_client")
	if strings.Contains(err.Error(), "word") {
		t.Errorf("the error %q has the secret", err)
	}
}
