package weaviate

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestClassDeleted: a class that somebody else deletes is said to have gone, and the
// collection can be deleted and made again.
func TestClassDeleted(t *testing.T) {
	dsn := newDSN(t)
	b := connect(t, dsn)
	s := vectorsOf(b, "tenant")
	c := driver.Collection{Name: "to be deleted", Dimension: 1, Metric: driver.Dot}
	testkit.Check(t, s.EnsureCollection(t.Context(), c))
	testkit.Check(t, s.Upsert(t.Context(), c.Name, docs1("a")))
	class := className(c.Name, c.Metric)
	testkit.Check(t, b.server.schema.ClassDeleter().WithClassName(class).Do(t.Context()))
	_, err := s.Search(t.Context(), c.Name, driver.Query{Embedding: []float32{1}, Limit: 1})
	testkit.WantError(t, "Search", err, nil, class, "somebody else")
	_, err = s.Get(t.Context(), c.Name, "a")
	testkit.WantError(t, "Get", err, nil)
	fresh := vectorsOf(connect(t, dsn), "tenant")
	_, err = fresh.GetCollection(t.Context(), c.Name)
	testkit.WantError(t, "GetCollection", err, nil, class, "somebody else")
	testkit.WantError(t, "EnsureCollection", fresh.EnsureCollection(t.Context(), c), nil, class, "somebody else")
	testkit.WantError(t, "Upsert", fresh.Upsert(t.Context(), c.Name, docs1("b")), nil, class, "somebody else")
	testkit.Check(t, fresh.DeleteCollection(t.Context(), c.Name))
	testkit.Check(t, fresh.EnsureCollection(t.Context(), c))
	testkit.Check(t, fresh.Upsert(t.Context(), c.Name, docs1("c")))
	result, err := fresh.Search(t.Context(), c.Name, driver.Query{Embedding: []float32{1}, Limit: 9})
	testkit.Check(t, err)
	equalIDs(t, "Search", result.Matches, "c")
}

// TestNodeBehind: a node of a cluster that has not heard of a class yet is asked again.
func TestNodeBehind(t *testing.T) {
	p := newProxy(t)
	s := vectorsOf(connect(t, p.dsn()), "tenant")
	c := driver.Collection{Name: "new here", Dimension: 1, Metric: driver.Dot}
	testkit.Check(t, s.EnsureCollection(t.Context(), c))
	testkit.Check(t, s.Upsert(t.Context(), c.Name, docs1("a")))
	unknown := answer("/graphql", http.StatusOK, `{"errors":[{"message":"Cannot query field \"`+className(c.Name, c.Metric)+`\" on type \"GetObjectsObj\"."}]}`)
	var asked atomic.Int64
	p.do(func(w http.ResponseWriter, r *http.Request) bool {
		return asked.Load() < 2 && unknown(w, r) && asked.Add(1) > 0
	})
	result, err := s.Search(t.Context(), c.Name, driver.Query{Embedding: []float32{1}, Limit: 1})
	testkit.Check(t, err)
	equalIDs(t, "Search", result.Matches, "a")
	asked.Store(0)
	info, err := s.GetCollection(t.Context(), c.Name)
	testkit.Check(t, err)
	if info.Count != 1 {
		t.Errorf("GetCollection counts %d documents, want 1", info.Count)
	}
	p.do(unknown)
	_, err = s.GetCollection(t.Context(), c.Name)
	testkit.WantError(t, "GetCollection of a node that does not learn", err, driver.ErrUnavailable, "do not agree")
}

// TestClassOfSomebodyElse: a class of the driver's name that is otherwise is not used.
func TestClassOfSomebodyElse(t *testing.T) {
	b := connect(t, newDSN(t))
	s := vectorsOf(b, "tenant")
	for name, change := range map[string]func(*models.Class){
		"no tenants":       func(c *models.Class) { c.MultiTenancyConfig = nil },
		"another distance": func(c *models.Class) { c.VectorIndexConfig = map[string]any{"distance": "manhattan"} },
		"words":            func(c *models.Class) { c.Properties[0].Tokenization = models.PropertyTokenizationWord },
		"no properties":    func(c *models.Class) { c.Properties = nil },
	} {
		class := b.class(className(name, driver.Cosine), "somebody else's")
		class.VectorIndexConfig, class.Properties = map[string]any{"distance": "cosine"}, []*models.Property{property(propertyFilters, "text[]", true)}
		change(class)
		testkit.Check(t, b.server.schema.ClassCreator().WithClass(class).Do(t.Context()))
		err := s.EnsureCollection(t.Context(), driver.Collection{Name: name, Dimension: 1, Metric: driver.Cosine})
		testkit.WantError(t, name, err, nil, class.Class, "somebody else")
		if _, err := s.GetCollection(t.Context(), name); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("%s: GetCollection: error %v", name, err)
		}
		testkit.Check(t, b.server.schema.ClassDeleter().WithClassName(class.Class).Do(t.Context()))
	}
}

// TestReplicationFactor: one that differs from that of what is there is refused.
func TestReplicationFactor(t *testing.T) {
	c, err := parseDSN(newDSN(t, "replication_factor=1"))
	testkit.Check(t, err)
	connect(t, newDSN(t)) // makes the classes
	b, err := c.Connect(t.Context())
	testkit.Check(t, err)
	testkit.Check(t, b.Shutdown(t.Context()))
	c.replication = 2
	_, err = c.Connect(t.Context())
	testkit.WantError(t, "Connect", err, driver.ErrConflict, "replication factor 1")
}
