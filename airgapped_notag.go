//go:build !enact_airgapped

package enact

// builtAirGapped: the program is built with the tag enact_airgapped.
const builtAirGapped = false
