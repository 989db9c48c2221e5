package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/drivers/memory"
)

func TestSecondRunFindsTheFirstComplete(t *testing.T) {
	dir := writeFiles(t, someFiles(60))
	rt := newMemory(t)
	first := mustIndex(t, rt, dir)
	if first.Steps != 60 || first.ResumedFrom != 0 || first.Repeated != 0 || first.Documents == 0 {
		t.Errorf("the first run: %+v", first)
	}
	if want := uint64(1 + 60 + 10*60 + 1); first.Events != want {
		t.Errorf("%d events, want %d", first.Events, want)
	}
	before := contents(t, rt, dir)
	second := mustIndex(t, rt, dir)
	if second.ResumedFrom != first.Events {
		t.Errorf("the second run resumed from %d, want %d", second.ResumedFrom, first.Events)
	}
	second.ResumedFrom = 0
	if !reflect.DeepEqual(second, first) {
		t.Errorf("the second run: %+v, the first: %+v", second, first)
	}
	if contents(t, rt, dir) != before {
		t.Error("the second run has changed something")
	}
	if _, err := rt.Tenant(tenant).State.LoadSnapshot(t.Context(), first.Execution); err != nil {
		t.Errorf("snapshot: %v", err)
	}
}

func TestNoFiles(t *testing.T) {
	rt := newMemory(t)
	if r := mustIndex(t, rt, t.TempDir()); r.Events != 2 || r.Steps != 0 || r.Documents != 0 {
		t.Errorf("%+v", r)
	}
}

// Whatever write fails, before it was applied or after, the next process ends with
// the very same log, documents and messages. One of the files is gone, so that a
// step fails as well.
func TestAnyFailedWriteIsMadeUpFor(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one", "b": "two", "c": "gone", "d": "four", "e": "", "f": numberedLines(50)})
	files := newIndexer(t, newMemory(t), dir).files
	if err := os.Remove(filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	process := func(rt *enact.Runtime) (report, error) {
		x := newIndexer(t, rt, dir)
		x.files = files
		return x.index(t.Context())
	}
	reference := newMemory(t)
	want, err := process(reference)
	if err != nil || want.Steps != 5 || want.Documents != 5 || len(want.failed) != 1 {
		t.Fatalf("undisturbed: %+v (%v)", want, err)
	}
	wanted := contents(t, reference, dir)
	for _, applied := range []bool{false, true} {
		for at := 1; ; at++ {
			f := &fault{at: at, applied: applied}
			rt := openMemory(t, faulty{memory.NewConnector(""), f})
			_, err := process(rt)
			if f.writes < at {
				if at < 40 {
					t.Errorf("only %d writes were tried", at)
				}
				break // all writes have had their turn
			}
			// An error of the state store is no reason to fail.
			if err != nil && !errors.Is(err, errLost) {
				t.Fatalf("write %d, applied %t: %v", at, applied, err)
			}
			got, err := process(rt)
			got.ResumedFrom = 0
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("write %d, applied %t: %+v (%v), want %+v", at, applied, got, err, want)
			}
			if got := contents(t, rt, dir); got != wanted {
				t.Fatalf("write %d, applied %t: the stores hold\n%s\nwant\n%s", at, applied, got, wanted)
			}
		}
	}
}

// interrupt runs a process that ends before the append that begins with an event.
func interrupt(t *testing.T, rt *enact.Runtime, f *fault, dir string, event enact.EventID) {
	t.Helper()
	*f = fault{event: event}
	if _, err := newIndexer(t, rt, dir).index(t.Context()); !errors.Is(err, errLost) {
		t.Fatalf("interrupted run: %v", err)
	}
	*f = fault{}
}

