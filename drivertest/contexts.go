package drivertest

var contextChecks []check
