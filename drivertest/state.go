package drivertest

var stateChecks []check
