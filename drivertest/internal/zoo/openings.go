package zoo

import "slices"

// openings break what is promised of parsing, describing, connecting, printing
// and health.
var openings = slices.Concat(parsings, connectings, descriptions, parameters, secrets, healths, outages)
