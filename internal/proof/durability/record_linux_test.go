package durability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/enactdev/enact/internal/proof/strace"
)

// recorded is what the child does with the driver as it is, once for all tests.
var recorded = sync.OnceValues(func() (*trace, error) {
	if *traceFile != "" {
		return readTraceFile(*traceFile)
	}
	return recordTo(*keepTrace, order{Until: []int{45, 85}, Maintained: true, Killed: true}, order{Until: []int{90}})
})

// traceOf skips a test where there is no strace.
func traceOf(t *testing.T, get func() (*trace, error)) *trace {
	t.Helper()
	strace.Need(t)
	tr, err := get()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func record(orders ...order) (*trace, error) { return recordTo("", orders...) }

// recordTo runs one child after the other with the same store under strace, and
// keeps the trace in a file if one is named.
func recordTo(kept string, orders ...order) (*trace, error) {
	store, err := newFolder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(store)
	output := kept
	if output == "" {
		folder, err := os.MkdirTemp("", "enact-durability-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(folder)
		output = filepath.Join(folder, "trace")
	}
	if err := os.WriteFile(output, nil, 0o600); err != nil {
		return nil, err
	}
	tr := &trace{}
	for _, o := range orders {
		o.Path, o.Acknowledged = filepath.Join(store, databaseName), map[string]int{}
		for name, receipts := range tr.acknowledgements() {
			o.Acknowledged[name] = len(receipts)
		}
		if err := o.runUnderStrace(output); err != nil {
			return nil, err
		}
		second := len(tr.steps)
		if tr, err = readTraceFile(output); err != nil {
			return nil, err
		}
		tr.second = second
	}
	return tr, nil
}

// runUnderStrace adds what the child does to a trace.
func (o order) runUnderStrace(output string) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"-f", "-y", "-xx", "-s", strconv.Itoa(1 << 20), "-A", "-o", output, "-e", "trace=" + traced}
	switch {
	case o.KilledAtSync > 0:
		args = append(args, "-e", fmt.Sprintf("inject=fsync,fdatasync:signal=KILL:when=%d", o.KilledAtSync))
	case o.FailedSync > 0:
		args = append(args, "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d", o.FailedSync))
	default:
		args = append(args, "--seccomp-bpf") // faster, but strace cannot kill then
	}
	cmd := exec.Command("strace", append(args, executable)...)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer in.Close()
	err = cmd.Run()
	if killed := cmd.ProcessState != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL; killed && (o.Killed || o.KilledAtSync > 0) {
		return nil // strace ends as its child did
	}
	if err != nil {
		return fmt.Errorf("the child under strace: %w: %s", err, errs.Bytes())
	}
	return nil
}

// newFolder is in memory if it can be: the model keeps what is synced, so that the
// real disk need not.
func newFolder() (string, error) {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	return os.MkdirTemp(parent, "enact-durability-")
}
