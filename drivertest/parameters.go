package drivertest

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/enactdev/enact/driver"
)

var parameterChecks = []check{
	{
		rule: "B11", name: "unknown-parameter",
		why: "a setting with a typing error is ignored, and the store runs without it", run: unknownParameter,
	},
	{
		rule: "B11", name: "repeated-parameter",
		why: "of two settings of the same thing one is ignored, and nobody knows which", run: repeatedParameter,
	},
}

// dsnsToChange are DSNs that parse, with as many parameters as we know.
func (t *trial) dsnsToChange() []string {
	dsns := []string{t.dsn, t.fresh()}
	if t.target.SecretDSNs != nil {
		dsns = append(dsns, t.target.SecretDSNs("word")...)
	}
	return dsns
}

func unknownParameter(t *trial) {
	// A driver that has no parameters at all need not name one that it refuses.
	takesSome := false
	for _, dsn := range t.dsnsToChange() {
		takesSome = takesSome || len(parametersOf(dsn)) > 0
	}
	refused := func(dsn, name string) {
		did := fmt.Sprintf("OpenConnector of a DSN with an unknown parameter %s", name)
		_, err := t.target.Driver.OpenConnector(dsn)
		t.fails(did, err, driver.ErrInvalid)
		t.saysMore(did, err, driver.ErrInvalid)
		if takesSome && name != "" && !strings.Contains(err.Error(), name) {
			t.fatal(did, fmt.Sprintf("error %q", err), "one that names the parameter")
		}
	}
	for _, dsn := range t.dsnsToChange() {
		t.parse(dsn)
		for _, name := range []string{"drivertest-unknown", "drivertest_unknown", "DrivertestUnknown"} {
			for _, value := range []string{"=1", "=", "", "=true", "=a%20b"} {
				refused(withParameter(dsn, name+value), name)
				refused(withParameterFirst(dsn, name+value), name)
			}
		}
		refused(withParameter(withParameter(dsn, "drivertest-unknown=1"), "drivertest-unknown=2"), "drivertest-unknown")
		// Whether a semicolon separates parameters or not, this is none that anybody knows.
		refused(withParameter(dsn, "drivertest-unknown=1;drivertest-other=2"), "")
		refused(withParameter(dsn, "=1"), "")
		refused(withParameter(dsn, "drivertest%0Aunknown=1"), "") // the error is one line
		for _, known := range parametersOf(dsn) {
			name, value, _ := strings.Cut(known, "=")
			for _, unknown := range []string{name + "-drivertest", "drivertest-" + name} {
				refused(withParameter(dsn, unknown+"="+value), unknown)
				refused(strings.Replace(dsn, known, unknown+"="+value, 1), unknown)
			}
		}
	}
}

func repeatedParameter(t *trial) {
	refused := func(dsn, parameter string) {
		name, _, _ := strings.Cut(parameter, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		did := fmt.Sprintf("OpenConnector of a DSN with parameter %q twice", name)
		_, err := t.target.Driver.OpenConnector(dsn)
		t.fails(did, err, driver.ErrInvalid)
		t.saysMore(did, err, driver.ErrInvalid)
	}
	for _, dsn := range t.dsnsToChange() {
		for _, known := range append(parametersOf(dsn), "drivertest-unknown=1") {
			if !strings.Contains(dsn, known) {
				dsn = withParameter(dsn, known)
			}
			name, value, _ := strings.Cut(known, "=")
			for _, again := range []string{known, name + "=", name, name + "=x" + value, escapedFirst(known)} {
				refused(withParameter(dsn, again), again)
				refused(withParameterFirst(dsn, again), again)
			}
			// Another case is the same parameter, or one that nobody knows.
			if other := strings.ToUpper(name); other != name {
				refused(withParameter(dsn, other+"="+value), other)
			}
		}
	}
}
