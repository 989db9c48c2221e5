// Package drivertest is the storage contract of enact as a suite of tests for
// anyone's driver. It imports the standard library and package driver only.
//
// A driver's test calls [Run] with a [Target]:
//
//	func TestConformance(t *testing.T) {
//		drivertest.Run(t, drivertest.Target{
//			Driver: boltdriver.Driver{},
//			DSN:    func(tb testing.TB) string { return "bolt:" + filepath.Join(tb.TempDir(), "store.db") },
//			Roles:  []driver.Role{driver.RoleEvents, driver.RoleState},
//		})
//	}
//
// Every check is a subtest named after the rule that it is about, so that
//
//	go test -run 'TestConformance/E5'
//
// runs those of one rule. A failure says which rule is broken, what was done, what
// came back, what should have, and who would suffer. Checks that choose at random
// print a seed; DRIVERTEST_SEED repeats it.
//
// The checks see a driver as package enact does: arguments are valid, because
// enact has looked at them. What a driver promises beyond the contract, or less,
// it declares in its Target; nothing depends on its name.
//
// The rules are those of the contract, by letter: B for every backend, E for
// events, S for state, M for messages, V for vectors.
//
// The suite is tested itself: this repository keeps a zoo of broken drivers, each
// with a single fault, and every one of them must be caught, and every check must
// catch one.
package drivertest
