package postgres

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// cleanEnvironment takes away what the environment of the tests would add to DSNs.
func cleanEnvironment(t testing.TB) {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "PG") {
			t.Setenv(name, value) // puts it back at the end
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
}

// addresses are all hosts and ports of a configuration, each once.
func addresses(c *pgxpool.Config) (all []string) {
	all = append(all, fmt.Sprintf("%s:%d", c.ConnConfig.Host, c.ConnConfig.Port))
	for _, f := range c.ConnConfig.Fallbacks {
		all = append(all, fmt.Sprintf("%s:%d", f.Host, f.Port))
	}
	return slices.Compact(all)
}

// TestDSNForms: every form of DSN is understood as libpq does, and what it says of
// the network counts every host (B2).
func TestDSNForms(t *testing.T) {
	cleanEnvironment(t)
	for _, test := range []struct {
		dsn, user, password, database, hosts string
		network                              bool
	}{
		{"postgres://u:p@db.example:5433/d", "u", "p", "d", "db.example:5433", true},
		{"postgresql://u:p@db.example:5433/d", "u", "p", "d", "db.example:5433", true},
		{"POSTGRES://u@db.example/d", "u", "", "d", "db.example:5432", true},
		{"PostgreSQL://u@db.example/d", "u", "", "d", "db.example:5432", true},
		{"postgres://u@db.example", "u", "", "", "db.example:5432", true},
		{"postgres://u@db.example/", "u", "", "", "db.example:5432", true},
		{"postgres://u@db.example?sslmode=disable", "u", "", "", "db.example:5432", true},
		{"postgres://u@localhost/d", "u", "", "d", "localhost:5432", true},
		{"postgres://u@127.0.0.1/d", "u", "", "d", "127.0.0.1:5432", true},
		{"postgres://u@[::1]:5433/d", "u", "", "d", "::1:5433", true},
		{"postgres://u@[2001:db8::1],[2001:db8::2]:6000/d", "u", "", "d", "2001:db8::1:5432 2001:db8::2:6000", true},
		{"postgres://u@a,b:5433,c/d", "u", "", "d", "a:5432 b:5433 c:5432", true},
		{"postgres://u@a,b/d?port=1,2", "u", "", "d", "a:1 b:2", true},
		{"postgres://u@/d?host=a,b&port=7", "u", "", "d", "a:7 b:7", true},
		{"postgres://db.example/d?user=u&password=p", "u", "p", "d", "db.example:5432", true},
		{"postgres://db.example?user=u&dbname=d", "u", "", "d", "db.example:5432", true},
		{"postgres://db.example?user=u&database=d", "u", "", "d", "db.example:5432", true},
		{"postgres://u%40corp:p%2Fa%3As%40s%3F%23%25@db.example/d%2F1", "u@corp", "p/a:s@s?#%", "d/1", "db.example:5432", true},
		{"postgres://u:pa:ss@db.example/d", "u", "pa:ss", "d", "db.example:5432", true},
		{"postgres://u:pa#ss@db.example/d", "u", "pa#ss", "d", "db.example:5432", true},
		{"postgres://u:a+b@db.example/d", "u", "a+b", "d", "db.example:5432", true},
		{"postgres://u@db.example/d?password=a+b%20c", "u", "a+b c", "d", "db.example:5432", true},
		{"postgres://u@db.example/d?password=%26%3D%3F", "u", "&=?", "d", "db.example:5432", true},
		{"postgres://u@db.example/d?application_name=a@b", "u", "", "d", "db.example:5432", true},

		{"postgres:///d?host=/run/postgresql&user=u", "u", "", "d", "/run/postgresql:5432", false},
		{"postgres://u@/d?host=/run/postgresql", "u", "", "d", "/run/postgresql:5432", false},
		{"postgres://u@/d?host=%2Frun%2Fpostgresql&port=6000", "u", "", "d", "/run/postgresql:6000", false},
		{"postgres://u@/d?host=/a,/b", "u", "", "d", "/a:5432 /b:5432", false},
		{"postgres://u@%2Frun%2Fpostgresql/d", "u", "", "d", "/run/postgresql:5432", false},
		{"postgres://u:p@%2Frun%2Fpostgresql:6000/d", "u", "p", "d", "/run/postgresql:6000", false},
		{"postgres://u@%2Fa,%2Fb:6000/d", "u", "", "d", "/a:5432 /b:6000", false},
		{"postgres://u@localhost/d?host=/run/postgresql", "u", "", "d", "/run/postgresql:5432", false},

		{"postgres://u@%2Fa,db.example/d", "u", "", "d", "/a:5432 db.example:5432", true},
		{"postgres://u@db.example,%2Fa/d", "u", "", "d", "db.example:5432 /a:5432", true},
		{"postgres://u@/d?host=/a,/b,10.0.0.1", "u", "", "d", "/a:5432 /b:5432 10.0.0.1:5432", true},
		{"postgres://u@/d?host=run/postgresql", "u", "", "d", "run/postgresql:5432", true},
	} {
		c, err := parseDSN(test.dsn)
		if err != nil {
			t.Errorf("%s: %v", test.dsn, err)
			continue
		}
		got := c.config.ConnConfig
		if got.User != test.user || got.Password != test.password || got.Database != test.database || strings.Join(addresses(c.config), " ") != test.hosts {
			t.Errorf("%s: user %q, password %q, database %q at %q, want %q, %q, %q at %s", test.dsn,
				got.User, got.Password, got.Database, addresses(c.config), test.user, test.password, test.database, test.hosts)
		}
		checkNetwork(t, test.dsn, c, test.network)
	}
}

