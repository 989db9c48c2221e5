package drivertest

import (
	"slices"

	"github.com/enactdev/enact/driver"
)

// check is one way to find out that a rule is broken.
type check struct {
	// rule is its number in the contract, for example "E5".
	rule string
	// name tells the checks of a rule apart, in lower case with hyphens.
	name string
	// why says what would go wrong for whom if the driver broke the rule so.
	why string
	// role is the store that the check needs; empty: whichever there are.
	role driver.Role
	// needs says what a target lacks for this check, or "".
	needs func(*Target) (lacking string)
	// alone: nothing else of the suite may run in this process meanwhile.
	alone bool
	run   func(*trial)
}

func (c *check) id() string { return c.rule + "/" + c.name }

// applies says whether the check can be run on the target and, if it cannot
// though it has the role, what is lacking.
func (c *check) applies(target *Target) (ok bool, lacking string) {
	if c.role != "" && !target.offers(c.role) {
		return false, ""
	}
	if c.needs == nil {
		return true, ""
	}
	lacking = c.needs(target)
	return lacking == "", lacking
}

// checks is the whole suite.
var checks = slices.Concat(
	openingChecks, healthChecks, shutdownChecks, tenantChecks, identifierChecks,
	contextChecks, concurrencyChecks, ownershipChecks, errorChecks, cursorChecks,
	eventChecks, historyChecks, crashChecks,
	stateChecks, stateEachChecks, expiryChecks, snapshotChecks,
	messageChecks, threadChecks,
	vectorChecks, scoreChecks, filterChecks,
	modelChecks,
)

// needsRestart is for checks that close a store and open it again.
func needsRestart(target *Target) string {
	if target.Volatile {
		return "it is declared volatile"
	}
	return ""
}

// needsEngine is for checks that take the engine away.
func needsEngine(target *Target) string {
	if target.Engine == nil {
		return "Target.Engine is not set"
	}
	return ""
}
