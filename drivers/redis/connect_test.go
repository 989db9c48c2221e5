package redis

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestDSNReachesTheServer: forms of DSN for real servers.
func TestDSNReachesTheServer(t *testing.T) {
	server, safe, c := plain.get(t), encrypted.get(t), clustered.get(t)
	trusted := "enact_tls_ca=" + url.QueryEscape(safe.CAFile)
	masters, err := c.Masters()
	testkit.Check(t, err)
	for _, dsn := range []string{
		server.DSN(newPrefix()), server.SocketDSN(newPrefix()), server.DSN(newPrefix(), "db=3", "protocol=3", "pool_size=1", "min_idle_conns=1"),
		safe.DSN(newPrefix(), trusted), safe.DSN(newPrefix(), "skip_verify=true"), safe.SocketDSN(newPrefix()),
		c.DSN(newPrefix(), "max_redirects=1"), "redis+cluster://" + masters[0].Address() + "?" + newPrefix(),
		"redis+cluster://127.0.0.1:1," + masters[1].Address() + "?" + newPrefix(),
	} {
		b := open(t, dsn)
		testkit.Check(t, b.HealthCheck(t.Context()))
		for _, tenant := range []driver.TenantID{"a", "b", "{a}", "}{"} {
			s := b.Tenant(tenant).State
			_, err := s.Set(t.Context(), "key", []byte(tenant), driver.SetOptions{})
			testkit.Check(t, err)
			if e, err := s.Get(t.Context(), "key"); err != nil || string(e.Value) != string(tenant) {
				t.Errorf("%s: tenant %q reads %q, %v", dsn, tenant, e.Value, err)
			}
		}
	}
	_, err = enact.Open(t.Context(), enact.Config{State: safe.DSN(newPrefix())})
	testkit.WantError(t, "a server with a certificate of nobody", err, driver.ErrUnavailable, "certificate")
	_, err = enact.Open(t.Context(), enact.Config{State: safe.DSN("enact_tls_ca=/nowhere")})
	testkit.WantError(t, "a file that is not there", err, driver.ErrInvalid, "enact_tls_ca")
	_, err = enact.Open(t.Context(), enact.Config{State: masters[0].DSN(newPrefix()), AirGapped: true})
	testkit.WantError(t, "a server on the loopback in air-gapped mode", err, driver.ErrAirGapped)
}

// TestServerOfCluster: reached as a single server, it says which scheme to use,
// whether it has the keys that are tried first or not.
func TestServerOfCluster(t *testing.T) {
	masters, err := clustered.get(t).Masters()
	testkit.Check(t, err)
	prefix := newPrefix()
	for _, master := range masters {
		_, err := connect(t.Context(), master.DSN(prefix))
		if err == nil || !strings.Contains(err.Error(), "redis+cluster") {
			t.Errorf("a server of a cluster, alone: the error is %v, want one that names redis+cluster", err)
		}
	}
}

// TestConnectingKeepsSecrets: nor do errors of connecting (B10).
func TestConnectingKeepsSecrets(t *testing.T) {
	safe := encrypted.get(t)
	const canary = "c4n4ry"
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	for _, dsn := range []string{
		"redis://u:" + canary + "@127.0.0.1:1/0",
		"redis://u:" + canary + "@host.invalid/0?dial_timeout=1s",
		"redis+unix://u:" + canary + "@/nowhere/s",
		"redis+unix://" + safe.User + ":" + canary + "@" + safe.Socket,
		"redis://u:" + canary + "@" + plain.get(t).Address(),
		"redis+cluster://u:" + canary + "@127.0.0.1:1",
		"redis+cluster://u:" + canary + "@" + plain.get(t).Address(),
		"redis+sentinel://u:" + canary + "@127.0.0.1:1?master_name=m&password=" + canary,
	} {
		_, err := connect(ctx, dsn)
		testkit.WantError(t, dsn, err, driver.ErrUnavailable)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
			t.Errorf("%s prints %s (B10)", dsn, text)
		}
	}
}