func checkNetwork(t *testing.T, what string, d driver.Descriptor, network bool) {
	t.Helper()
	if d.Name() != "postgres" || d.RequiresNetwork() != network || d.SupportsAirGapped() != !network {
		t.Errorf("%s: name %q, requires network: %v, supports air-gapped: %v; want postgres, %v, %v (B2)", what,
			d.Name(), d.RequiresNetwork(), d.SupportsAirGapped(), network, !network)
	}
}

// TestDSNAndEnvironment: what the environment and a service file add counts (B2).
func TestDSNAndEnvironment(t *testing.T) {
	services := filepath.Join(t.TempDir(), "services.conf")
	testkit.Check(t, os.WriteFile(services, []byte("[far]\nhost=db.example,db2.example\nport=6001\nuser=served\ndbname=d2\n[near]\nhost=/run/near\n[mixed]\nhost=/run/near,db.example\n"), 0o600))
	for _, test := range []struct {
		name    string
		dsn     string
		setting map[string]string
		hosts   string
		network bool
	}{
		{"a host", "postgres:///d", map[string]string{"PGHOST": "db.example"}, "db.example:5432", true},
		{"a socket", "postgres:///d", map[string]string{"PGHOST": "/run/x"}, "/run/x:5432", false},
		{"a second host", "postgres:///d", map[string]string{"PGHOST": "/run/x,db.example"}, "/run/x:5432 db.example:5432", true},
		{"a port", "postgres:///d?host=/run/x", map[string]string{"PGPORT": "7000"}, "/run/x:7000", false},
		{"a host that the DSN overrides", "postgres:///d?host=/run/x", map[string]string{"PGHOST": "db.example"}, "/run/x:5432", false},
		{"a socket that the DSN overrides", "postgres://db.example/d", map[string]string{"PGHOST": "/run/x"}, "db.example:5432", true},
		{"a service of the environment", "postgres://", map[string]string{"PGSERVICE": "far", "PGSERVICEFILE": services}, "db.example:6001 db2.example:6001", true},
		{"a service of the DSN", "postgres://?service=far", map[string]string{"PGSERVICEFILE": services}, "db.example:6001 db2.example:6001", true},
		{"service and file of the DSN", "postgres://?service=near&servicefile=" + services, nil, "/run/near:5432", false},
		{"a service with a second host", "postgres://?service=mixed&servicefile=" + services, nil, "/run/near:5432 db.example:5432", true},
		{"a service over a host of the environment", "postgres://?service=far&servicefile=" + services, map[string]string{"PGHOST": "/run/x"}, "db.example:6001 db2.example:6001", true},
		{"a host over a service", "postgres://?host=/run/x&port=1&service=far&servicefile=" + services, nil, "/run/x:1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cleanEnvironment(t)
			for name, value := range test.setting {
				t.Setenv(name, value)
			}
			c, err := parseDSN(test.dsn)
			testkit.Check(t, err)
			if got := strings.Join(addresses(c.config), " "); got != test.hosts {
				t.Errorf("the hosts are %s, want %s", got, test.hosts)
			}
			checkNetwork(t, test.dsn, c, test.network)
			// What the environment says later changes nothing.
			t.Setenv("PGHOST", "/elsewhere")
			checkNetwork(t, test.dsn, c, test.network)
		})
	}
	t.Run("a user", func(t *testing.T) {
		cleanEnvironment(t)
		t.Setenv("PGUSER", "somebody")
		t.Setenv("PGPASSWORD", "word")
		t.Setenv("PGDATABASE", "base")
		c, err := parseDSN("postgres://db.example")
		testkit.Check(t, err)
		if got := c.config.ConnConfig; got.User != "somebody" || got.Password != "word" || got.Database != "base" {
			t.Errorf("user %q, password %q, database %q, want those of the environment", got.User, got.Password, got.Database)
		}
	})
}

