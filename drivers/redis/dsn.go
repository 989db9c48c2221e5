package redis

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
)

// form is what a scheme stands for.
type form struct {
	scheme    string
	kind      int
	encrypted bool
	unix      bool
}

const (
	single = iota
	cluster
	sentinel
)

var forms = []form{
	{scheme: "redis", kind: single},
	{scheme: "rediss", kind: single, encrypted: true},
	{scheme: "redis+unix", kind: single, unix: true},
	{scheme: "redis+cluster", kind: cluster},
	{scheme: "rediss+cluster", kind: cluster, encrypted: true},
	{scheme: "redis+sentinel", kind: sentinel},
	{scheme: "rediss+sentinel", kind: sentinel, encrypted: true},
}

// parseDSN reads a DSN. Nothing in the environment adds to it.
func parseDSN(dsn string) (*connector, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	var f form
	for _, known := range forms {
		if strings.EqualFold(known.scheme, scheme) {
			f = known
		}
	}
	if f.scheme == "" {
		return nil, driver.Invalidf("redis: the DSN must begin with redis:, rediss:, redis+unix:, redis+cluster:, rediss+cluster:, redis+sentinel: or rediss+sentinel:, as in redis://user@host:6379/0")
	}
	rest, isURL := strings.CutPrefix(rest, "//")
	if !isURL {
		return nil, driver.Invalidf("redis: the DSN has no // after the scheme; write redis://host:6379/0, or redis+unix:///run/redis.sock")
	}
	if strings.Contains(rest, "#") {
		return nil, malformed()
	}
	base, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(base, "/")
	if strings.Count(authority, "@") > 1 || strings.Contains(path, "@") || (!strings.Contains(base, "/") && strings.Contains(query, "@")) {
		return nil, malformed()
	}
	values, err := f.parseQuery(query)
	if err != nil {
		return nil, err
	}
	c := &connector{descriptor: descriptor{!f.unix}, settings: defaults()}
	if err := c.takeOwn(values); err != nil {
		return nil, err
	}
	return c, c.parseEngine(f, authority, path, values)
}

func malformed() error {
	return driver.Invalidf("redis: the DSN is malformed; percent-encode special characters in user, password and path, and see to hosts and ports")
}

// takeOwn applies the driver's own parameters, which have been checked, and removes
// them.
func (c *connector) takeOwn(values url.Values) error {
	take := func(name string, apply func(value string)) {
		if values.Has(name) {
			apply(values.Get(name))
			values.Del(name)
		}
	}
	take(parameterPrefix, func(v string) { c.prefix = v })
	take(parameterSweepInterval, func(v string) { c.sweepInterval, _ = time.ParseDuration(v) })
	take(parameterDurability, func(string) { c.vouched = true })
	take(parameterReplicas, func(v string) { c.replicas, _ = strconv.Atoi(v) })
	take(parameterReplicaTimeout, func(v string) { c.replicaTimeout, _ = time.ParseDuration(v) })
	take(parameterCA, func(v string) { c.caFile = v })
	return c.settings.check()
}

// parseEngine has go-redis read what is not the driver's own. What it says of a DSN
// is not shown, since it quotes it.
func (c *connector) parseEngine(f form, authority, path string, values url.Values) error {
	u := &url.URL{Scheme: "redis", Path: "/" + path}
	if f.encrypted {
		u.Scheme = "rediss"
	}
	userinfo, hosts, hasUser := strings.Cut(authority, "@")
	if !hasUser {
		hosts = authority
	} else if u.User = userOf(userinfo); u.User == nil {
		return malformed()
	}
	place := f.placeHosts
	if f.unix {
		place = placeSocket
	}
	if err := place(u, hosts, path, values); err != nil {
		return err
	}
	u.RawQuery = values.Encode()
	var err error
	switch f.kind {
	case single:
		c.single, err = redis.ParseURL(u.String())
	case cluster:
		c.cluster, err = redis.ParseClusterURL(u.String())
	case sentinel:
		c.sentinel, err = redis.ParseFailoverURL(u.String())
	}
	if err != nil {
		return malformed()
	}
	return c.checkTimeouts()
}

// userOf reads user and password, nil if they are malformed.
func userOf(userinfo string) *url.Userinfo {
	name, password, hasPassword := strings.Cut(userinfo, ":")
	name, nameErr := url.PathUnescape(name)
	password, passwordErr := url.PathUnescape(password)
	switch {
	case nameErr != nil || passwordErr != nil:
		return nil
	case hasPassword:
		return url.UserPassword(name, password)
	}
	return url.User(name)
}

// placeSocket puts the path of a Unix socket into u.
func placeSocket(u *url.URL, hosts, path string, _ url.Values) error {
	decoded, err := url.PathUnescape(path)
	if hosts != "" || decoded == "" || err != nil || strings.ContainsRune(decoded, 0) {
		return driver.Invalidf("redis: the scheme redis+unix needs the absolute path of a socket and no host, as in redis+unix:///run/redis.sock")
	}
	u.Scheme, u.Path = "unix", "/"+decoded
	return nil
}

// placeHosts puts the first host into u and the others into values.
func (f form) placeHosts(u *url.URL, hosts, path string, values url.Values) error {
	first, others, several := strings.Cut(hosts, ",")
	switch {
	case f.kind == single && several:
		return driver.Invalidf("redis: the scheme %s takes one host; several are for redis+cluster and redis+sentinel", f.scheme)
	case !goodHost(first) || first == "" && several:
		return malformed()
	case f.kind == sentinel && values.Get("master_name") == "":
		return driver.Invalidf("redis: the scheme %s needs the DSN parameter master_name", f.scheme)
	case f.kind == cluster && strings.Trim(path, "/0") != "":
		return driver.Invalidf("redis: a cluster has one database; leave out the path of the DSN")
	}
	if number := strings.Trim(path, "/"); number != "" && between(0, many)(number) != "" {
		return driver.Invalidf("redis: the path of the DSN must be the number of a database")
	}
	if u.Host = first; first != "" {
		u.Host = f.withPort(first)
	}
	if !several {
		return nil
	}
	for host := range strings.SplitSeq(others, ",") {
		if host == "" || !goodHost(host) {
			return malformed()
		}
		values.Add("addr", f.withPort(host))
	}
	return nil
}

// The ports where none are given.
const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// goodHost: host, host:port, [IPv6] or [IPv6]:port, or nothing.
func goodHost(host string) bool {
	u, err := url.Parse("redis://" + host)
	if err != nil || u.Host != host || u.User != nil {
		return false
	}
	port := u.Port()
	return !strings.HasSuffix(host, ":") && (port == "" || between(1, 65535)(port) == "")
}

func (f form) withPort(host string) string {
	switch {
	case (&url.URL{Host: host}).Port() != "":
		return host
	case f.kind == sentinel:
		return host + ":" + sentinelPort
	}
	return host + ":" + redisPort
}
