package drivertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

// childVariable names the environment variable that makes this test binary a
// child: its test function enters Run, and Run plays a part instead of testing.
const childVariable = "DRIVERTEST_CHILD"

// request says what a child is to do.
type request struct {
	// Test is the function that reaches Run, Variant which target it is of
	// those that the function tests.
	Test, Variant string
	// Part is a key of parts, DSN the store, and Args the part's own.
	Part, DSN string
	Args      []string
}

// childRequest returns what this process is to do, nil if it is no child.
func childRequest() *request {
	text := os.Getenv(childVariable)
	if text == "" {
		return nil
	}
	var r request
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintf(os.Stderr, "%s is malformed: %v\n", childVariable, err)
		os.Exit(1)
	}
	return &r
}

// part is what a child plays: it uses the store and reports lines.
type part func(ctx context.Context, b driver.Backend, args []string, report func(format string, args ...any), next func() bool) error

// serve plays the part that was asked for and ends the process.
func (r *request) serve(target *Target) {
	if err := r.play(target); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", r.Part, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const reportPrefix = "drivertest: "

func (r *request) play(target *Target) error {
	play := parts[r.Part]
	if play == nil {
		return fmt.Errorf("there is no such part")
	}
	ctx := context.Background()
	c, err := target.Driver.OpenConnector(r.DSN)
	if err != nil {
		return err
	}
	b, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	// A line is one write: it is whole when the process is killed.
	report := func(format string, args ...any) {
		fmt.Fprint(os.Stdout, "\n"+reportPrefix+fmt.Sprintf(format, args...)+"\n")
	}
	in := bufio.NewScanner(os.Stdin)
	if err := play(ctx, b, r.Args, report, in.Scan); err != nil {
		return err
	}
	return b.Shutdown(ctx)
}

// child is another process on the trial's store.
type child struct {
	t    *trial
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	errs *bytes.Buffer
}

// startChild starts a process that plays a part. It is killed at the latest when
// the check has ended.
func (t *trial) startChild(part string, args ...string) *child {
	executable, err := os.Executable()
	t.ok("finding the test binary", err)
	order, err := json.Marshal(request{Test: t.test, Variant: t.target.variant, Part: part, DSN: t.dsn, Args: args})
	t.ok("telling a child what to do", err)
	cmd := exec.Command(executable, "-test.run="+runPattern(t.test), "-test.count=1", "-test.timeout="+t.target.timeout().String())
	// The race detector would have every child wait a second at its end.
	cmd.Env = append(os.Environ(), childVariable+"="+string(order), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	c := &child{t: t, cmd: cmd, errs: new(bytes.Buffer)}
	cmd.Stderr = c.errs
	cmd.WaitDelay = t.patience()
	c.in, err = cmd.StdinPipe()
	t.ok("starting a child", err)
	out, err := cmd.StdoutPipe()
	t.ok("starting a child", err)
	c.out = bufio.NewScanner(out)
	t.ok("starting a child", cmd.Start())
	t.cleanup(c.kill)
	return c
}

// runPattern matches one test, level by level.
func runPattern(test string) string {
	levels := strings.Split(test, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return strings.Join(levels, "/")
}

// line returns the next line that the child reports; false: it has ended.
func (c *child) line() (string, bool) {
	for c.out.Scan() {
		if line, ok := strings.CutPrefix(c.out.Text(), reportPrefix); ok {
			return line, true
		}
	}
	return "", false
}

// mustLine is line for a child that has something to say.
func (c *child) mustLine() string {
	line, ok := c.line()
	if !ok {
		c.end()
		c.t.fatal("waiting for a word of another process", "it ended without one", "a report")
	}
	return line
}

// reportsUntilKilled kills the child in the middle of what it does, after a report and
// fewer than so many more, and returns all that it has reported.
func (c *child) reportsUntilKilled(more int) []string {
	reports := []string{c.mustLine()}
	for range c.t.rand.IntN(more) {
		reports = append(reports, c.mustLine())
	}
	c.t.sleep(time.Duration(c.t.rand.IntN(3000)) * time.Microsecond)
	c.cmd.Process.Kill()
	for line, ok := c.line(); ok; line, ok = c.line() {
		reports = append(reports, line)
	}
	c.cmd.Wait()
	return reports
}

// proceed lets the child go on where it asked for it.
func (c *child) proceed() {
	io.WriteString(c.in, "\n")
}

// end waits for the child, which must end well.
func (c *child) end() {
	c.in.Close()
	for c.out.Scan() {
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.fatal("another process on the same store", fmt.Sprintf("%v: %s", err, c.errs), "no error")
	}
}

// kill ends the child with SIGKILL, wherever it is, if it has not ended.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}
