package memory

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
)

var stores atomic.Int64

func TestConformance(t *testing.T) { drivertest.Run(t, target()) }

func BenchmarkDriver(b *testing.B) { drivertest.Bench(b, target()) }

func target() drivertest.Target {
	return drivertest.Target{
		Driver:        memoryDriver{},
		DSN:           func(testing.TB) string { return fmt.Sprintf("memory:conformance-%d", stores.Add(1)) },
		Roles:         []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors},
		Volatile:      true,
		Malformed:     []string{"memory", "memory:a#b", "memory:%zz"},
		ReclaimWithin: 10 * time.Second,
		HeldKeys: func(tb testing.TB, dsn string) int {
			c, err := memoryDriver{}.OpenConnector(dsn)
			if err != nil {
				tb.Fatal(err)
			}
			named.Lock()
			defer named.Unlock()
			return named.stores[c.(*connector).name].HeldKeys()
		},
	}
}
