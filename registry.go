package enact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
)

// registered is the registry behind the package functions.
var registered registry

type registry struct {
	mu      sync.RWMutex
	drivers map[string]driver.Driver
}

var validScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// importOf says which package of this project brings a scheme.
var importOf = map[string]string{
	"memory":          "github.com/enactdev/enact/drivers/memory",
	"sqlite":          "github.com/enactdev/enact/drivers/sqlite",
	"postgres":        "github.com/enactdev/enact/drivers/postgres",
	"postgresql":      "github.com/enactdev/enact/drivers/postgres",
	"redis":           "github.com/enactdev/enact/drivers/redis",
	"rediss":          "github.com/enactdev/enact/drivers/redis",
	"redis+unix":      "github.com/enactdev/enact/drivers/redis",
	"redis+cluster":   "github.com/enactdev/enact/drivers/redis",
	"rediss+cluster":  "github.com/enactdev/enact/drivers/redis",
	"redis+sentinel":  "github.com/enactdev/enact/drivers/redis",
	"rediss+sentinel": "github.com/enactdev/enact/drivers/redis",
	"weaviate":        "github.com/enactdev/enact/drivers/weaviate",
	"weaviates":       "github.com/enactdev/enact/drivers/weaviate",
}

func (r *registry) add(scheme string, d driver.Driver) {
	if d == nil {
		panic(fmt.Sprintf("enact: Register of scheme %q with a nil driver", scheme))
	}
	if !validScheme.MatchString(scheme) {
		panic(fmt.Sprintf("enact: Register of scheme %q: it must be lower case letters, digits, '+', '-' and '.', a letter first", scheme))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.drivers[scheme]; taken {
		panic(fmt.Sprintf("enact: Register called twice for scheme %q", scheme))
	}
	if r.drivers == nil {
		r.drivers = map[string]driver.Driver{}
	}
	r.drivers[scheme] = d
}

func (r *registry) schemes() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	schemes := make([]string, 0, len(r.drivers))
	for scheme := range r.drivers {
		schemes = append(schemes, scheme)
	}
	slices.Sort(schemes)
	return schemes
}

// connector parses dsn with the driver of its scheme. Its errors hold nothing of
// the DSN but the scheme.
func (r *registry) connector(dsn string) (driver.Connector, error) {
	scheme, err := schemeOf(dsn)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	d := r.drivers[scheme]
	r.mu.RUnlock()
	if d == nil {
		known := "none is registered"
		if schemes := r.schemes(); len(schemes) > 0 {
			known = "registered are " + strings.Join(schemes, ", ")
		}
		hint := "import the package of its driver"
		if path, ok := importOf[scheme]; ok {
			hint = fmt.Sprintf("forgotten import? add _ %q", path)
		}
		return nil, driver.Invalidf("unknown DSN scheme %q; %s; %s", scheme, known, hint)
	}
	c, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, scrub(err, dsn)
	}
	if c == nil {
		return nil, fmt.Errorf("the driver of scheme %q returned no connector and no error", scheme)
	}
	return c, nil
}

func schemeOf(dsn string) (string, error) {
	scheme, _, found := strings.Cut(dsn, ":")
	scheme = strings.ToLower(scheme)
	if !found || !validScheme.MatchString(scheme) {
		return "", driver.Invalidf("the DSN has no scheme; it looks like sqlite:///path/to/file.db")
	}
	return scheme, nil
}
