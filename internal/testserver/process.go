// Package testserver starts throwaway database servers for this repository's own
// tests, in temporary folders, on Unix sockets and loopback, and stops them.
package testserver

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// patience is how long a server may take to start or stop.
const patience = 60 * time.Second

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	log   *logBuffer
}

// start runs cmd so that it is killed when this process ends, however it does.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{}), log: &logBuffer{}}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	dieWithParent(cmd)
	started := make(chan error)
	go func() {
		// The system ends the server with the thread that started it.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// running says whether the server has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// await waits for the server's end.
func (p *process) await() error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s has not ended after %v", p.cmd.Path, patience)
	}
}

// until asks again and again whether a server is ready.
func (p *process) until(ready func() error) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := ready()
		switch {
		case err == nil:
			return nil
		case !p.running():
			return fmt.Errorf("%s ended at once: %s", p.cmd.Path, p.log)
		case time.Since(begin) > patience:
			return fmt.Errorf("%s is not ready after %v: %w: %s", p.cmd.Path, patience, err, p.log)
		}
	}
}

// logBuffer keeps the end of what a server prints.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if most := 64 << 10; l.text.Len() > most {
		l.text.Next(l.text.Len() - most)
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// untilGone waits until a server that was killed has no children left.
func (p *process) untilGone(children func() []int) error {
	for begin := time.Now(); len(children()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			return fmt.Errorf("children of %s are left after %v", p.cmd.Path, patience)
		}
	}
	return nil
}

// joined appends parameters to a DSN that has some.
func joined(parameters []string) string {
	if len(parameters) == 0 {
		return ""
	}
	return "&" + strings.Join(parameters, "&")
}
