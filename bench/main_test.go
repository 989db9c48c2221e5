package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandLine(t *testing.T) {
	o, err := parse([]string{"-quick", "-json", "-dir", "x", "-points", "3,8"})
	if err != nil || !o.quick || !o.json || o.dir != "x" || len(o.points) != 2 || !o.points[3] || !o.points[8] {
		t.Errorf("the options are %+v, %v", o, err)
	}
	if o, err := parse(nil); err != nil || o.quick || o.json || len(o.points) != 0 {
		t.Errorf("without arguments the options are %+v, %v", o, err)
	}
	for _, bad := range []string{"-points=0", "-points=9", "-points=1,", "-points=one", "quick"} {
		if _, err := parse([]string{bad}); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: the error is %v, want one that says what is wrong", bad, err)
		}
	}
}

func TestEveryPointIsMeasuredAndNamed(t *testing.T) {
	measured := map[int]bool{}
	last := 0
	for _, p := range points {
		if p.number < last {
			t.Errorf("point %d comes after point %d, and would be in the table twice", p.number, last)
		}
		last = p.number
		measured[p.number] = true
	}
	for n := range titles {
		if !measured[n] {
			t.Errorf("point %d has a title and no measurement", n)
		}
		delete(measured, n)
	}
	if len(measured) > 0 || len(titles) != 8 {
		t.Errorf("points without a title: %v; there are %d titles, want 8", measured, len(titles))
	}
}

func TestSettings(t *testing.T) {
	if full := settingsFor(false); full.rounds < 5 || full.events != 1_000_000 || full.executions != 100_000 || full.threads != 100_000 {
		t.Errorf("a full run has %+v, want medians of five and what the goals name", full)
	}
	if quick := settingsFor(true); quick.rounds < 3 || quick.sample > 200*time.Millisecond || !quick.quick {
		t.Errorf("a quick run has %+v", quick)
	}
}

// What is cleaned up goes in the reverse order, at the end of its scope, also after
// an error, and the folder goes with the last.
func TestNothingIsLeftBehind(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", os.TempDir()) // restored after the test
	b, err := newBench(parent, settingsFor(true), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	note := func(name string) func() error { return func() error { order = append(order, name); return nil } }
	b.cleanup(note("outer"))
	broken := errors.New("broken")
	err = b.scope(func() error {
		b.cleanup(note("first"))
		b.cleanup(note("second"))
		return broken
	})
	if !errors.Is(err, broken) || strings.Join(order, " ") != "second first" {
		t.Errorf("a scope ends with %v after cleaning up %v, want the error and the second before the first", err, order)
	}
	path, err := b.newPath("file")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, parent) || os.TempDir() != b.folder {
		t.Errorf("files are in %s and servers in %s, want both in %s", path, os.TempDir(), parent)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(parent, "*")); len(left) > 0 || order[len(order)-1] != "outer" {
		t.Errorf("%v is left behind; cleaned up: %v", left, order)
	}
}

func TestDocumentsAreTheSameInEveryRun(t *testing.T) {
	one, other := makeDocuments(20), makeDocuments(20)
	for i := range one {
		if one[i].ID != other[i].ID || string(one[i].Metadata) != string(other[i].Metadata) || one[i].Embedding[dimension-1] != other[i].Embedding[dimension-1] {
			t.Fatalf("document %d is %v and %v", i, one[i].ID, other[i].ID)
		}
	}
	payload, again := randomBytes(64), randomBytes(64)
	query, queryAgain := makeQueries(2)[1], makeQueries(2)[1]
	if string(payload) != string(again) || !slices.Equal(query, queryAgain) {
		t.Error("random data differ between two runs")
	}
}
