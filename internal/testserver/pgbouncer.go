package testserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// PgBouncer is a pooler in front of a server, in transaction mode: each transaction
// of a connection may run in another session of the server.
type PgBouncer struct {
	port   int
	folder string
	pooler *process
}

// FindPgBouncer returns the program, or says what is missing.
func FindPgBouncer() (program string, missing string) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, ""
		}
	}
	return "", "PgBouncer is not installed; install Debian's package pgbouncer"
}

// StartPgBouncer puts a pooler in front of a server, with so many sessions.
func StartPgBouncer(server *Postgres, sessions int) (*PgBouncer, error) {
	program, missing := FindPgBouncer()
	if missing != "" {
		return nil, fmt.Errorf("%s", missing)
	}
	folder, err := os.MkdirTemp(server.Sockets, "pgbouncer-")
	if err != nil {
		return nil, err
	}
	b := &PgBouncer{folder: folder}
	if err := b.start(program, server, sessions); err != nil {
		b.Remove()
		return nil, err
	}
	return b, nil
}

func (b *PgBouncer) start(program string, server *Postgres, sessions int) (err error) {
	if b.port, err = freePort(); err != nil {
		return err
	}
	users, settings := filepath.Join(b.folder, "users"), filepath.Join(b.folder, "settings")
	if err := os.WriteFile(users, []byte("\"postgres\" \"\"\n"), 0o644); err != nil {
		return err
	}
	err = os.WriteFile(settings, fmt.Appendf(nil, `[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
max_client_conn = 1000
default_pool_size = %d
`, server.Sockets, server.Port, b.port, users, sessions), 0o644)
	if err != nil {
		return err
	}
	if err := os.Chmod(b.folder, 0o755); err != nil {
		return err
	}
	// It refuses to run as root, too.
	if b.pooler, err = start(server.command(program, "-q", settings)); err != nil {
		return err
	}
	return b.pooler.until(func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// DSN reaches the server through the pooler.
func (b *PgBouncer) DSN(parameters ...string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", b.port) + joined(parameters)
}

// Remove ends the pooler.
func (b *PgBouncer) Remove() error {
	if b.pooler != nil && b.pooler.running() {
		if err := b.pooler.cmd.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
			return err
		}
		if err := b.pooler.await(); err != nil {
			return err
		}
	}
	return os.RemoveAll(b.folder)
}
