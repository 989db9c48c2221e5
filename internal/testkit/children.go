package testkit

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childVariable makes a test binary a child that plays one role, instead of running
// tests.
const childVariable = "ENACT_TEST_CHILD"

// Roles are what a child can be. Its arguments are those of the process, what it has
// to say it prints, and an error ends it.
type Roles map[string]func(ctx context.Context, args []string) error

// Play ends this process after playing a role, if it is a child. TestMain calls it
// first.
func (r Roles) Play() {
	role := os.Getenv(childVariable)
	if role == "" {
		return
	}
	if err := r[role](context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child is another process with this test binary.
type Child struct {
	Cmd *exec.Cmd
	In  io.WriteCloser // what the child reads
	Out *bufio.Reader  // what it prints

	tb   testing.TB
	errs bytes.Buffer
}

// StartChild starts a child, which is killed if it outlives the test.
func StartChild(tb testing.TB, role string, args ...string) *Child {
	tb.Helper()
	executable, err := os.Executable()
	Check(tb, err)
	return StartCommand(tb, role, exec.Command(executable, args...))
}

// StartCommand is StartChild with a command that runs this test binary in the end.
func StartCommand(tb testing.TB, role string, cmd *exec.Cmd) *Child {
	tb.Helper()
	c := &Child{tb: tb, Cmd: cmd}
	// The race detector would have every child wait a second at its end.
	cmd.Env = append(os.Environ(), childVariable+"="+role, "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	cmd.Stderr = &c.errs
	cmd.WaitDelay = Patience
	var err error
	c.In, err = cmd.StdinPipe()
	Check(tb, err)
	out, err := cmd.StdoutPipe()
	Check(tb, err)
	c.Out = bufio.NewReader(out)
	Check(tb, cmd.Start())
	tb.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return c
}

// Line reads the next line that the child prints.
func (c *Child) Line() string {
	c.tb.Helper()
	text, err := c.Out.ReadString('\n')
	if err != nil {
		c.Cmd.Process.Kill()
		c.Cmd.Wait()
		c.tb.Fatalf("child %q: reading what it prints: %v; it said %s", c.Cmd.Args[1:], err, c.errs.String())
	}
	return strings.TrimSuffix(text, "\n")
}

// Say gives the child a line to read.
func (c *Child) Say(text string) {
	c.tb.Helper()
	if _, err := io.WriteString(c.In, text+"\n"); err != nil {
		c.tb.Fatalf("child %q does not listen: %v; it said %s", c.Cmd.Args[1:], err, c.errs.String())
	}
}

// Rest waits for the end of the child and returns the lines that it still printed.
func (c *Child) Rest() []string {
	c.tb.Helper()
	watchdog := time.AfterFunc(2*Patience, func() { c.Cmd.Process.Kill() })
	defer watchdog.Stop()
	text, _ := io.ReadAll(c.Out)
	if err := c.Cmd.Wait(); err != nil {
		c.tb.Fatalf("child %q failed: %v; it said %s", c.Cmd.Args[1:], err, c.errs.String())
	}
	return lines(text)
}

func lines(text []byte) []string { return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") }

// StartTogether lets children begin at the same moment.
func StartTogether(children ...*Child) {
	for _, c := range children {
		if got := c.Line(); got != "ready" {
			c.tb.Fatalf("child %q printed %q, want \"ready\"", c.Cmd.Args[1:], got)
		}
	}
	for _, c := range children {
		c.Say("go")
	}
}

// Errors is what a child that has ended printed to its standard error.
func (c *Child) Errors() string { return c.errs.String() }

// RunTogether lets children begin at the same moment, and waits for their ends.
func RunTogether(children ...*Child) {
	StartTogether(children...)
	for _, c := range children {
		c.Rest()
	}
}

// Ready is what a child calls to be started together with others.
func Ready() error {
	fmt.Println("ready")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// EndWithParent ends this process when the one that started it is gone.
func EndWithParent() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
}
