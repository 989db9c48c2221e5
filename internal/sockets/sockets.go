// Package sockets keeps account of the sockets of a client library, so that a driver
// can close all of them at once when its backend ends. Libraries say goodbye to the
// server first, and wait long for one that does not answer.
package sockets

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Set is the open sockets of a backend. The zero value is empty. Safe for concurrent
// use.
type Set struct {
	mu   sync.Mutex
	open map[*socket]struct{}
	cut  bool
}

// Dial opens a connection, as the methods of net.Dialer do.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

type socket struct {
	net.Conn
	owner *Set
}

// rawSocket is one whose file descriptor may be looked at, as the one inside may.
type rawSocket struct {
	*socket
	syscall.Conn
}

// Dialer is dial that adds to the set what it opens. After CutAll it fails with
// net.ErrClosed.
func (s *Set) Dialer(dial Dial) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return s.add(conn)
	}
}

func (s *Set) add(conn net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		conn.Close()
		return nil, net.ErrClosed
	}
	if s.open == nil {
		s.open = map[*socket]struct{}{}
	}
	opened := &socket{conn, s}
	s.open[opened] = struct{}{}
	if raw, ok := conn.(syscall.Conn); ok {
		return rawSocket{opened, raw}, nil
	}
	return opened, nil
}

// Close implements net.Conn.
func (c *socket) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// CutAll closes every socket, and lets no new one be opened.
func (s *Set) CutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
	for c := range s.open {
		c.Conn.Close()
	}
}
