package enact_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guarantees is the page that says how each rule of the contract is kept and tested.
const guarantees = "docs/guarantees.md"

func page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rules are the numbers that a page's lines begin with, as in "- **B1".
func rules(text, begin string) (numbers []string) {
	for _, found := range regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(begin)+`([BESMVR][0-9]+)\b`).FindAllStringSubmatch(text, -1) {
		numbers = append(numbers, found[1])
	}
	return numbers
}

// TestGuaranteesCoverTheContract: the page has every rule, in the contract's order,
// once.
func TestGuaranteesCoverTheContract(t *testing.T) {
	want := rules(page(t, "docs/contract.md"), "- **")
	if len(want) < 40 {
		t.Fatalf("the contract has the rules %q only: they are not read right", want)
	}
	if got := rules(page(t, guarantees), "### "); !slices.Equal(got, want) {
		t.Errorf("%s has the rules\n%q\nand the contract\n%q", guarantees, got, want)
	}
}

// TestGuaranteesNameWhatExists: each test, fuzz target, file and folder that the page
// names is there.
func TestGuaranteesNameWhatExists(t *testing.T) {
	text := page(t, guarantees)
	declared := declaredTests(t)
	names := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(text, -1)
	for _, name := range names {
		if !declared[name] {
			t.Errorf("%s names %s, which no test file declares", guarantees, name)
		}
	}
	paths := regexp.MustCompile("`\\.?/?((?:cmd|docs|driver|drivers|drivertest|examples|internal|scripts)(?:/[\\w./-]+)?)`").FindAllStringSubmatch(text, -1)
	for _, found := range paths {
		if _, err := os.Stat(filepath.FromSlash(found[1])); err != nil {
			t.Errorf("%s names %s: %v", guarantees, found[1], err)
		}
	}
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1)
	for _, found := range links {
		if _, err := os.Stat(filepath.Join("docs", filepath.FromSlash(found[1]))); err != nil {
			t.Errorf("%s links %s: %v", guarantees, found[1], err)
		}
	}
	if len(names) < 30 || len(paths) < 10 || len(links) == 0 {
		t.Errorf("%s names %d tests, %d paths and %d links: they are not read right", guarantees, len(names), len(paths), len(links))
	}
}

// declaredTests are the tests and fuzz targets of this module.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range declaration.FindAllStringSubmatch(string(text), -1) {
			declared[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}