func TestChangedDirectoryBeginsANewRun(t *testing.T) {
	dir := writeFiles(t, someFiles(10))
	f := &fault{}
	rt := openMemory(t, faulty{memory.NewConnector(""), f})
	change := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "file-001.txt"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustIndex(t, rt, dir)
	change("second")
	interrupt(t, rt, f, dir, file{path: "file-005.txt"}.event("chunk-completed"))
	change("third time")
	r := mustIndex(t, rt, dir)
	if r.Execution != newFolder(dir).execution(3) || r.Steps != 10 || r.ResumedFrom != 0 || r.Repeated != 0 {
		t.Errorf("the third run: %+v", r)
	}
	local := rt.Tenant(tenant)
	for run, want := range map[int]enact.Status{1: enact.StatusCompleted, 2: enact.StatusCancelled, 3: enact.StatusCompleted} {
		if s, err := local.Rehydrate(t.Context(), newFolder(dir).execution(run)); err != nil || s.State != want {
			t.Errorf("run %d is %s, want %s (%v)", run, s.State, want, err)
		}
	}
	collections, _, err := local.Vectors.ListCollections(t.Context(), enact.Page{})
	if err != nil || len(collections) != 1 || collections[0].Name != newFolder(dir).collection(3) {
		t.Errorf("collections %v (%v)", collections, err)
	}
	hits, err := ask(t.Context(), local.Vectors, r.collection, "third time")
	if err != nil || hits[0].Text != "third time" {
		t.Errorf("hits %v (%v)", hits, err)
	}
}

