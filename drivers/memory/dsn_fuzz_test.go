package memory

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// FuzzDSN: any text is a connector or an ErrInvalid in one line that repeats nothing
// of it, each time the same, and every name can be written (B1, B10, B11).
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{
		"memory:", "memory://", "memory:a", "memory://a", "MEMORY:a b", "memory:a%2Fb%3F", "memory:é", "memory:%00", "memory:%ff",
		"memory", "", ":", "memory:a?size=1", "memory:a#b", "memory:%zz", "memory:///a", "memory:../a", "memory:user:c4n4ry@host",
	} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		first, err := memoryDriver{}.OpenConnector(dsn)
		second, again := memoryDriver{}.OpenConnector(dsn)
		if err != nil {
			if first != nil || !errors.Is(err, driver.ErrInvalid) || strings.Contains(err.Error(), "\n") {
				t.Errorf("connector %v, error %q; it should be ErrInvalid in one line, and no connector", first, err)
			}
			if again == nil || again.Error() != err.Error() {
				t.Errorf("parsed again the error is %v; it was %v", again, err)
			}
			if _, repeated, _ := strings.Cut(dsn, ":"); len(repeated) > 20 && strings.Contains(err.Error(), repeated) {
				t.Errorf("the error repeats the DSN: %v", err)
			}
			return
		}
		if again != nil || *first.(*connector) != *second.(*connector) {
			t.Errorf("parsed again it is %+v, error %v; it was %+v", second, again, first)
		}
		if first == second {
			t.Error("two connectors are equal: stores that nobody shares would be one")
		}
		if first.RequiresNetwork() || !first.SupportsAirGapped() || first.Name() != "memory" {
			t.Errorf("%+v describes itself wrongly", first)
		}
		written, err := memoryDriver{}.OpenConnector("memory://" + url.PathEscape(dsn))
		if err != nil || written.(*connector).name != dsn {
			t.Errorf("a store called %q, percent-encoded: %+v, error %v", dsn, written, err)
		}
	})
}
