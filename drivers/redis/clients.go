package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/sockets"
)

// dialTimeout is that of go-redis where none is given.
const dialTimeout = 5 * time.Second

// silent keeps go-redis from asking for notifications, which would hold goroutines.
func silent() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// newClient makes a client of what the DSN says, whose sockets end with ended.
func (c *connector) newClient(ended context.Context, open *sockets.Set) (redis.UniversalClient, error) {
	encryption, err := c.encryption()
	if err != nil {
		return nil, err
	}
	switch {
	case c.cluster != nil:
		o := *c.cluster
		o.TLSConfig, o.Dialer = nil, dialer(ended, open, timeoutOf(o.DialTimeout), encryption)
		o.ContextTimeoutEnabled, o.DisableIdentity, o.DisableRoutingPolicies, o.MaintNotificationsConfig = true, true, true, silent()
		completed(&o.PipelinePoolSize, &o.Protocol, &o.DialerRetries)
		return redis.NewClusterClient(&o), nil
	case c.sentinel != nil:
		o := *c.sentinel
		o.TLSConfig, o.Dialer = nil, dialer(ended, open, timeoutOf(o.DialTimeout), encryption)
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		completed(&o.PipelinePoolSize, &o.Protocol, &o.DialerRetries)
		client := redis.NewFailoverClient(&o)
		client.AddHook(dialing{})
		return client, nil
	}
	o := *c.single
	o.TLSConfig, o.Dialer = nil, dialer(ended, open, timeoutOf(o.DialTimeout), encryption)
	o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, silent()
	completed(&o.PipelinePoolSize, &o.Protocol, &o.DialerRetries)
	return redis.NewClient(&o), nil
}

// completed replaces what a DSN leaves open: one pool for everything, the protocol
// without messages that nobody asked for, and no tries beside the driver's own.
func completed(pipelinePoolSize, protocol, dialerRetries *int) {
	*pipelinePoolSize = cmp.Or(*pipelinePoolSize, -1)
	*protocol = cmp.Or(*protocol, 2)
	*dialerRetries = cmp.Or(*dialerRetries, 1)
}

func timeoutOf(d time.Duration) time.Duration {
	switch {
	case d < 0:
		return 0
	case d == 0:
		return dialTimeout
	}
	return d
}

// encryption is what go-redis has made of the DSN, with the certificates to trust;
// nil: none.
func (c *connector) encryption() (config *tls.Config, err error) {
	switch {
	case c.single != nil:
		config = c.single.TLSConfig
	case c.cluster != nil:
		config = c.cluster.TLSConfig
	case c.sentinel != nil:
		config = c.sentinel.TLSConfig
	}
	if config == nil {
		return nil, nil
	}
	config = config.Clone()
	config.MinVersion = tls.VersionTLS12
	if c.caFile == "" {
		return config, nil
	}
	text, err := os.ReadFile(c.caFile)
	if err != nil {
		return nil, driver.Invalidf("redis: DSN parameter %s: %v", parameterCA, errors.Unwrap(err))
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, driver.Invalidf("redis: DSN parameter %s: the file has no certificate in PEM", parameterCA)
	}
	return config, nil
}

// needsNetwork: a client may open a network socket. Only the dialer that go-redis
// makes by itself goes by the network and the address; any other may do anything.
func needsNetwork(client redis.UniversalClient) bool {
	c, ok := client.(*redis.Client)
	if !ok || c == nil {
		return true
	}
	return c.Options().Network != "unix" || dialerCode(c) != ownDialer()
}

// ownDialer is the code of the dialer of a client that was given none.
var ownDialer = sync.OnceValue(func() uintptr {
	client := redis.NewClient(&redis.Options{MaintNotificationsConfig: silent()})
	defer client.Close()
	return dialerCode(client)
})

func dialerCode(client *redis.Client) uintptr {
	return reflect.ValueOf(client.Options().Dialer).Pointer()
}

// readTimeoutOf is how long a client waits for an answer; 0: for ever.
func (c *connector) readTimeoutOf() time.Duration {
	read := time.Duration(0)
	switch client := c.client.(type) {
	case *redis.Client:
		return client.Options().ReadTimeout
	case *redis.ClusterClient:
		return client.Options().ReadTimeout
	}
	switch {
	case c.single != nil:
		read = c.single.ReadTimeout
	case c.cluster != nil:
		read = c.cluster.ReadTimeout
	case c.sentinel != nil:
		read = c.sentinel.ReadTimeout
	}
	switch {
	case read < 0:
		return 0
	case read == 0:
		return 5 * time.Second
	}
	return read
}

// checkTimeouts refuses to wait for replicas longer than for an answer.
func (c *connector) checkTimeouts() error {
	if read := c.readTimeoutOf(); c.replicas > 0 && read > 0 && c.replicaTimeout >= read {
		return driver.Invalidf("redis: %s is %v; it must be less than read_timeout, which is %v", parameterReplicaTimeout, c.replicaTimeout, read)
	}
	return nil
}

// checkClient refuses a borrowed client that cannot be used.
func (c *connector) checkClient() error {
	switch client := c.client.(type) {
	case *redis.Client:
		if client == nil {
			return driver.Invalidf("redis: the client is nil")
		}
	case *redis.ClusterClient:
		if client == nil {
			return driver.Invalidf("redis: the client is nil")
		}
		if o := client.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return driver.Invalidf("redis: the cluster client must not have ReadOnly, RouteByLatency or RouteRandomly: a replica may answer with what is no longer true")
		}
	default:
		return driver.Invalidf("redis: the client is a %T; it must be a *redis.Client or a *redis.ClusterClient", c.client)
	}
	return c.checkTimeouts()
}
