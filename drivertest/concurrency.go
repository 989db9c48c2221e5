package drivertest

var concurrencyChecks []check
