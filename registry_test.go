package enact

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// R1: what cannot be meant panics, at start-up, where it is seen.
func TestR1RegisterPanics(t *testing.T) {
	for name, register := range map[string]func(*registry){
		"nil driver":   func(r *registry) { r.add("fake", nil) },
		"no scheme":    func(r *registry) { r.add("", &fakeDriver{}) },
		"upper case":   func(r *registry) { r.add("Fake", &fakeDriver{}) },
		"digit first":  func(r *registry) { r.add("1fake", &fakeDriver{}) },
		"colon":        func(r *registry) { r.add("fake:", &fakeDriver{}) },
		"space":        func(r *registry) { r.add("fa ke", &fakeDriver{}) },
		"twice":        func(r *registry) { r.add("a", &fakeDriver{}); r.add("a", &fakeDriver{}) },
		"non-ASCII":    func(r *registry) { r.add("fäke", &fakeDriver{}) },
		"trailing new": func(r *registry) { r.add("fake\n", &fakeDriver{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was registered; it should have panicked")
				}
			}()
			register(new(registry))
		})
	}
}

// R1: the list is sorted.
func TestR1SchemesAreSorted(t *testing.T) {
	var r registry
	for _, scheme := range []string{"zeta", "a+b", "alpha", "a-b", "a.1"} {
		r.add(scheme, &fakeDriver{})
	}
	if got := r.schemes(); len(got) != 5 || !slices.IsSorted(got) {
		t.Errorf("schemes are %q; they should be sorted", got)
	}
}

// R2: an unknown scheme says what there is and what is missing.
func TestR2UnknownScheme(t *testing.T) {
	var r registry
	r.add("zeta", &fakeDriver{})
	r.add("alpha", &fakeDriver{})
	for dsn, want := range map[string][]string{
		"postgres://u:canary@h/db": {"alpha, zeta", "github.com/enactdev/enact/drivers/postgres", `"postgres"`},
		"REDISS://u:canary@h":      {"alpha, zeta", "github.com/enactdev/enact/drivers/redis"},
		"mongo://u:canary@h":       {"alpha, zeta", `"mongo"`, "import"},
		"no scheme canary":         {"no scheme", "sqlite:///"},
		"/canary/path":             {"no scheme"},
		"":                         {"no scheme"},
	} {
		_, err := r.connector(dsn)
		if !errors.Is(err, driver.ErrInvalid) {
			t.Errorf("DSN %q: error %v; it should match ErrInvalid", dsn, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("DSN %q: error %q does not say %q", dsn, err, part)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("DSN %q: error %q shows what may be secret", dsn, err)
		}
	}
}

func TestSchemesIgnoreCase(t *testing.T) {
	var r registry
	r.add("fake", &fakeDriver{})
	if _, err := r.connector("FAKE:x"); err != nil {
		t.Errorf("upper-case scheme: %v", err)
	}
}
