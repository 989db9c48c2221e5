package drivertest

var filterChecks []check
