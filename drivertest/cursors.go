package drivertest

var cursorChecks []check