// TestDSNAirGapped: in air-gapped mode a host is refused wherever it comes from
// (R5).
func TestDSNAirGapped(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv("PGHOST", "/nowhere,db.example")
	_, err := enact.Open(t.Context(), enact.Config{Events: "postgres:///d", AirGapped: true})
	testkit.WantError(t, "opening a host of the environment in air-gapped mode", err, driver.ErrAirGapped)
}

func TestDSNParameters(t *testing.T) {
	cleanEnvironment(t)
	c, err := parseDSN("postgres://u@h/d?enact_schema=My-1&enact_sweep_interval=5s&enact_durability=server-may-lose-data" +
		"&pool_max_conns=7&pool_min_conns=2&pool_min_idle_conns=1&pool_max_conn_lifetime=2h&pool_max_conn_idle_time=3m&pool_health_check_period=4s&pool_max_conn_lifetime_jitter=5s&pool_ping_timeout=6s" +
		"&search_path=a%2Cb&options=-c%20work_mem%3D8MB&statement_timeout=1000&application_name=my%20app&connect_timeout=3&sslmode=disable&default_query_exec_mode=describe_exec")
	testkit.Check(t, err)
	if c.schema != "My-1" || c.sweepInterval != 5*time.Second || !c.mayLoseData {
		t.Errorf("the driver's own parameters are %q, %v, %v", c.schema, c.sweepInterval, c.mayLoseData)
	}
	p := c.config
	if p.MaxConns != 7 || p.MinConns != 2 || p.MinIdleConns != 1 || p.MaxConnLifetime != 2*time.Hour || p.MaxConnIdleTime != 3*time.Minute ||
		p.HealthCheckPeriod != 4*time.Second || p.MaxConnLifetimeJitter != 5*time.Second || p.PingTimeout != 6*time.Second || p.ConnConfig.ConnectTimeout != 3*time.Second {
		t.Errorf("the parameters of the pool are %+v", p)
	}
	want := map[string]string{"search_path": "a,b", "options": "-c work_mem=8MB", "statement_timeout": "1000", "application_name": "my app", "client_encoding": "UTF8"}
	if !maps.Equal(p.ConnConfig.RuntimeParams, want) {
		t.Errorf("the settings of the session are %q, want %q", p.ConnConfig.RuntimeParams, want)
	}
	for mode, encrypted := range map[string]bool{"disable": false, "require": true, "verify-full": true} {
		c, err := parseDSN("postgres://u@h/d?sslmode=" + mode)
		testkit.Check(t, err)
		if (c.config.ConnConfig.TLSConfig != nil) != encrypted || len(c.config.ConnConfig.Fallbacks) > 0 {
			t.Errorf("sslmode=%s: encrypted %v with %d fallbacks, want %v with none", mode, !encrypted, len(c.config.ConnConfig.Fallbacks), encrypted)
		}
	}
	if c, err := parseDSN("postgres://u@h/d?ssl=true"); err != nil || c.config.ConnConfig.TLSConfig == nil {
		t.Errorf("ssl=true: %v, want encryption", err)
	}
}

// TestDSNReachesTheServer: forms of DSN for one real server.
func TestDSNReachesTheServer(t *testing.T) {
	p := serverOf(t)
	for _, dsn := range []string{
		p.SocketDSN(), p.LoopbackDSN(),
		fmt.Sprintf("POSTGRESQL://postgres@%s:%d/postgres?search_path=a,b", strings.ReplaceAll(p.Sockets, "/", "%2F"), p.Port),
		fmt.Sprintf("postgres://postgres@127.0.0.1:1,127.0.0.1:%d/postgres?sslmode=prefer&options=-c%%20work_mem%%3D8MB", p.Port),
		fmt.Sprintf("postgres://postgres@/postgres?host=/nowhere,%s&port=%d&timezone=Asia/Tokyo", p.Sockets, p.Port),
	} {
		b := open(t, dsn+"&"+newSchema())
		testkit.UseEverything(t, b)
		shutdown(t, b)
	}
}

