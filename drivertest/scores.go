package drivertest

var scoreChecks []check
