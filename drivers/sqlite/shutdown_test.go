package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// openDescriptors are the file descriptors of this process, by what they lead to;
// nil where the system does not say.
func openDescriptors(t testing.TB) []string {
	t.Helper()
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Logf("file descriptors are not counted: %v", err)
		return nil
	}
	var open []string
	for _, entry := range entries {
		if target, err := os.Readlink(folder + "/" + entry.Name()); err == nil {
			open = append(open, target)
		}
	}
	slices.Sort(open)
	return open
}

// checkReleased runs f again and again and makes sure that it leaves no goroutine
// and no file descriptor behind.
func checkReleased(t *testing.T, times int, f func()) {
	t.Helper()
	f() // what is made once, such as the runtime's own poller, is there from now on
	descriptors, routines := openDescriptors(t), runtime.NumGoroutine()
	for range times {
		f()
	}
	if after := openDescriptors(t); len(after) != len(descriptors) {
		t.Errorf("%d file descriptors were open before and %d are after %d times: %q (B4)", len(descriptors), len(after), times, without(after, descriptors))
	}
	// A goroutine that has done its last work may need a moment to be gone.
	begin := time.Now()
	for runtime.NumGoroutine() > routines && time.Since(begin) < testkit.Patience/3 {
		time.Sleep(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > routines {
		t.Errorf("%d goroutines were there before and %d are after %d times (B4):\n%s", routines, after, times, goroutines(t))
	}
}

// useEverything calls stores of all roles, so that there is something to release.
func useEverything(t testing.TB, b *backend) {
	t.Helper()
	ctx := context.Background()
	s := b.Tenant("t")
	testkit.UseEverything(t, b)
	useEveryReader(t, b)
	testkit.Must(s.Vectors.Search(ctx, "collection", driver.Query{Embedding: []float32{1, 1}, Limit: 1, Filter: driver.Exists("x")}))(t)
	for range s.Events.Load(ctx, "execution", 0) {
		break
	}
	testkit.Check(t, b.HealthCheck(ctx))
}

func TestShutdownReleasesEverything(t *testing.T) {
	path := newFile(t)
	checkReleased(t, 50, func() {
		b, err := connect(t.Context(), dsnFor(path, "sweep_interval=1ms", "readers=2"))
		testkit.Check(t, err)
		useEverything(t, b)
		shutdown(t, b)
	})
}

func TestShutdownInMemoryReleasesEverything(t *testing.T) {
	checkReleased(t, 10, func() {
		b, err := connect(t.Context(), "sqlite::memory:?sweep_interval=1ms")
		testkit.Check(t, err)
		useEverything(t, b)
		shutdown(t, b)
	})
}

// TestFailedOpeningReleasesEverything: what cannot be opened leaves nothing open.
func TestFailedOpeningReleasesEverything(t *testing.T) {
	text, locked := newFile(t), newFile(t)
	testkit.Check(t, os.WriteFile(text, []byte("this is no database"), 0o600))
	makeStore(t, locked)
	db := outside(t, locked)
	mustExec(t, db, "BEGIN IMMEDIATE")
	checkReleased(t, 10, func() {
		for _, dsn := range []string{dsnFor(text), dsnFor(text + "/below"), dsnFor(locked, "lock_wait=1ms")} {
			if b, err := connect(t.Context(), dsn); err == nil {
				shutdown(t, b)
				t.Errorf("%s was opened, want an error", dsn)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := connect(ctx, dsnFor(locked))
		testkit.WantError(t, "open with a context that is done", err, context.Canceled)
	})
	mustExec(t, db, "ROLLBACK")
}

// TestLastCloseRemovesTheJournal: everything is in the one file when the last one
// has closed it, and not before.
func TestLastCloseRemovesTheJournal(t *testing.T) {
	path := newFile(t)
	first, last := open(t, dsnFor(path)), open(t, dsnFor(path))
	useEverything(t, first)
	useEveryReader(t, last)
	shutdown(t, first)
	if !exists(path + "-wal") {
		t.Error("the -wal file is gone while the file is still open by somebody")
	}
	setKey(t, last, "key", "value")
	shutdown(t, last)
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if exists(path + suffix) {
			t.Errorf("the %s file is there after the last close (B4)", suffix)
		}
	}
	wantValue(t, open(t, dsnFor(path)).Tenant("t").State, "key", "value")
}

// TestShutdownRefusesNewCalls: every method of a store that is shut down, obtained
// before or after, returns ErrClosed (B4).
func TestShutdownRefusesNewCalls(t *testing.T) {
	for _, dsn := range []string{dsnFor(newFile(t)), "sqlite::memory:"} {
		b := open(t, dsn)
		useEverything(t, b)
		before := b.Tenant("t")
		shutdown(t, b)
		for _, call := range slices.Concat(testkit.Writes(before), testkit.Reads(before)) {
			testkit.WantError(t, call.Name+" after Shutdown", call.Do(t.Context(), before, "id"), driver.ErrClosed)
			testkit.WantError(t, call.Name+" of a tenant that was asked for after Shutdown", call.Do(t.Context(), b.Tenant("t"), "id"), driver.ErrClosed)
		}
		testkit.WantError(t, "HealthCheck after Shutdown", b.HealthCheck(t.Context()), driver.ErrClosed)
		if err := b.Shutdown(t.Context()); err != nil {
			t.Errorf("the second Shutdown returned %v, want nil (B4)", err)
		}
	}
}

// TestShutdownByMany: whoever calls it returns nil, when everything is released.
func TestShutdownByMany(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	useEverything(t, b)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := b.Shutdown(context.Background()); err != nil {
				t.Errorf("one of 10 calls of Shutdown at once returned %v, want nil", err)
			}
			if exists(path + "-wal") {
				t.Error("one of 10 calls of Shutdown at once returned while the file is still open")
			}
		})
	}
	testkit.Within(t, "10 calls of Shutdown at once", all.Wait)
}

