package drivertest

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/enactdev/enact/drivertest/internal/zoo"
)

func newServer(tb testing.TB) *zoo.Server {
	server, err := zoo.NewServer()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Stop)
	return server
}

// TestNetworkDriverPasses: a driver that talks to a server, and does so without a fault,
// passes.
func TestNetworkDriverPasses(t *testing.T) {
	server := newServer(t)
	dsn := func() string { return server.DSN(fmt.Sprint("store-", zooStores.Add(1))) }
	Run(t, Target{
		Driver: zoo.Network{}, Roles: allRoles, Volatile: true,
		DSN:       func(testing.TB) string { return dsn() },
		Malformed: []string{"net://127.0.0.1/x", "net://127.0.0.1:1/", "net://127.0.0.1:1/x#y", "net:/x", "net:127.0.0.1:1/x"},
		SecretDSNs: func(secret string) []string {
			return []string{
				"net://user:" + url.QueryEscape(secret) + "@127.0.0.1:1/x?room=1",
				(&url.URL{Scheme: "net", User: url.UserPassword("user", secret), Host: "127.0.0.1:1", Path: "/x"}).String(),
			}
		},
		Engine: func(tb testing.TB) Engine {
			own := newServer(tb)
			return Engine{
				DSN:  own.DSN(fmt.Sprint("store-", zooStores.Add(1))),
				Stop: own.Stop,
				Start: func() {
					if err := own.Start(); err != nil {
						tb.Error(err)
					}
				},
				Pause: own.Pause, Resume: own.Resume,
			}
		},
	})
}
