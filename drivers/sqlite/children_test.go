package sqlite

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

// childVariable makes this test binary a child that plays one role, instead of
// running tests.
const childVariable = "ENACT_SQLITE_TEST_CHILD"

// roles are what a child can be; files of some systems only add theirs. Its arguments are those of the process, what it
// has to say it prints, and an error ends it.
var roles = map[string]func(ctx context.Context, args []string) error{
	"append": childAppends,
	"race":   childRaces,
	"open":   childOpens,
	"count":  childCounts,
	"docs":   childChangesDocuments,
	"crash":  childAppendsForEver,
	"make":   childMakesTheFile,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(childVariable); role != "" {
		if err := roles[role](context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is another process with this test binary.
type child struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs bytes.Buffer
}

// startChild starts a child, which is killed if it outlives the test.
func startChild(t testing.TB, role string, args ...string) *child {
	t.Helper()
	executable, err := os.Executable()
	check(t, err)
	return startCommand(t, role, exec.Command(executable, args...))
}

func startCommand(t testing.TB, role string, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{t: t, cmd: cmd}
	// The race detector would have every child wait a second at its end.
	cmd.Env = append(os.Environ(), childVariable+"="+role, "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	cmd.Stderr = &c.errs
	cmd.WaitDelay = patience
	var err error
	c.in, err = cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	c.out = bufio.NewReader(out)
	check(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return c
}

// line reads the next line that the child prints.
func (c *child) line() string {
	c.t.Helper()
	text, err := c.out.ReadString('\n')
	if err != nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		c.t.Fatalf("child %q: reading what it prints: %v; it said %s", c.cmd.Args[1:], err, c.errs.String())
	}
	return strings.TrimSuffix(text, "\n")
}

// say gives the child a line to read.
func (c *child) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, text+"\n"); err != nil {
		c.t.Fatalf("child %q does not listen: %v; it said %s", c.cmd.Args[1:], err, c.errs.String())
	}
}

// rest waits for the end of the child and returns the lines that it still printed.
func (c *child) rest() []string {
	c.t.Helper()
	watchdog := time.AfterFunc(2*patience, func() { c.cmd.Process.Kill() })
	defer watchdog.Stop()
	text, _ := io.ReadAll(c.out)
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("child %q failed: %v; it said %s", c.cmd.Args[1:], err, c.errs.String())
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// startTogether lets children begin at the same moment.
func startTogether(children ...*child) {
	for _, c := range children {
		if got := c.line(); got != "ready" {
			c.t.Fatalf("child %q printed %q, want \"ready\"", c.cmd.Args[1:], got)
		}
	}
	for _, c := range children {
		c.say("go")
	}
}

// ready is what a child does to be started together with others.
func ready() error {
	fmt.Println("ready")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// endWithParent ends this process when the one that started it is gone.
func endWithParent() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
}

// withStore runs f with the store in a file.
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
