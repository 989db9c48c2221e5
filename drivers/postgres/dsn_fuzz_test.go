package postgres

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// seedDSNs are well formed and malformed in every way that the parser knows.
var seedDSNs = []string{
	"postgres://u:p@db.example:5433/d", "postgresql://u@[::1]:5433/d?sslmode=disable", "POSTGRES://u@a,b:5433,c/d", "postgres:///d?host=/run/postgresql&user=u",
	"postgres://u@/d?host=/run/postgresql,db.example&port=1,2", "postgres://%2Frun%2Fpostgresql/d", "postgres://u@0x7f000001/d", "postgres://u@db.example/d?host=@abstract",
	"postgres://u:pa%40ss@h/d%2F1?application_name=a@b&options=-c%20work_mem%3D8MB", "postgres://h/d?enact_schema=a-b_C&enact_sweep_interval=1s&enact_notify=on&enact_durability=server-may-lose-data",
	"postgres://h/d?pool_max_conns=2&pool_min_conns=1&default_query_exec_mode=simple_protocol", "postgres://h/d?ssl=true", "postgres://h/d?ssl=true&sslmode=disable",
	"", "postgres", ":", "postgres:", "postgres://", "postgres:h/d", "postgres://h:port/d", "postgres://[::1/d", "postgres://u:p@w@h/d", "postgres://h/d@e", "postgres://h?x@y",
	"postgres://h/d?x=1", "postgres://h/d?user", "postgres://h/d?user=a=b", "postgres://h/d?user=a&us%65r=b", "postgres://h/d?%zz=1", "postgres://h/d?user=%zz", "postgres://h/d?user=a%00b",
	"postgres://h/d?enact_schema=a'b", "postgres://h/d?enact_schema=x%22;DROP%20SCHEMA%20public", "postgres://h/d?enact_schema=pg_catalog", "postgres://h/d?pool_max_conns=0",
	"postgres://h/d?service=none", "postgres://h/d?sslrootcert=/nowhere", "postgres://h/d?connect_timeout=soon", "postgres://h/d?target_session_attrs=any&channel_binding=require",
}

// FuzzDSN: any text is a connector or an ErrInvalid in one line, each time the same
// (B1, B11). What is accepted needs the network unless every host is a socket's
// folder (B2), and its schema cannot end a quoted name.
func FuzzDSN(f *testing.F) {
	cleanEnvironment(f)
	for _, dsn := range seedDSNs {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		first, err := postgresDriver{}.OpenConnector(dsn)
		second, again := postgresDriver{}.OpenConnector(dsn)
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
		if parsed, parsedAgain := described(c), described(d); parsed != parsedAgain || !maps.Equal(c.config.ConnConfig.RuntimeParams, d.config.ConnConfig.RuntimeParams) {
			t.Errorf("parsed again it is %s; it was %s", parsedAgain, parsed)
		}
		socketsOnly := true
		for _, address := range addresses(c.config) {
			socketsOnly = socketsOnly && strings.HasPrefix(address, "/")
		}
		if c.RequiresNetwork() == socketsOnly {
			t.Errorf("it requires the network: %t, and its hosts are %q", c.RequiresNetwork(), addresses(c.config))
		}
		if c.RequiresNetwork() == c.SupportsAirGapped() {
			t.Errorf("network %t, air-gapped %t", c.RequiresNetwork(), c.SupportsAirGapped())
		}
		if !schemaName.MatchString(c.schema) || c.sweepInterval <= 0 || c.config.MaxConns < 1 {
			t.Errorf("it was parsed as %s", described(c))
		}
	})
}

// described is what a DSN says that a connection goes by.
func described(c *connector) string {
	e := c.config.ConnConfig
	return fmt.Sprintf("%q %q %q %q, TLS %t, schema %q, sweep %v, notify %t, may lose data %t, mode %v, pool %d to %d, network %t",
		e.User, e.Password, e.Database, addresses(c.config), e.TLSConfig != nil, c.schema, c.sweepInterval, c.notify, c.mayLoseData, e.DefaultQueryExecMode,
		c.config.MinConns, c.config.MaxConns, c.needsNetwork)
}

// FuzzDSNKeepsSecrets: no piece of a password is printed, whatever it consists of
// and whatever follows it, and a password that is percent-encoded arrives (B10).
func FuzzDSNKeepsSecrets(f *testing.F) {
	cleanEnvironment(f)
	const canary = "c4n4ry"
	for _, between := range []string{"", "/", "@", ":", "?", "#", "&", "=", "%", "%zz", "\x00", " ", ";", "[", "'", `"`, "@/", "1/", "@h:1/", "&x=", "?user=", "\xff", "\n"} {
		for _, end := range []string{"", "?x=1", "?sslmode=perhaps", "?user=%zz", "?pool_max_conns=0", "?application_name=a@b"} {
			f.Add(between, end)
		}
	}
	f.Fuzz(func(t *testing.T, between, end string) {
		if strings.Contains(between+end, canary) {
			return // the canary is elsewhere, too
		}
		password := canary + between + canary
		first := "?"
		if strings.Contains(end, "?") {
			first = "&"
		}
		for _, dsn := range []string{
			"postgres://user:" + password + "@127.0.0.1:1/db" + end,
			"postgres://user:" + password + "@127.0.0.1:port/db" + end,
			"postgres://user:" + password + "@[::1/db" + end,
			"postgres:user:" + password + "@127.0.0.1:1/db" + end,
			"postgres://127.0.0.1:1/db" + end + first + "password=" + password,
			"postgres://127.0.0.1:1/db?sslpassword=" + password + end,
		} {
			c, err := postgresDriver{}.OpenConnector(dsn)
			if text := fmt.Sprintf("%v %+v %v %s", err, c, c, c); strings.Contains(text, canary) {
				t.Errorf("%q prints %s", dsn, text)
			}
		}
		if strings.Contains(between, "\x00") {
			return // which the server cannot take
		}
		c, err := parseDSN("postgres://" + url.UserPassword("user", password).String() + "@127.0.0.1:1/db")
		if err != nil || c.config.ConnConfig.Password != password {
			t.Errorf("the password %q, percent-encoded: error %v, or another password", password, err)
		}
	})
}
