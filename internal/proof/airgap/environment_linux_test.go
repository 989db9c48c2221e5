package airgap

import (
	"path/filepath"
	"strings"

	"github.com/enactdev/enact"
)

// services is a file of services for PostgreSQL.
const services = `[far]
host=db.example
[near]
host=/nowhere
[mixed]
host=/nowhere,db.example
`

const (
	// nowhere is a DSN of a Unix socket at which nobody listens.
	nowhere = "postgres://u@%2Fnowhere/d"
	// nobody is the path of that socket.
	nobody = "/nowhere/.s.PGSQL.5432"
)

// byEnvironment leaves the host, or the mode, to the environment and to files that
// it names.
func byEnvironment(p premises) []attempt {
	file := filepath.Join(p.folder, "services.conf")
	return []attempt{
		dsn("PGHOST", "postgres://u@/d").with("PGHOST=db.example"),
		dsn("PGHOST without a path", "postgres://").with("PGHOST=db.example", "PGUSER=u"),
		dsn("PGHOST with an address", "postgres://u@/d").with("PGHOST=127.0.0.1"),
		dsn("PGHOST in hex", "postgres://u@/d").with("PGHOST=0x7f000001"),
		dsn("PGHOST with a second host", "postgres://u@/d").with("PGHOST=/nowhere,db.example"),
		dsn("PGHOST with an abstract socket", "postgres://u@/d").with("PGHOST=@abstract"),
		dsn("PGHOST that the DSN overrides", nowhere).with("PGHOST=db.example").staysAt(nobody),
		dsn("no user, on the network", "postgres://db.example/d"),
		dsn("no user but a password, on the network", "postgres://:p@db.example/d"),
		dsn("no user, at a Unix socket", "postgres://%2Fnowhere/d").staysAt(nobody),
		dsn("PGHOSTADDR", nowhere).with("PGHOSTADDR=127.0.0.1").staysAt(nobody),
		dsn("PGHOSTADDR with PGHOST", "postgres://u@/d").with("PGHOSTADDR=127.0.0.1", "PGHOST=/nowhere").staysAt(nobody),
		dsn("PGSERVICE and PGSERVICEFILE", "postgres://u@/d").with("PGSERVICE=far", "PGSERVICEFILE="+file),
		dsn("PGSERVICE and the file at home", "postgres://u@/d").with("PGSERVICE=far"),
		dsn("PGSERVICE with a second host", "postgres://u@/d").with("PGSERVICE=mixed"),
		dsn("PGSERVICE over PGHOST", "postgres://u@/d").with("PGSERVICE=far", "PGHOST=/nowhere"),
		dsn("PGSERVICE with a socket", "postgres://u@/d").with("PGSERVICE=near").staysAt(nobody),
		dsn("PGSERVICE that is not there", "postgres://u@/d").with("PGSERVICE=none").malformed(),
		dsn("PGSERVICEFILE that is not there", "postgres://u@/d?service=far").with("PGSERVICEFILE=/nowhere").malformed(),
		dsn("a service in the DSN", "postgres://u@/d?service=far"),
		dsn("a service and its file in the DSN", "postgres://u@/d?service=mixed&servicefile="+file).with("PGHOST=/nowhere"),
		dsn("PGPASSFILE with hosts", nowhere).with("PGPASSFILE=" + filepath.Join(p.folder, "passwords")).staysAt(nobody),
		dsn("passfile with hosts", nowhere+"?passfile="+filepath.Join(p.folder, "passwords")).staysAt(nobody),
		dsn("ENACT_AIR_GAPPED=0", "postgres://u@db.example/d").with(enact.EnvAirGapped + "=0"),
		dsn("ENACT_AIR_GAPPED=false", "redis://db.example").with(enact.EnvAirGapped + "=false"),
		dsn("a proxy", "redis://db.example").with("HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "ALL_PROXY=socks5://127.0.0.1:1"),
	}
}

// switches are parameters that might be thought to switch the mode off.
var switches = []string{"air_gapped=false", "enact_air_gapped=0", "ENACT_AIR_GAPPED=0", "requires_network=false", "network=unix", "hostaddr=127.0.0.1", "addr=127.0.0.1:1", "dialer=tcp"}

// switchable are DSNs without parameters, of every driver.
var switchable = []string{nowhere, "redis://db.example", "redis+unix:///nowhere/redis.sock", "sqlite:///nowhere/enact.db", "sqlite::memory:", "memory:"}

// byParameter asks the drivers to switch the mode off.
func byParameter() (all []attempt) {
	for _, text := range switchable {
		for _, parameter := range switches {
			all = append(all, dsn(text+"?"+parameter, text+"?"+parameter).malformed())
		}
	}
	return all
}

// byOddDSN hides what a DSN is.
func byOddDSN() (all []attempt) {
	for _, text := range []string{
		"postgre%73://u@db.example/d", "%70ostgres://u@db.example/d", "redis%2Bcluster://db.example", "%72edis://db.example",
		" postgres://u@db.example/d", "\tredis://db.example", "\nredis://db.example", "redis ://db.example", "redis\x00://db.example",
		"postgres:u@db.example/d", "redis:db.example:6379", "//db.example/d", "db.example:5432", "host=db.example user=u",
		"tcp://db.example:5432", "http://db.example", "https://db.example", "unix://db.example", "file:///nowhere", "ſqlite://db.example", "redis+tls://db.example",
		"redis+unix://db.example/redis.sock", "redis+unix://db.example:6379", "redis+unix://@abstract", "redis+unix:///@abstract", "redis+unix:///%00abstract",
		"redis+cluster://%2Fnowhere,db.example", "redis://%2Fnowhere", "redis://db.example,127.0.0.1",
	} {
		all = append(all, dsn(strings.TrimSpace(text), text).malformed())
	}
	return append(all,
		dsn("an empty host of Redis, which is localhost", "redis://"),
		dsn("an empty host of Redis with a database", "redis:///0"),
		dsn("no host but a port", "redis://:6379"),
		dsn("an encoded @, which is part of a file's name", "redis+unix:///nowhere/%40abstract").staysAt("/nowhere/@abstract"),
		dsn("a path that looks like a host", "redis+unix:////db.example/redis.sock").staysAt("//db.example/redis.sock"),
		dsn("SQLite with something like a host, which is a folder", "sqlite://db.example:5432/enact.db").here(),
		dsn("SQLite with an address", "sqlite://127.0.0.1/enact.db").here(),
	)
}

// here says that the DSN needs no network and cannot be opened.
func (a attempt) here() attempt {
	a.want, a.words = enact.ErrUnavailable, nil
	return a
}
