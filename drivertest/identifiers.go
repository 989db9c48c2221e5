package drivertest

var identifierChecks []check
