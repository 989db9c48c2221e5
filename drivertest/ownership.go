package drivertest

var ownershipChecks []check
