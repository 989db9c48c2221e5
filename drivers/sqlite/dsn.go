package sqlite

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

const (
	defaultLockWait      = 30 * time.Second
	defaultSweepInterval = 30 * time.Second
	defaultReaders       = 4
	maxReaders           = 64
)

func parseDSN(dsn string) (*connector, error) {
	c := &connector{lockWait: defaultLockWait, sweepInterval: defaultSweepInterval, readers: defaultReaders}
	scheme, rest, found := strings.Cut(dsn, ":")
	if !found || !strings.EqualFold(scheme, "sqlite") {
		return nil, driver.Invalidf("sqlite: the DSN must begin with sqlite:, as in sqlite:///path/to/file.db")
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	path, err := url.PathUnescape(path)
	switch {
	case err != nil:
		return nil, driver.Invalidf("sqlite: the path in the DSN is not percent-encoded correctly; write %%25 for a percent sign")
	case path == "":
		return nil, driver.Invalidf("sqlite: the DSN has no path; write sqlite:///path/to/file.db or sqlite::memory:")
	case strings.ContainsRune(path, 0):
		return nil, driver.Invalidf("sqlite: the path in the DSN contains a NUL byte")
	}
	if path != ":memory:" {
		c.path = path
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return nil, driver.Invalidf("sqlite: the parameters of the DSN are not percent-encoded correctly")
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) { // of several mistakes always the same is named
		values := parameters[name]
		if len(values) != 1 {
			return nil, driver.Invalidf("sqlite: DSN parameter %q occurs %d times", name, len(values))
		}
		if err := c.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *connector) set(name, value string) error {
	switch name {
	case "lock_wait":
		return setDuration(&c.lockWait, name, value)
	case "sweep_interval":
		return setDuration(&c.sweepInterval, name, value)
	case "readers":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxReaders {
			return driver.Invalidf("sqlite: DSN parameter readers must be a number from 1 to %d", maxReaders)
		}
		c.readers = n
		return nil
	}
	return driver.Invalidf("sqlite: unknown DSN parameter %q; known are lock_wait, readers and sweep_interval", name)
}

func setDuration(d *time.Duration, name, value string) error {
	parsed, err := time.ParseDuration(value)
	if err != nil || parsed <= 0 {
		return driver.Invalidf("sqlite: DSN parameter %s must be a positive duration such as 30s or 500ms", name)
	}
	*d = parsed
	return nil
}