// TestShutdownWaitsForCalls: a stream that is being read comes to its end, while
// new calls are refused (B4).
func TestShutdownWaitsForCalls(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t").Events
	const n = 3 * pieceEvents
	testkit.Must(s.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", n, nil)))(t)
	done := make(chan error, 1)
	read := 0
	for _, err := range s.Load(t.Context(), "execution", 0) {
		if err != nil {
			t.Fatalf("event %d of a stream that began before Shutdown: %v, want nil", read+1, err)
		}
		if read++; read == 1 {
			go func() { done <- b.Shutdown(context.Background()) }()
			testkit.Await(t, "new calls are refused while Shutdown waits", func() bool {
				_, err := s.LatestSequence(t.Context(), "execution")
				return errors.Is(err, driver.ErrClosed)
			})
		}
		select {
		case err := <-done:
			t.Fatalf("Shutdown returned %v while a stream was at event %d, want it to wait", err, read)
		default:
		}
	}
	if read != n {
		t.Errorf("the stream ended after %d events, want all %d", read, n)
	}
	testkit.Within(t, "Shutdown after the last call has left", func() {
		if err := <-done; err != nil {
			t.Errorf("Shutdown returned %v, want nil", err)
		}
	})
}

// TestForcedShutdownEndsStreams: when the context of Shutdown ends first, what is
// still going on is ended, and everything is released as soon as it is.
func TestForcedShutdownEndsStreams(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t").Events
	const n = 4 * pieceEvents
	testkit.Must(s.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", n, nil)))(t)
	read := 0
	var last error
	for _, err := range s.Load(t.Context(), "execution", 0) {
		if last = err; err != nil {
			break
		}
		if read++; read == 1 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			testkit.WantError(t, "Shutdown with a context that is done, during a stream", b.Shutdown(ctx), context.Canceled)
		}
	}
	if read != 1 || !errors.Is(last, driver.ErrClosed) {
		t.Errorf("a stream went on for %d of %d events after a forced Shutdown had returned, and ended with %v; want it ended with ErrClosed: the remaining calls are ended", read, n, last)
	}
	testkit.Await(t, "the file is closed when the last call has left", func() bool { return !exists(path + "-wal") })
	if err := b.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown returned %v, want nil", err)
	}
}

// locked opens a store whose file somebody else is writing to; unlock ends that.
func locked(t *testing.T, parameters ...string) (b *backend, unlock func()) {
	t.Helper()
	path := newFile(t)
	b = open(t, dsnFor(path, parameters...))
	useEverything(t, b)
	db := outside(t, path)
	mustExec(t, db, "BEGIN IMMEDIATE")
	return b, sync.OnceFunc(func() { mustExec(t, db, "ROLLBACK") })
}

// TestLockedCallsEndWithTheirContext: a call that waits for another process's lock
// returns the context's error, and has written nothing (B6).
func TestLockedCallsEndWithTheirContext(t *testing.T) {
	b, unlock := locked(t)
	s := b.Tenant("t")
	for _, call := range testkit.Writes(b.Tenant("t")) {
		name, write := call.Name, call.Do
		testkit.Within(t, name+" with a context that ends while the file is locked", func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			testkit.WantError(t, name+" whose deadline passes while the file is locked", write(ctx, s, "late"), context.DeadlineExceeded)
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			testkit.WantError(t, name+" that is cancelled while the file is locked", write(ctx, s, "late"), context.Canceled)
		})
	}
	testkit.Within(t, "opening with a context that ends while the file is locked", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := connect(ctx, dsnFor(b.path))
		testkit.WantError(t, "opening while the file is locked", err, context.DeadlineExceeded)
	})
	unlock()
	if _, err := s.State.Get(t.Context(), "late"); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get of a key whose Set ended with its context returned %v, want ErrNotFound (B6: nothing is half-applied)", err)
	}
	if n := len(load(t, s.Events, "execution")); n != 2*testkit.BatchEvents {
		t.Errorf("%d events are stored, want the %d from before the lock", n, 2*testkit.BatchEvents)
	}
	testkit.Check(t, testkit.Write(t.Context(), b, "Append", "late"))
}

