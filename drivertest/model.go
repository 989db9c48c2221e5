package drivertest

var modelChecks []check
