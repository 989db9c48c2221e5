package redis

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// slow is a connection that holds back requests that contain something.
type slow struct {
	net.Conn
	what string
	gate <-chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.what) {
		<-s.gate
	}
	return s.Conn.Write(p)
}

// TestCancelledWriteDoesNotLandLater: what follows a cancelled write on the same
// handle waits until it has ended (B6).
func TestCancelledWriteDoesNotLandLater(t *testing.T) {
	gate := make(chan struct{})
	client := redis.NewClient(&redis.Options{Addr: plain.get(t).Address(), Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &slow{conn, "old value", gate}, err
	}})
	defer client.Close()
	_, prefix, _ := strings.Cut(newPrefix(), "=")
	b, err := NewConnector(client, Prefix(prefix)).Connect(t.Context())
	testkit.Check(t, err)
	defer shutdown(t, b)
	s := b.Tenant("t").State
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	begin := time.Now()
	if _, err := s.Set(ctx, "key", []byte("old value"), driver.SetOptions{}); !errors.Is(err, context.Canceled) || time.Since(begin) > 2*time.Second {
		t.Fatalf("a write that was cancelled and does not get through returned %v after %v", err, time.Since(begin))
	}
	limited, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Get(limited, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read that follows it returned %v before it has ended", err)
	}
	if _, err := b.Tenant("other").State.Set(t.Context(), "key", nil, driver.SetOptions{}); err != nil {
		t.Errorf("another tenant has to wait: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { close(gate) })
	_, err = s.Set(t.Context(), "key", []byte("new value"), driver.SetOptions{})
	testkit.Check(t, err)
	time.Sleep(100 * time.Millisecond)
	if e, err := s.Get(t.Context(), "key"); err != nil || string(e.Value) != "new value" {
		t.Errorf("the value is %q, %v, want the later one", e.Value, err)
	}
}

// silentListener takes connections and says nothing.
func silentListener(tb testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(tb, err)
	tb.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tb.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().String()
}

// TestConnectToSilentServer: connecting ends with its context, and nothing of it stays
// (B1, B4).
func TestConnectToSilentServer(t *testing.T) {
	address := silentListener(t)
	for _, dsn := range []string{"redis://" + address, "rediss://" + address, "redis+cluster://" + address, "rediss+cluster://" + address, "redis+sentinel://" + address + "?master_name=m"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		begin := time.Now()
		_, err := connect(ctx, dsn)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
			t.Errorf("%s: connecting returned %v after %v", dsn, err, time.Since(begin))
		}
		for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			if !strings.Contains(string(stacks), "go-redis/v9") {
				break
			}
			if time.Since(begin) > 2*time.Second {
				t.Fatalf("%s: these goroutines are left:\n%s", dsn, stacks)
			}
		}
	}
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := NewConnector(client).Connect(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
		t.Errorf("connecting with a borrowed client returned %v after %v", err, time.Since(begin))
	}
}