// TestLockedFileCanBeRead: readers do not wait for a writer.
func TestLockedFileCanBeRead(t *testing.T) {
	b, unlock := locked(t, "lock_wait=1ms")
	defer unlock()
	testkit.WantError(t, "Set while somebody else writes", testkit.Write(t.Context(), b, "Set", "id"), driver.ErrUnavailable)
	testkit.Within(t, "reading while somebody else writes", func() {
		testkit.CheckCalls(t, b, "while somebody else writes", testkit.Reads(b.Tenant("t")), nil)
		testkit.Check(t, b.HealthCheck(t.Context()))
	})
}

// TestLockedForTooLong: when lock_wait is over a call is ErrUnavailable and says
// what to do; the same call succeeds when the lock is free.
func TestLockedForTooLong(t *testing.T) {
	b, unlock := locked(t, "lock_wait=30ms")
	for _, call := range testkit.Writes(b.Tenant("t")) {
		name, write := call.Name, call.Do
		begin := time.Now()
		err := write(t.Context(), b.Tenant("t"), "patient")
		testkit.WantError(t, name+" into a file that is locked for longer than lock_wait", err, driver.ErrUnavailable, "another process", b.path, "30ms", "lock_wait")
		if waited := time.Since(begin); waited < 30*time.Millisecond {
			t.Errorf("%s gave up after %v, want it to wait for the 30ms of lock_wait", name, waited)
		}
	}
	_, err := connect(t.Context(), dsnFor(b.path, "lock_wait=30ms"))
	testkit.WantError(t, "opening a file that is locked for longer than lock_wait", err, driver.ErrUnavailable, "another process", b.path, "lock_wait")
	unlock()
	for _, call := range testkit.Writes(b.Tenant("t")) {
		name, write := call.Name, call.Do
		if err := write(t.Context(), b.Tenant("t"), "patient"); err != nil {
			t.Errorf("%s when the lock is free: %v, want nil", name, err)
		}
	}
}

// TestLockedForAWhile: a call waits for the lock and then succeeds.
func TestLockedForAWhile(t *testing.T) {
	b, unlock := locked(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := testkit.Write(t.Context(), b, "Append", fmt.Sprint("patient-", i)); err != nil {
				t.Errorf("Append while somebody else has the lock for a while: %v, want it to wait", err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	unlock()
	testkit.Within(t, "appending after the lock is free", all.Wait)
	if n := len(load(t, b.Tenant("t").Events, "execution")); n != 10*testkit.BatchEvents {
		t.Errorf("%d events are stored, want %d", n, 10*testkit.BatchEvents)
	}
}

// TestForcedShutdownEndsLockedCalls: of many writers one waits for another process's
// lock and the others for that one; a forced Shutdown ends them all with ErrClosed,
// and what they wanted is not written.
func TestForcedShutdownEndsLockedCalls(t *testing.T) {
	b, unlock := locked(t)
	const n = 8
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- testkit.Write(context.Background(), b, "Append", fmt.Sprint("late-", i)) }()
	}
	testkit.Await(t, "the writers are waiting", func() bool { return len(b.writer.free) == 0 })
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	testkit.Within(t, "a forced Shutdown", func() {
		testkit.WantError(t, "Shutdown that is in a hurry", b.Shutdown(ctx), context.DeadlineExceeded)
	})
	testkit.Within(t, "waiting writers after a forced Shutdown", func() {
		for range n {
			testkit.WantError(t, "Append that waited for a lock at a forced Shutdown", <-errs, driver.ErrClosed)
		}
	})
	if err := b.Shutdown(context.Background()); err != nil {
		t.Errorf("the second Shutdown returned %v, want nil", err)
	}
	unlock()
	b = open(t, dsnFor(b.path))
	if n := len(load(t, b.Tenant("t").Events, "execution")); n != 2*testkit.BatchEvents {
		t.Errorf("%d events are stored, want the %d from before: what ended with ErrClosed was not written", n, 2*testkit.BatchEvents)
	}
}

// TestForcedShutdownReleasesEverything: also when a call is still inside, as soon as
// it has left.
func TestForcedShutdownReleasesEverything(t *testing.T) {
	path := newFile(t)
	makeHistories(t, path)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	checkReleased(t, 10, func() {
		b, err := connect(t.Context(), dsnFor(path))
		testkit.Check(t, err)
		for _, err := range b.Tenant("t").Events.Load(t.Context(), "one", 0) {
			testkit.Check(t, err)
			testkit.WantError(t, "Shutdown with a context that is done, during a stream", b.Shutdown(done), context.Canceled)
			break
		}
		testkit.Within(t, "releasing everything", func() { <-b.Released() })
	})
}

// TestCallsWaitForAConnection with their context, when all are in use (B3, B6).
func TestCallsWaitForAConnection(t *testing.T) {
	b := open(t, dsnFor(newFile(t), "readers=2"))
	useEverything(t, b)
	var taken []*conn
	for range b.readers.size() {
		taken = append(taken, testkit.Must(b.acquire(t.Context(), b.readers))(t))
	}
	testkit.CheckCallsEnd(t, b, "while every reader is in use", testkit.Reads(b.Tenant("t")))
	for _, c := range taken {
		b.readers.put(c)
	}
	testkit.Check(t, b.HealthCheck(t.Context()))
}
