package boltdriver

import (
	"net/url"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

const (
	defaultLockWait      = 30 * time.Second
	defaultSweepInterval = 30 * time.Second
)

// parseDSN does no I/O. Its errors name parameters but never print a value.
func parseDSN(dsn string) (*connector, error) {
	scheme, rest, found := strings.Cut(dsn, ":")
	if !found || !strings.EqualFold(scheme, "bolt") {
		return nil, driver.Invalidf("bolt: the DSN must begin with bolt:, as in bolt:/path/to/file")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		if !strings.HasPrefix(after, "/") {
			return nil, driver.Invalidf("bolt: the DSN names a host; write bolt:/path/to/file or bolt:relative/path")
		}
		rest = after
	}
	path, err := url.PathUnescape(rest)
	switch {
	case err != nil:
		return nil, driver.Invalidf("bolt: the path in the DSN is not percent-encoded correctly; write %%25 for a percent sign")
	case path == "":
		return nil, driver.Invalidf("bolt: the DSN has no path; write bolt:/path/to/file")
	case strings.ContainsRune(path, 0):
		return nil, driver.Invalidf("bolt: the path in the DSN contains a NUL byte")
	case strings.Contains(rest+query, "#"):
		return nil, driver.Invalidf("bolt: the DSN has a fragment; write %%23 for a # in the path")
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return nil, driver.Invalidf("bolt: the parameters of the DSN are not percent-encoded correctly")
	}
	c := &connector{path: path, lockWait: defaultLockWait, sweepInterval: defaultSweepInterval}
	for name, values := range parameters {
		if len(values) != 1 {
			return nil, driver.Invalidf("bolt: DSN parameter %q occurs %d times", name, len(values))
		}
		if err := c.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *connector) set(name, value string) error {
	var d *time.Duration
	switch name {
	case "lock_wait":
		d = &c.lockWait
	case "sweep_interval":
		d = &c.sweepInterval
	default:
		return driver.Invalidf("bolt: unknown DSN parameter %q; known are lock_wait and sweep_interval", name)
	}
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed <= 0 {
		return driver.Invalidf("bolt: DSN parameter %s must be a positive duration such as 30s or 500ms", name)
	}
	*d = parsed
	return nil
}
