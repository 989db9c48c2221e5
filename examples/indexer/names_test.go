package main

import (
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

func TestIdentifiersFitAndDiffer(t *testing.T) {
	deep := strings.Repeat("directory/", 40)
	paths := []string{"a", "a/b", "a#1", deep + "x", deep + "y", strings.Repeat("n", 200), strings.Repeat("n", 201), "\xff", "\xfe", "ü/" + strings.Repeat("ü", 120)}
	kinds := []string{"started", "read-started", "read-completed", "chunk-started", "chunk-completed", "embed-started", "embed-completed", "upsert-started", "upsert-completed", "discard-started", "discard-completed", "completed", "failed"}
	events := map[string]string{string(eventStarted): "", string(eventCompleted): "", string(eventCancelled): ""}
	documents := map[string]string{}
	check := func(seen map[string]string, id, path string) {
		t.Helper()
		if err := driver.ValidateID("ID", id); err != nil {
			t.Errorf("%q: %v", path, err)
		}
		if other, known := seen[id]; known {
			t.Errorf("%q and %q share the ID %q", path, other, id)
		}
		seen[id] = path
	}
	for _, path := range paths {
		f := file{path: path}
		check(events, string(f.discovery()), path)
		for _, kind := range kinds {
			check(events, string(f.event(kind)), path)
		}
		for _, line := range []int{1, 33, maxFileBytes} {
			check(documents, f.document(line), path)
		}
	}
}

func TestRunOf(t *testing.T) {
	f := newFolder("/some/where")
	for _, run := range []int{1, 2, 10, 12345} {
		if got := f.runOf(f.collection(run)); got != run {
			t.Errorf("run %d is taken for %d", run, got)
		}
	}
	other := newFolder("/else/where")
	for _, name := range []string{"", other.collection(1), "index-" + f.hash, f.collection(1) + "x", "index-" + f.hash + "-01", f.collection(-1)} {
		if got := f.runOf(name); name != f.collection(-1) && got != 0 {
			t.Errorf("%q is taken for run %d", name, got)
		}
	}
}