// A change that does not show in the listing is noticed by the log, which has the
// hash of what the earlier attempt has read.
func TestFileChangedBehindTheListingFailsItsStep(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one", "b": "two", "c": "three"})
	path := filepath.Join(dir, "b")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fault{}
	rt := openMemory(t, faulty{memory.NewConnector(""), f})
	interrupt(t, rt, f, dir, file{path: "b"}.event("upsert-completed"))
	if _, err := rt.Tenant(tenant).Vectors.Get(t.Context(), newFolder(dir).collection(1), file{path: "b"}.document(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("2.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	r := mustIndex(t, rt, dir)
	if r.Steps != 2 || r.Documents != 2 || r.Repeated != 0 || r.failed["b"] != errDiffers.Error() {
		t.Errorf("%+v", r)
	}
	if again := mustIndex(t, rt, dir); again.Events != r.Events {
		t.Errorf("the next run has appended: %+v, before: %+v", again, r)
	}
}

func TestFailedStepsAreNotTriedAgain(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one", "b": "two", "c": "three"})
	f := &fault{}
	rt := openMemory(t, faulty{memory.NewConnector(""), f})
	x := newIndexer(t, rt, dir)
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	f.event = file{path: "b"}.event("embed-completed")
	if _, err := x.index(t.Context()); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	*f = fault{}
	second := newIndexer(t, rt, dir)
	second.files = x.files
	r, err := second.index(t.Context())
	if err != nil || r.Steps != 2 || r.Repeated != 0 || len(r.failed) != 1 || !strings.Contains(r.failed["a"], "no such file") {
		t.Errorf("%+v (%v)", r, err)
	}
}

func TestFileChangedDuringTheRunFailsItsStep(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one", "b": "two"})
	rt := newMemory(t)
	x := newIndexer(t, rt, dir)
	if err := os.WriteFile(filepath.Join(dir, "b"), []byte("two and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := x.index(t.Context())
	if err != nil || r.Steps != 1 || r.Documents != 1 || !strings.Contains(r.failed["b"], "changed") {
		t.Fatalf("%+v (%v)", r, err)
	}
	if r := mustIndex(t, rt, dir); r.Execution != newFolder(dir).execution(2) || r.Steps != 2 || r.Documents != 2 {
		t.Errorf("the next run: %+v", r)
	}
}

func TestLostCollectionIsBuiltAgain(t *testing.T) {
	dir := writeFiles(t, someFiles(5))
	rt := newMemory(t)
	first := mustIndex(t, rt, dir)
	if err := rt.Tenant(tenant).Vectors.DeleteCollection(t.Context(), first.collection); err != nil {
		t.Fatal(err)
	}
	second := mustIndex(t, rt, dir)
	if second.Execution != newFolder(dir).execution(2) || second.Documents != first.Documents || second.Steps != 5 {
		t.Errorf("%+v, before: %+v", second, first)
	}
}

// A snapshot of a log that is gone must not be taken for one of the new log,
// although all event IDs are the same.
func TestSnapshotOfAnotherLogDecidesNothing(t *testing.T) {
	dir := writeFiles(t, someFiles(5))
	rt := newMemory(t)
	mustIndex(t, rt, dir)
	old, err := rt.Tenant(tenant).Rehydrate(t.Context(), newFolder(dir).execution(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file-001.txt"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	rt = newMemory(t)
	if err := rt.Tenant(tenant).State.SaveSnapshot(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	r := mustIndex(t, rt, dir)
	if r.Steps != 5 || r.ResumedFrom != 0 {
		t.Errorf("%+v", r)
	}
	if again := mustIndex(t, rt, dir); again.Execution != r.Execution || again.ResumedFrom != r.Events {
		t.Errorf("the next run: %+v, before: %+v", again, r)
	}
}

func TestMessagesOfPeopleAreLeftAlone(t *testing.T) {
	dir := writeFiles(t, someFiles(3))
	rt := newMemory(t)
	r := mustIndex(t, rt, dir)
	messages := rt.Tenant(tenant).Messages
	m, err := messages.GetMessage(t.Context(), enact.MessageID(string(r.Execution)+"/summary"))
	if err != nil || m.Role != enact.RoleAssistant || len(m.Parts) != 1 || m.Stats.Steps != 3 || m.Stats.ToolCalls != 12 {
		t.Fatalf("%+v (%v)", m, err)
	}
	m.Content = "Thank you."
	if _, err := messages.UpdateMessage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	mustIndex(t, rt, dir)
	if m, err = messages.GetMessage(t.Context(), m.ID); err != nil || m.Content != "Thank you." {
		t.Errorf("%+v (%v)", m, err)
	}
	if err := messages.DeleteThread(t.Context(), newFolder(dir).thread()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "new.txt"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := mustIndex(t, rt, dir); r.Steps != 4 {
		t.Errorf("%+v", r)
	}
}

func TestOfTwoProcessesOneGoesOn(t *testing.T) {
	dir := writeFiles(t, someFiles(30))
	reference := newMemory(t)
	want := mustIndex(t, reference, dir)
	rt := newMemory(t)
	const processes = 4
	errs := make([]error, processes)
	var wg sync.WaitGroup
	for i := range processes {
		x := newIndexer(t, rt, dir)
		wg.Go(func() { _, errs[i] = x.index(t.Context()) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !errors.Is(err, enact.ErrConflict) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a process that lost: %v", err)
		}
	}
	if done == 0 {
		t.Error("no process has finished")
	}
	got := mustIndex(t, rt, dir)
	got.ResumedFrom = 0
	if !reflect.DeepEqual(got, want) || contents(t, rt, dir) != contents(t, reference, dir) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A process that knows of an older end of the log does not take it for a changed
// file that another process has finished the step.
func TestProcessThatFellBehindIsStopped(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a": "one"})
	rt := newMemory(t)
	x := newIndexer(t, rt, dir)
	slow, slower := x.newJob(1), x.newJob(1)
	mustIndex(t, rt, dir)
	err := slow.work(t.Context())
	if !errors.Is(err, enact.ErrConflict) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
	// Nor does it remove what the other one has made, if the file is gone by now.
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := slower.work(t.Context()); !errors.Is(err, enact.ErrConflict) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
	if c, err := rt.Tenant(tenant).Vectors.GetCollection(t.Context(), x.folder.collection(1)); err != nil || c.Count != 1 {
		t.Errorf("%+v (%v)", c, err)
	}
}

func TestAuditCountsRepeatedSteps(t *testing.T) {
	rt := newMemory(t)
	events := rt.Tenant(tenant).Events
	completed := func(step string) enact.EventData {
		return enact.StepCompleted{Step: step, Output: raw(object{"chunks": 2})}
	}
	for i, c := range []struct {
		log  []enact.EventData
		want int
	}{
		{[]enact.EventData{enact.StepStarted{Step: "a"}, enact.StepStarted{Step: "a"}, completed("a")}, 0},
		{[]enact.EventData{enact.StepStarted{Step: "a"}, completed("a"), enact.StepStarted{Step: "b"}, completed("b")}, 0},
		{[]enact.EventData{completed("a"), enact.StepStarted{Step: "a"}, completed("a")}, 1},
		{[]enact.EventData{completed("a"), completed("a"), completed("b"), completed("b")}, 2},
		{[]enact.EventData{enact.StepFailed{Step: "a"}, enact.StepStarted{Step: "a"}}, 1},
	} {
		execution := enact.ExecutionID(fmt.Sprintf("e%d", i))
		if _, err := events.Append(t.Context(), execution, enact.ExpectLast(0), c.log...); err != nil {
			t.Fatal(err)
		}
		a, err := auditLog(t.Context(), events, execution)
		if err != nil || len(a.repeated) != c.want || a.events != uint64(len(c.log)) {
			t.Errorf("log %d: %d repeated of %d events, want %d (%v)", i, len(a.repeated), a.events, c.want, err)
		}
	}
}
