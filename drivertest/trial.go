package drivertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// trial is one check on one driver, with a fresh store.
type trial struct {
	check  *check
	target *Target
	tb     testing.TB // for Target's functions
	ctx    context.Context
	// test is the test function that a child process is to enter.
	test string
	// dsn is the store, backend the first handle on it, and Stores the view of
	// its tenant "acme".
	dsn     string
	backend driver.Backend
	driver.Stores

	seed uint64
	rand *rand.Rand // for the check's own goroutine

	mu       sync.Mutex
	failures []string
	handles  []driver.Backend
	cleanups []func()
}

// tenantID is the tenant of trial.Stores.
const tenantID driver.TenantID = "acme"

// patience is how long a call that should return at once may take before a check
// gives it up. It only bounds how long a broken driver keeps us waiting.
func (t *trial) patience() time.Duration { return t.target.timeout() / 8 }

// fatal ends the check as failed: what was done, what came back, and what should
// have. It may be called in functions given to together, too. Strings are printed
// as they are, anything else is shown in full.
func (t *trial) fatal(did string, got, want any) {
	t.record(did, got, want)
	runtime.Goexit()
}

// record is fatal for checks that go on.
func (t *trial) record(did string, got, want any) {
	text := fmt.Sprintf("%s %s: %s\n\tgot:  %s\n\twant: %s\n\twhy:  %s", t.check.rule, t.check.name, did, describe(got), describe(want), t.check.why)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, text)
}

func (t *trial) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.failures) > 0
}

func describe(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return shorten(v)
}

// ok ends the check unless err is nil.
func (t *trial) ok(did string, err error) {
	if err != nil {
		t.fatal(did, "error: "+err.Error(), "no error")
	}
}

// fails ends the check unless err matches want.
func (t *trial) fails(did string, err, want error) {
	switch {
	case err == nil:
		t.fatal(did, "no error", fmt.Sprintf("an error that matches %q", want))
	case !errors.Is(err, want):
		t.fatal(did, fmt.Sprintf("error %q, of type %T", err, err), fmt.Sprintf("an error that matches %q", want))
	case strings.ContainsAny(err.Error(), "\r\n"):
		t.fatal(did, fmt.Sprintf("error %q", err), "an error in one line")
	}
}

// conflict ends the check unless err is a conflict with these numbers.
func (t *trial) conflict(did string, err error, want driver.ConflictError) {
	t.fails(did, err, driver.ErrConflict)
	var got *driver.ConflictError
	if !errors.As(err, &got) {
		t.fatal(did, fmt.Sprintf("error %q, of type %T", err, err), "a *driver.ConflictError, which says what is there")
	}
	if got.Subject == "" {
		t.fatal(did, "a conflict without a subject", "a conflict that names what was to be written")
	}
	same := *got
	same.Subject = ""
	if want.Event != "" {
		same.Expected = 0 // meaningless there
	}
	equal(t, did+": the conflict", same, want)
}

// equal ends the check unless got is want, in every field of every element.
func equal[T any](t *trial, did string, got, want T) {
	if where, g, w, same := difference(did, got, want); !same {
		t.fatal(where, shorten(g), shorten(w))
	}
}

// open returns another handle on the trial's store.
func (t *trial) open() driver.Backend { return t.openDSN(t.dsn) }

// openDSN returns a handle that is shut down when the check has ended.
func (t *trial) openDSN(dsn string) driver.Backend {
	b, err := t.connect(t.ctx, dsn)
	t.ok("opening the store", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handles = append(t.handles, b)
	return b
}

// connect returns a handle that the caller shuts down.
func (t *trial) connect(ctx context.Context, dsn string) (driver.Backend, error) {
	c, err := t.target.Driver.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx)
}

// use makes b the first handle.
func (t *trial) use(b driver.Backend) {
	t.backend, t.Stores = b, b.Tenant(tenantID)
}

// reopen shuts the first handle down and opens another in its place. Unless the
// store is volatile or has other handles it is closed in between.
func (t *trial) reopen() {
	t.shutDown(t.backend)
	t.use(t.open())
}

// shutDown ends the check unless b shuts down in time.
func (t *trial) shutDown(b driver.Backend) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), t.patience())
	defer cancel()
	t.ok("Shutdown", b.Shutdown(ctx))
}

// fresh returns the DSN of another new store.
func (t *trial) fresh() string { return t.target.DSN(t.tb) }

// cleanup runs f when the check has ended, before the handles are shut down.
func (t *trial) cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// offers says whether the driver offers a role.
func (t *trial) offers(role driver.Role) bool { return t.target.offers(role) }

// settle waits until vectors that were written must be seen (V8).
func (t *trial) settle() { t.sleep(t.target.Eventual) }

// sleep ends early, and the check with it, when the check is given up.
func (t *trial) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
		runtime.Goexit()
	}
}

// together runs n goroutines that all begin when all are ready, and waits for all
// of them. If one has failed the check ends.
func (t *trial) together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			defer t.recovered()
			ready.Done()
			<-begin
			f(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	if t.failed() {
		runtime.Goexit()
	}
}

// recovered is deferred where a driver may panic.
func (t *trial) recovered() {
	if p := recover(); p != nil {
		t.record("panic", fmt.Sprintf("%v\n%s", p, debug.Stack()), "no panic")
	}
}

// background runs f, which is waited for with await at the latest when the check
// ends.
func (t *trial) background(f func()) (done <-chan struct{}) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer t.recovered()
		f()
	}()
	return ended
}

// await ends the check unless done is closed in time.
func (t *trial) await(did string, done <-chan struct{}) {
	select {
	case <-done:
	case <-t.ctx.Done(): // the check was given up
		runtime.Goexit()
	case <-time.After(t.patience()):
		t.fatal(did, fmt.Sprintf("it has not ended after %v", t.patience()), "an end")
	}
}

// endsInTime ends the check unless f ends in time and has not failed.
func (t *trial) endsInTime(did string, f func()) {
	t.await(did, t.background(f))
	if t.failed() {
		runtime.Goexit()
	}
}

// until asks again and again, for a limited time, whether something holds, and
// ends the check if it does not in the end.
func (t *trial) until(did string, limit time.Duration, want string, holds func() (got string, ok bool)) {
	begin := time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		got, ok := holds()
		if ok {
			return
		}
		if time.Since(begin) > limit {
			t.fatal(did, got+fmt.Sprintf(", still after %v", limit), want)
		}
		t.sleep(wait)
	}
}

// rounds counts the rounds of a check that repeats: at least least of them, and up
// to most while they have taken less than half a second.
func (t *trial) rounds(least, most int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		begin := time.Now()
		for i := range most {
			if i >= least && time.Since(begin) > 500*time.Millisecond {
				return
			}
			if !yield(i) {
				return
			}
		}
	}
}
