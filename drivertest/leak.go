package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// label marks the goroutines of one check. Goroutines inherit it from the one
// that starts them, so that those of other checks are told apart.
type label string

const labelKey = "drivertest"

var labels atomic.Int64

func newLabel() label { return label(fmt.Sprintf("check-%d", labels.Add(1))) }

// apply marks the calling goroutine.
func (l label) apply() {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(labelKey, string(l))))
}

// lifted runs f without the mark: what f starts is not of the check.
func (l label) lifted(f func()) {
	pprof.SetGoroutineLabels(context.Background())
	defer l.apply()
	f()
}

// outside returns a target whose own functions are not marked: a server that DSN
// starts outlives the check.
func (l label) outside(target Target) *Target {
	dsn, engine, held := target.DSN, target.Engine, target.HeldKeys
	target.DSN = func(tb testing.TB) (made string) {
		l.lifted(func() { made = dsn(tb) })
		return made
	}
	if engine != nil {
		target.Engine = func(tb testing.TB) (made Engine) {
			l.lifted(func() { made = engine(tb) })
			for _, f := range []*func(){&made.Stop, &made.Start, &made.Pause, &made.Resume} {
				if inner := *f; inner != nil {
					*f = func() { l.lifted(inner) }
				}
			}
			return made
		}
	}
	if held != nil {
		target.HeldKeys = func(tb testing.TB, dsn string) (n int) {
			l.lifted(func() { n = held(tb, dsn) })
			return n
		}
	}
	return &target
}

// goroutines returns the stacks of the goroutines that are marked.
func (l label) goroutines() string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	var marked []string
	mark := fmt.Sprintf("%q:%q", labelKey, string(l))
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			marked = append(marked, strings.TrimSpace(stack))
		}
	}
	return strings.Join(marked, "\n\n")
}

// goroutinesLeft gives the marked goroutines a while to end and returns the stacks
// of those that don't.
func (l label) goroutinesLeft(grace time.Duration) string {
	begin := time.Now()
	for wait := time.Millisecond; ; wait *= 2 {
		left := l.goroutines()
		if left == "" || time.Since(begin) > grace {
			return left
		}
		time.Sleep(wait)
	}
}

// openFiles counts the file descriptors of this process: files, sockets, pipes.
// ok is false where that cannot be known.
func openFiles() (n int, ok bool) {
	entries, err := os.ReadDir("/proc/self/fd")
	return len(entries), err == nil
}
