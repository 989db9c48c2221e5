package drivertest

var healthChecks []check
