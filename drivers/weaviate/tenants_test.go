package weaviate

import (
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestManyTenants: a thousand tenants, each made when it is first written to, keep to
// themselves.
func TestManyTenants(t *testing.T) {
	b := connect(t, newDSN(t))
	const tenants = 1000
	each := func(did string, f func(i int, s driver.VectorStore) error) {
		t.Helper()
		var group errgroup.Group
		group.SetLimit(8)
		for i := range tenants {
			group.Go(func() error { return f(i, vectorsOf(b, fmt.Sprint("tenant ", i))) })
		}
		if err := group.Wait(); err != nil {
			t.Fatalf("%s: %v", did, err)
		}
	}
	each("EnsureCollection", func(_ int, s driver.VectorStore) error { return s.EnsureCollection(t.Context(), collection) })
	shares, err := b.server.schema.TenantsGetter().WithClassName(className("docs", driver.Dot)).Do(t.Context())
	testkit.Check(t, err)
	before := len(shares)
	var made atomic.Int64
	each("Upsert", func(i int, s driver.VectorStore) error {
		if i%2 == 1 {
			return nil // it writes nothing
		}
		made.Add(1)
		return s.Upsert(t.Context(), "docs", docs1(number(i)))
	})
	shares, err = b.server.schema.TenantsGetter().WithClassName(className("docs", driver.Dot)).Do(t.Context())
	testkit.Check(t, err)
	if n := len(shares) - before; n != int(made.Load()) {
		t.Errorf("%d tenants were made for %d that were written to", n, made.Load())
	}
	each("Search", func(i int, s driver.VectorStore) error {
		result, err := s.Search(t.Context(), "docs", driver.Query{Embedding: []float32{1}, Limit: 10})
		switch {
		case err != nil:
			return err
		case i%2 == 1 && len(result.Matches) == 0, i%2 == 0 && len(result.Matches) == 1 && result.Matches[0].ID == number(i):
			return nil
		}
		return fmt.Errorf("tenant %d finds %q", i, idsOf(result.Matches))
	})
}
