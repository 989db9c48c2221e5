package main

import (
	"fmt"
	"strings"
	"testing"
)

// numberedLines is a text of n lines that say which they are.
func numberedLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d\n", i+1)
	}
	return b.String()
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // the first and last lines of all chunks
	}{
		{"empty", "", ""},
		{"blank", " \n\t\n\n", ""},
		{"one line", "a", "1-1"},
		{"one line, ended", "a\n", "1-1"},
		{"exactly one chunk", numberedLines(40), "1-40"},
		{"one line more", numberedLines(41), "1-40 33-41"},
		{"exactly two", numberedLines(72), "1-40 33-72"},
		{"three", numberedLines(73), "1-40 33-72 65-73"},
		{"a blank chunk in the middle", "a\n" + strings.Repeat("\n", 80) + "b", "1-40 65-82"},
	} {
		var got []string
		for _, piece := range split(c.text) {
			got = append(got, fmt.Sprintf("%d-%d", piece.first, piece.last))
			if lines := strings.Count(piece.text, "\n") + 1; lines != piece.last-piece.first+1 {
				t.Errorf("%s: chunk %d-%d has %d lines", c.name, piece.first, piece.last, lines)
			}
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: chunks %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSplitLosesNothing(t *testing.T) {
	text := numberedLines(500)
	lines := strings.Split(text, "\n")
	seen := 0
	for _, c := range split(text) {
		if want := strings.Join(lines[c.first-1:c.last], "\n"); c.text != want {
			t.Fatalf("chunk %d-%d is %q", c.first, c.last, c.text)
		}
		if c.first > seen+1 {
			t.Fatalf("lines %d to %d are in no chunk", seen+1, c.first-1)
		}
		seen = c.last
	}
	if seen != 500 {
		t.Fatalf("the last chunk ends at line %d", seen)
	}
}
