package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// Postgres is a PostgreSQL server that belongs to the tests.
type Postgres struct {
	// Folder is its data folder; Sockets that of its Unix socket.
	Folder, Sockets string
	// Port is that of the socket and of the loopback.
	Port int

	settings []string
	account  account
	server   *process
}

// FindPostgres returns the folder of the server's programs, or says what is
// missing.
func FindPostgres() (programs string, missing string) {
	if !hasSignals {
		return "", "servers are only started on Unix systems, where they can be paused and killed"
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) })
	slices.Sort(found)
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), ""
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), ""
	}
	return "", "no PostgreSQL server is installed; install Debian's package postgresql-15 or another with initdb and postgres"
}

// StartPostgres makes a server with the given settings, as in "fsync=off".
func StartPostgres(settings ...string) (*Postgres, error) {
	programs, missing := FindPostgres()
	if missing != "" {
		return nil, fmt.Errorf("%s", missing)
	}
	folder, err := os.MkdirTemp("", "enact-postgres-")
	if err != nil {
		return nil, err
	}
	p := &Postgres{Folder: filepath.Join(folder, "data"), Sockets: folder, settings: settings}
	if err := p.initialise(programs, folder); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	if err := p.Start(); err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	return p, nil
}

func (p *Postgres) initialise(programs, folder string) error {
	// The server refuses to run as root.
	var err error
	if p.account, err = unprivileged(folder); err != nil {
		return err
	}
	if p.Port, err = freePort(); err != nil {
		return err
	}
	cmd := p.command(filepath.Join(programs, "initdb"), "-D", p.Folder, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (p *Postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = p.Sockets
	p.account.runs(cmd)
	return cmd
}

// Start starts the server again after Stop or Kill, and waits until it answers.
func (p *Postgres) Start() error {
	programs, _ := FindPostgres()
	args := []string{"-D", p.Folder, "-k", p.Sockets, "-p", strconv.Itoa(p.Port), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"}
	for _, setting := range p.settings {
		args = append(args, "-c", setting)
	}
	server, err := start(p.command(filepath.Join(programs, "postgres"), args...))
	if err != nil {
		return err
	}
	p.server = server
	return server.until(func() error {
		return p.command(filepath.Join(programs, "pg_isready"), "-q", "-h", p.Sockets, "-p", strconv.Itoa(p.Port)).Run()
	})
}

// Stop ends the server in good order, whoever is connected.
func (p *Postgres) Stop() error { return p.end(interrupt) }

// Kill ends the server at once, with all its processes.
func (p *Postgres) Kill() error {
	if !p.server.running() {
		return nil
	}
	// While it stands still it starts no others. One that it started after the rest was
	// killed could wait for ever for a lock that a dead one holds, and would outlive it.
	if err := p.server.halt(); err != nil {
		return err
	}
	for _, pid := range p.children() {
		send(pid, kill)
	}
	return p.end(kill)
}

func (p *Postgres) end(s signal) error {
	if !p.server.running() {
		return nil
	}
	if err := send(p.server.cmd.Process.Pid, s); err != nil {
		return err
	}
	if err := p.server.await(); err != nil {
		return err
	}
	if s == kill {
		// Its children may hold the shared memory for another moment.
		return p.server.untilGone(p.children)
	}
	return nil
}

// Pause stops every process of the server, and Resume lets them go on.
func (p *Postgres) Pause() error  { return p.signalAll(stop) }
func (p *Postgres) Resume() error { return p.signalAll(proceed) }

func (p *Postgres) signalAll(s signal) error {
	if err := send(p.server.cmd.Process.Pid, s); err != nil {
		return err
	}
	for _, pid := range p.children() {
		send(pid, s)
	}
	return nil
}

// children are the processes that the server has started.
func (p *Postgres) children() (pids []int) {
	parent := strconv.Itoa(p.server.cmd.Process.Pid)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if fields := statOf(path); len(fields) > 1 && fields[1] == parent {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// Remove ends the server and deletes what it has stored.
func (p *Postgres) Remove() error {
	if err := p.Kill(); err != nil {
		return err
	}
	return os.RemoveAll(p.Sockets)
}

// SocketDSN reaches the server through its Unix socket, with parameters such as
// "enact_schema=x", and LoopbackDSN through TCP.
func (p *Postgres) SocketDSN(parameters ...string) string {
	return fmt.Sprintf("postgres:///postgres?host=%s&port=%d&user=postgres", p.Sockets, p.Port) + joined(parameters)
}

// LoopbackDSN reaches the server through TCP.
func (p *Postgres) LoopbackDSN(parameters ...string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.Port) + joined(parameters)
}
