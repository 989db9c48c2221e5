package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestDSNOpensTheFileMeant opens every DSN in an empty folder and looks which file
// is there afterwards. HERE stands for that folder.
func TestDSNOpensTheFileMeant(t *testing.T) {
	for _, test := range []struct{ dsn, want string }{
		{"sqlite://HERE/a.db", "a.db"},
		{"sqlite:HERE/a.db", "a.db"},
		{"sqlite:///HERE/a.db", "a.db"},
		{"sqlite:a.db", "a.db"},
		{"sqlite://a.db", "a.db"},
		{"sqlite:./a.db", "a.db"},
		{"sqlite:sub/a.db", "sub/a.db"},
		{"sqlite://sub/a.db", "sub/a.db"},
		{"sqlite:sub/../a.db", "a.db"},
		{"sqlite:sub%2Fa.db", "sub/a.db"},
		{"SQLITE:a.db", "a.db"},
		{"SqLite://HERE/A.db", "A.db"},
		{"sqlite:a", "a"},
		{"sqlite:.a", ".a"},
		{"sqlite:my data.db", "my data.db"},
		{"sqlite:my%20data.db", "my data.db"},
		{"sqlite: ", " "},
		{"sqlite:what%3F.db", "what?.db"},
		{"sqlite:what%3Freaders=2", "what?readers=2"},
		{"sqlite:100%25.db", "100%.db"},
		{"sqlite:%2541.db", "%41.db"},
		{"sqlite:a#b.db", "a#b.db"},
		{"sqlite:a%23b.db", "a#b.db"},
		{"sqlite:#.db?readers=2", "#.db"},
		{"sqlite:a+b.db", "a+b.db"},
		{"sqlite:a%2Bb.db", "a+b.db"},
		{"sqlite:a&readers=2;b.db", "a&readers=2;b.db"},
		{"sqlite:user:word@host", "user:word@host"},
		{"sqlite:file:a.db", "file:a.db"},
		{"sqlite:./:memory:", ":memory:"},
		{"sqlite::MEMORY:", ":MEMORY:"},
		{`sqlite:it's "quoted" \.db`, `it's "quoted" \.db`},
		{"sqlite:a\nb.db", "a\nb.db"},
		{"sqlite:données.db", "données.db"},
		{"sqlite:donn%C3%A9es.db", "données.db"},
		{"sqlite:%ff.db", "\xff.db"},
		{"sqlite:a.db?", "a.db"},
		{"sqlite:a.db?readers=1&lock_wait=1s&sweep_interval=1m", "a.db"},
		{"sqlite:a.db?rea%64ers=1", "a.db"},
	} {
		t.Run(test.dsn, func(t *testing.T) {
			folder := t.TempDir()
			testkit.Check(t, os.Mkdir(filepath.Join(folder, "sub"), 0o700))
			t.Chdir(folder)
			dsn := strings.ReplaceAll(test.dsn, "HERE", folder)
			b := open(t, dsn)
			testkit.Must(b.Tenant("t").State.Set(t.Context(), "key", []byte(test.want), driver.SetOptions{}))(t)
			shutdown(t, b)

			files := contents(t, folder)
			delete(files, "sub/")
			if _, there := files[test.want]; !there || len(files) != 1 {
				t.Errorf("%q made the files %q, want %q alone", dsn, keys(files), test.want)
			}
			db := outside(t, filepath.Join(folder, test.want))
			if got := valueOf[string](t, db, "SELECT CAST(value AS TEXT) FROM state"); got != test.want {
				t.Errorf("the file %q holds the key with %q, want %q", test.want, got, test.want)
			}
		})
	}
}

func keys(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestDSNIsRelativeToTheFolderAtOpening: what is relative is fixed at opening, not
// moved along when the process changes its folder.
func TestDSNIsRelativeToTheFolderAtOpening(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	s := open(t, "sqlite:a.db")
	t.Chdir(second)
	testkit.Must(s.Tenant("t").State.Set(t.Context(), "key", []byte("value"), driver.SetOptions{}))(t)
	wantValue(t, s.Tenant("t").State, "key", "value") // by a connection made now
	testkit.Check(t, s.HealthCheck(t.Context()))
	if names := namesIn(t, second); len(names) > 0 {
		t.Errorf("after changing the working folder %q appeared in the new one, want nothing", names)
	}
}

func TestDSNInMemory(t *testing.T) {
	for _, dsn := range []string{"sqlite::memory:", "sqlite://:memory:", "sqlite:%3Amemory%3A", "SQLITE::memory:?sweep_interval=1m&lock_wait=1s&readers=3"} {
		t.Run(dsn, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			b, other := open(t, dsn), open(t, dsn)
			testkit.Must(b.Tenant("t").State.Set(t.Context(), "key", []byte("value"), driver.SetOptions{}))(t)
			wantValue(t, b.Tenant("t").State, "key", "value")
			testkit.Check(t, b.HealthCheck(t.Context()))
			_, err := other.Tenant("t").State.Get(t.Context(), "key")
			testkit.WantError(t, "Get from another database in memory", err, driver.ErrNotFound)
			shutdown(t, b)
			if names := namesIn(t, folder); len(names) > 0 {
				t.Errorf("%q made the files %q, want none", dsn, names)
			}
		})
	}
}

