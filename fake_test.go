package enact

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"

	"github.com/enactdev/enact/driver"
)

// fakeDriver is a driver whose backends answer as its DSN says and write down
// what happens to them. Its DSNs are SCHEME:WORDS, words being
//
//	net          it requires the network
//	nogap        it requires none but does not support air-gapped mode
//	turncoat     it requires the network only once it is connected
//	malformed    its DSN does not parse, and the error repeats it whole
//	down         it cannot be connected, and the error repeats the DSN whole
//	sick         it fails its health check and its shutdown
//	rendezvous   its health check and its shutdown wait until another's begins
//	eventsonly   it offers events only
//
// and any other word a name. Connecting to one that requires the network dials.
type fakeDriver struct {
	address string // where it dials

	mu  sync.Mutex
	log []string
}

func (d *fakeDriver) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, what)
}

func (d *fakeDriver) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = nil
}

func (d *fakeDriver) noted(prefix string) (found []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.log {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

func (d *fakeDriver) OpenConnector(dsn string) (driver.Connector, error) {
	if strings.Contains(dsn, "malformed") {
		return nil, driver.Invalidf("cannot parse %q", dsn)
	}
	return &fakeBackend{driver: d, dsn: dsn}, nil
}

// fakeBackend is connector and backend in one.
type fakeBackend struct {
	driver    *fakeDriver
	dsn       string
	connected bool
}

func (b *fakeBackend) is(word string) bool { return strings.Contains(b.dsn, word) }

func (b *fakeBackend) Name() string { return "fake" }

func (b *fakeBackend) RequiresNetwork() bool {
	return b.is("net") || (b.is("turncoat") && b.connected)
}

func (b *fakeBackend) SupportsAirGapped() bool { return !b.RequiresNetwork() && !b.is("nogap") }

func (b *fakeBackend) Connect(ctx context.Context) (driver.Backend, error) {
	b.driver.note("connect " + b.dsn)
	if b.is("net") {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.driver.address)
		if err != nil {
			return nil, err
		}
		conn.Close()
	}
	if b.is("down") {
		return nil, errors.Join(driver.ErrUnavailable, errors.New("cannot reach "+b.dsn))
	}
	return &fakeBackend{b.driver, b.dsn, true}, nil
}

func (b *fakeBackend) Tenant(driver.TenantID) driver.Stores {
	if b.is("eventsonly") {
		return driver.Stores{Events: struct{ driver.EventStore }{}}
	}
	return driver.Stores{
		Events: struct{ driver.EventStore }{}, State: struct{ driver.StateStore }{},
		Messages: struct{ driver.MessageStore }{}, Vectors: struct{ driver.VectorStore }{},
	}
}

func (b *fakeBackend) Missing(role driver.Role) error {
	if role == driver.RoleState {
		return errors.New("the fake server has no states; install them")
	}
	return nil
}

func (b *fakeBackend) HealthCheck(ctx context.Context) error {
	b.driver.note("health " + b.dsn)
	if b.is("rendezvous") {
		// Well only if all backends are asked at once.
		for len(b.driver.noted("health ")) < 2 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if b.is("sick") {
		return driver.ErrUnavailable
	}
	return nil
}

func (b *fakeBackend) Shutdown(ctx context.Context) error {
	b.driver.note("shutdown " + b.dsn)
	if b.is("rendezvous") {
		for len(b.driver.noted("shutdown ")) < 2 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if b.is("sick") {
		return errors.New("will not stop")
	}
	return nil
}
