package drivertest

var threadChecks []check
