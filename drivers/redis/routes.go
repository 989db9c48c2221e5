package redis

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// routes find the server that has a key. In a cluster the driver follows redirects
// itself: a script and the WAIT behind it must take the same connection, and must not
// be sent twice.
type routes struct {
	// One of them.
	server  *redis.Client
	cluster *redis.ClusterClient

	mu     sync.Mutex
	peers  map[string]*redis.Client // to which servers of the cluster have sent us
	closed bool
}

func newRoutes(client redis.UniversalClient) *routes {
	r := &routes{peers: map[string]*redis.Client{}}
	switch client := client.(type) {
	case *redis.Client:
		r.server = client
	case *redis.ClusterClient:
		r.cluster = client
	}
	return r
}

// node returns the server that has key, as far as is known.
func (r *routes) node(ctx context.Context, key string) (*redis.Client, error) {
	if r.server != nil {
		return r.server, nil
	}
	node, err := r.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, notConnected{err}
	}
	return node, nil
}

// stale says that what is known of the cluster is no longer true.
func (r *routes) stale(ctx context.Context) {
	if r.cluster != nil {
		r.cluster.ReloadState(ctx)
	}
}

// at returns the server at an address to which from has sent us; without a host it
// is that of from.
func (r *routes) at(from *redis.Client, address string) (*redis.Client, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		host, _, _ = net.SplitHostPort(from.Options().Addr)
		address = net.JoinHostPort(host, port)
	}
	if address == from.Options().Addr {
		return from, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, notConnected{errEnded}
	}
	if peer := r.peers[address]; peer != nil {
		return peer, nil
	}
	peer := redis.NewClient(optionsAt(from.Options(), address))
	r.peers[address] = peer
	return peer, nil
}

// optionsAt are options that a client was made with, for another address. A client
// replaces what stands for "none" by 0, which stands for a default.
func optionsAt(known *redis.Options, address string) *redis.Options {
	o := *known
	o.Addr, o.NodeAddress = address, ""
	o.MinIdleConns = 0
	if o.MaxRetries == 0 {
		o.MaxRetries = -1
	}
	for _, d := range []*time.Duration{&o.ReadTimeout, &o.WriteTimeout, &o.MinRetryBackoff, &o.MaxRetryBackoff} {
		if *d == 0 {
			*d = -1
		}
	}
	o.MaintNotificationsConfig = silent()
	return &o
}

// masters calls f for every server that takes writes.
func (r *routes) masters(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	if r.server != nil {
		return f(ctx, r.server)
	}
	return r.cluster.ForEachMaster(ctx, f)
}

// close closes what redirects have opened.
func (r *routes) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, peer := range r.peers {
		peer.Close()
	}
}
