package airgap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// checkWithoutInterfaces uses stores in a network namespace that has no interface but
// its own loopback, which is down.
func checkWithoutInterfaces(t *testing.T, stores []store) {
	t.Helper()
	listener := testkit.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer listener.Close()
	arguments := []string{listener.Addr().String()}
	for _, s := range stores {
		arguments = append(arguments, s.argument())
	}
	isolated(t, isIsolated, arguments...).Rest()
}

// isolated starts a child in a network namespace of its own, or skips the test where
// that is not allowed.
func isolated(t *testing.T, role string, args ...string) *testkit.Child {
	t.Helper()
	probe := exec.Command("true")
	isolate(probe)
	if err := probe.Run(); err != nil {
		t.Skipf("no network namespace can be made here (it needs root or user namespaces): %v", err)
	}
	executable, err := os.Executable()
	testkit.Check(t, err)
	cmd := exec.Command(executable, args...)
	isolate(cmd)
	return testkit.StartCommand(t, role, cmd)
}

// isolate has a command run in a network namespace of its own.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
}

// useStoresIsolated is useStores after a look at where it runs: nobody is reached at
// the address that comes first, although somebody listens there outside.
func useStoresIsolated(ctx context.Context, arguments []string) error {
	if err := checkIsolated(arguments[0]); err != nil {
		return err
	}
	return useStores(ctx, arguments[1:])
}

func checkIsolated(outside string) error {
	table, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(table)) {
		if name, _, isRow := strings.Cut(line, ":"); isRow && strings.TrimSpace(name) != "lo" {
			return fmt.Errorf("the namespace has an interface:\n%s", table)
		}
	}
	if conn, err := net.Dial("tcp", outside); !errors.Is(err, syscall.ENETUNREACH) {
		if conn != nil {
			conn.Close()
		}
		return fmt.Errorf("connecting to %s: %v, want that the network is unreachable", outside, err)
	}
	return nil
}
