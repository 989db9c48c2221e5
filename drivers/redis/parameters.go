package redis

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

// The driver's own parameters.
const (
	parameterPrefix         = "enact_prefix"
	parameterSweepInterval  = "enact_sweep_interval"
	parameterDurability     = "enact_durability"
	parameterReplicas       = "enact_replicas"
	parameterReplicaTimeout = "enact_replica_timeout"
	parameterCA             = "enact_tls_ca"

	// serverSyncsAlways is the value of parameterDurability that vouches for a
	// server that does not tell its settings.
	serverSyncsAlways = "server-has-appendonly-yes-and-appendfsync-always"
)

// requirement is what the value of a parameter must meet. It returns why a value does
// not.
type requirement func(value string) (complaint string)

func anyText(string) string { return "" }

func boolean(value string) string {
	if !slices.Contains([]string{"true", "false", "1", "0"}, value) {
		return "must be true or false"
	}
	return ""
}

// duration is what go-redis takes for one: with a unit, or in seconds.
func duration(value string) string {
	if _, err := strconv.Atoi(value); err == nil {
		return ""
	}
	if _, err := time.ParseDuration(value); err != nil {
		return "must be a duration such as 500ms, or a number of seconds"
	}
	return ""
}

func between(least, most int) requirement {
	return func(value string) string {
		if n, err := strconv.Atoi(value); err != nil || n < least || n > most {
			return fmt.Sprintf("must be a whole number, %d to %d", least, most)
		}
		return ""
	}
}

func address(value string) string {
	host, port, err := net.SplitHostPort(value)
	if err != nil || host == "" || between(1, 65535)(port) != "" {
		return "must be host:port"
	}
	return ""
}

func positiveDuration(value string) string {
	if d, err := time.ParseDuration(value); err != nil || d <= 0 {
		return "must be a positive duration such as 30s or 500ms"
	}
	return ""
}

// stale is met by nothing.
func stale(string) string {
	return "is refused: a replica may answer with what is no longer true"
}

const many = 1_000_000

var ownParameters = map[string]requirement{
	parameterPrefix: func(value string) string {
		if checkPrefix(value) != nil {
			return "must be 1 to 100 letters of ASCII, digits and _ . : -"
		}
		return ""
	},
	parameterSweepInterval: positiveDuration,
	parameterDurability: func(value string) string {
		if value != serverSyncsAlways {
			return "knows one value: " + serverSyncsAlways
		}
		return ""
	},
	parameterReplicas:       between(0, 1000),
	parameterReplicaTimeout: positiveDuration,
}

var caParameter = map[string]requirement{parameterCA: func(value string) string {
	if !filepath.IsAbs(value) {
		return "must be the absolute path of a file with certificates in PEM"
	}
	return ""
}}

// The parameters of go-redis that all forms have.
var commonParameters = map[string]requirement{
	"protocol": between(2, 3), "client_name": anyText,
	"max_retries": between(-1, many), "min_retry_backoff": duration, "max_retry_backoff": duration,
	"dial_timeout": duration, "read_timeout": duration, "write_timeout": duration,
	"pool_fifo": boolean, "pool_size": between(1, many), "pool_timeout": duration,
	"min_idle_conns": between(0, many), "max_idle_conns": between(0, many), "max_active_conns": between(0, many), "max_concurrent_dials": between(0, many),
	"pipeline_pool_size": between(-1, many), "pipeline_read_buffer_size": between(0, 1<<30), "pipeline_write_buffer_size": between(0, 1<<30),
	"conn_max_idle_time": duration, "conn_max_lifetime": duration, "conn_max_lifetime_jitter": duration,
}

var databaseParameter = map[string]requirement{"db": between(0, many)}

var singleParameters = map[string]requirement{"idle_timeout": duration, "max_conn_age": duration}

var skipVerifyParameter = map[string]requirement{"skip_verify": boolean}

var clusterParameters = map[string]requirement{
	"addr": address, "max_redirects": between(-1, many), "dialer_retries": between(1, many), "dialer_retry_timeout": duration, "failing_timeout_seconds": between(0, many),
	"read_only": stale, "route_by_latency": stale, "route_by_latency_tolerance": stale, "route_randomly": stale,
	"db": func(string) string { return "is refused: a cluster has one database" },
}

var sentinelParameters = map[string]requirement{
	"addr": address, "master_name": anyText, "username": anyText, "password": anyText, "dialer_retries": between(1, many), "dialer_retry_timeout": duration,
	"disableIdentity": boolean, "identitySuffix": anyText, "unstable_resp3": boolean,
	"context_timeout_enabled": func(value string) string {
		if value != "true" && value != "1" {
			return "must be true: calls end with their contexts"
		}
		return ""
	},
	"replica_only": stale, "use_disconnected_replicas": stale, "route_by_latency": stale, "route_by_latency_tolerance": stale, "route_randomly": stale,
}

// aliases are second names of parameters.
var aliases = map[string]string{"idle_timeout": "conn_max_idle_time", "max_conn_age": "conn_max_lifetime"}

// parametersOf returns what a form of DSN may have.
func (f form) parametersOf() map[string]requirement {
	known := maps.Clone(commonParameters)
	switch f.kind {
	case single:
		maps.Copy(known, databaseParameter)
		maps.Copy(known, singleParameters)
	case cluster:
		maps.Copy(known, clusterParameters)
	case sentinel:
		maps.Copy(known, databaseParameter)
		maps.Copy(known, sentinelParameters)
	}
	if f.encrypted {
		maps.Copy(known, caParameter)
		if f.kind != cluster { // go-redis does not know it there
			maps.Copy(known, skipVerifyParameter)
		}
	}
	maps.Copy(known, ownParameters)
	return known
}

// likeParameter is what names of parameters look like, and few passwords.
func likeParameter(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}

// parseQuery checks the parameters of a DSN.
func (f form) parseQuery(query string) (values url.Values, err error) {
	known := f.parametersOf()
	values = url.Values{}
	seen := map[string]bool{}
	afterSecret := false
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, hasValue := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, badEncoding()
		}
		check, ok := known[name]
		switch {
		case !ok:
			// It may be a piece of a password with & or ? in it.
			if (afterSecret && !likeParameter(name)) || strings.Contains(query, "@") {
				return nil, driver.Invalidf("redis: unknown DSN parameter, not shown because it may be part of a password; percent-encode &, ? and @ in passwords and values")
			}
			return nil, driver.Invalidf("redis: unknown DSN parameter %q for the scheme %s", name, f.scheme)
		case rawValue == "" || !hasValue:
			return nil, driver.Invalidf("redis: DSN parameter %q has no value", name)
		case strings.Contains(rawValue, "="):
			return nil, driver.Invalidf("redis: the value of DSN parameter %q has a = that is not percent-encoded", name)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, badEncoding()
		}
		canonical := name
		if alias, ok := aliases[name]; ok {
			canonical = alias
		}
		if canonical == "addr" {
			canonical += " " + value // a list
		}
		if seen[canonical] {
			return nil, driver.Invalidf("redis: DSN parameter %q occurs more than once", name)
		}
		seen[canonical] = true
		if complaint := check(value); complaint != "" {
			return nil, driver.Invalidf("redis: DSN parameter %s %s", name, complaint)
		}
		afterSecret = afterSecret || name == "password"
		values.Add(name, value)
	}
	return values, nil
}

func badEncoding() error {
	return driver.Invalidf("redis: the parameters of the DSN are not percent-encoded correctly")
}
