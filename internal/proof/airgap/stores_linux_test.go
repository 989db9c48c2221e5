package airgap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// store is one that air-gapped mode allows.
type store struct {
	what  string
	dsn   string
	roles []driver.Role
	// socket is the path of the Unix socket that it is reached by. Empty: it is
	// embedded.
	socket string
}

var allRoles = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors}

// argument is the store as an argument of a child.
func (s store) argument() string {
	words := make([]string, len(s.roles))
	for i, role := range s.roles {
		words[i] = string(role)
	}
	return strings.Join(words, ",") + " " + s.dsn
}

func storeOf(argument string) store {
	words, dsn, _ := strings.Cut(argument, " ")
	s := store{dsn: dsn}
	for word := range strings.SplitSeq(words, ",") {
		s.roles = append(s.roles, driver.Role(word))
	}
	return s
}

// config names the store for its roles, in air-gapped mode.
func (s store) config() enact.Config {
	c := enact.Config{AirGapped: true}
	for _, role := range s.roles {
		*map[driver.Role]*string{
			driver.RoleEvents: &c.Events, driver.RoleState: &c.State, driver.RoleMessages: &c.Messages, driver.RoleVectors: &c.Vectors,
		}[role] = s.dsn
	}
	return c
}

func embeddedStores(folder string) []store {
	return []store{
		{"a file", "sqlite://" + filepath.Join(folder, "enact.db") + "?sweep_interval=20ms", allRoles, ""},
		{"SQLite in memory", "sqlite::memory:?sweep_interval=20ms", allRoles, ""},
		{"memory", "memory:", allRoles, ""},
		{"memory with a name", "memory:name", allRoles, ""},
	}
}

// postgresOn and redisOn are stores on the Unix sockets of servers that are started
// for the test.
func postgresOn(t *testing.T) store {
	server := testserver.PostgresFor(t)
	socket := filepath.Join(server.Sockets, fmt.Sprintf(".s.PGSQL.%d", server.Port))
	return store{"PostgreSQL on a Unix socket", server.SocketDSN("enact_sweep_interval=20ms", "enact_notify=on"), []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages}, socket}
}

func redisOn(t *testing.T) store {
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	return store{"Redis on a Unix socket", server.SocketDSN("enact_sweep_interval=20ms"), []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages}, server.Socket}
}

// TestStoresStayInside: with an embedded store the process makes no call that has to do
// with sockets, whatever the family. With one on a Unix socket, which air-gapped mode
// allows too, it has to do with that socket only. And all of them do all their work
// where there is no network.
func TestStoresStayInside(t *testing.T) {
	stores := append(embeddedStores(t.TempDir()), postgresOn(t), redisOn(t))
	for _, s := range stores {
		t.Run(s.what, func(t *testing.T) { checkSockets(t, s) })
	}
	t.Run("without interfaces", func(t *testing.T) { checkWithoutInterfaces(t, stores) })
}

// checkSockets uses a store under strace.
func checkSockets(t *testing.T, s store) {
	t.Helper()
	made, _ := watch(t, usesStores, s.argument())
	if found := others(made[0], s.socket); found != nil {
		t.Errorf("the process made these calls, want none but to the store's own Unix socket:\n%s", strings.Join(found, "\n"))
	}
	if s.socket != "" && !reaches(made[0], s.socket) {
		t.Errorf("no call connects to %s; the trace is not of what the store did: %q", s.socket, made[0])
	}
}

// useStores is the child that opens, uses and closes each store, twice, in air-gapped
// mode.
func useStores(ctx context.Context, arguments []string) error {
	testkit.EndWithParent()
	ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
	defer cancel()
	for _, argument := range arguments {
		for i := range 2 {
			// Another process may have used the store before.
			tenant := enact.TenantID(fmt.Sprintf("%d of %d", i, os.Getpid()))
			if err := storeOf(argument).openAndUse(ctx, tenant); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s store) openAndUse(ctx context.Context, tenant enact.TenantID) error {
	rt, err := enact.Open(ctx, s.config())
	if err != nil {
		return err
	}
	if !rt.AirGapped() {
		err = errors.New("the runtime is not air-gapped")
	}
	return errors.Join(err, rt.HealthCheck(ctx), use(ctx, rt.Tenant(tenant), s.roles), rt.Shutdown(ctx))
}
