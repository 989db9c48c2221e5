// Package airgap holds the proof that nothing gets out in air-gapped mode (rule R5 of
// the contract), seen from outside: a child process that links every driver is run
// under strace, which writes down each of its calls that has to do with sockets.
//
// Some tests open, use and close stores. With an embedded one there must be no such
// call at all, and with one on a Unix socket none that concerns another address. The
// same is done again in a network namespace that has no interface. Other tests try to
// get out, by every form of DSN and by what the environment, a server or foreign code
// adds; each time the error must be the right one, and no socket may have been made.
//
// A driver that lies about what it needs does get out, which shows that the trace is
// read correctly, and is stopped by the namespace and by the build tag enact_airgapped.
// What the tag promises is shown on programs that are built with it.
package airgap
