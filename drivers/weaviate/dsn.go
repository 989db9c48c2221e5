package weaviate

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

// address is where a server is, and what it wants to know of its callers.
type address struct {
	secure   bool
	host     string // with the port
	grpcHost string // with the port; empty: HTTP is used for everything
	apiKey   string
	oidc     *clientCredentials
}

// Ports of Weaviate by default.
const (
	defaultPort       = "8080"
	defaultSecurePort = "443"
)

// Parameters of a DSN besides those of the index.
const (
	parameterAPIKey       = "api_key"
	parameterClientID     = "oidc_client_id"
	parameterClientSecret = "oidc_client_secret"
	parameterScopes       = "oidc_scopes"
	parameterGRPCPort     = "grpc_port"
	parameterTimeout      = "timeout"
	parameterConsistency  = "consistency_level"
	parameterReplication  = "replication_factor"
	parameterIndex        = "index"
)

// likeParameter is what names of parameters look like, and few secrets.
var likeParameter = regexp.MustCompile(`^[A-Za-z_-]{1,40}$`)

// parseDSN reads weaviate://host:port/namespace?parameters.
func parseDSN(dsn string) (*connector, error) {
	scheme, rest, _ := strings.Cut(dsn, "://")
	scheme = strings.ToLower(scheme)
	if scheme != "weaviate" && scheme != "weaviates" {
		return nil, driver.Invalidf("weaviate: the DSN must begin with weaviate:// or weaviates://, as in weaviate://host:8080/namespace")
	}
	base, query, _ := strings.Cut(rest, "?")
	host, namespace, _ := strings.Cut(base, "/")
	if strings.Contains(base, "@") {
		return nil, driver.Invalidf("weaviate: the DSN has a user or an @ before its parameters; give %s, or %s and %s, as parameters", parameterAPIKey, parameterClientID, parameterClientSecret)
	}
	c := &connector{settings: defaultSettings()}
	c.namespace, c.address.secure = namespace, scheme == "weaviates"
	var name string
	var err error
	if name, c.address.host, err = parseHost(host, c.address.secure); err != nil {
		return nil, err
	}
	if err := c.parameters(query, name); err != nil {
		return nil, err
	}
	if err := c.settings.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// hostName is a name or an address of IPv4; what is in brackets is one of IPv6.
var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func parseHost(text string, secure bool) (name, host string, err error) {
	port := defaultPort
	if secure {
		port = defaultSecurePort
	}
	name = text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i+1:]
	}
	inner, bracketed := strings.CutPrefix(name, "[")
	if bracketed {
		inner = strings.TrimSuffix(inner, "]")
		if len(inner)+2 != len(name) || net.ParseIP(inner) == nil {
			return "", "", malformedHost()
		}
		name = inner
	} else if !hostName.MatchString(name) {
		return "", "", malformedHost()
	}
	if !isPort(port) {
		return "", "", malformedHost()
	}
	return name, net.JoinHostPort(name, port), nil
}

func malformedHost() error {
	return driver.Invalidf("weaviate: the DSN must name one host, as in weaviate://host:8080 or weaviate://[::1]:8080, with a port of 1 to 65535")
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// parameters applies the parameters of a DSN for a server at the named host.
func (c *connector) parameters(query, host string) error {
	seen := map[string]bool{}
	credentials := clientCredentials{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, hasValue := strings.Cut(pair, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil {
			return badEncoding()
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return badEncoding()
		}
		switch {
		case !c.knows(name):
			if !likeParameter.MatchString(name) || strings.Contains(query, "@") {
				return driver.Invalidf("weaviate: unknown DSN parameter, not shown because it may be part of a secret; percent-encode &, ? and @ in values")
			}
			return driver.Invalidf("weaviate: unknown DSN parameter %q", name)
		case !hasValue || value == "":
			return driver.Invalidf("weaviate: DSN parameter %q has no value", name)
		case strings.Contains(rawValue, "=") || strings.ContainsAny(value, "\x00\r\n"):
			return driver.Invalidf("weaviate: the value of DSN parameter %q has a = that is not percent-encoded, or a control character", name)
		case seen[name]:
			return driver.Invalidf("weaviate: DSN parameter %q occurs more than once", name)
		}
		seen[name] = true
		switch name {
		case parameterAPIKey:
			c.address.apiKey = value
		case parameterClientID:
			credentials.id = value
		case parameterClientSecret:
			credentials.secret = value
		case parameterScopes:
			credentials.scopes = value
		default:
			err = c.set(name, value, host)
		}
		if err != nil {
			return err
		}
	}
	return c.authentication(credentials)
}

// authentication checks what was given of it.
func (c *connector) authentication(given clientCredentials) error {
	switch {
	case given == (clientCredentials{}):
		return nil
	case given.secret == "":
		return driver.Invalidf("weaviate: DSN parameters %s and %s need %s", parameterClientID, parameterScopes, parameterClientSecret)
	case c.address.apiKey != "":
		return driver.Invalidf("weaviate: the DSN has both %s and %s; give one of them", parameterAPIKey, parameterClientSecret)
	}
	c.address.oidc = &given
	return nil
}

func badEncoding() error {
	return driver.Invalidf("weaviate: the parameters of the DSN are not percent-encoded correctly")
}

// knows: there is a parameter of this name.
func (c *connector) knows(name string) bool {
	switch name {
	case parameterAPIKey, parameterClientID, parameterClientSecret, parameterScopes, parameterGRPCPort, parameterTimeout, parameterConsistency, parameterReplication, parameterIndex:
		return true
	}
	return indexNumber(name) >= 0
}

// indexNumber returns the place of a parameter among indexNumbers, or -1.
func indexNumber(name string) int {
	for i, number := range indexNumbers {
		if number.parameter == name {
			return i
		}
	}
	return -1
}

// set applies a parameter that is no secret.
func (c *connector) set(name, value, host string) (err error) {
	switch name {
	case parameterGRPCPort:
		if !isPort(value) {
			return driver.Invalidf("weaviate: DSN parameter %s must be a port, 1 to 65535", name)
		}
		c.address.grpcHost = net.JoinHostPort(host, value)
	case parameterTimeout:
		if c.timeout, err = time.ParseDuration(value); err != nil || c.timeout <= 0 {
			return driver.Invalidf("weaviate: DSN parameter %s must be a positive duration such as 30s or 500ms", name)
		}
	case parameterConsistency:
		c.consistency = value
	case parameterReplication:
		c.replication, err = positive(name, value, 100)
	case parameterIndex:
		c.index.kind = value
	default:
		c.index.numbers[indexNumber(name)], err = positive(name, value, 1<<31-1)
	}
	return err
}

// positive reads a number from 1 to most.
func positive(name, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, driver.Invalidf("weaviate: DSN parameter %s must be a number from 1 to %d", name, most)
	}
	return n, nil
}
