package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
)

const (
	defaultSchema        = "enact"
	defaultSweepInterval = 30 * time.Second
)

// schemaName is what a schema may be called; the name becomes part of statements.
var schemaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

// likeParameter is what names of parameters look like, and few passwords.
var likeParameter = regexp.MustCompile(`^[A-Za-z_-]*$`)

// The driver's own parameters.
const (
	parameterSchema        = "enact_schema"
	parameterSweepInterval = "enact_sweep_interval"
	parameterDurability    = "enact_durability"
	parameterNotify        = "enact_notify"

	// serverMayLoseData is the value of parameterDurability that accepts a
	// server with fsync or full_page_writes off.
	serverMayLoseData = "server-may-lose-data"
)

var ownParameters = []string{parameterSchema, parameterSweepInterval, parameterDurability, parameterNotify}

// encoding is that of database and connection.
const encoding = "UTF8"

// parameterMode is the parameter of pgx that says how statements are sent.
// defaultMode makes no named statements, which a transaction pooler would lose.
const (
	parameterMode = "default_query_exec_mode"
	defaultMode   = "cache_describe"
)

// engineParameters are those of libpq, pgx and its pool that may be given, and the
// settings of a session that do not change what the driver does. Others can be
// given in options.
var engineParameters = []string{
	"host", "port", "user", "password", "dbname", "database", "passfile", "service", "servicefile",
	"sslmode", "ssl", "sslkey", "sslcert", "sslrootcert", "sslcertmode", "sslpassword", "sslsni", "sslnegotiation", "channel_binding", "require_auth",
	"krbspn", "krbsrvname", "connect_timeout", "target_session_attrs", "min_protocol_version", "max_protocol_version",
	"application_name", "options", "search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone",
	parameterMode, "statement_cache_capacity", "description_cache_capacity",
	"pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time",
	"pool_health_check_period", "pool_max_conn_lifetime_jitter", "pool_ping_timeout",
}

// aliases are second names of parameters.
var aliases = map[string]string{"database": "dbname", "ssl": "sslmode"}

// parseDSN reads a DSN and what the environment and a service file add to it.
func parseDSN(dsn string) (*connector, error) {
	scheme, rest, found := strings.Cut(dsn, ":")
	if scheme = strings.ToLower(scheme); !found || (scheme != "postgres" && scheme != "postgresql") {
		return nil, driver.Invalidf("postgres: the DSN must begin with postgres: or postgresql:, as in postgres://user@host/database")
	}
	rest, isURL := strings.CutPrefix(rest, "//")
	if !isURL {
		return nil, driver.Invalidf("postgres: the DSN has no // after the scheme; write postgres://user@host/database, or postgres:///database?host=/run/postgresql")
	}
	base, query, _ := strings.Cut(rest, "?")
	authority, path, hasPath := strings.Cut(base, "/")
	if misplacedAt(authority) || strings.Contains(path, "@") || (!hasPath && strings.Contains(query, "@")) {
		return nil, malformed()
	}
	c := &connector{schema: defaultSchema, sweepInterval: defaultSweepInterval}
	engineQuery, err := c.parameters(query)
	if err != nil {
		return nil, err
	}
	// With the slash what is before it cannot be taken for something else.
	c.config, err = pgxpool.ParseConfig("postgres://" + authority + "/" + path + "?" + withUser(authority, engineQuery))
	if err != nil {
		return nil, refused(err)
	}
	if err := checkConfig(c.config); err != nil {
		return nil, err
	}
	c.needsNetwork = needsNetwork(&c.config.ConnConfig.Config)
	settings := c.config.ConnConfig.RuntimeParams
	if settings["application_name"] == "" {
		settings["application_name"] = "enact"
	}
	// A role or database may have another default.
	settings["client_encoding"] = encoding
	return c, nil
}

// misplacedAt: there is another @ than the one that ends user and password. Then a
// part of a password has got among the hosts.
func misplacedAt(authority string) bool { return strings.Count(authority, "@") > 1 }

// parameters applies the driver's own parameters of a query and returns the others.
func (c *connector) parameters(query string) (others string, err error) {
	var kept []string
	seen := map[string]bool{}
	afterSecret, modeGiven := false, false
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, hasValue := strings.Cut(pair, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil {
			return "", badEncoding()
		}
		ours := slices.Contains(ownParameters, name)
		switch {
		case !ours && !slices.Contains(engineParameters, name):
			// It may be a piece of a password with & or ? in it.
			if (afterSecret && !likeParameter.MatchString(name)) || strings.Contains(query, "@") {
				return "", driver.Invalidf("postgres: unknown DSN parameter, not shown because it may be part of a password; percent-encode &, ? and @ in passwords and values")
			}
			return "", driver.Invalidf("postgres: unknown DSN parameter %q; a setting of the server goes into options, as in options=-c%%20work_mem%%3D8MB", name)
		case !hasValue:
			return "", driver.Invalidf("postgres: DSN parameter %q has no value", name)
		case strings.Contains(rawValue, "="):
			return "", driver.Invalidf("postgres: the value of DSN parameter %q has a = that is not percent-encoded", name)
		}
		value, err := url.PathUnescape(rawValue)
		if err != nil {
			return "", badEncoding()
		}
		canonical := cmp.Or(aliases[name], name)
		if seen[canonical] {
			return "", driver.Invalidf("postgres: DSN parameter %q occurs more than once", canonical)
		}
		seen[canonical] = true
		afterSecret = afterSecret || strings.HasSuffix(name, "password")
		modeGiven = modeGiven || name == parameterMode
		if ours {
			if err := c.set(name, value); err != nil {
				return "", err
			}
			continue
		}
		if name == "ssl" && value != "true" {
			return "", driver.Invalidf("postgres: DSN parameter ssl knows one value: true; use sslmode")
		}
		kept = append(kept, pair)
	}
	if !modeGiven {
		kept = append(kept, parameterMode+"="+defaultMode)
	}
	return strings.Join(kept, "&"), nil
}

