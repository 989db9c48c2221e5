package testserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// RedisDurable are the settings of a server that has every write on its disk before
// it answers.
var RedisDurable = []string{"appendonly yes", "appendfsync always"}

// Redis is a Redis or Valkey server that belongs to the tests.
type Redis struct {
	// Folder holds what the server stores; Socket is its Unix socket.
	Folder, Socket string
	// Port is that of the loopback.
	Port int
	// TLS is what a client needs to trust the server, and CAFile the same as a
	// file; nil and empty when the server speaks without TLS.
	TLS    *tls.Config
	CAFile string
	// User and Password are empty when the server asks for none.
	User, Password string

	asSentinel bool
	server     *process

	connecting sync.Once
	client     *redis.Client
}

// FindRedis returns the server's program, or says what is missing.
func FindRedis() (program, missing string) {
	if !hasSignals {
		return "", "servers are only started on Unix systems, where they can be paused and killed"
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, ""
		}
	}
	return "", "no Redis server is installed; install Debian's package redis-server or another with redis-server or valkey-server"
}

// StartRedis makes a server with the given settings, which are lines of redis.conf
// such as "maxmemory 10mb". Unless they say otherwise it stores nothing on disk.
func StartRedis(settings ...string) (*Redis, error) {
	r, err := makeRedis(redisSettings(settings))
	if err != nil {
		return nil, err
	}
	return started(r)
}

// redisSettings are settings before which come those of a server that stores
// nothing and lets no replica wait for others.
func redisSettings(settings []string) []string {
	return append([]string{`save ""`, "repl-diskless-sync-delay 0"}, settings...)
}

// StartRedisReplica makes a server that follows another.
func StartRedisReplica(of *Redis, settings ...string) (*Redis, error) {
	r, err := StartRedis(append([]string{fmt.Sprintf("replicaof 127.0.0.1 %d", of.Port)}, settings...)...)
	if err != nil {
		return nil, err
	}
	if err := r.server.until(func() error { return errors.Join(r.replicates(), of.replicates(), r.settled()) }); err != nil {
		r.Remove()
		return nil, err
	}
	return r, nil
}

func started(r *Redis) (*Redis, error) {
	if err := r.Start(); err != nil {
		r.Remove()
		return nil, err
	}
	return r, nil
}

// makeRedis writes what a server needs, and does not start it.
func makeRedis(settings []string) (*Redis, error) {
	if _, missing := FindRedis(); missing != "" {
		return nil, errors.New(missing)
	}
	folder, err := os.MkdirTemp("", "enact-redis-")
	if err != nil {
		return nil, err
	}
	r := &Redis{Folder: folder, Socket: filepath.Join(folder, "socket")}
	if r.Port, err = freePort(busOffset); err == nil {
		err = r.configure(fmt.Sprintf("port %d", r.Port), "bind 127.0.0.1", "dir "+folder, "unixsocket "+r.Socket)
	}
	if err == nil {
		err = r.configure(settings...)
	}
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return r, nil
}

// configure adds settings to those that the server is started with.
func (r *Redis) configure(settings ...string) error {
	file, err := os.OpenFile(r.settingsFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Join(settings, "\n") + "\n")
	return errors.Join(err, file.Close())
}

func (r *Redis) settingsFile() string { return filepath.Join(r.Folder, "redis.conf") }

// Start starts the server again after Stop or Kill, and waits until it answers.
func (r *Redis) Start() error {
	if err := r.Launch(); err != nil {
		return err
	}
	return r.server.until(func() error {
		conn, err := net.Dial("unix", r.Socket)
		if err != nil {
			return err
		}
		conn.Close()
		return r.Do("PING").Err()
	})
}

// Launch starts the server and does not wait: it may be loading what it has stored.
func (r *Redis) Launch() (err error) {
	program, _ := FindRedis()
	cmd := exec.Command(program, r.settingsFile())
	if r.asSentinel {
		cmd.Args = append(cmd.Args, "--sentinel")
	}
	cmd.Dir = r.Folder
	r.server, err = start(cmd)
	return err
}

// Client is a connection of the tests' own, through the Unix socket and as the user
// of the server.
func (r *Redis) Client() *redis.Client {
	r.connecting.Do(func() {
		r.client = redis.NewClient(&redis.Options{
			Network: "unix", Addr: r.Socket, Username: r.User, Password: r.Password, Protocol: 2,
			DialerRetries: 1, ReadTimeout: patience, WriteTimeout: patience,
		})
	})
	return r.client
}

// Do sends a command through the Unix socket.
func (r *Redis) Do(command ...any) *redis.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.Client().Do(ctx, command...)
}

// info is a field of INFO.
func (r *Redis) info(section, field string) (string, error) {
	text, err := r.Do("INFO", section).Text()
	return fieldOf(text, field), err
}

// fieldOf is a field in lines of "name:value".
func fieldOf(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// replicates says whether a replica follows its master, or a master is followed.
func (r *Redis) replicates() error {
	text, err := r.Do("INFO", "replication").Text()
	switch {
	case err != nil:
		return err
	case fieldOf(text, "role") == "slave" && fieldOf(text, "master_link_status") != "up":
		return errors.New("a replica has no link to its master")
	case fieldOf(text, "role") == "master" && !strings.Contains(text, "state=online"):
		return errors.New("a master has no replica")
	}
	return nil
}

// settled says whether a replica has stored what it got first, and answers at once.
func (r *Redis) settled() error {
	text, err := r.Do("INFO", "persistence").Text()
	if err == nil && (fieldOf(text, "aof_rewrite_in_progress") == "1" || fieldOf(text, "aof_rewrite_scheduled") == "1") {
		err = errors.New("a replica is still writing what it got from its master")
	}
	return err
}

// Stop ends the server in good order, whoever is connected.
func (r *Redis) Stop() error { return r.end(interrupt) }

// Kill ends the server at once.
func (r *Redis) Kill() error { return r.end(kill) }

func (r *Redis) end(s signal) error {
	if r.server == nil || !r.server.running() {
		return nil
	}
	if err := send(r.server.cmd.Process.Pid, s); err != nil {
		return err
	}
	return r.server.await()
}

// Running says whether the server has not ended.
func (r *Redis) Running() bool { return r.server.running() }

// Pause stops the server's process, and Resume lets it go on.
func (r *Redis) Pause() error { return send(r.server.cmd.Process.Pid, stop) }

// Resume lets a server go on that was paused.
func (r *Redis) Resume() error { return send(r.server.cmd.Process.Pid, proceed) }

// Remove ends the server and deletes what it has stored.
func (r *Redis) Remove() error {
	r.Client().Close()
	if err := r.Kill(); err != nil {
		return err
	}
	return os.RemoveAll(r.Folder)
}
