package drivertest

var tenantChecks []check
