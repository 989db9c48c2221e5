package weaviate

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivers/memory"
	"github.com/enactdev/enact/internal/testkit"
)

// connect opens a DSN and shuts it down when the test ends.
func connect(tb testing.TB, dsn string) *backend {
	tb.Helper()
	c, err := parseDSN(dsn)
	testkit.Check(tb, err)
	b, err := c.Connect(tb.Context())
	testkit.Check(tb, err)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
	})
	return b.(*backend)
}

// vectorsOf is a tenant's collections.
func vectorsOf(b driver.Backend, tenant string) driver.VectorStore {
	return b.Tenant(driver.TenantID(tenant)).Vectors
}

// openMemory is the reference.
func openMemory(tb testing.TB) driver.VectorStore {
	tb.Helper()
	b, err := memory.NewConnector("").Connect(tb.Context())
	testkit.Check(tb, err)
	tb.Cleanup(func() { b.Shutdown(context.Background()) })
	return vectorsOf(b, "tenant")
}

func docs1(ids ...string) (docs []driver.Document) {
	for i, id := range ids {
		docs = append(docs, driver.Document{ID: id, Metadata: []byte("{}"), Embedding: []float32{float32(i + 1)}})
	}
	return docs
}

// number is an ID that sorts by n.
func number(n int) string { return fmt.Sprintf("%06d", n) }

func idsOf(matches []driver.Match) (ids []string) {
	for _, m := range matches {
		ids = append(ids, m.ID)
	}
	return ids
}

func equalIDs(tb testing.TB, did string, got []driver.Match, want ...string) {
	tb.Helper()
	if !slices.Equal(idsOf(got), want) {
		tb.Fatalf("%s: found %q, want %q", did, idsOf(got), want)
	}
}

var collection = driver.Collection{Name: "docs", Dimension: 1, Metric: driver.Dot}
