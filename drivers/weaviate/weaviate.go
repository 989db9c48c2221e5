package weaviate

import (
	"context"
	"net/http"

	"github.com/weaviate/weaviate-go-client/v4/weaviate"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func init() {
	enact.Register("weaviate", weaviateDriver{})
	enact.Register("weaviates", weaviateDriver{})
}

type weaviateDriver struct{}

func (weaviateDriver) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// descriptor: Weaviate is reached by HTTP only, so that it is always network.
type descriptor struct{}

func (descriptor) Name() string            { return "weaviate" }
func (descriptor) RequiresNetwork() bool   { return true }
func (descriptor) SupportsAirGapped() bool { return false }

type connector struct {
	descriptor
	settings
	// One of them: where the DSN leads, or the application's client.
	address address
	client  *weaviate.Client
}

// String keeps secrets out of what is printed.
func (c *connector) String() string { return "weaviate connector" }

// GoString keeps secrets out of what is printed with %#v.
func (c *connector) GoString() string { return c.String() }

// Option changes what NewConnector returns, as a part of a DSN would.
type Option func(*settings)

// Namespace keeps apart what several applications keep on one server; it is the
// path of a DSN.
func Namespace(name string) Option { return func(s *settings) { s.namespace = name } }

// ConsistencyLevel says how many replicas of a document must answer: "ONE", "QUORUM",
// which is the default, or "ALL".
func ConsistencyLevel(level string) Option { return func(s *settings) { s.consistency = level } }

// ReplicationFactor says how many nodes keep a document, in classes that are made
// from now on. The default is the server's.
func ReplicationFactor(n int) Option { return func(s *settings) { s.replication = n } }

// FlatIndex has classes that are made from now on use Weaviate's flat index, which
// compares with every embedding and is exact, in place of hnsw.
func FlatIndex() Option { return func(s *settings) { s.index.kind = indexFlat } }

// NewConnector returns a connector that uses the application's client, with what that
// is configured with: authentication, timeouts, and what it does about redirects.
// Shutdown leaves the client as it is.
func NewConnector(client *weaviate.Client, options ...Option) driver.Connector {
	c := &connector{settings: defaultSettings(), client: client}
	for _, option := range options {
		option(&c.settings)
	}
	return c
}

func (c *connector) Connect(ctx context.Context) (driver.Backend, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.settings.check(); err != nil {
		return nil, err
	}
	b := newBackend(c.settings)
	var err error
	if c.client != nil {
		b.server = borrowed(c.client)
	} else {
		b.server, err = c.dial(ctx)
	}
	if err == nil {
		err = b.prepare(ctx)
	}
	if err = b.explain(ctx, err, nil); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// closer is what must be closed when a backend is shut down.
type closer interface{ Close() error }

// idleConnections closes those that an HTTP client keeps.
type idleConnections struct{ transport *http.Transport }

func (c idleConnections) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}
