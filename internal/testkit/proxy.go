package testkit

import (
	"net"
	"sync"
	"testing"
)

// Fate is what a Proxy does to a request.
type Fate int

// What can become of a request.
const (
	Forward  Fate = iota
	Withhold      // the server does it; the connection is cut in place of the answer
	Drop          // the connection is cut before the server gets it
)

// Proxy stands between a driver and a server on the loopback.
type Proxy struct {
	listener net.Listener
	target   string
	complete func(answer []byte) bool
	buffer   int // bytes, in each direction of a connection

	mu     sync.Mutex
	pairs  map[*pair]bool
	decide func(request []byte) Fate
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

func (p *pair) withhold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.withholding = true
}

func (p *pair) withholds() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.withholding
}

// StartProxy starts a proxy, as NewProxy does, which ends with the test.
func StartProxy(tb testing.TB, target string, complete func(answer []byte) bool) *Proxy {
	tb.Helper()
	p, err := NewProxy(target, complete, 1<<20)
	Check(tb, err)
	tb.Cleanup(p.Close)
	return p
}

// NewProxy starts a proxy of the server at an address. complete tells from a part of
// the server's answer whether the server has done all that it was asked for; nil
// means that it has when it answers at all. What is longer than buffer, in bytes, passes
// in pieces.
func NewProxy(target string, complete func(answer []byte) bool, buffer int) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if complete == nil {
		complete = func([]byte) bool { return true }
	}
	p := &Proxy{listener: listener, target: target, complete: complete, buffer: buffer, pairs: map[*pair]bool{}, moving: make(chan struct{})}
	close(p.moving)
	go p.accept()
	return p, nil
}

// Close ends the proxy and all connections through it.
func (p *Proxy) Close() {
	p.listener.Close()
	p.GoOn()
	p.CutAll()
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Treat says what becomes of every request from now on; nil forwards all.
func (p *Proxy) Treat(decide func(request []byte) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = decide
}

// Stall lets nothing pass, in any direction, until GoOn.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moving = make(chan struct{})
}

// GoOn ends what Stall began.
func (p *Proxy) GoOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.moving:
	default:
		close(p.moving)
	}
}

// CutAll ends all connections; new ones can be made.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pair := range p.pairs {
		pair.cut()
	}
}

func (p *Proxy) waitUntilMoving() {
	p.mu.Lock()
	moving := p.moving
	p.mu.Unlock()
	<-moving
}

func (p *Proxy) accept() {
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

func (p *Proxy) end(ended *pair) {
	ended.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, ended)
}

func (p *Proxy) fateOf(request []byte) Fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decide == nil {
		return Forward
	}
	return p.decide(request)
}

func (p *Proxy) requests(of *pair) {
	defer p.end(of)
	buffer := make([]byte, p.buffer)
	for {
		n, err := of.client.Read(buffer)
		if err != nil {
			return
		}
		p.waitUntilMoving()
		switch p.fateOf(buffer[:n]) {
		case Drop:
			return
		case Withhold:
			of.withhold()
		}
		if _, err := of.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) answers(of *pair) {
	defer p.end(of)
	buffer := make([]byte, p.buffer)
	for {
		n, err := of.server.Read(buffer)
		if err != nil {
			return
		}
		p.waitUntilMoving()
		if of.withholds() {
			if p.complete(buffer[:n]) {
				return
			}
			continue
		}
		if _, err := of.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
