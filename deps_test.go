package enact_test

import (
	"os/exec"
	"strings"
	"testing"
)

// dependencies lists what a program that imports the packages links, without the
// standard library.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, packages...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	list := strings.Fields(string(out))
	if len(list) == 0 {
		t.Fatal("go list found nothing")
	}
	return list
}

// A program links the drivers that it imports and no other, and nothing that only
// tests need.
func TestDriversAreLinkedOnlyWhenImported(t *testing.T) {
	engines := map[string]string{
		"memory":   "enact/internal/reference",
		"sqlite":   "modernc.org/sqlite",
		"postgres": "jackc/pgx",
		"redis":    "redis/go-redis",
		"weaviate": "weaviate/weaviate",
	}
	for name := range engines {
		for _, path := range dependencies(t, ".", "./drivers/"+name) {
			for other, engine := range engines {
				if other != name && (strings.Contains(path, engine) || strings.HasSuffix(path, "enact/drivers/"+other)) {
					t.Errorf("a program with %s alone links %s", name, path)
				}
			}
			for _, foreign := range []string{"enact/drivertest", "enact/internal/testserver", "schollz/", "staticcheck"} {
				if strings.Contains(path, foreign) {
					t.Errorf("a program with %s links %s", name, path)
				}
			}
		}
	}
}

// Imports point one way: drivers to enact to driver, which needs nothing.
func TestImportsPointOneWay(t *testing.T) {
	for _, path := range dependencies(t, "./driver") {
		if path != "github.com/enactdev/enact/driver" {
			t.Errorf("package driver imports %s; it may import the standard library only", path)
		}
	}
	for _, path := range dependencies(t, "./drivertest") {
		switch path {
		case "github.com/enactdev/enact/driver", "github.com/enactdev/enact/internal/reference", "github.com/enactdev/enact/drivertest":
		default:
			t.Errorf("package drivertest imports %s; it may import the standard library and package driver only, and the reference, which is as lean", path)
		}
	}
	for _, path := range dependencies(t, ".") {
		if strings.Contains(path, "enact/drivers/") || strings.Contains(path, "modernc.org") || strings.Contains(path, "jackc/") || strings.Contains(path, "go-redis") || strings.Contains(path, "weaviate") {
			t.Errorf("package enact imports %s; it may import no driver", path)
		}
	}
}
