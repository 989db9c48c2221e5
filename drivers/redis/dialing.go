package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/enactdev/enact/internal/sockets"
	"github.com/redis/go-redis/v9"
)

// notConnected: there was no connection, so that nothing was sent.
type notConnected struct{ error }

func (e notConnected) Unwrap() error { return e.error }

// errEnded: the backend has ended.
var errEnded = errors.New("the backend has been shut down")

// dialer returns what opens connections until ended is done, encrypted if encryption
// is not nil, and adds them to open. go-redis dials and greets on contexts of its own,
// too; when the backend ends, all of that ends.
func dialer(ended context.Context, open *sockets.Set, timeout time.Duration, encryption *tls.Config) sockets.Dial {
	plain := &net.Dialer{Timeout: timeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}}
	dial := plain.DialContext
	if encryption != nil {
		dial = (&tls.Dialer{NetDialer: plain, Config: encryption}).DialContext
	}
	dial = open.Dialer(dial)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(ended, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, notConnected{err}
		}
		return conn, nil
	}
}

// dialing marks what fails before there is a connection: with Sentinel that is also
// to find the master.
type dialing struct{}

// DialHook implements redis.Hook.
func (dialing) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return nil, notConnected{err}
		}
		return conn, nil
	}
}

// ProcessHook implements redis.Hook.
func (dialing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (dialing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
