package postgres

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// fate is what a proxy does to a request.
type fate int

const (
	forward  fate = iota
	withhold      // the server does it; the connection is cut in place of the answer
	drop          // the connection is cut before the server gets it
)

// proxy stands between the driver and a server on the loopback.
type proxy struct {
	tb       testing.TB
	listener net.Listener
	target   string

	mu     sync.Mutex
	pairs  map[*pair]bool
	decide func(request []byte) fate
	moving chan struct{} // closed unless everything is stalled
}

// pair is a connection of the driver and the one to the server that belongs to it.
type pair struct {
	client, server net.Conn
	mu             sync.Mutex
	withholding    bool
}

func (p *pair) cut() {
	p.client.Close()
	p.server.Close()
}

func startProxy(tb testing.TB, server *testserver.Postgres) *proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(tb, err)
	p := &proxy{tb: tb, listener: listener, target: fmt.Sprintf("127.0.0.1:%d", server.Port), pairs: map[*pair]bool{}, moving: make(chan struct{})}
	close(p.moving)
	go p.accept()
	tb.Cleanup(func() {
		listener.Close()
		p.goOn()
		p.cutAll()
	})
	return p
}

// dsn reaches the server through the proxy.
func (p *proxy) dsn(parameters string) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&%s", p.listener.Addr(), parameters)
}

// treat says what becomes of every request from now on; nil forwards all.
func (p *proxy) treat(decide func(request []byte) fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = decide
}

// stall lets nothing pass, in any direction, until goOn.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moving = make(chan struct{})
}

func (p *proxy) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.moving:
	default:
		close(p.moving)
	}
}

func (p *proxy) waitUntilMoving() {
	p.mu.Lock()
	moving := p.moving
	p.mu.Unlock()
	<-moving
}

func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pair := range p.pairs {
		pair.cut()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		made := &pair{client: client, server: server}
		p.mu.Lock()
		p.pairs[made] = true
		p.mu.Unlock()
		go p.requests(made)
		go p.answers(made)
	}
}

func (p *proxy) end(ended *pair) {
	ended.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, ended)
}

func (p *proxy) fateOf(request []byte) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decide == nil {
		return forward
	}
	return p.decide(request)
}

func (p *proxy) requests(of *pair) {
	defer p.end(of)
	buffer := make([]byte, 1<<16)
	for {
		n, err := of.client.Read(buffer)
		if err != nil {
			return
		}
		p.waitUntilMoving()
		switch p.fateOf(buffer[:n]) {
		case drop:
			return
		case withhold:
			of.mu.Lock()
			of.withholding = true
			of.mu.Unlock()
		}
		if _, err := of.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// readyForQuery is how the server ends its answer, but for the last byte.
var readyForQuery = []byte{'Z', 0, 0, 0, 5}

func (p *proxy) answers(of *pair) {
	defer p.end(of)
	buffer := make([]byte, 1<<16)
	for {
		n, err := of.server.Read(buffer)
		if err != nil {
			return
		}
		p.waitUntilMoving()
		of.mu.Lock()
		withholding := of.withholding
		of.mu.Unlock()
		if withholding {
			if bytes.Contains(buffer[:n], readyForQuery) {
				return // it has done all that was asked for
			}
			continue
		}
		if _, err := of.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// commits: the request ends a transaction, as COMMIT or as a statement of its own
// that writes.
func commits(request []byte) bool {
	execute := []byte{'E', 0, 0, 0, 9, 0, 0, 0, 0, 0}
	return bytes.Contains(request, []byte("commit\x00")) || (bytes.Contains(request, execute) &&
		(bytes.Contains(request, []byte(".append(")) || bytes.Contains(request, []byte(".put(")) || bytes.Contains(request, []byte(".remove(")) || bytes.Contains(request, []byte("INTO")) || bytes.Contains(request, []byte("DELETE"))) &&
		!bytes.Contains(request, []byte(".messages")) && !bytes.Contains(request, []byte(".threads")))
}
