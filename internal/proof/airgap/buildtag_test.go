package airgap

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// withTag are the arguments of the go command.
var withTag = []string{"-tags", "enact_airgapped"}

// admits is withTag for a program that takes drivers of a package as well.
func admits(packages string) []string {
	return append(slices.Clone(withTag), "-ldflags", "-X github.com/enactdev/enact.airGappedDrivers="+packages)
}

// build builds a program and returns what the go command says if that fails.
func build(t *testing.T, source string, flags ...string) (program, complaint string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "program.exe")
	out, err := exec.Command("go", slices.Concat([]string{"build", "-o", program}, flags, []string{source})...).CombinedOutput()
	if err != nil {
		return "", string(out)
	}
	return program, ""
}

// run builds a program and returns what it prints.
func run(t *testing.T, source string, flags ...string) string {
	t.Helper()
	program, complaint := build(t, source, flags...)
	if complaint != "" {
		t.Fatalf("%s is not built: %s", source, complaint)
	}
	out, _ := exec.Command(program).CombinedOutput() // an error is printed too
	return string(out)
}

func wantWords(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: %q, want it to contain %q", what, text, word)
		}
	}
}

// TestTagSwitchesTheModeOn: a program with the tag is air-gapped although it does not
// ask for it, and takes no connector of somebody else, unless the build names the
// package.
func TestTagSwitchesTheModeOn(t *testing.T) {
	const source, refused = "./testdata/embedded", "refused in air-gapped mode"
	wantWords(t, "without the tag", run(t, source), "appended 1 <nil>", "\nair-gapped: false", "air-gapped: false}", "it was connected")
	wantWords(t, "with the tag", run(t, source, withTag...), "appended 1 <nil>", "\nair-gapped: true", "air-gapped: true}", refused, `package "main"`)
	wantWords(t, "with the tag and its package", run(t, source, admits("main")...), "\nair-gapped: true", "it was connected")
}

// TestTagRefusesForeignDrivers: with the tag a driver of another module cannot be
// registered, also not by the scheme of an embedded one, unless the build names its
// package.
func TestTagRefusesForeignDrivers(t *testing.T) {
	const source, refused = "./testdata/liar", `panic: enact: Register of scheme "sqlite": refused in air-gapped mode`
	wantWords(t, "without the tag", run(t, source), "registered [sqlite]")
	wantWords(t, "with the tag", run(t, source, withTag...), refused, `of package "main"`, "airGappedDrivers=main")
	wantWords(t, "with the tag and an empty list", run(t, source, admits("")...), refused)
	wantWords(t, "with the tag and other packages", run(t, source, admits("sqlite,example.com/main")...), refused)
	wantWords(t, "with the tag and its package", run(t, source, admits("example.com/bolt,main")...), "registered [sqlite]")
}

// TestTagRefusesNetworkDrivers: with the tag every driver of this module compiles that
// is embedded, and no other. The compiler says why.
func TestTagRefusesNetworkDrivers(t *testing.T) {
	embedded := []string{"memory", "sqlite"}
	out, err := exec.Command("go", "list", "../../../drivers/...").Output()
	testkit.Check(t, err)
	for _, driver := range strings.Fields(string(out)) {
		name := path.Base(driver)
		source := filepath.Join(t.TempDir(), "main.go")
		testkit.Check(t, os.WriteFile(source, []byte("package main\n\nimport _ \""+driver+"\"\n\nfunc main() {}\n"), 0o600))
		switch _, complaint := build(t, source, withTag...); {
		case !slices.Contains(embedded, name):
			wantWords(t, name, complaint, filepath.Join("drivers", name, "airgapped.go"), "needs_a_network", "enact_airgapped")
		case complaint != "":
			t.Errorf("%s does not compile with the tag: %s", name, complaint)
		}
	}
}

// TestTagIsSilent: what compiles with the tag has nothing that go vet finds.
func TestTagIsSilent(t *testing.T) {
	packages := []string{"../../..", "../../../driver", "../../../drivers/memory", "../../../drivers/sqlite", "../../../drivertest", "./testdata/embedded", "./testdata/liar"}
	if out, err := exec.Command("go", slices.Concat([]string{"vet"}, withTag, packages)...).CombinedOutput(); err != nil {
		t.Errorf("go vet with the tag: %s", out)
	}
}
