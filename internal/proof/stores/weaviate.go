package stores

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	_ "github.com/enactdev/enact/drivers/weaviate" // a target
	"github.com/enactdev/enact/internal/testserver"
)

var weaviate = Target{
	Name: "weaviate", Roles: []driver.Role{driver.RoleVectors},
	DSN: func(tb testing.TB) string {
		return weaviateServer.started(tb, testserver.FindWeaviate()).DSN(fmt.Sprintf("proof-%d", stores.Add(1)))
	},
	Layout:          weaviateLayout,
	SlowCollections: true,
	Eventual:        20 * time.Millisecond, // the driver's bound
}

var weaviateServer = once[*testserver.Weaviate]{start: func() (*testserver.Weaviate, error) { return testserver.StartWeaviate() }}

// weaviateLayout is the properties of every class, without the classes of documents,
// which are made for the names of collections and stay.
func weaviateLayout(tb testing.TB, dsn string) []string {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	response, err := http.Get("http://" + u.Host + "/v1/schema")
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	var schema struct {
		Classes []struct {
			Class       string
			Description string
			Properties  []struct{ Name string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&schema); err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for _, c := range schema.Classes {
		kind := c.Class
		if name, _, documents := strings.Cut(c.Class, "_"); documents {
			kind = name
		}
		lines = append(lines, fmt.Sprintf("class %s %v", kind, c.Properties))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
