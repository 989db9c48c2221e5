package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// runs is one run of the program in this process.
func runs(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestBadUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{}, {"-ask", "words"}, {"-dir", dir, "more"}, {"-dir", dir, "-crash-after", "-1"},
		{"-dir", dir, "-crash-after", "x"}, {"-dir", dir, "-ask", "?!"}, {"-unknown"},
	} {
		if code, out, errs := runs(t, args...); code != exitUsage || out != "" || errs == "" {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
	if code, _, errs := runs(t, "-ask", "words"); code != exitUsage || !strings.Contains(errs, "-dir") {
		t.Errorf("without a directory: exit code %d, stderr %q", code, errs)
	}
	if code, _, _ := runs(t, "-help"); code != exitOK {
		t.Errorf("-help: exit code %d", code)
	}
}

func TestFailureIsOneLine(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"-dir", filepath.Join(dir, "missing"), "-store", "memory:"},
		{"-dir", dir, "-store", "nosuch://host"},
		{"-dir", dir, "-store", "memory:", "-vectors", "sqlite:" + filepath.Join(dir, "missing", "x.db")},
	} {
		code, out, errs := runs(t, append(args, "-json")...)
		if code != exitFailure || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "indexer: ") {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

func TestOutput(t *testing.T) {
	dir := writeFiles(t, map[string]string{"ip.txt": "How to parse an IP address.\n", "b.txt": "Something else <entirely>.\n"})
	store := "sqlite:" + filepath.Join(dir, "index.db") // inside: it must not index itself
	code, out, errs := runs(t, "-dir", dir, "-store", store, "-air-gapped", "-ask", "parse IP")
	if code != exitOK || errs != "" || !strings.Contains(out, "ip.txt:1\n") || !strings.Contains(out, "How to parse an IP address.") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	code, out, errs = runs(t, "-dir", dir, "-store", store, "-json", "-ask", "something else")
	var got struct {
		Execution   string
		Events      uint64
		Steps       int
		ResumedFrom uint64 `json:"resumed_from"`
		Repeated    *int
		Documents   int
		Hits        []struct {
			Score      float64
			File, Text string
			Line       int
		}
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || strings.Count(out, "\n") != 1 || code != exitOK {
		t.Fatalf("exit code %d, stdout %q: %v", code, out, err)
	}
	if got.Steps != 2 || got.Documents != 2 || got.ResumedFrom != got.Events || got.Repeated == nil || *got.Repeated != 0 || !strings.HasSuffix(got.Execution, "-1") {
		t.Errorf("%+v", got)
	}
	if len(got.Hits) != 2 || got.Hits[0].File != "b.txt" || got.Hits[0].Line != 1 || got.Hits[0].Text != "Something else <entirely>." {
		t.Errorf("hits %+v", got.Hits)
	}
	if !strings.Contains(errs, "up to date") {
		t.Errorf("stderr %q", errs)
	}
	if _, out, _ = runs(t, "-dir", dir, "-store", store, "-json"); !strings.Contains(out, `"hits":[]`) {
		t.Errorf("stdout without a question: %q", out)
	}
}
