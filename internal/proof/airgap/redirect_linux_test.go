package airgap

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/testkit"
)

// redirecting is a server that sends whoever asks to another address: by HTTP, and as
// a node of a Redis cluster does.
type redirecting struct {
	address, socket string
	// connections counts those through the network.
	connections atomic.Int64
}

func startRedirecting(t *testing.T) *redirecting {
	t.Helper()
	r := &redirecting{socket: filepath.Join(t.TempDir(), "socket")}
	loopback := testkit.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	unix := testkit.Must(net.Listen("unix", r.socket))(t)
	t.Cleanup(func() { loopback.Close(); unix.Close() })
	r.address = loopback.Addr().String()
	go r.serve(loopback, &r.connections)
	go r.serve(unix, new(atomic.Int64))
	return r
}

func (r *redirecting) serve(listener net.Listener, count *atomic.Int64) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		count.Add(1)
		go r.answer(conn)
	}
}

// answer says to each command or request that it belongs elsewhere.
func (r *redirecting) answer(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "*"): // the beginning of a command of Redis
			fmt.Fprintf(conn, "-MOVED 0 %s\r\n", r.address)
		case strings.HasPrefix(line, "GET ") || strings.HasPrefix(line, "POST "):
			fmt.Fprintf(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://%s/\r\nContent-Length: 0\r\n\r\n", r.address)
		}
	}
}

// byRedirect asks a server that redirects: on the network, which is not even asked,
// and at a Unix socket.
func byRedirect(p premises) []attempt {
	return []attempt{
		dsn("a redirecting server", "redis://"+p.server),
		dsn("a redirecting node of a cluster", "redis+cluster://"+p.server),
		dsn("a redirecting sentinel", "redis+sentinel://"+p.server+"?master_name=m"),
		dsn("a redirecting server for PostgreSQL", "postgres://u@"+p.server+"/d"),
		dsn("a redirecting server at a Unix socket", "redis+unix://"+p.socket).staysAt(p.socket),
	}
}

// TestRedirectingServerIsReachedOutside: without the mode that server is asked, so that
// it means something that none of the attempts reaches it.
func TestRedirectingServerIsReachedOutside(t *testing.T) {
	server := startRedirecting(t)
	for i, a := range byRedirect(premises{server: server.address, socket: server.socket})[:2] {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		config := a.open()
		config.State, config.Events = config.Events, ""
		if rt, err := enact.Open(ctx, config); err == nil {
			rt.Shutdown(t.Context())
			t.Errorf("%s: it was opened, although it only redirects", a.what)
		}
		if n := server.connections.Load(); n <= int64(i) {
			t.Errorf("%s: the server was not reached, although nothing forbids it", a.what)
		}
	}
}