func TestDSNParameters(t *testing.T) {
	defaults := connector{path: "a.db", lockWait: 30 * time.Second, sweepInterval: 30 * time.Second, readers: 4}
	with := func(change func(*connector)) connector {
		c := defaults
		change(&c)
		return c
	}
	for query, want := range map[string]connector{
		"":                       defaults,
		"?":                      defaults,
		"?readers=1":             with(func(c *connector) { c.readers = 1 }),
		"?readers=64":            with(func(c *connector) { c.readers = 64 }),
		"?lock_wait=500ms":       with(func(c *connector) { c.lockWait = 500 * time.Millisecond }),
		"?lock_wait=1h2m":        with(func(c *connector) { c.lockWait = 62 * time.Minute }),
		"?sweep_interval=1ns":    with(func(c *connector) { c.sweepInterval = 1 }),
		"?sweep_interval=1%2e5s": with(func(c *connector) { c.sweepInterval = 1500 * time.Millisecond }),
		"?readers=2&lock_wait=1s&sweep_interval=2s": {path: "a.db", readers: 2, lockWait: time.Second, sweepInterval: 2 * time.Second},
	} {
		c, err := parseDSN("sqlite:a.db" + query)
		if err != nil || *c != want {
			t.Errorf("%q was parsed as %+v, %v, want %+v", query, c, err, want)
		}
	}
}

// TestDSNRefused: a DSN that is malformed is ErrInvalid, says what is wrong, and
// touches nothing (B1, B11).
func TestDSNRefused(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for dsn, word := range map[string]string{
		"":                                   "sqlite:///path/to/file.db",
		"sqlite":                             "sqlite:///path/to/file.db",
		"a.db":                               "must begin with sqlite:",
		"/a.db":                              "must begin with sqlite:",
		"sqlit:a.db":                         "must begin with sqlite:",
		" sqlite:a.db":                       "must begin with sqlite:",
		"sqlite3:a.db":                       "must begin with sqlite:",
		"postgres://host/db":                 "must begin with sqlite:",
		"sqlite:":                            "no path",
		"sqlite://":                          "no path",
		"sqlite:?readers=2":                  "no path",
		"sqlite://?readers=2":                "no path",
		"sqlite:a%":                          "%25",
		"sqlite:a%2.db":                      "%25",
		"sqlite:a%zz.db":                     "%25",
		"sqlite:100%.db":                     "%25",
		"sqlite:a%00.db":                     "NUL",
		"sqlite:a\x00.db":                    "NUL",
		"sqlite:a.db?%zz=1":                  "parameters",
		"sqlite:a.db?readers=%":              "parameters",
		"sqlite:a.db?readers=1;lock_wait=1s": "parameters",

		"sqlite:a.db?mode=ro":                   `"mode"`,
		"sqlite:a.db?cache=shared":              `"cache"`,
		"sqlite:a.db?immutable=1":               `"immutable"`,
		"sqlite:a.db?nolock=1":                  `"nolock"`,
		"sqlite:a.db?vfs=unix-none":             `"vfs"`,
		"sqlite:a.db?_pragma=synchronous(OFF)":  `"_pragma"`,
		"sqlite:a.db?_defensive=0":              `"_defensive"`,
		"sqlite:a.db?synchronous=off":           `"synchronous"`,
		"sqlite:a.db?Readers=2":                 `"Readers"`,
		"sqlite:a.db?readers%20=2":              `"readers "`,
		"sqlite:a.db?reader=2":                  `"reader"`,
		"sqlite:a.db?=2":                        `""`,
		"sqlite:a.db?x":                         `"x"`,
		"sqlite:a.db?readers=2&x=1":             `"x"`,
		"sqlite::memory:?cache=shared":          `"cache"`,
		"sqlite:a.db?readers=2?lock_wait=1s":    "readers",
		"sqlite:a.db?readers=1&readers=1":       `"readers" occurs 2 times`,
		"sqlite:a.db?readers=1&rea%64ers=2":     `"readers" occurs 2 times`,
		"sqlite:a.db?lock_wait=1s&lock_wait=2s": `"lock_wait" occurs 2 times`,
		"sqlite:a.db?x=1&x=2&x=3":               `"x" occurs 3 times`,

		"sqlite:a.db?readers":                      "readers",
		"sqlite:a.db?readers=":                     "readers",
		"sqlite:a.db?readers=0":                    "readers",
		"sqlite:a.db?readers=-1":                   "readers",
		"sqlite:a.db?readers=65":                   "1 to 64",
		"sqlite:a.db?readers=1.5":                  "readers",
		"sqlite:a.db?readers=%201":                 "readers",
		"sqlite:a.db?readers=many":                 "readers",
		"sqlite:a.db?readers=99999999999999999999": "readers",
		"sqlite:a.db?lock_wait=":                   "lock_wait",
		"sqlite:a.db?lock_wait=0":                  "lock_wait",
		"sqlite:a.db?lock_wait=0s":                 "lock_wait",
		"sqlite:a.db?lock_wait=-1s":                "lock_wait",
		"sqlite:a.db?lock_wait=30":                 "30s or 500ms",
		"sqlite:a.db?lock_wait=forever":            "lock_wait",
		"sqlite:a.db?sweep_interval=0":             "sweep_interval",
		"sqlite:a.db?sweep_interval=-1":            "sweep_interval",
		"sqlite:a.db?sweep_interval=never":         "sweep_interval",
	} {
		c, err := sqliteDriver{}.OpenConnector(dsn)
		if c != nil {
			t.Errorf("%q gave a connector, want none (B1)", dsn)
		}
		testkit.WantError(t, dsn, err, driver.ErrInvalid, "sqlite", word)
	}
	if names := namesIn(t, folder); len(names) > 0 {
		t.Errorf("parsing made the files %q, want none (B1)", names)
	}
}