// TestDSNRefused: a DSN that is malformed is ErrInvalid and says what is wrong (B1,
// B11).
func TestDSNRefused(t *testing.T) {
	cleanEnvironment(t)
	const malformed = "percent-encode"
	for dsn, word := range map[string]string{
		"":                              "must begin with postgres:",
		"postgres":                      "must begin with postgres:",
		"//host/db":                     "must begin with postgres:",
		" postgres://host/db":           "must begin with postgres:",
		"postgresq://host/db":           "must begin with postgres:",
		"host=a user=b":                 "must begin with postgres:",
		"postgres:":                     "no //",
		"postgres:/db":                  "no //",
		"postgres:host=a":               "no //",
		"postgres://host:port/db":       malformed,
		"postgres://host:0/db":          malformed,
		"postgres://host:65536/db":      malformed,
		"postgres://host:-1/db":         malformed,
		"postgres://[::1/db":            "error",
		"postgres://[]/db":              "error",
		"postgres://%zz/db":             "error",
		"postgres://h/%zz":              "error",
		"postgres://h/a%00b":            "error",
		"postgres://h/a\x00b":           "error",
		"postgres://a,b,c:1/d?port=1,2": malformed,
		"postgres://h/d?port=1,2":       malformed,
		"postgres://h/a@b":              malformed,
		"postgres://a@b@h/d":            malformed,
		"postgres://h?user=a@b":         malformed,

		"postgres://h/d?x=1":                           `"x"`,
		"postgres://h/d?x":                             `"x"`,
		"postgres://h/d?=1":                            `""`,
		"postgres://h/d?hostaddr=127.0.0.1":            `"hostaddr"`,
		"postgres://h/d?Host=a":                        `"Host"`,
		"postgres://h/d?host%20=a":                     `"host "`,
		"postgres://h/d?synchronous_commit=off":        `"synchronous_commit"`,
		"postgres://h/d?client_encoding=LATIN1":        `"client_encoding"`,
		"postgres://h/d?enact_schem=a":                 `"enact_schem"`,
		"postgres://h/d?pool_max_connections=3":        `"pool_max_connections"`,
		"postgres://h/d?sslmode":                       `"sslmode" has no value`,
		"postgres://h/d?options=-cwork_mem=8MB":        `"options"`,
		"postgres://h/d?user=a&user=b":                 `"user" occurs more than once`,
		"postgres://h/d?user=a&us%65r=a":               `"user" occurs more than once`,
		"postgres://h/d?dbname=a&database=a":           `"dbname" occurs more than once`,
		"postgres://h/d?ssl=true&sslmode=disable":      `"sslmode" occurs more than once`,
		"postgres://h/d?enact_schema=a&enact_schema=a": `"enact_schema" occurs more than once`,
		"postgres://h/d?%zz=1":                         "percent-encoded",
		"postgres://h/d?user=%zz":                      "percent-encoded",
		"postgres://h/d?user=%":                        "percent-encoded",

		"postgres://h/d?ssl=false":                                                          "ssl",
		"postgres://h/d?sslmode=perhaps":                                                    "sslmode",
		"postgres://h/d?sslrootcert=/nowhere":                                               "/nowhere",
		"postgres://h/d?target_session_attrs=any2":                                          malformed,
		"postgres://h/d?connect_timeout=soon":                                               "error",
		"postgres://h/d?channel_binding=maybe":                                              malformed,
		"postgres://h/d?service=none":                                                       "service",
		"postgres://h/d?enact_schema=":                                                      "enact_schema",
		"postgres://h/d?enact_schema=a'b":                                                   "enact_schema",
		"postgres://h/d?enact_schema=a%20b":                                                 "enact_schema",
		"postgres://h/d?enact_schema=pg_mine":                                               "enact_schema",
		"postgres://h/d?enact_schema=" + strings.Repeat("a", 64):                            "enact_schema",
		"postgres://h/d?enact_sweep_interval=0":                                             "enact_sweep_interval",
		"postgres://h/d?enact_sweep_interval=-1s":                                           "enact_sweep_interval",
		"postgres://h/d?enact_sweep_interval=30":                                            "enact_sweep_interval",
		"postgres://h/d?enact_durability=none":                                              "server-may-lose-data",
		"postgres://h/d?pool_max_conns=0":                                                   malformed,
		"postgres://h/d?pool_max_conns=many":                                                "error",
		"postgres://h/d?pool_max_conns=2&pool_min_conns=3":                                  "pool_min_conns",
		"postgres://h/d?pool_min_conns=-1":                                                  "pool_min_conns",
		"postgres://h/d?pool_min_idle_conns=-1":                                             "pool_min_idle_conns",
		"postgres://h/d?pool_health_check_period=0s":                                        "pool_health_check_period",
		"postgres://h/d?pool_max_conn_lifetime=long":                                        "error",
		"postgres://h/d?default_query_exec_mode=x":                                          "error",
		"postgres://h/d?description_cache_capacity=0":                                       "description_cache_capacity",
		"postgres://h/d?statement_cache_capacity=0&default_query_exec_mode=cache_statement": "statement_cache_capacity",
	} {
		c, err := postgresDriver{}.OpenConnector(dsn)
		if c != nil {
			t.Errorf("%q gave a connector, want none (B1)", dsn)
		}
		testkit.WantError(t, fmt.Sprintf("%q", dsn), err, driver.ErrInvalid, word)
	}
}

