package drivertest

var crashChecks []check

// parts are what a child process can play.
var parts = map[string]part{}
