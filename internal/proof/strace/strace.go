// Package strace is what the proofs share that look at a process from outside.
package strace

import (
	"os/exec"
	"testing"
)

// Need skips a test where strace is missing or may not trace.
func Need(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		tb.Skip("strace is not installed (Debian: apt-get install strace)")
	}
	if out, err := exec.Command("strace", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		tb.Skipf("strace may not trace here (in a container, allow ptrace): %v: %s", err, out)
	}
}
