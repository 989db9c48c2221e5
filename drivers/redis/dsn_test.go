package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestDSNForms: what each scheme is read as.
func TestDSNForms(t *testing.T) {
	for dsn, want := range map[string]string{
		"redis://h":                                     `tcp h:6379 db 0 user "" ""`,
		"REDIS://u:p%40%2Fw@h:1/2":                      `tcp h:1 db 2 user "u" "p@/w"`,
		"redis://:p@[::1]:7/?db=3":                      `tcp [::1]:7 db 3 user "" "p"`,
		"redis://":                                      `tcp localhost:6379 db 0 user "" ""`,
		"rediss://u@h:1/2":                              `tcp h:1 db 2 user "u" "" encrypted for h`,
		"redis+unix:///run/a%20b/s?db=4":                `unix /run/a b/s db 4 user "" ""`,
		"redis+unix://u:p%3Aw@/run/s":                   `unix /run/s db 0 user "u" "p:w"`,
		"redis+cluster://u:p@a:1,b,[::1]:2":             `cluster a:1 b:6379 [::1]:2 user "u" "p"`,
		"redis+cluster://a:1?addr=b:2&addr=c:3":         `cluster a:1 b:2 c:3 user "" ""`,
		"rediss+cluster://a/":                           `cluster a:6379 user "" "" encrypted for a`,
		"redis+sentinel://u:p@a,b:2/5?master_name=m":    `sentinel a:26379 b:2 of m db 5 user "" "" sentinels "u" "p"`,
		"rediss+sentinel://a?master_name=m&username=v":  `sentinel a:26379 of m db 0 user "v" "" sentinels "" "" encrypted for a`,
		"redis+sentinel://a?master_name=m&password=%26": `sentinel a:26379 of m db 0 user "" "&" sentinels "" ""`,
	} {
		c, err := parseDSN(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if got := described(c); got != want {
			t.Errorf("%s is read as %s, want %s", dsn, got, want)
		}
		if network := !strings.HasPrefix(dsn, "redis+unix"); c.RequiresNetwork() != network || c.SupportsAirGapped() == network {
			t.Errorf("%s: RequiresNetwork is %v, SupportsAirGapped %v, want %v, %v (B2)", dsn, c.RequiresNetwork(), c.SupportsAirGapped(), network, !network)
		}
	}
}

func described(c *connector) string {
	var s string
	var encryption = ""
	switch {
	case c.single != nil:
		o := c.single
		s = fmt.Sprintf("%s %s db %d user %q %q", o.Network, o.Addr, o.DB, o.Username, o.Password)
		if o.TLSConfig != nil {
			encryption = o.TLSConfig.ServerName
		}
	case c.cluster != nil:
		o := c.cluster
		s = fmt.Sprintf("cluster %s user %q %q", strings.Join(o.Addrs, " "), o.Username, o.Password)
		if o.TLSConfig != nil {
			encryption = o.TLSConfig.ServerName
		}
	case c.sentinel != nil:
		o := c.sentinel
		s = fmt.Sprintf("sentinel %s of %s db %d user %q %q sentinels %q %q", strings.Join(o.SentinelAddrs, " "), o.MasterName, o.DB, o.Username, o.Password, o.SentinelUsername, o.SentinelPassword)
		if o.TLSConfig != nil {
			encryption = o.TLSConfig.ServerName
		}
	}
	if encryption != "" {
		s += " encrypted for " + encryption
	}
	return s
}

func TestDSNParameters(t *testing.T) {
	c, err := parseDSN("rediss://h?enact_prefix=app:1&enact_sweep_interval=5s&enact_replicas=2&enact_replica_timeout=40ms&enact_tls_ca=%2Fca.pem&enact_durability=" + serverSyncsAlways +
		"&protocol=3&client_name=my%20app&max_retries=-1&min_retry_backoff=1ms&max_retry_backoff=2&dial_timeout=3s&read_timeout=4&write_timeout=5s&pool_fifo=true&pool_size=6&pool_timeout=7s" +
		"&min_idle_conns=1&max_idle_conns=2&max_active_conns=9&idle_timeout=8m&conn_max_lifetime=1h&skip_verify=true&pipeline_pool_size=3")
	testkit.Check(t, err)
	if want := (settings{prefix: "app:1", sweepInterval: 5 * time.Second, vouched: true, replicas: 2, replicaTimeout: 40 * time.Millisecond}); c.settings != want || c.caFile != "/ca.pem" {
		t.Errorf("the driver's own parameters are %+v, %q, want %+v", c.settings, c.caFile, want)
	}
	o := c.single
	if o.Protocol != 3 || o.ClientName != "my app" || o.MaxRetries != -1 || o.MaxRetryBackoff != 2*time.Second || o.DialTimeout != 3*time.Second || o.ReadTimeout != 4*time.Second ||
		o.WriteTimeout != 5*time.Second || !o.PoolFIFO || o.PoolSize != 6 || o.PoolTimeout != 7*time.Second || o.MaxActiveConns != 9 || o.ConnMaxIdleTime != 8*time.Minute ||
		o.ConnMaxLifetime != time.Hour || !o.TLSConfig.InsecureSkipVerify || o.PipelinePoolSize != 3 {
		t.Errorf("the parameters of go-redis are %+v", o)
	}
}

// TestDSNRefused: a DSN that is malformed is ErrInvalid and says what is wrong (B1,
// B11).
func TestDSNRefused(t *testing.T) {
	const malformed = "percent-encode"
	for dsn, word := range map[string]string{
		"":                                   "must begin with redis:",
		"redis":                              "no //",
		"rediz://h":                          "must begin with redis:",
		"unix:///run/s":                      "must begin with redis:",
		" redis://h":                         "must begin with redis:",
		"redis:h":                            "no //",
		"redis:/h":                           "no //",
		"redis://h:port":                     malformed,
		"redis://h:0":                        malformed,
		"redis://h:65536":                    malformed,
		"redis://h:":                         malformed,
		"redis://[::1":                       malformed,
		"redis://%zz":                        malformed,
		"redis://u:%zz@h":                    malformed,
		"redis://a@b@h":                      malformed,
		"redis://h/a@b":                      malformed,
		"redis://h?db=1@b":                   malformed,
		"redis://h/0#x":                      malformed,
		"redis://h h":                        malformed,
		"redis://a,b":                        "one host",
		"redis://h/x":                        "number of a database",
		"redis://h/-1":                       "number of a database",
		"redis://h/1/2":                      "number of a database",
		"redis+unix://":                      "absolute path",
		"redis+unix:///":                     "absolute path",
		"redis+unix://h/s":                   "no host",
		"redis+unix:///a%00b":                "absolute path",
		"redis+cluster://,b":                 malformed,
		"redis+cluster://a,,b":               malformed,
		"redis+cluster://a/1":                "one database",
		"redis+cluster://a?db=1":             "one database",
		"redis+sentinel://a":                 "master_name",
		"redis+sentinel://a/x?master_name=m": "number of a database",

		"redis://h?x=1":                                                `"x"`,
		"redis://h?=1":                                                 `""`,
		"redis://h?Db=1":                                               `"Db"`,
		"redis://h?addr=b:1":                                           `"addr"`,
		"redis://h?master_name=m":                                      `"master_name"`,
		"redis://h?skip_verify=true":                                   `"skip_verify"`,
		"redis://h?enact_tls_ca=/x":                                    `"enact_tls_ca"`,
		"redis://h?enact_prefi=a":                                      `"enact_prefi"`,
		"redis://h?db":                                                 "has no value",
		"redis://h?db=":                                                "has no value",
		"redis://h?client_name=a=b":                                    "not percent-encoded",
		"redis://h?db=1&db=1":                                          "more than once",
		"redis://h?db=1&d%62=2":                                        "more than once",
		"redis://h?idle_timeout=1s&conn_max_idle_time=1s":              "more than once",
		"redis+cluster://h?addr=a:1&addr=a:1":                          "more than once",
		"redis://h?%zz=1":                                              "percent-encoded",
		"redis://h?client_name=%zz":                                    "percent-encoded",
		"redis://h?db=x":                                               "db",
		"redis://h?protocol=4":                                         "protocol",
		"redis://h?pool_size=0":                                        "pool_size",
		"redis://h?pool_size=many":                                     "pool_size",
		"redis://h?pool_fifo=perhaps":                                  "pool_fifo",
		"redis://h?read_timeout=testkit.Soon":                          "read_timeout",
		"redis+cluster://h?addr=b":                                     "addr",
		"redis+cluster://h?read_only=false":                            "read_only",
		"redis+cluster://h?route_by_latency=true":                      "no longer true",
		"redis+cluster://h?route_randomly=1":                           "route_randomly",
		"redis+sentinel://h?master_name=m&replica_only=true":           "replica_only",
		"redis+sentinel://h?master_name=m&use_disconnected_replicas=1": "use_disconnected_replicas",
		"redis+sentinel://h?master_name=m&context_timeout_enabled=0":   "context_timeout_enabled",

		"redis://h?enact_prefix=":                             "enact_prefix",
		"redis://h?enact_prefix=a{b":                          "enact_prefix",
		"redis://h?enact_prefix=" + strings.Repeat("a", 101):  "enact_prefix",
		"redis://h?enact_sweep_interval=0s":                   "enact_sweep_interval",
		"redis://h?enact_sweep_interval=30":                   "enact_sweep_interval",
		"redis://h?enact_durability=yes":                      serverSyncsAlways,
		"redis://h?enact_replicas=-1":                         "enact_replicas",
		"redis://h?enact_replica_timeout=0":                   "enact_replica_timeout",
		"redis://h?enact_replica_timeout=1us":                 "at least 1ms",
		"redis://h?enact_replicas=1&enact_replica_timeout=5s": "read_timeout",
		"redis://h?enact_replicas=1&read_timeout=1s":          "read_timeout",
		"rediss://h?enact_tls_ca=ca.pem":                      "enact_tls_ca",
	} {
		c, err := redisDriver{}.OpenConnector(dsn)
		if c != nil {
			t.Errorf("%q gave a connector, want none (B1)", dsn)
		}
		testkit.WantError(t, fmt.Sprintf("%q", dsn), err, driver.ErrInvalid, word)
	}
}

// TestDSNKeepsSecrets: whatever a DSN with a password does, no piece of the password
// is printed, also where it has characters that should have been encoded (B10).
func TestDSNKeepsSecrets(t *testing.T) {
	const canary = "c4n4ry"
	ends := []string{"", "?", "?x=1", "?db=x", "?db=1&db=2", "?client_name=%zz", "?x", "?pool_size=0", "?enact_prefix=a'b", "?client_name=a@b", "?enact_durability=none"}
	for _, between := range []string{"", "/", "@", ":", "?", "#", "&", "=", "%", "%zz", "%00", "\x00", " ", "+", ",", ";", "[", "]", "\\", "'", `"`, "`", "//", "@/", "/@", "?@", "1/", ":1/", "@h/", "@h:1/", "&x=", "?db=", "/?x=", "é", "\xff"} {
		for _, password := range []string{canary + between + canary, "1" + between + canary, between + canary, "word" + between + canary} {
			for _, end := range ends {
				dsns := []string{"redis:user:" + password + "@127.0.0.1:1" + end, "redi://user:" + password + "@127.0.0.1:1" + end}
				for _, f := range forms {
					dsns = append(dsns, f.scheme+"://user:"+password+"@127.0.0.1:1/0"+end, f.scheme+"://user:"+password+"@127.0.0.1:1"+end,
						f.scheme+"://user:"+password+"@127.0.0.1:port/0"+end, f.scheme+"://user:"+password+"@[::1/0"+end, f.scheme+"://user:"+password+"@/run/s"+end)
				}
				dsns = append(dsns, "redis+sentinel://h?master_name=m&password="+password+strings.Replace(end, "?", "&", 1),
					"redis+sentinel://h?pass%77ord="+password+strings.Replace(end, "?", "&", 1))
				for _, dsn := range dsns {
					c, err := redisDriver{}.OpenConnector(dsn)
					for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v %v %s %#v", c, c, c, c)} {
						if strings.Contains(text, canary) {
							t.Fatalf("%q prints %s (B10)", dsn, text)
						}
					}
				}
			}
		}
	}
}
