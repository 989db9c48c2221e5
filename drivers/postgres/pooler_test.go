package postgres

import (
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// startPooler puts a transaction pooler in front of the shared server.
func startPooler(t *testing.T) *testserver.PgBouncer {
	t.Helper()
	server := serverOf(t)
	if _, missing := testserver.FindPgBouncer(); missing != "" {
		t.Skip(missing)
	}
	// Few sessions, so that transactions change between them.
	pooler, err := testserver.StartPgBouncer(server, 8)
	testkit.Check(t, err)
	t.Cleanup(func() { testkit.Check(t, pooler.Remove()) })
	return pooler
}

// TestThroughPooler: everything works when each transaction may run in another
// session: nothing rests on the session.
func TestThroughPooler(t *testing.T) {
	pooler := startPooler(t)
	drivertest.Run(t, drivertest.Target{
		Driver:        postgresDriver{},
		DSN:           func(testing.TB) string { return pooler.DSN(newSchema(), "enact_sweep_interval=100ms") },
		Roles:         []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages},
		HeldKeys:      heldKeys,
		ReclaimWithin: 20 * time.Second,
		Timeout:       5 * time.Minute,
	})
}
