// Package durability holds the proof that what the SQLite driver acknowledges is on
// the disk (rule E1 of the contract), seen from outside: a child process uses all
// four roles under strace, and says after each call that it has returned.
//
// One test demands of the trace that every acknowledgement comes after a sync of
// the WAL that began when all of the transaction had been written. Another plays
// the trace to a model of a disk, cuts its power at many points, and has the driver
// open what is left. The model keeps what was synced. Of every other write it keeps
// all, nothing or some sectors, in any order, and the same goes for the length of a
// file and the names in the folder until the folder is synced.
//
// Two more kill the child at each of its syncs, and make each fail.
//
// The same checks are run on children whose connections do not sync as they should,
// and on traces out of which the syncs of a file are taken: there they have to find
// something.
package durability
