package sqlite

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// FuzzDSN: any text is a connector or an ErrInvalid in one line, each time the same,
// without touching a file (B1, B11). No value of a parameter is repeated, whatever it
// is called and whatever stands around it (B10). Every path can be written.
func FuzzDSN(f *testing.F) {
	const canary = "c4n4ry"
	for _, dsn := range []string{
		"sqlite:///var/lib/app/enact.db", "sqlite:a.db", "sqlite::memory:", "SQLITE://a b", "sqlite:100%25.db", "sqlite:a#b?readers=2",
		"sqlite:a.db?readers=1&lock_wait=1s&sweep_interval=1m", "sqlite:a.db?rea%64ers=1", "sqlite:%ff", "sqlite:a?",
		"", "sqlite", ":", "sqlite:", "sqlite:?readers=2", "sqlite:a%", "sqlite:a%00", "sqlite:a\x00", "sqlite:a?%zz=1", "sqlite:a?readers=%",
		"sqlite:a?readers=1;lock_wait=1s", "sqlite:a?x=1&y=2&z=3", "sqlite:a?readers=1&readers=1", "sqlite:a?readers=0", "sqlite:a?lock_wait=-1s",
		"sqlite:a?_pragma=synchronous(OFF)", "sqlite:a?mode=ro", "sqlite://user:c4n4ry@host/a.db", "sqlite:../../etc/passwd",
	} {
		f.Add(dsn, "")
	}
	for _, end := range []string{"&x", "%zz", "&readers=2", ";", "\n", "?", "#"} {
		f.Add("sqlite:a?password=", end)
		f.Add("sqlite:a?readers=", end)
		f.Add("sqlite:c4n4ry", end)
	}
	folder := f.TempDir()
	f.Chdir(folder)
	f.Cleanup(func() {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
			f.Errorf("parsing made %v, error %v; it should touch nothing", entries, err)
		}
	})
	f.Fuzz(func(t *testing.T, dsn, end string) {
		checkParsing(t, dsn+end)
		if path, _, _ := strings.Cut(dsn, "?"); !strings.Contains(path+dsn+end, canary) && strings.Contains(dsn, ":") {
			// As a value, or as a part of the path.
			for _, secret := range []string{dsn + "?password=" + canary + end, path + canary + "?" + end} {
				if c, err := (sqliteDriver{}).OpenConnector(secret); err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%q gives %v and the error %q, which prints the secret", secret, c, err)
				}
			}
		}
		if dsn != "" && dsn != ":memory:" && !strings.Contains(dsn, "\x00") {
			c, err := parseDSN("sqlite:" + url.PathEscape(dsn))
			if err != nil || c.path != dsn {
				t.Errorf("the path %q, percent-encoded: %+v, error %v", dsn, c, err)
			}
		}
	})
}

func checkParsing(t *testing.T, dsn string) {
	first, err := sqliteDriver{}.OpenConnector(dsn)
	for range 4 {
		second, again := sqliteDriver{}.OpenConnector(dsn)
		if err != nil {
			if again == nil || again.Error() != err.Error() {
				t.Fatalf("parsed again the error is %v; it was %v", again, err)
			}
		} else if again != nil || *first.(*connector) != *second.(*connector) {
			t.Fatalf("parsed again it is %+v, error %v; it was %+v", second, again, first)
		}
	}
	if err != nil {
		if first != nil || !errors.Is(err, driver.ErrInvalid) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("connector %v, error %q; it should be ErrInvalid in one line, and no connector", first, err)
		}
		return
	}
	c := first.(*connector)
	if c.RequiresNetwork() || !c.SupportsAirGapped() || strings.Contains(c.path, "\x00") || c.readers < 1 || c.readers > maxReaders || c.lockWait <= 0 || c.sweepInterval <= 0 {
		t.Errorf("%q was parsed as %+v", dsn, c)
	}
}
