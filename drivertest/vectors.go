package drivertest

var vectorChecks []check