// TestDSNKeepsSecrets: whatever a DSN with a password does, no piece of the password
// is printed, also where it has characters that should have been encoded (B10).
func TestDSNKeepsSecrets(t *testing.T) {
	cleanEnvironment(t)
	const canary = "c4n4ry"
	ends := []string{"", "?", "?x=1", "?sslmode=perhaps", "?user=a&user=b", "?user=%zz", "?x", "?pool_max_conns=0", "?connect_timeout=soon", "?enact_schema=a'b", "?sslrootcert=/nowhere", "?service=none", "?application_name=a@b", "?enact_durability=none"}
	for _, between := range []string{"", "/", "@", ":", "?", "#", "&", "=", "%", "%zz", "%00", "\x00", " ", "+", ",", ";", "[", "]", "\\", "'", `"`, "`", "//", "@/", "/@", "?@", "1/", ":1/", "@h/", "@h:1/", "&x=", "?user=", "/?x=", "é", "\xff"} {
		for _, password := range []string{canary + between + canary, "1" + between + canary, between + canary, "word" + between + canary} {
			for _, end := range ends {
				dsns := []string{
					"postgres://user:" + password + "@127.0.0.1:1/db" + end,
					"postgres://user:" + password + "@127.0.0.1:1" + end,
					"postgres://user:" + password + "@127.0.0.1:port/db" + end,
					"postgres://user:" + password + "@[::1/db" + end,
					"postgres:user:" + password + "@127.0.0.1:1/db" + end,
					"postgre://user:" + password + "@127.0.0.1:1/db" + end,
				}
				for _, name := range []string{"password", "sslpassword", "pass%77ord"} {
					first := "?"
					if end != "" {
						first = end + "&"
					}
					dsns = append(dsns, "postgres://127.0.0.1:1/db"+first+name+"="+password,
						"postgres://127.0.0.1:1/db?"+name+"="+password+strings.Replace(end, "?", "&", 1))
				}
				for _, dsn := range dsns {
					c, err := postgresDriver{}.OpenConnector(dsn)
					texts := []string{fmt.Sprint(err), fmt.Sprintf("%+v %v %s", c, c, c)}
					if c != nil {
						texts = append(texts, namesOf(c.(*connector)))
					}
					for _, text := range texts {
						if strings.Contains(text, canary) {
							t.Fatalf("%q prints %s (B10)", dsn, text)
						}
					}
				}
			}
		}
	}
}

// namesOf are the parts of a configuration that errors of connecting name.
func namesOf(c *connector) string {
	return fmt.Sprint(c.config.ConnConfig.User, c.config.ConnConfig.Database, addresses(c.config))
}

// TestConnectingKeepsSecrets: nor do errors of connecting (B10).
func TestConnectingKeepsSecrets(t *testing.T) {
	p := serverOf(t)
	const canary = "c4n4ry"
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	for _, dsn := range []string{
		"postgres://u:" + canary + "@127.0.0.1:1/d",
		"postgres://u:" + canary + "@host.invalid/d?connect_timeout=1",
		"postgres://u:" + canary + "@%2Fnowhere/d",
		fmt.Sprintf("postgres://nobody:%s@127.0.0.1:%d/postgres?sslmode=disable", canary, p.Port),
		fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/nowhere?sslmode=disable", canary, p.Port),
		fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=require", canary, p.Port),
		fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable&target_session_attrs=standby", canary, p.Port),
	} {
		_, err := connect(ctx, dsn)
		testkit.WantError(t, dsn, err, driver.ErrUnavailable)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
			t.Errorf("%s prints %s (B10)", dsn, text)
		}
	}
}
