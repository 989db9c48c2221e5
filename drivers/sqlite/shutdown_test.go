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
	for runtime.NumGoroutine() > routines && time.Since(begin) < patience/3 {
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
	prepareWrites(t, s)
	for _, write := range writes {
		check(t, write(ctx, s, "id"))
	}
	useEveryReader(t, b)
	must(s.Vectors.Search(ctx, "collection", driver.Query{Embedding: []float32{1, 1}, Limit: 1, Filter: driver.Exists("x")}))(t)
	for range s.Events.Load(ctx, "execution", 0) {
		break
	}
	check(t, b.HealthCheck(ctx))
}

func TestShutdownReleasesEverything(t *testing.T) {
	path := newFile(t)
	checkReleased(t, 50, func() {
		b, err := connect(t.Context(), dsnFor(path, "sweep_interval=1ms", "readers=2"))
		check(t, err)
		useEverything(t, b)
		shutdown(t, b)
	})
}

func TestShutdownInMemoryReleasesEverything(t *testing.T) {
	checkReleased(t, 10, func() {
		b, err := connect(t.Context(), "sqlite::memory:?sweep_interval=1ms")
		check(t, err)
		useEverything(t, b)
		shutdown(t, b)
	})
}

// TestFailedOpeningReleasesEverything: what cannot be opened leaves nothing open.
func TestFailedOpeningReleasesEverything(t *testing.T) {
	text, locked := newFile(t), newFile(t)
	check(t, os.WriteFile(text, []byte("this is no database"), 0o600))
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
		wantError(t, "open with a context that is done", err, context.Canceled)
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

// everyCall is each method of a backend and its stores, as a call that returns its
// error. Those that end successfully need what useEverything has made.
var everyCall = map[string]func(ctx context.Context, b *backend, s driver.Stores) error{
	"HealthCheck": func(ctx context.Context, b *backend, s driver.Stores) error { return b.HealthCheck(ctx) },
	"Append": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Events.Append(ctx, "execution", driver.Expectation{}, someEvents("every", 1, nil))
		return err
	},
	"Load": func(ctx context.Context, b *backend, s driver.Stores) error {
		for _, err := range s.Events.Load(ctx, "execution", 0) {
			return err
		}
		return nil
	},
	"LatestSequence": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Events.LatestSequence(ctx, "execution")
		return err
	},
	"ListExecutions": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.Events.ListExecutions(ctx, driver.Page{Limit: 1})
		return err
	},
	"Get": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.State.Get(ctx, "id")
		return err
	},
	"Set": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.State.Set(ctx, "id", nil, driver.SetOptions{})
		return err
	},
	"Delete": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.State.Delete(ctx, "other", driver.Precondition{})
	},
	"List": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.State.List(ctx, "", driver.Page{Limit: 1})
		return err
	},
	"SaveSnapshot": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "id", Sequence: 1}})
	},
	"LoadSnapshot": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.State.LoadSnapshot(ctx, "id")
		return err
	},
	"DeleteSnapshot": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.State.DeleteSnapshot(ctx, "other")
	},
	"ListSnapshots": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.State.ListSnapshots(ctx, driver.Page{Limit: 1})
		return err
	},
	"CreateThread": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: "thread", User: "user"})
		return err
	},
	"GetThread": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.GetThread(ctx, "thread", false)
		return err
	},
	"UpdateThread": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.UpdateThread(ctx, driver.Thread{ID: "thread", User: "user", Version: 99})
		return ifNot(err, driver.ErrInvalid)
	},
	"DeleteThread": func(ctx context.Context, b *backend, s driver.Stores) error {
		return ifNot(s.Messages.DeleteThread(ctx, "unknown"), driver.ErrNotFound)
	},
	"ListThreads": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "user", Page: driver.Page{Limit: 1}})
		return err
	},
	"CreateMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: "id", Thread: "thread", Role: "user"})
		return err
	},
	"GetMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.GetMessage(ctx, "id", false)
		return err
	},
	"UpdateMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.UpdateMessage(ctx, driver.Message{ID: "id", Thread: "other", Role: "user"})
		return ifNot(err, driver.ErrInvalid)
	},
	"DeleteMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		return ifNot(s.Messages.DeleteMessage(ctx, "unknown"), driver.ErrNotFound)
	},
	"ListMessages": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.Messages.ListMessages(ctx, driver.MessageQuery{Thread: "thread", Page: driver.Page{Limit: 1}})
		return err
	},
	"EnsureCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.EnsureCollection(ctx, driver.Collection{Name: "collection", Dimension: 2, Metric: driver.Dot})
	},
	"DeleteCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.DeleteCollection(ctx, "unknown")
	},
	"GetCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Vectors.GetCollection(ctx, "collection")
		return err
	},
	"ListCollections": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, _, err := s.Vectors.ListCollections(ctx, driver.Page{Limit: 1})
		return err
	},
	"Upsert": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.Upsert(ctx, "collection", nil)
	},
	"Get a document": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Vectors.Get(ctx, "collection", "id")
		return err
	},
	"Delete documents": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.Delete(ctx, "collection", []string{"unknown"})
	},
	"Search": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Vectors.Search(ctx, "collection", driver.Query{Embedding: []float32{1, 1}, Limit: 1})
		return err
	},
}

