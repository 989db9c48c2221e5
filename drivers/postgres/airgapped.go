//go:build enact_airgapped

package postgres

// The tag keeps out of a program what can reach a network. This does not compile, and
// the compiler says why.
var _ = this_driver_needs_a_network_so_that_it_does_not_compile_with_the_tag_enact_airgapped
