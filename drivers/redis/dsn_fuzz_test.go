package redis

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// FuzzDSN: any text is a connector or an ErrInvalid in one line, each time the same
// (B1, B11); only a Unix socket needs no network (B2).
func FuzzDSN(f *testing.F) {
	for _, form := range forms {
		for _, rest := range []string{"", ":", "://", "://h", "://u:p@h:6379/0", "://h1:1,h2:2/0", ":///run/redis.sock", "://h/0?db=1", "://h/x", "://h:port", "://u@v@h", "://h/0#x", "://h/0?x=1", "://h/0?db", "://h/0?%zz=1", "://h?a@b", "://h/0?enact_prefix={a}", "://h/0?enact_prefix=a%00b", "://h/0?dial_timeout=-1", "://h/0?protocol=9", "://[::1]:6379/0", "://h/0?db=1&db=2"} {
			f.Add(form.scheme + rest)
		}
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		first, err := redisDriver{}.OpenConnector(dsn)
		second, again := redisDriver{}.OpenConnector(dsn)
		if err != nil {
			if first != nil || !errors.Is(err, driver.ErrInvalid) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("connector %v, error %q; it should be ErrInvalid in one line, and no connector", first, err)
			}
			if again == nil || again.Error() != err.Error() {
				t.Errorf("parsed again the error is %v; it was %v", again, err)
			}
			return
		}
		if again != nil {
			t.Fatalf("parsed again the error is %v", again)
		}
		c, d := first.(*connector), second.(*connector)
		if fmt.Sprint(c.settings) != fmt.Sprint(d.settings) || engineOf(c) != engineOf(d) {
			t.Errorf("parsed again it is %v %s; it was %v %s", d.settings, engineOf(d), c.settings, engineOf(c))
		}
		scheme, _, _ := strings.Cut(dsn, ":")
		if socket := strings.EqualFold(scheme, "redis+unix"); c.RequiresNetwork() == socket || c.SupportsAirGapped() != socket {
			t.Errorf("network %t, air-gapped %t", c.RequiresNetwork(), c.SupportsAirGapped())
		}
		if c.single != nil && c.single.Network == "unix" == c.RequiresNetwork() {
			t.Errorf("it dials %s and requires the network: %t", c.single.Network, c.RequiresNetwork())
		}
	})
}

// engineOf is what a DSN says that a connection goes by.
func engineOf(c *connector) string {
	switch {
	case c.single != nil:
		return fmt.Sprintf("%q %q %q %q %d", c.single.Network, c.single.Addr, c.single.Username, c.single.Password, c.single.DB)
	case c.cluster != nil:
		return fmt.Sprintf("%q %q %q", c.cluster.Addrs, c.cluster.Username, c.cluster.Password)
	}
	return fmt.Sprintf("%q %q %q %q", c.sentinel.MasterName, c.sentinel.SentinelAddrs, c.sentinel.Username, c.sentinel.Password)
}

// FuzzDSNKeepsSecrets: no piece of a password is printed, whatever it consists of and
// whatever follows it, and one that is percent-encoded arrives (B10).
func FuzzDSNKeepsSecrets(f *testing.F) {
	const canary = "c4n4ry"
	for _, between := range []string{"", "/", "@", ":", "?", "#", "&", "=", "%", "%zz", "\x00", " ", ";", "[", "'", "@/", "1/", "&x=", "\xff", "\n"} {
		for _, end := range []string{"", "?x=1", "?db=x", "?%zz", "?dial_timeout=soon", "?client_name=a@b"} {
			f.Add(between, end)
		}
	}
	f.Fuzz(func(t *testing.T, between, end string) {
		if strings.Contains(between+end, canary) {
			return // the canary is elsewhere, too
		}
		password := canary + between + canary
		for _, form := range forms {
			dsn := form.scheme + "://user:" + password + "@127.0.0.1:1/0" + end
			c, err := redisDriver{}.OpenConnector(dsn)
			if text := fmt.Sprintf("%v %+v %v %s %#v", err, c, c, c, c); strings.Contains(text, canary) {
				t.Errorf("%q prints %s", dsn, text)
			}
		}
		c, err := parseDSN("redis://" + url.UserPassword("user", password).String() + "@127.0.0.1:1/0")
		if err != nil || c.single.Password != password {
			t.Errorf("the password %q, percent-encoded: error %v, or another password", password, err)
		}
	})
}
