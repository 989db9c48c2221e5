package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestWithoutPgvector: a server without the extension offers everything else, and
// the error for vectors says what to do.
func TestWithoutPgvector(t *testing.T) {
	dsn := newDSN(t)
	var available bool
	testkit.Check(t, session(t, dsn).QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')").Scan(&available))
	if available {
		t.Skip("pgvector is installed on this server")
	}
	rt, err := enact.Open(t.Context(), enact.Config{Events: dsn, State: dsn, Messages: dsn})
	testkit.Check(t, err)
	testkit.Check(t, rt.Shutdown(t.Context()))
	_, err = enact.Open(t.Context(), enact.Config{Events: dsn, Vectors: dsn})
	if !errors.Is(err, enact.ErrUnsupported) {
		t.Fatalf("opening vectors: error %v", err)
	}
	for _, part := range []string{"does not offer vectors", "pgvector", "install it", "CREATE EXTENSION vector"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
}

// TestPgvectorIsMade: the first who connects makes the extension, wherever the
// connection's search_path leads.
func TestPgvectorIsMade(t *testing.T) {
	p := usePGlite(t)
	for range 2 {
		c, err := parseDSN(p.dsn(t, "search_path=nowhere"))
		testkit.Check(t, err)
		b, err := c.Connect(t.Context())
		testkit.Check(t, err)
		defer func() { testkit.Check(t, b.Shutdown(context.Background())) }()
		s := b.Tenant("tenant").Vectors
		if s == nil {
			t.Fatal(b.(driver.Explainer).Missing(driver.RoleVectors))
		}
		testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: "c", Dimension: 1, Metric: driver.Cosine}))
		testkit.Check(t, s.Upsert(t.Context(), "c", []driver.Document{{ID: "a", Embedding: []float32{1}}}))
		result, err := s.Search(t.Context(), "c", driver.Query{Embedding: []float32{2}, Limit: 1})
		testkit.Check(t, err)
		if len(result.Matches) != 1 || result.Matches[0].Score != 1 {
			t.Errorf("found %v", result)
		}
	}
}

func TestOlderThan(t *testing.T) {
	for version, want := range map[string]bool{"0.7.4": true, "0.8.0": false, "0.8": false, "0.10.1": false, "1.0": false, "unknown": false} {
		if olderThan(version, leastPgvector) != want {
			t.Errorf("%s older than %v: %v", version, leastPgvector, !want)
		}
	}
}
