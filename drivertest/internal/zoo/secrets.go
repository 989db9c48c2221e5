package zoo

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"strings"

	"github.com/enactdev/enact/driver"
)

// tokenIn is the token in a DSN, as it is written there and as it is.
func tokenIn(dsn string) (written, token string) {
	_, query, _ := strings.Cut(dsn, "?")
	for parameter := range strings.SplitSeq(query, "&") {
		if value, found := strings.CutPrefix(parameter, "token="); found {
			token, _ = url.QueryUnescape(value)
			return value, token
		}
	}
	return "", ""
}

// refusing replaces the error of parsing.
func refusing(f func(dsn string, err error) error) func(string, func(string) (driver.Connector, error)) (driver.Connector, error) {
	return func(dsn string, parse func(string) (driver.Connector, error)) (driver.Connector, error) {
		c, err := parse(dsn)
		if err != nil {
			return nil, f(dsn, err)
		}
		return c, nil
	}
}

// configured is a connector that keeps its token in a field that fmt prints.
type configured struct {
	aConnector
	token string
}

// raw keeps it as bytes.
type raw struct {
	aConnector
	token []byte
}

// speaking prints its DSN.
type speaking struct {
	aConnector
	dsn string
}

func (s *speaking) String() string { return "connector to " + s.dsn }

// remembering is a backend that keeps its DSN.
type remembering struct {
	aBackend
	dsn string
}

var secrets = []*Broken{
	{
		Name: "refusal-quotes-the-dsn", Rule: "B10", Fault: "quotes the whole DSN when it does not parse",
		Parse: refusing(func(dsn string, err error) error { return fmt.Errorf("%w (in %q)", err, dsn) }),
	},
	{
		Name: "refusal-quotes-the-url-error", Rule: "B10", Fault: "returns the error of net/url, which quotes the DSN",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			if _, err := url.Parse(dsn); err != nil {
				return nil, driver.Invalidf("zoo: %w", err)
			}
			return parse(dsn)
		},
	},
	{
		Name: "refusal-shows-the-parameters", Rule: "B10", Fault: "lists all parameters with their values when one is unknown",
		Parse: refusing(func(dsn string, err error) error {
			_, query, _ := strings.Cut(dsn, "?")
			values, parsing := url.ParseQuery(query)
			if parsing != nil || len(values) < 2 {
				return err
			}
			return fmt.Errorf("%w: %v", err, values)
		}),
	},
	{
		Name: "refusal-shows-the-value", Rule: "B10", Fault: "shows the value of a parameter that it does not know, which may be a misspelt token",
		Parse: refusing(func(dsn string, err error) error {
			_, value, found := strings.Cut(dsn, "=")
			if !found || strings.Contains(dsn, "token=") || strings.Contains(err.Error(), "encoded") {
				return err
			}
			return fmt.Errorf("%w (value %.12s)", err, value)
		}),
	},
	{
		Name: "redacts-what-is-not-escaped", Rule: "B10", Fault: "takes the decoded token out of its errors, which hold it as it is written in the DSN",
		Parse: refusing(func(dsn string, err error) error {
			written, token := tokenIn(dsn)
			if token == "" || token == written {
				return err
			}
			return fmt.Errorf("%w: %s", err, strings.ReplaceAll(dsn, token, "xxx"))
		}),
	},
	{
		Name: "connector-prints-its-dsn", Rule: "B10", Fault: "has a String method that prints the DSN",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			return &speaking{aConnector{Connector: c}, dsn}
		},
	},
	{
		Name: "connector-has-the-token-in-a-field", Rule: "B10", Fault: "keeps the token in a field, which %+v prints",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			_, token := tokenIn(dsn)
			return &configured{aConnector{Connector: c}, token}
		},
	},
	{
		Name: "connector-has-the-token-as-bytes", Rule: "B10", Fault: "keeps the token as bytes, which %v prints as numbers",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			_, token := tokenIn(dsn)
			return &raw{aConnector{Connector: c}, []byte(token)}
		},
	},
	{
		Name: "name-holds-the-token", Rule: "B10", Fault: "has the token in its name",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			_, token := tokenIn(dsn)
			name := func() string { return strings.TrimSuffix(c.Name()+" "+token, " ") }
			changed := whenConnected(func(b *aBackend, _ string) { b.name = name })(c, dsn).(*aConnector)
			changed.name = name
			return changed
		},
	},
	{
		Name: "connect-error-holds-the-dsn", Rule: "B10", Fault: "names the DSN when it cannot connect",
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			b, err := c.Connect(ctx)
			if err != nil {
				return nil, fmt.Errorf("connect to %s: %w", dsn, err)
			}
			return b, nil
		}),
	},
	{
		Name: "failure-holds-the-request", Rule: "B10", Fault: "shows the request, with the token in base64, when a server does not answer",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			_, token := tokenIn(dsn)
			served := greeted(true, greeting)(c, dsn)
			return connecting(func(ctx context.Context, c driver.Connector, _ string) (driver.Backend, error) {
				b, err := served.Connect(ctx)
				if err != nil && hostIn(dsn) != "" {
					return nil, fmt.Errorf("%w (Authorization: Basic %s)", err, base64.StdEncoding.EncodeToString([]byte("user:"+token)))
				}
				return b, err
			})(served, dsn)
		},
	},
	{
		Name: "health-error-holds-the-token", Rule: "B10", Fault: "names the token when it is asked for its health too late",
		Connector: whenConnected(func(b *aBackend, dsn string) {
			written, _ := tokenIn(dsn)
			b.healthCheck = func(ctx context.Context) error {
				if err := b.Backend.HealthCheck(ctx); err != nil {
					return fmt.Errorf("GET /health?token=%s: %w", written, err)
				}
				return nil
			}
		}),
	},
	{
		Name: "backend-keeps-its-dsn", Rule: "B10", Fault: "keeps the DSN in the backend, which %+v prints",
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			b, err := c.Connect(ctx)
			if err != nil {
				return nil, err
			}
			return &remembering{aBackend{Backend: b}, dsn}, nil
		}),
	},
	{
		Name: "logs-the-dsn", Rule: "B10", Fault: "logs the DSN that it connects to",
		Connector: connecting(func(ctx context.Context, c driver.Connector, dsn string) (driver.Backend, error) {
			if _, token := tokenIn(dsn); len(token) > 20 && hostIn(dsn) == "" {
				log.Printf("connecting to %s", dsn)
			}
			return c.Connect(ctx)
		}),
	},
	{
		Name: "logs-the-token-for-debugging", Rule: "B10", Fault: "logs the token at the level for debugging when it is shut down",
		Connector: whenConnected(func(b *aBackend, dsn string) {
			b.shutdown = func(ctx context.Context) error {
				if _, token := tokenIn(dsn); token != "" {
					slog.Debug("closing", "options", map[string]string{"token": token})
				}
				return b.Backend.Shutdown(ctx)
			}
		}),
	},
}
