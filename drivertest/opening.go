package drivertest

var openingChecks []check
