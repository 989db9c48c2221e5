package zoo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"

	"github.com/enactdev/enact/driver"
)

// Network is a driver without a fault that needs a server, for DSNs
//
//	net://USER:SECRET@HOST:PORT/NAME?room=NUMBER
//
// The server only answers; the data is in the memory of the process.
type Network struct{}

// OpenConnector implements driver.Driver.
func (Network) OpenConnector(dsn string) (driver.Connector, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, driver.Invalidf("net: the DSN is no URL")
	}
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, driver.Invalidf("net: the parameters in the DSN are not percent-encoded correctly")
	}
	if u.Scheme != "net" || u.Hostname() == "" || u.Port() == "" || len(u.Path) < 2 || u.Fragment != "" {
		return nil, driver.Invalidf("net: the DSN is not of the form net://USER:SECRET@HOST:PORT/NAME")
	}
	for name, values := range parameters {
		if name != "room" || len(values) != 1 {
			return nil, driver.Invalidf("net: parameter %q is unknown or given twice", name)
		}
	}
	password, _ := u.User.Password()
	return &networkConnector{host: u.Host, name: u.Path[1:] + parameters.Get("room"), login: func() string { return password }}, nil
}

type networkDescriptor struct{}

func (networkDescriptor) Name() string            { return "net" }
func (networkDescriptor) RequiresNetwork() bool   { return true }
func (networkDescriptor) SupportsAirGapped() bool { return false }

type networkConnector struct {
	networkDescriptor
	host, name string
	login      func() string // a function is printed as an address
}

func (c *networkConnector) Connect(ctx context.Context) (driver.Backend, error) {
	b := &networkBackend{connector: c, idle: make(chan net.Conn, 4)}
	if err := b.ask(ctx); err != nil {
		b.disconnect()
		return nil, err
	}
	local, err := (&zooConnector{broken: Correct(false), name: "net/" + c.name}).Connect(ctx)
	if err != nil {
		b.disconnect()
		return nil, err
	}
	b.local = local
	return b, nil
}

type networkBackend struct {
	networkDescriptor
	driver.Gate
	connector *networkConnector
	local     driver.Backend
	idle      chan net.Conn
}

// ask asks the server whether it is there, on a new connection if an old one fails.
func (b *networkBackend) ask(ctx context.Context) error {
	if err := b.Enter(ctx); err != nil {
		return err
	}
	defer b.Leave()
	for {
		var conn net.Conn
		var err error
		old := true
		select {
		case conn = <-b.idle:
		default:
			old = false
			conn, err = new(net.Dialer).DialContext(ctx, "tcp", b.connector.host)
		}
		if err == nil {
			err = b.exchange(ctx, conn)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !old:
			return fmt.Errorf("%w: net: %w", driver.ErrUnavailable, err)
		}
	}
}

func (b *networkBackend) exchange(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	_, err := fmt.Fprintf(conn, "%q\n", b.connector.login())
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	if !stop() || err != nil {
		conn.Close()
		return err
	}
	select {
	case b.idle <- conn:
	default:
		conn.Close()
	}
	return nil
}

func (b *networkBackend) Tenant(id driver.TenantID) driver.Stores {
	s := b.local.Tenant(id)
	write := func(ctx context.Context, _ record, change func() error) error {
		if err := b.ask(ctx); err != nil {
			return err
		}
		return change()
	}
	return driver.Stores{
		Events: durableEvents(s.Events, b.ask, write), State: durableState(s.State, b.ask, write),
		Messages: durableMessages(s.Messages, b.ask, write), Vectors: durableVectors(s.Vectors, b.ask, write),
	}
}

func (b *networkBackend) HealthCheck(ctx context.Context) error { return b.ask(ctx) }

func (b *networkBackend) Shutdown(ctx context.Context) error {
	first, err := b.Close(ctx)
	if !first {
		return nil
	}
	local := b.local.Shutdown(ctx)
	b.disconnect()
	if err != nil {
		return err
	}
	return local
}

func (b *networkBackend) disconnect() {
	for len(b.idle) > 0 {
		(<-b.idle).Close()
	}
}

// Server is what the driver Network talks to.
type Server struct {
	address string
	hanging sync.RWMutex // held while the server hangs

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

// NewServer starts a server.
func NewServer() (*Server, error) {
	s := &Server{address: "127.0.0.1:0"}
	return s, s.Start()
}

// DSN returns that of a store.
func (s *Server) DSN(name string) string { return "net://user:none@" + s.address + "/" + name }

// Start listens, at the same address as before.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.listener, s.address = listener, listener.Addr().String()
	go s.accept(listener)
	return nil
}

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.listener != listener {
			conn.Close()
		}
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		go s.answer(conn)
	}
}

func (s *Server) answer(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		s.hanging.RLock()
		_, err := conn.Write([]byte("+"))
		s.hanging.RUnlock()
		if err != nil {
			return
		}
	}
}

// Stop hangs up on everybody.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		s.listener.Close()
	}
	s.listener = nil
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

// Pause lets the server hang until Resume.
func (s *Server) Pause()  { s.hanging.Lock() }
func (s *Server) Resume() { s.hanging.Unlock() }
