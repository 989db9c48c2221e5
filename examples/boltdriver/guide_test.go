package boltdriver

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The guide shows code of this folder: what stands in a block that begins with
// ```go and a file name is in that file, word for word. A line "// …" in the block
// stands for anything.
func TestGuideShowsThisCode(t *testing.T) {
	guide, err := os.ReadFile("../../docs/writing-a-driver.md")
	check(t, err)
	blocks := regexp.MustCompile("(?ms)^```go (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(guide), -1)
	if len(blocks) == 0 {
		t.Fatal("the guide shows no file of this folder")
	}
	elided := regexp.MustCompile(`(?m)^\s*// …\n`)
	for _, block := range blocks {
		file, err := os.ReadFile(block[1])
		check(t, err)
		rest := string(file)
		for _, excerpt := range elided.Split(block[2], -1) {
			_, after, found := strings.Cut(rest, excerpt)
			if !found {
				t.Errorf("%s does not contain, or not in this order:\n%s", block[1], excerpt)
				break
			}
			rest = after
		}
	}
}
