package zoo

import "slices"

// backends break rules that are about every role.
var backends = slices.Concat(leakyTenants, blurredIdentifiers, confusedHandles, sharedSlices, wrongErrors, looseCursors)
