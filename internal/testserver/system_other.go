//go:build !unix

package testserver

import (
	"errors"
	"os/exec"
)

const hasSignals = false

type signal int

const (
	interrupt signal = iota
	kill
	stop
	proceed
)

func send(int, signal) error { return errors.ErrUnsupported }

type account struct{}

func (account) runs(*exec.Cmd) {}

func unprivileged(string) (account, error) { return account{}, nil }
