package postgres

import (
	"context"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// sockets are the open ones of a pool. pgx closes a connection by talking to the
// server, for up to 15 seconds when that does not answer; cutting ends it at once.
type sockets struct {
	mu   sync.Mutex
	open map[*socket]struct{}
	cut  bool
}

type socket struct {
	net.Conn
	owner *sockets
}

// dialer is dial that keeps account of what it opens.
func (s *sockets) dialer(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		opened := &socket{conn, s}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.cut {
			conn.Close()
			return nil, net.ErrClosed
		}
		if s.open == nil {
			s.open = map[*socket]struct{}{}
		}
		s.open[opened] = struct{}{}
		return opened, nil
	}
}

func (c *socket) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// cutAll closes every socket, and lets no new one be opened.
func (s *sockets) cutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
	for c := range s.open {
		c.Conn.Close()
	}
}
