package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/enactdev/enact"
)

// folder names what the stores keep about a directory. The names depend on its
// absolute path only, so that every process finds what another one has left.
type folder struct {
	path string // absolute
	hash string // the beginning of its SHA-256
}

func newFolder(absolute string) folder { return folder{absolute, hashOf(absolute)[:16]} }

func (f folder) thread() enact.ThreadID { return enact.ThreadID("index-" + f.hash) }

// execution names the run with this number, which counts from 1.
func (f folder) execution(run int) enact.ExecutionID {
	return enact.ExecutionID(fmt.Sprintf("index-%s-%d", f.hash, run))
}

// collection names the collection of the run with this number.
func (f folder) collection(run int) string { return string(f.execution(run)) }

// runOf is the inverse of collection; 0: it is not one of this folder's.
func (f folder) runOf(collection string) int {
	digits, found := strings.CutPrefix(collection, "index-"+f.hash+"-")
	run, err := strconv.Atoi(digits)
	if !found || err != nil || f.collection(run) != collection {
		return 0
	}
	return run
}

// An identifier has at most 255 bytes; these leave room for what is added to a
// step's.
const maxStepBytes = 200

// name is the file's path as people and JSON can read it.
func (f file) name() string { return printable(f.path) }

// printable quotes a path that is not UTF-8.
func printable(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	return strconv.Quote(path)
}

// step is the ID of the file's step: its name, or something shorter.
func (f file) step() string {
	if name := f.name(); len(name) <= maxStepBytes {
		return name
	}
	return "path-" + hashOf(f.path)[:32]
}

// event is the ID of an event of the file's step. It is the same in every
// attempt: that is what makes a repeated append harmless. Kind has no slash, so
// that IDs of two steps never meet.
func (f file) event(kind string) enact.EventID { return enact.EventID(f.step() + "/" + kind) }

// document is the ID of the document for the chunk that begins at this line.
func (f file) document(line int) string { return fmt.Sprintf("%s#%d", f.step(), line) }

// discovery is the ID of the event that says that the file was found.
func (f file) discovery() enact.EventID { return enact.EventID("discover/" + hashOf(f.path)[:32]) }

// The IDs of an execution's own events.
const (
	eventStarted   enact.EventID = "started"
	eventCompleted enact.EventID = "completed"
	eventCancelled enact.EventID = "cancelled"
)

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
