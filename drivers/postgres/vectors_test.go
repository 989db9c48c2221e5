package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// pgliteServer is a server that is started when the first DSN is asked for.
type pgliteServer struct {
	once    sync.Once
	server  *testserver.PGlite
	err     error
	schemas atomic.Int64
}

// dsn returns a DSN with a schema of its own. Two connections for each handle are
// enough, as the server runs one transaction at a time.
func (p *pgliteServer) dsn(tb testing.TB, parameters ...string) string {
	tb.Helper()
	p.once.Do(func() { p.server, p.err = testserver.StartPGlite() })
	testkit.Check(tb, p.err)
	return p.server.DSN(append(parameters, "pool_max_conns=2", fmt.Sprintf("enact_schema=test_%d", p.schemas.Add(1)))...)
}

// usePGlite returns a server for a test, which ends with it.
func usePGlite(tb testing.TB) *pgliteServer {
	tb.Helper()
	if missing := testserver.FindPGlite(); missing != "" {
		tb.Skip(missing)
	}
	p := &pgliteServer{}
	tb.Cleanup(func() {
		if p.server != nil {
			testkit.Check(tb, p.server.Kill())
		}
	})
	return p
}

// TestVectorConformance runs the suite on the role that Debian's server lacks.
func TestVectorConformance(t *testing.T) { vectorConformance(t, vectorDriver{}) }

// TestIndexConformance is the same with the index asked however few documents there
// are.
func TestIndexConformance(t *testing.T) { vectorConformance(t, vectorDriver{index: true}) }

func vectorConformance(t *testing.T, d vectorDriver) {
	p := usePGlite(t)
	drivertest.Run(t, drivertest.Target{
		Driver:  d,
		DSN:     func(tb testing.TB) string { return p.dsn(tb) },
		Roles:   []driver.Role{driver.RoleVectors},
		Timeout: 15 * time.Minute, // of a server that does one thing at a time
	})
}

// vectorDriver offers nothing but vectors, and has the index asked if it is set.
type vectorDriver struct {
	postgresDriver
	index bool
}

type vectorConnector struct {
	driver.Connector
	index bool
}

type vectorBackend struct{ *backend }

func (d vectorDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := d.postgresDriver.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return vectorConnector{c, d.index}, nil
}

func (c vectorConnector) Connect(ctx context.Context) (driver.Backend, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	b := opened.(*backend)
	if c.index {
		b.exactUpTo = 0
		// Without this the server would sort small tables. It is one session, so all
		// connections have the setting.
		if _, err := b.pool.Exec(ctx, "SELECT set_config('jit', 'off', false), set_config('enable_sort', 'off', false), set_config('enable_bitmapscan', 'off', false)"); err != nil {
			return nil, errors.Join(err, b.Shutdown(ctx))
		}
	}
	return vectorBackend{b}, nil
}

func (b vectorBackend) Tenant(id driver.TenantID) driver.Stores {
	return driver.Stores{Vectors: b.backend.Tenant(id).Vectors}
}
