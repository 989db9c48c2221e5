package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/model"
	"github.com/enactdev/enact/internal/testkit"
)

// engine is a server's process.
type engine interface {
	Kill() error
	Start() error
	Pause() error
	Resume() error
	Remove() error
}

// server is a store behind a proxy.
type server struct {
	engine
	proxy  *testkit.Proxy
	config enact.Config
}

// proxyBuffer is small beside the memory that the soak measures.
const proxyBuffer = 32 << 10

// password is in the DSNs of servers, to see that no error holds it.
const password = "soak-pa55word"

// Config implements Store.
func (s server) Config() enact.Config { return s.config }

// Secret implements Store.
func (s server) Secret() string { return password }

// Rest implements Store: the number of connections differs by chance.
func (s server) Rest() { s.proxy.CutAll() }

// Remove implements Store.
func (s server) Remove() error {
	s.proxy.Close()
	return s.engine.Remove()
}

// Faults implements Store.
func (s server) Faults() []Fault {
	return []Fault{{Kill, s.kill}, {Cut, s.cutAll}, {Cut, s.cutSome}, {Stall, s.stall}, {Stall, s.pause}}
}

// restarting is how long it may take until a server that was killed is there again: an
// outgoing connection may have its port for a moment.
const restarting = 30 * time.Second

// kill kills the server and starts it again with what it has stored.
func (s server) kill(ctx context.Context, d time.Duration, _ *rand.Rand) error {
	if err := s.Kill(); err != nil {
		return err
	}
	wait(ctx, d/2)
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := s.Start()
		if err == nil || time.Since(begin) > restarting {
			return err
		}
	}
}

// cutAll cuts all connections.
func (s server) cutAll(context.Context, time.Duration, *rand.Rand) error {
	s.proxy.CutAll()
	return nil
}

// cutSome cuts connections at requests, before or after the server gets them.
func (s server) cutSome(ctx context.Context, d time.Duration, r *rand.Rand) error {
	var requests atomic.Int64
	every := 2 + r.Int64N(20)
	s.proxy.Treat(func([]byte) testkit.Fate {
		switch n := requests.Add(1); {
		case n%every != 0:
			return testkit.Forward
		case n/every%2 == 0:
			return testkit.Drop
		}
		return testkit.Withhold
	})
	wait(ctx, d)
	s.proxy.Treat(nil)
	return nil
}

// longStall is longer than any call may take after a short deadline, so that one which
// does not look at its deadline is found.
const longStall = model.Late + 2*time.Second

// stall lets nothing pass between the clients and the server.
func (s server) stall(ctx context.Context, d time.Duration, r *rand.Rand) error {
	if r.IntN(3) == 0 {
		d = longStall
	}
	s.proxy.Stall()
	wait(ctx, d)
	s.proxy.GoOn()
	return nil
}

// pause has the server stand still.
func (s server) pause(ctx context.Context, d time.Duration, _ *rand.Rand) error {
	err := s.Pause()
	wait(ctx, d)
	return errors.Join(err, s.Resume())
}
