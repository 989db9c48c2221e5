package weaviate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

func TestDSNForms(t *testing.T) {
	for dsn, want := range map[string]string{
		"weaviate://host":                                         "http host:8080 grpc= ns= 1m0s QUORUM 0 hnsw",
		"WEAVIATE://host/":                                        "http host:8080 grpc= ns= 1m0s QUORUM 0 hnsw",
		"weaviates://host":                                        "https host:443 grpc= ns= 1m0s QUORUM 0 hnsw",
		"weaviate://127.0.0.1:81/app.one":                         "http 127.0.0.1:81 grpc= ns=app.one 1m0s QUORUM 0 hnsw",
		"weaviate://[::1]":                                        "http [::1]:8080 grpc= ns= 1m0s QUORUM 0 hnsw",
		"weaviates://[::1]:1/a?grpc_port=2":                       "https [::1]:1 grpc=[::1]:2 ns=a 1m0s QUORUM 0 hnsw",
		"weaviate://h?timeout=1500ms&index=flat":                  "http h:8080 grpc= ns= 1.5s QUORUM 0 flat",
		"weaviate://h?consistency_level=ONE&replication_factor=3": "http h:8080 grpc= ns= 1m0s ONE 3 hnsw",
		"weaviate://h?consistency_level=ALL&":                     "http h:8080 grpc= ns= 1m0s ALL 0 hnsw",
	} {
		c, err := parseDSN(dsn)
		testkit.Check(t, err)
		scheme := "http"
		if c.address.secure {
			scheme = "https"
		}
		if got := fmt.Sprintf("%s %s grpc=%s ns=%s %v %s %d %s", scheme, c.address.host, c.address.grpcHost, c.namespace, c.timeout, c.consistency, c.replication, c.index.kind); got != want {
			t.Errorf("%s: %s, want %s", dsn, got, want)
		}
		if !c.RequiresNetwork() || c.SupportsAirGapped() {
			t.Errorf("%s: it needs no network", dsn)
		}
	}
}

func TestDSNSecrets(t *testing.T) {
	c, err := parseDSN("weaviate://h?api_key=a%26%3D%3F+%2Bb")
	testkit.Check(t, err)
	if c.address.apiKey != "a&=? +b" {
		t.Errorf("API key %q", c.address.apiKey)
	}
	c, err = parseDSN("weaviate://h?oidc_client_secret=s&oidc_client_id=i&oidc_scopes=one+two")
	testkit.Check(t, err)
	if *c.address.oidc != (clientCredentials{"i", "s", "one two"}) {
		t.Errorf("client credentials %v", c.address.oidc)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "one two") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestDSNRefused: what is wrong is named, and nothing is silently ignored.
func TestDSNRefused(t *testing.T) {
	for dsn, word := range map[string]string{
		"http://host":               "weaviate://",
		"weaviate:host":             "weaviate://",
		"weaviate://":               "one host",
		"weaviate://a,b":            "one host",
		"weaviate://a b":            "one host",
		"weaviate://host:":          "port",
		"weaviate://host:0":         "port",
		"weaviate://[::1]x":         "one host",
		"weaviate://::1":            "one host",
		"weaviate://user:word@host": "api_key",
		"weaviate://host/a b":       "namespace",
		"weaviate://host/" + strings.Repeat("x", 64):       "namespace",
		"weaviate://host?apikey=x":                         `"apikey"`,
		"weaviate://host?x=%zz":                            "percent-encoded",
		"weaviate://host?timeout=1":                        "timeout",
		"weaviate://host?timeout=-1s":                      "timeout",
		"weaviate://host?timeout=1s&timeout=1s":            "more than once",
		"weaviate://host?timeout":                          "no value",
		"weaviate://host?timeout=":                         "no value",
		"weaviate://host?api_key=a=b":                      "percent-encoded",
		"weaviate://host?grpc_port=70000":                  "grpc_port",
		"weaviate://host?replication_factor=0":             "replication_factor",
		"weaviate://host?consistency_level=quorum":         "QUORUM",
		"weaviate://host?index=x":                          "hnsw",
		"weaviate://host?ef=-1":                            "ef",
		"weaviate://host?index=flat&flat_search_cutoff=10": "flat_search_cutoff",
		"weaviate://host?oidc_client_id=x":                 "oidc_client_secret",
		"weaviate://host?oidc_client_secret=x&api_key=y":   "one of them",
	} {
		_, err := parseDSN(dsn)
		testkit.WantError(t, dsn, err, driver.ErrInvalid, word)
	}
}

func TestIndexSettings(t *testing.T) {
	c, err := parseDSN("weaviate://h?ef=1&ef_construction=2&max_connections=3&dynamic_ef_min=4&dynamic_ef_max=5&dynamic_ef_factor=6&flat_search_cutoff=7")
	testkit.Check(t, err)
	got := fmt.Sprint(c.index.config(driver.Euclidean))
	if want := "map[distance:l2-squared dynamicEfFactor:6 dynamicEfMax:5 dynamicEfMin:4 ef:1 efConstruction:2 flatSearchCutoff:7 maxConnections:3 skipDefaultQuantization:true]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAirGapped: the mode refuses the driver before anything is dialled.
func TestAirGapped(t *testing.T) {
	begin := time.Now()
	_, err := enact.Open(t.Context(), enact.Config{Vectors: "weaviate://192.0.2.1:1", AirGapped: true})
	testkit.WantError(t, "Open", err, enact.ErrAirGapped)
	if time.Since(begin) > time.Second {
		t.Error("it took as long as dialling")
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"docs": "EnactDot_docs", "Docs": "EnactDot__44ocs", "a_b": "EnactDot_a_5fb", "é": "EnactDot__c3_a9", "1/2": "EnactDot_1_2f2",
	} {
		if got := className(name, driver.Dot); got != want {
			t.Errorf("%q: class %s, want %s", name, got, want)
		}
	}
	seen := map[string]string{}
	for _, name := range []string{"a", "A", "a_41", "_61", strings.Repeat("x", 255), strings.Repeat("x", 254), strings.Repeat("X", 100), strings.Repeat("X", 101), strings.Repeat("é", 127)} {
		class := className(name, driver.Euclidean)
		if other, twice := seen[strings.ToLower(class)]; twice || len(class) > 200 {
			t.Errorf("%q: class %s, as %q", name, class, other)
		}
		seen[strings.ToLower(class)] = name
	}
	tenants := map[string]bool{}
	for _, id := range []string{"a", "A", "a ", "é", strings.Repeat("t", 255), strings.Repeat("t", 254)} {
		for _, namespace := range []string{"", "a", "b"} {
			name := dataTenant(tenantName(namespace, id), 1<<40)
			if tenants[name] || len(name) > 64 {
				t.Errorf("tenant %q in %q is %s", id, namespace, name)
			}
			tenants[name] = true
		}
	}
}
