//go:build unix

package testserver

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// hasSignals: a process can be paused, and ended in good order.
const hasSignals = true

type signal = syscall.Signal

const (
	interrupt = syscall.SIGINT
	kill      = syscall.SIGKILL
	stop      = syscall.SIGSTOP
	proceed   = syscall.SIGCONT
)

func send(pid int, s signal) error { return syscall.Kill(pid, s) }

// account is who runs a server; the zero account is who runs the tests.
type account struct{ credential *syscall.Credential }

func (a account) runs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
}

// unprivileged returns an account that is not root, and gives it a folder.
func unprivileged(folder string) (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	other, err := user.Lookup("postgres")
	if err != nil {
		other, err = user.Lookup("nobody")
	}
	if err != nil {
		return account{}, err
	}
	uid, err := strconv.ParseUint(other.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(other.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(folder, int(uid), int(gid))
}
