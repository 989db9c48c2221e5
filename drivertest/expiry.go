package drivertest

var expiryChecks []check
