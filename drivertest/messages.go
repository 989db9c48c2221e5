package drivertest

var messageChecks []check
