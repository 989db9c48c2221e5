package drivertest

var shutdownChecks []check
