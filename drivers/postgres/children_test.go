package postgres

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"testing"
	"time"
)

// childVariable makes this test binary a child that plays one role, instead of
// running tests.
const childVariable = "ENACT_POSTGRES_TEST_CHILD"

// roles are what a child can be. Its arguments are those of the process, and an
// error ends it.
var roles = map[string]func(ctx context.Context, args []string) error{
	"open":   childOpens,
	"append": childAppends,
}

// playRole runs the role of a child; false: this process is none.
func playRole() bool {
	role := os.Getenv(childVariable)
	if role == "" {
		return false
	}
	if err := roles[role](context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
	return true
}

// child is another process with this test binary.
type child struct {
	tb   testing.TB
	cmd  *osexec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs bytes.Buffer
}

// startChild starts a child, which is killed if it outlives the test.
func startChild(tb testing.TB, role string, args ...string) *child {
	tb.Helper()
	executable, err := os.Executable()
	check(tb, err)
	c := &child{tb: tb, cmd: osexec.Command(executable, args...)}
	// The race detector would have every child wait a second at its end.
	c.cmd.Env = append(os.Environ(), childVariable+"="+role, "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	c.cmd.Stderr = &c.errs
	c.cmd.WaitDelay = patience
	c.in, err = c.cmd.StdinPipe()
	check(tb, err)
	out, err := c.cmd.StdoutPipe()
	check(tb, err)
	c.out = bufio.NewReader(out)
	check(tb, c.cmd.Start())
	tb.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			c.cmd.Process.Kill()
			c.cmd.Wait()
		}
	})
	return c
}

// end waits for the end of the child.
func (c *child) end() {
	c.tb.Helper()
	watchdog := time.AfterFunc(2*patience, func() { c.cmd.Process.Kill() })
	defer watchdog.Stop()
	io.Copy(io.Discard, c.out)
	if err := c.cmd.Wait(); err != nil {
		c.tb.Errorf("child %q failed: %v; it said %s", c.cmd.Args[1:], err, c.errs.String())
	}
}

// startTogether lets children begin at the same moment, and waits for their ends.
func startTogether(children ...*child) {
	for _, c := range children {
		if text, err := c.out.ReadString('\n'); strings.TrimSpace(text) != "ready" {
			c.tb.Errorf("child %q printed %q, %v, want \"ready\"", c.cmd.Args[1:], text, err)
		}
	}
	for _, c := range children {
		io.WriteString(c.in, "go\n")
	}
	for _, c := range children {
		c.end()
	}
}

// ready is what a child does to be started together with others.
func ready() error {
	fmt.Println("ready")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// withStore runs f with a store.
func withStore(ctx context.Context, dsn string, f func(b *backend) error) error {
	b, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	if err := f(b); err != nil {
		b.Shutdown(ctx)
		return err
	}
	return b.Shutdown(ctx)
}
