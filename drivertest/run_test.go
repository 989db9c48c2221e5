package drivertest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest/internal/zoo"
)

// reportVariable makes TestReports run the suite on one of reports, instead of
// looking at what such a run prints.
const reportVariable = "DRIVERTEST_REPORT"

// reports are runs of the suite, of the checks of B8 and B2 only, and what they
// print. A run fails unless passes is set.
var reports = map[string]struct {
	driver  string // of the zoo; empty: the reference
	change  func(*Target)
	passes  bool
	printed []string
}{
	"a fault": {
		driver: "sorts-in-place",
		printed: []string{
			"--- FAIL: TestReports/B8/documents-given", "B8 documents-given: the IDs after they were given to Delete, element 0",
			"got:  \"a\"", "want: \"b\"", "why:  " + whyArguments, SeedVariable + "=",
		},
	},
	"a known deviation": {
		driver: "sorts-in-place", passes: true,
		change: func(target *Target) {
			target.Deviations = []Deviation{{Rule: "B8", Check: "documents-given", Reason: "it is the zoo's"}}
		},
		printed: []string{"known deviation (it is the zoo's)", "B8 documents-given: the IDs after"},
	},
	"a stale deviation": {
		change:  func(target *Target) { target.Deviations = []Deviation{{Rule: "B8", Reason: "it was so once"}} },
		printed: []string{"the known deviation from B8 (it was so once) has gone stale"},
	},
	"a deviation from nothing": {
		change:  func(target *Target) { target.Deviations = []Deviation{{Rule: "B8", Check: "nothing", Reason: "none"}} },
		printed: []string{"names B8/nothing, which is no check"},
	},
	"a role that is not listed": {
		change: func(target *Target) {
			target.Roles = []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages}
		},
		printed: []string{"--- FAIL: TestReports/B2/roles"},
	},
	"a role that is not offered": {
		driver:  "keeps-values", // it is a state store only
		change:  func(target *Target) { target.Roles = []driver.Role{driver.RoleState, driver.RoleEvents} },
		printed: []string{"--- FAIL: TestReports/B2/roles"},
	},
	"a panic": {
		change: func(target *Target) {
			target.Driver = parseOnly(func(string) (driver.Connector, error) { panic("no luck today") })
		},
		printed: []string{"no luck today", "want: no panic"},
	},
	"a correct driver": {passes: true, printed: []string{"PASS"}},
}

// parseOnly is a driver that is a function.
type parseOnly func(string) (driver.Connector, error)

func (p parseOnly) OpenConnector(dsn string) (driver.Connector, error) { return p(dsn) }

// TestReports looks at how runs of the suite end and what they print.
func TestReports(t *testing.T) {
	if name := os.Getenv(reportVariable); name != "" {
		report := reports[name]
		b := zoo.Correct(false)
		if report.driver != "" {
			b = zoo.Find(report.driver)
		}
		target := *zooTarget(b)
		if report.change != nil {
			report.change(&target)
		}
		Run(t, target)
		return
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, report := range reports {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(executable, "-test.run=^TestReports$/^(B8|B2)$", "-test.v")
			cmd.Env = append(os.Environ(), reportVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if passed := err == nil; passed != report.passes {
				t.Errorf("the run has passed: %t; it should have been %t:\n%s", passed, report.passes, out)
			}
			for _, want := range report.printed {
				if !strings.Contains(string(out), want) {
					t.Errorf("the run does not print %q but\n%s", want, out)
				}
			}
		})
	}
}
