package drivertest

var eventChecks []check
