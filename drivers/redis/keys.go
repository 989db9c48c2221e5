package redis

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/enactdev/enact/driver"
)

const defaultPrefix = "enact"

// prefixName is what a prefix may be called. Braces would end the hash tag.
var prefixName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,100}$`)

func checkPrefix(prefix string) error {
	if !prefixName.MatchString(prefix) {
		return driver.Invalidf("redis: the prefix of the keys must be 1 to 100 letters of ASCII, digits and _ . : -")
	}
	return nil
}

// tagOf is what all keys of a tenant begin with: its hash tag, so that they are on
// one node of a cluster and one script may touch any of them. The tenant is encoded
// in letters that cannot end the tag.
func tagOf(prefix, tenant string) string {
	return "{" + prefix + ":" + encoded(tenant) + "}:"
}

// sharedTag is what keys that belong to no tenant begin with.
func sharedTag(prefix string) string { return "{" + prefix + "}:" }

// encoded keeps letters and digits readable, and tells any two strings apart.
func encoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// The keys of a tenant, behind its tag. Those that end with a colon are followed by
// an identifier, which may be anything.
const (
	keyEntry      = "entry:"     // version, expiry and value of a state key
	keyNames      = "keys"       // sorted set of the state keys, in byte order
	keyExpiries   = "expiries"   // sorted set of the state keys that may expire, by when
	keyClock      = "clock"      // the last version of any state key
	keySnapshot   = "snapshot:"  // the data of an execution's snapshot
	keySnapshots  = "snapshots"  // sorted set of executions with one, in byte order
	keyTaken      = "taken"      // hash: execution → sequence and time of its snapshot
	keyLog        = "log:"       // stream of an execution's events, with IDs sequence-0
	keyEventIDs   = "eventids:"  // hash: event ID → sequence
	keyExecutions = "executions" // hash: execution → last sequence, created, updated
	keyRuns       = "runs"       // sorted set of the executions, in byte order
)

// keysOfMessages are those of threads and messages, in the order of lua/messages.lua.
var keysOfMessages = []string{
	"threads",    // hash: thread → its content
	"updates",    // hash: thread → what changes with every update
	"messages",   // hash: message → message
	"order",      // sorted set of thread, position, message
	"order:live", // the same without deleted messages
	"made",       // sorted set of execution, thread, position, message
	"made:live",  // the same without deleted messages
	"users",      // sorted set of user, update, thread
	"users:live", // the same without deleted threads
	"touches",    // counts the updates of threads
}

// keyTenants is shared: a sorted set of the tenants whose state expires, by when.
const keyTenants = "tenants"

// keysOfProbe are shared: what is written and removed to see whether it can be.
var keysOfProbe = []string{"probe:value", "probe:hash", "probe:zset", "probe:stream"}

// named puts a tag before names of keys.
func named(tag string, names ...string) []string {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = tag + name
	}
	return keys
}
