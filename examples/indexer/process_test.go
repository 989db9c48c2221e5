package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/enactdev/enact/internal/testserver"
)

// program is the indexer as a program of its own, which can be killed.
type program struct {
	path string
	dir  string
}

func buildProgram(t *testing.T, files int) program {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals")
	}
	p := program{filepath.Join(t.TempDir(), "indexer"), writeFiles(t, someFiles(files))}
	if out, err := exec.Command("go", "build", "-o", p.path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return p
}

// process is a run of the program.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func (p program) start(t *testing.T, args ...string) *process {
	t.Helper()
	c := &process{Cmd: exec.Command(p.path, append([]string{"-json", "-dir", p.dir}, args...)...)}
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// end waits for the process and reports whether it was killed. Any other end
// than that and success is an error.
func (c *process) end(t *testing.T) (killed bool) {
	t.Helper()
	err := c.Wait()
	status, _ := c.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return true
	case err != nil:
		t.Fatalf("%v\n%s", err, c.stderr.String())
	}
	return false
}

// finish runs the program to its end and returns what it reports, but where it
// resumed.
func (p program) finish(t *testing.T, args ...string) (r report, resumedFrom uint64) {
	t.Helper()
	c := p.start(t, args...)
	if c.end(t) {
		t.Fatal("killed")
	}
	if err := json.Unmarshal(c.stdout.Bytes(), &r); err != nil {
		t.Fatalf("stdout %q: %v", c.stdout.String(), err)
	}
	resumedFrom, r.ResumedFrom = r.ResumedFrom, 0
	return r, resumedFrom
}

// newSQLite returns the URL of a store that is not there yet.
func newSQLite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "index.db") }

func TestCrashedProcess(t *testing.T) {
	p := buildProgram(t, 60)
	want, from := p.finish(t, "-store", newSQLite(t))
	if want.Steps != 60 || want.Repeated != 0 || from != 0 {
		t.Fatalf("undisturbed: %+v", want)
	}
	t.Run("sqlite", func(t *testing.T) {
		testCrashes(t, p, want, 20, newSQLite)
	})
	t.Run("postgres", func(t *testing.T) {
		server := testserver.PGliteFor(t)
		stores := 0
		testCrashes(t, p, want, 10, func(*testing.T) string {
			stores++
			return server.DSN(fmt.Sprintf("enact_schema=store_%d", stores))
		})
	})
	t.Run("weaviate for vectors", func(t *testing.T) {
		args := []string{"-store", newSQLite(t), "-vectors", testserver.WeaviateFor(t).DSN("indexer")}
		crashes := 0
		for p.start(t, append(args, "-crash-after", "27")...).end(t) {
			crashes++
		}
		got, from := p.finish(t, args...)
		if !reflect.DeepEqual(got, want) || from != want.Events || crashes != 2 {
			t.Errorf("%+v, resumed from %d after %d crashes; want %+v", got, from, crashes, want)
		}
	})
}

// testCrashes kills the program again and again, on stores that newStore makes, and
// makes sure that it reports in the end what it does undisturbed.
func testCrashes(t *testing.T, p program, want report, manyKills int, newStore func(*testing.T) string) {
	t.Run("once", func(t *testing.T) {
		store := newStore(t)
		if c := p.start(t, "-store", store, "-crash-after", "40"); !c.end(t) || c.stdout.Len() > 0 {
			t.Fatalf("not killed; stdout %q", c.stdout.String())
		}
		got, from := p.finish(t, "-store", store)
		if !reflect.DeepEqual(got, want) || from != 1+60+40*10 {
			t.Errorf("%+v, resumed from %d; want %+v", got, from, want)
		}
		if _, from := p.finish(t, "-store", store); from != want.Events {
			t.Errorf("a third run resumed from %d, want %d", from, want.Events)
		}
	})

	t.Run("with all state lost each time", func(t *testing.T) {
		store := newStore(t)
		args := []string{"-store", store, "-state", "memory:"}
		for crashes := 0; ; crashes++ {
			if !p.start(t, append(args, "-crash-after", "27")...).end(t) {
				if crashes != 2 {
					t.Errorf("%d crashes", crashes)
				}
				break
			}
		}
		got, from := p.finish(t, args...)
		if !reflect.DeepEqual(got, want) || from != want.Events {
			t.Errorf("%+v, resumed from %d; want %+v", got, from, want)
		}
	})

	t.Run("at random moments", func(t *testing.T) {
		seed := uint64(time.Now().UnixNano())
		if s := os.Getenv("INDEXER_TEST_SEED"); s != "" {
			var err error
			if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("seed %d; set INDEXER_TEST_SEED to use it again", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		begin := time.Now()
		p.finish(t, "-store", newStore(t))
		longest := time.Since(begin) / 4

		store := newStore(t)
		for kills, stores := 0, 1; kills < manyKills; {
			c := p.start(t, "-store", store)
			time.Sleep(time.Duration(random.Int64N(int64(longest))))
			// It may have ended by itself in the meantime.
			_ = c.Process.Kill()
			if c.end(t) {
				kills++
				continue
			}
			// It was finished before it could be killed: once more from the beginning.
			if got, _ := p.finish(t, "-store", store); !reflect.DeepEqual(got, want) {
				t.Fatalf("store %d: %+v, want %+v", stores, got, want)
			}
			store = newStore(t)
			stores++
		}
		if got, _ := p.finish(t, "-store", store); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
