package airgap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/testkit"
)

// attempt is one to get out in air-gapped mode.
type attempt struct {
	what string
	// open says what is opened; the mode is added.
	open        func() enact.Config
	environment map[string]string
	// want is what the error must match, and words what it must say.
	want  error
	words []string
	// socket is the path of the one Unix socket that may be connected to. Empty:
	// there may be no call that has to do with sockets.
	socket string
}

// premises is where attempts are made.
type premises struct {
	folder string // the home of the child
	server string // a network address at which a server redirects
	socket string // a Unix socket at which the same server redirects
}

// attempts are all of them, the same in the test and its child.
func attempts(p premises) []attempt {
	return slices.Concat(byNetwork(), byEnvironment(p), byParameter(), byOddDSN(), byRedirect(p), byConnector(), byStranger(), byWeaviate(p), together(p))
}

// dsn is an attempt with one DSN that must be refused as network.
func dsn(what, text string) attempt {
	return attempt{what: what, open: func() enact.Config { return enact.Config{Events: text} }, want: enact.ErrAirGapped, words: []string{"events"}}
}

// malformed says that the DSN is refused before anybody asks what it needs.
func (a attempt) malformed() attempt {
	a.want, a.words = enact.ErrInvalid, nil
	return a
}

// with adds variables to the environment, as in "PGHOST=h".
func (a attempt) with(variables ...string) attempt {
	a.environment = map[string]string{}
	for _, pair := range variables {
		name, value, _ := strings.Cut(pair, "=")
		a.environment[name] = value
	}
	return a
}

// staysAt says that the DSN is one of a Unix socket, at which nobody listens or
// somebody who is of no use, and that it is not left.
func (a attempt) staysAt(socket string) attempt {
	a.want, a.words, a.socket = enact.ErrUnavailable, nil, socket
	return a
}

// TestNobodyGetsOut: each attempt ends with the error that it should, and has made no
// socket that it may not.
func TestNobodyGetsOut(t *testing.T) {
	server := startRedirecting(t)
	p := premises{folder: t.TempDir(), server: server.address, socket: server.socket}
	testkit.Check(t, os.WriteFile(filepath.Join(p.folder, "services.conf"), []byte(services), 0o600))
	testkit.Check(t, os.WriteFile(filepath.Join(p.folder, ".pg_service.conf"), []byte(services), 0o600))
	testkit.Check(t, os.WriteFile(filepath.Join(p.folder, "passwords"), []byte("db.example:5432:d:u:word\n127.0.0.1:*:*:*:word\n"), 0o600))
	made, printed := watch(t, triesAll, p.folder, p.server, p.socket)
	all := attempts(p)
	if len(printed) != 2*len(all) {
		t.Fatalf("the child printed %d lines, want two for each of %d attempts: %q", len(printed), len(all), printed)
	}
	for i, a := range all {
		number := i + 1 // 0 is what came before
		if printed[2*i] != begin(number) {
			t.Fatalf("the child printed %q, want %q", printed[2*i], begin(number))
		}
		a.check(t, printed[2*i+1], made[number])
	}
	if made[0] != nil {
		t.Errorf("the child made these calls before it opened anything: %q", made[0])
	}
	if n := server.connections.Load(); n != 0 {
		t.Errorf("the server on the network was reached %d times, want never", n)
	}
	checkUnopened(t, p.folder)
	t.Logf("%d attempts", len(all))
}

// check compares what came of an attempt with what should.
func (a attempt) check(t *testing.T, outcome string, calls []string) {
	t.Helper()
	kind, text, _ := strings.Cut(outcome, " ")
	if kind != kindOf(a.want) {
		t.Errorf("%s: the error is %s: %s; want %s", a.what, kind, text, kindOf(a.want))
	}
	for _, word := range a.words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: the error reads %q, want it to name %q", a.what, text, word)
		}
	}
	if a.socket != "" && !reaches(calls, a.socket) {
		t.Errorf("%s: no call connects to %s: %q", a.what, a.socket, calls)
	}
	if found := others(calls, a.socket); found != nil {
		t.Errorf("%s: the process made these calls (the error was %s: %s):\n%s", a.what, kind, text, strings.Join(found, "\n"))
	}
}

var kinds = map[string]error{
	"ErrAirGapped": enact.ErrAirGapped, "ErrInvalid": enact.ErrInvalid, "ErrUnavailable": enact.ErrUnavailable,
}

// kindOf names what an error matches.
func kindOf(err error) string {
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "another"
}

func begin(number int) string { return "begin " + strconv.Itoa(number) }

// tryAll is the child that makes every attempt. It prints a line before each and one
// after it.
func tryAll(ctx context.Context, args []string) error {
	testkit.EndWithParent()
	cleanEnvironment(args[0])
	// None takes long that is refused. For all together, so that a failure is told soon.
	ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
	defer cancel()
	for i, a := range attempts(premises{args[0], args[1], args[2]}) {
		// One system call, which strace sees.
		if _, err := os.Stdout.WriteString(begin(i+1) + "\n"); err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString(a.try(ctx) + "\n"); err != nil {
			return err
		}
	}
	time.Sleep(sweeping) // what was left behind would still be seen
	return nil
}

// try makes an attempt and says what came of it.
func (a attempt) try(ctx context.Context) string {
	for name, value := range a.environment {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	config := a.open()
	config.AirGapped = true
	rt, err := enact.Open(ctx, config)
	if err == nil {
		err = errors.Join(errors.New("it was opened"), rt.Shutdown(context.WithoutCancel(ctx)))
	}
	return strings.ReplaceAll(fmt.Sprintf("%s %v", kindOf(err), err), "\n", " ")
}

// cleanEnvironment takes away what the environment of the tests would add to DSNs.
func cleanEnvironment(home string) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "ENACT_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("HOME", home)
}
