package drivertest

var errorChecks []check