// ifNot lets an expected error pass.
func ifNot(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// TestShutdownRefusesNewCalls: every method of a store that is shut down, obtained
// before or after, returns ErrClosed (B4).
func TestShutdownRefusesNewCalls(t *testing.T) {
	for _, dsn := range []string{dsnFor(newFile(t)), "sqlite::memory:"} {
		b := open(t, dsn)
		useEverything(t, b)
		before := b.Tenant("t")
		for name, call := range everyCall {
			if err := call(t.Context(), b, before); err != nil {
				t.Errorf("%s before Shutdown: %v, want nil", name, err)
			}
		}
		shutdown(t, b)
		for name, call := range everyCall {
			wantError(t, name+" after Shutdown", call(t.Context(), b, before), driver.ErrClosed)
			wantError(t, name+" of a tenant that was asked for after Shutdown", call(t.Context(), b, b.Tenant("t")), driver.ErrClosed)
		}
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
	within(t, "10 calls of Shutdown at once", all.Wait)
}

// TestShutdownWaitsForCalls: a stream that is being read comes to its end, while
// new calls are refused (B4).
func TestShutdownWaitsForCalls(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t").Events
	const n = 3 * pieceEvents
	must(s.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", n, nil)))(t)
	done := make(chan error, 1)
	read := 0
	for _, err := range s.Load(t.Context(), "execution", 0) {
		if err != nil {
			t.Fatalf("event %d of a stream that began before Shutdown: %v, want nil", read+1, err)
		}
		if read++; read == 1 {
			go func() { done <- b.Shutdown(context.Background()) }()
			await(t, "new calls are refused while Shutdown waits", func() bool {
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
	within(t, "Shutdown after the last call has left", func() {
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
	must(s.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", n, nil)))(t)
	read := 0
	var last error
	for _, err := range s.Load(t.Context(), "execution", 0) {
		if last = err; err != nil {
			break
		}
		if read++; read == 1 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantError(t, "Shutdown with a context that is done, during a stream", b.Shutdown(ctx), context.Canceled)
		}
	}
	if read != 1 || !errors.Is(last, driver.ErrClosed) {
		t.Errorf("a stream went on for %d of %d events after a forced Shutdown had returned, and ended with %v; want it ended with ErrClosed: the remaining calls are ended", read, n, last)
	}
	await(t, "the file is closed when the last call has left", func() bool { return !exists(path + "-wal") })
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
	for name, write := range writes {
		within(t, name+" with a context that ends while the file is locked", func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			wantError(t, name+" whose deadline passes while the file is locked", write(ctx, s, "late"), context.DeadlineExceeded)
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			wantError(t, name+" that is cancelled while the file is locked", write(ctx, s, "late"), context.Canceled)
		})
	}
	within(t, "opening with a context that ends while the file is locked", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := connect(ctx, dsnFor(b.path))
		wantError(t, "opening while the file is locked", err, context.DeadlineExceeded)
	})
	unlock()
	if _, err := s.State.Get(t.Context(), "late"); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get of a key whose Set ended with its context returned %v, want ErrNotFound (B6: nothing is half-applied)", err)
	}
	if n := len(load(t, s.Events, "execution")); n != 1 {
		t.Errorf("%d events are stored, want the 1 from before the lock", n)
	}
	check(t, writes["Append"](t.Context(), s, "late"))
}

// TestLockedFileCanBeRead: readers do not wait for a writer.
func TestLockedFileCanBeRead(t *testing.T) {
	b, unlock := locked(t, "lock_wait=1ms")
	defer unlock()
	wantError(t, "Set while somebody else writes", writes["Set"](t.Context(), b.Tenant("t"), "id"), driver.ErrUnavailable)
	reads := []string{"HealthCheck", "Load", "LatestSequence", "ListExecutions", "Get", "List", "LoadSnapshot", "ListSnapshots", "GetThread",
		"ListThreads", "GetMessage", "ListMessages", "GetCollection", "ListCollections", "Get a document", "Search"}
	for _, name := range reads {
		within(t, name+" while somebody else writes", func() {
			if err := everyCall[name](t.Context(), b, b.Tenant("t")); err != nil {
				t.Errorf("%s while somebody else writes: %v, want nil", name, err)
			}
		})
	}
}

// TestLockedForTooLong: when lock_wait is over a call is ErrUnavailable and says
// what to do; the same call succeeds when the lock is free.
func TestLockedForTooLong(t *testing.T) {
	b, unlock := locked(t, "lock_wait=30ms")
	for name, write := range writes {
		begin := time.Now()
		err := write(t.Context(), b.Tenant("t"), "patient")
		wantError(t, name+" into a file that is locked for longer than lock_wait", err, driver.ErrUnavailable, "another process", b.path, "30ms", "lock_wait")
		if waited := time.Since(begin); waited < 30*time.Millisecond {
			t.Errorf("%s gave up after %v, want it to wait for the 30ms of lock_wait", name, waited)
		}
	}
	_, err := connect(t.Context(), dsnFor(b.path, "lock_wait=30ms"))
	wantError(t, "opening a file that is locked for longer than lock_wait", err, driver.ErrUnavailable, "another process", b.path, "lock_wait")
	unlock()
	for name, write := range writes {
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
			if err := writes["Append"](t.Context(), b.Tenant("t"), fmt.Sprint("patient-", i)); err != nil {
				t.Errorf("Append while somebody else has the lock for a while: %v, want it to wait", err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	unlock()
	within(t, "appending after the lock is free", all.Wait)
	if n := len(load(t, b.Tenant("t").Events, "execution")); n != 9 {
		t.Errorf("%d events are stored, want 9", n)
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
		go func() { errs <- writes["Append"](context.Background(), b.Tenant("t"), fmt.Sprint("late-", i)) }()
	}
	await(t, "the writers are waiting", func() bool { return len(b.writer) == 0 })
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	within(t, "a forced Shutdown", func() {
		wantError(t, "Shutdown that is in a hurry", b.Shutdown(ctx), context.DeadlineExceeded)
	})
	within(t, "waiting writers after a forced Shutdown", func() {
		for range n {
			wantError(t, "Append that waited for a lock at a forced Shutdown", <-errs, driver.ErrClosed)
		}
	})
	if err := b.Shutdown(context.Background()); err != nil {
		t.Errorf("the second Shutdown returned %v, want nil", err)
	}
	unlock()
	b = open(t, dsnFor(b.path))
	if n := len(load(t, b.Tenant("t").Events, "execution")); n != 1 {
		t.Errorf("%d events are stored, want the 1 from before: what ended with ErrClosed was not written", n)
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
		check(t, err)
		for _, err := range b.Tenant("t").Events.Load(t.Context(), "one", 0) {
			check(t, err)
			wantError(t, "Shutdown with a context that is done, during a stream", b.Shutdown(done), context.Canceled)
			break
		}
		within(t, "releasing everything", func() { <-b.released })
	})
}

// TestCallsWaitForAConnection with their context, when all are in use (B3, B6).
func TestCallsWaitForAConnection(t *testing.T) {
	b := open(t, dsnFor(newFile(t), "readers=2"))
	useEverything(t, b)
	var taken []*conn
	for range cap(b.readers) {
		taken = append(taken, must(b.acquire(t.Context(), b.readers))(t))
	}
	for _, name := range []string{"HealthCheck", "Get", "Load", "Search", "ListMessages"} {
		within(t, name+" while every reader is in use", func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			wantError(t, name+" whose deadline passes while every reader is in use", everyCall[name](ctx, b, b.Tenant("t")), context.DeadlineExceeded)
		})
	}
	for _, c := range taken {
		b.readers <- c
	}
	check(t, b.HealthCheck(t.Context()))
}
