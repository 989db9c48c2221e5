package drivertest

var snapshotChecks []check
