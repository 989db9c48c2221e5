package drivertest

var historyChecks []check
