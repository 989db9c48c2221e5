//go:build unix

package client

import (
	"errors"
	"os"
	"syscall"
)

func halt(p *os.Process) error    { return p.Signal(syscall.SIGSTOP) }
func proceed(p *os.Process) error { return p.Signal(syscall.SIGCONT) }

// isGone: nobody reads what was written.
func isGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