// TestDSNParsingDoesNoIO parses a relative path where there is no folder any more
// to be relative to, and paths that cannot be used.
func TestDSNParsingDoesNoIO(t *testing.T) {
	parent := t.TempDir()
	gone := filepath.Join(parent, "gone")
	testkit.Check(t, os.Mkdir(gone, 0o700))
	t.Chdir(gone)
	testkit.Check(t, os.Remove(gone))
	for _, dsn := range []string{"sqlite:a.db", "sqlite:/no/such/folder/a.db", "sqlite:" + parent, "sqlite:/dev/null", "sqlite:sub/../../a.db"} {
		if c, err := (sqliteDriver{}).OpenConnector(dsn); c == nil || err != nil {
			t.Errorf("parsing %q in a folder that is gone gave %v, %v, want a connector (B1: parsing does no I/O)", dsn, c, err)
		}
	}
	if names := namesIn(t, parent); len(names) > 0 {
		t.Errorf("parsing made the files %q, want none (B1)", names)
	}
}

// TestDSNDescribesTheBackend: what the policy asks is known after parsing, and
// stays so (B2).
func TestDSNDescribesTheBackend(t *testing.T) {
	for _, dsn := range []string{"sqlite::memory:", dsnFor(newFile(t))} {
		c := testkit.Must(sqliteDriver{}.OpenConnector(dsn))(t)
		for what, d := range map[string]driver.Descriptor{"connector": c, "backend": open(t, dsn)} {
			if d.Name() != "sqlite" || d.RequiresNetwork() || !d.SupportsAirGapped() {
				t.Errorf("the %s of %q calls itself %q, network %t, air-gapped %t, want \"sqlite\", false, true (B2)", what, dsn, d.Name(), d.RequiresNetwork(), d.SupportsAirGapped())
			}
		}
	}
}

// TestDSNSecretsAreNotPrinted: what looks like a password in a DSN of this scheme
// is in no error (B10).
func TestDSNSecretsAreNotPrinted(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dsn := range []string{
		"sqlite://user:hunter2@host/a.db", // not a folder that exists
		"sqlite:a.db?password=hunter2",
		"sqlite:a.db?readers=hunter2",
		"sqlite:a.db?token=hunter2&%zz",
		"sqlite:%zz?key=hunter2",
	} {
		rt, err := enact.Open(t.Context(), enact.Config{Events: dsn})
		if err == nil {
			rt.Shutdown(context.Background())
			t.Errorf("%q was opened, want an error", dsn)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("opening %q failed with %q, which prints the secret (B10)", dsn, err)
		}
	}
}
