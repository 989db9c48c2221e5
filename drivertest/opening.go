package drivertest

import "slices"

// openingChecks are about what comes before the first call to a store: parsing,
// describing, connecting, and what may be printed of it all.
var openingChecks = slices.Concat(parsingChecks, connectingChecks, descriptorChecks, parameterChecks, secretChecks)
