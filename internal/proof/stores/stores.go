// Package stores lists the stores on which the proofs are run. A driver that is added
// here is put through all of them.
package stores

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	_ "github.com/enactdev/enact/drivers/memory" // the reference
)

// Target is a driver that is put through the proofs.
type Target struct {
	Name string
	// Roles are those that it offers.
	Roles []driver.Role
	// DSN returns that of a new, empty store. It cleans up with tb.Cleanup, and skips
	// the test where the server that it needs is not installed.
	DSN func(tb testing.TB) string
	// Layout describes everything that the engine holds but data: tables, indexes,
	// triggers, functions, users, files; a line each, sorted. Nil: there is nothing
	// to describe.
	Layout func(tb testing.TB, dsn string) []string
	// Private: every opening is a store of its own.
	Private bool
	// SlowCollections: making one takes some tenths of a second.
	SlowCollections bool
	// Eventual is how much later than a write a search may see it (V8).
	Eventual time.Duration
}

// Targets are all drivers, the reference first.
func Targets() []Target {
	return []Target{memory, sqliteFile, sqliteMemory, postgres, postgresVectors, redis, redisCluster, weaviate}
}

// InMemory are those without a file or a server, which a fuzz target can ask thousands
// of times in a second.
func InMemory() []Target { return []Target{memory, sqliteMemory} }

// Reference is what all others are compared with.
func Reference() Target { return memory }

var stores atomic.Int64

var memory = Target{Name: "memory", Roles: allRoles, DSN: func(tb testing.TB) string {
	return fmt.Sprintf("memory:%s-%d", url.PathEscape(tb.Name()), stores.Add(1))
}}

// allRoles are all four.
var allRoles = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors}

// Open opens what a store offers, and shuts it down when the test ends.
func (t Target) Open(tb testing.TB, dsn string) *enact.Runtime {
	tb.Helper()
	var config enact.Config
	for role, field := range map[driver.Role]*string{driver.RoleEvents: &config.Events, driver.RoleState: &config.State, driver.RoleMessages: &config.Messages, driver.RoleVectors: &config.Vectors} {
		if slices.Contains(t.Roles, role) {
			*field = dsn
		}
	}
	rt, err := enact.Open(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := rt.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
	})
	return rt
}