func badEncoding() error {
	return driver.Invalidf("postgres: the parameters of the DSN are not percent-encoded correctly")
}

func malformed() error {
	return driver.Invalidf("postgres: the DSN is malformed; percent-encode special characters in user, password and database, and see to ports and the values of parameters")
}

// checkConfig refuses what pgx accepts and cannot work with.
func checkConfig(c *pgxpool.Config) error {
	switch mode := c.ConnConfig.DefaultQueryExecMode; {
	case c.HealthCheckPeriod <= 0:
		return driver.Invalidf("postgres: DSN parameter pool_health_check_period must be positive")
	case c.MinConns < 0 || c.MinConns > c.MaxConns || c.MinIdleConns < 0 || c.MinIdleConns > c.MaxConns:
		return driver.Invalidf("postgres: DSN parameters pool_min_conns and pool_min_idle_conns must be 0 to pool_max_conns, which is %d", c.MaxConns)
	case mode == pgx.QueryExecModeCacheDescribe && c.ConnConfig.DescriptionCacheCapacity <= 0:
		return driver.Invalidf("postgres: DSN parameter description_cache_capacity must be positive")
	case mode == pgx.QueryExecModeCacheStatement && c.ConnConfig.StatementCacheCapacity <= 0:
		return driver.Invalidf("postgres: DSN parameter statement_cache_capacity must be positive")
	}
	return nil
}

// set applies a parameter of the driver.
func (c *connector) set(name, value string) error {
	switch name {
	case parameterSchema:
		if err := checkSchema(value); err != nil {
			return fmt.Errorf("DSN parameter %s: %w", name, err)
		}
		c.schema = value
	case parameterSweepInterval:
		interval, err := time.ParseDuration(value)
		if err != nil || interval <= 0 {
			return driver.Invalidf("postgres: DSN parameter %s must be a positive duration such as 30s or 500ms", name)
		}
		c.sweepInterval = interval
	case parameterDurability:
		if value != serverMayLoseData {
			return driver.Invalidf("postgres: DSN parameter %s knows one value: %s", name, serverMayLoseData)
		}
		c.mayLoseData = true
	case parameterNotify:
		if value != "on" && value != "off" {
			return driver.Invalidf("postgres: DSN parameter %s must be on or off", name)
		}
		c.notify = value == "on"
	}
	return nil
}

// checkSchema refuses what a schema may not be called.
func checkSchema(name string) error {
	if !schemaName.MatchString(name) || strings.HasPrefix(name, "pg_") {
		return driver.Invalidf("postgres: the schema's name must be 1 to 63 letters of ASCII, digits, _ and -, and not begin with pg_")
	}
	return nil
}

// refused says what pgx did not like, without any part of the DSN, which holds
// the password.
func refused(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
			return driver.Invalidf("postgres: the DSN, or the environment, service file or certificate that belongs to it, has an error: %s", redact(cause))
		}
	}
	return malformed()
}

// redact keeps the kind of an error, in one line, and leaves out what it quotes.
func redact(err error) string {
	text := message(err)
	if i := strings.IndexByte(text, '"'); i >= 0 {
		return strings.TrimSpace(text[:i]) + " …"
	}
	return text
}

// needsNetwork: one of the hosts, whichever the environment or a service file has
// added, is not a socket's folder.
func needsNetwork(c *pgconn.Config) bool {
	network := func(host string, port uint16) bool {
		kind, _ := pgconn.NetworkAddress(host, port)
		return kind != "unix"
	}
	return network(c.Host, c.Port) || slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return network(f.Host, f.Port) })
}

// dialsAsParsed: connections are opened by what pgx makes of every DSN, which goes by
// the hosts.
func dialsAsParsed(c *pgconn.Config) bool {
	return reflect.ValueOf(c.DialFunc).Pointer() == parsedDial()
}

// parsedDial is the code of that function. Naming a user keeps pgx from looking for the
// one of the process.
var parsedDial = sync.OnceValue(func() uintptr {
	config, err := pgconn.ParseConfig("postgres://user@%2F/")
	if err != nil {
		return 0 // the environment is malformed; then every pool requires the network
	}
	return reflect.ValueOf(config.DialFunc).Pointer()
})
