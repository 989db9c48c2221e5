package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

func TestWordsOf(t *testing.T) {
	for identifier, want := range map[string]string{
		"word":          "word",
		"parseIP":       "parse ip",
		"ParseIPv4Addr": "parse ip v4 addr",
		"HTTPServer":    "http server",
		"max_idle_2":    "max idle 2",
		"__x__":         "x",
		"URLs":          "url s",
		"naïveÄnderung": "naïve änderung",
		"ABC":           "abc",
		"_":             "",
	} {
		if got := strings.Join(wordsOf(identifier), " "); got != want {
			t.Errorf("wordsOf(%q) is %q, want %q", identifier, got, want)
		}
	}
}

func TestEmbeddingIsAUnitVectorAndTheSameEachTime(t *testing.T) {
	for _, text := range []string{"", " \n", "{}();", "日本語", "a", "func ParseIP(s string) IP {", numberedLines(40), "\xff\xfe"} {
		e := embed(text)
		if len(e) != dimension {
			t.Fatalf("%q: %d dimensions", text, len(e))
		}
		sum := 0.0
		for _, x := range e {
			sum += float64(x) * float64(x)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("%q: the length is %v", text, math.Sqrt(sum))
		}
		for range 20 {
			if !slices.Equal(e, embed(text)) {
				t.Fatalf("%q: two embeddings differ", text)
			}
		}
	}
}

func TestSimilarTextsAreNearer(t *testing.T) {
	question := embed("parse an IP address")
	texts := []string{ // nearest first
		"// ParseIP parses s as an IP address, returning the result.\nfunc ParseIP(s string) IP {",
		"func (d *Decoder) parseHeader(line string) (Address, error) {",
		"// Shutdown waits until all connections are idle.\nfunc (s *Server) Shutdown() error {",
	}
	last := math.Inf(1)
	for _, text := range texts {
		score := driver.Score(driver.Cosine, question, embed(text))
		if score >= last {
			t.Errorf("%q has score %v, the text before it %v", text, score, last)
		}
		last = score
	}
}

func TestExcerptBeginsWithWhatWasAskedFor(t *testing.T) {
	text := "package net\n\nimport \"fmt\"\n\nvar x = 1\n\n// ParseIP parses an IP address.\nfunc ParseIP(s string) IP {\n\treturn nil\n}\n"
	got := excerptOf(text, 100, "parse an IP address")
	if len(got) != excerptLines || got[0] != (numbered{106, "// ParseIP parses an IP address."}) {
		t.Errorf("the excerpt is %v", got)
	}
	if got := excerptOf("\n\nonly\n", 1, "words"); len(got) != 1 || got[0] != (numbered{3, "only"}) {
		t.Errorf("the excerpt of one line is %v", got)
	}
}
