package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivers/memory"
)

// writeFiles fills a new directory with files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// someFiles makes n text files of different lengths, some in a folder, one blank.
func someFiles(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		var text strings.Builder
		for line := range i % 7 * 20 {
			fmt.Fprintf(&text, "file %d says on line %d: word%d word%d\n", i, line, i*line, line)
		}
		name := fmt.Sprintf("file-%03d.txt", i)
		if i%3 == 0 {
			name = "folder/" + name
		}
		files[name] = text.String()
	}
	return files
}

// openMemory opens all roles on one backend in memory, which lives as long as the
// test.
func openMemory(t *testing.T, connector driver.Connector) *enact.Runtime {
	t.Helper()
	rt, err := enact.Open(t.Context(), enact.Config{Connectors: enact.Connectors{
		Events: connector, State: connector, Messages: connector, Vectors: connector,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return rt
}

func newMemory(t *testing.T) *enact.Runtime { return openMemory(t, memory.NewConnector("")) }

// newIndexer is what a new process would make.
func newIndexer(t *testing.T, rt *enact.Runtime, dir string) *indexer {
	t.Helper()
	files, err := walk(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &indexer{
		tenant: rt.Tenant(tenant), folder: newFolder(dir), files: files,
		notes: io.Discard, warnings: io.Discard, progress: newProgress(io.Discard),
	}
}

// mustIndex runs a process of which nothing is expected to fail.
func mustIndex(t *testing.T, rt *enact.Runtime, dir string) report {
	t.Helper()
	r, err := newIndexer(t, rt, dir).index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// contents is everything in the stores that must not depend on crashes, as text.
func contents(t *testing.T, rt *enact.Runtime, dir string) string {
	t.Helper()
	var b strings.Builder
	f, local := newFolder(dir), rt.Tenant(tenant)
	for run := 1; ; run++ {
		known := false
		for e, err := range local.Events.Load(t.Context(), f.execution(run), 0) {
			if err != nil {
				t.Fatal(err)
			}
			known = true
			payload := map[string]any{}
			if err := json.Unmarshal(e.Payload, &payload); err != nil {
				t.Fatal(err)
			}
			delete(payload, "duration_ns")
			fmt.Fprintln(&b, run, e.Sequence, e.ID, e.Data.EventType(), payload)
		}
		if !known {
			break
		}
	}
	messages, _, err := local.Messages.ListMessages(t.Context(), enact.MessageQuery{Thread: f.thread()})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		fmt.Fprintln(&b, m.ID, m.Execution, m.Role, m.Version, m.Content, m.Stats)
	}
	for collection, err := range enact.All(t.Context(), local.Vectors.ListCollections) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, collection)
		found, err := local.Vectors.Search(t.Context(), collection.Name, enact.Query{
			Embedding: embed(""), Limit: 10_000, Fields: enact.Fields{Content: true, Metadata: true, Embedding: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range found.Matches {
			fmt.Fprintln(&b, match.ID, match.Content, string(match.Metadata), match.Embedding)
		}
	}
	return b.String()
}
