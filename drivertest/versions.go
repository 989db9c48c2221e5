package drivertest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/enactdev/enact/driver"
)

var versionChecks = []check{
	{rule: "S3", name: "grow", why: "a worker that was away would take a new value for the one that it knows", role: driver.RoleState, run: keyVersionsGrow},
	{rule: "S3", name: "grow-after-reopening", why: "a worker that outlives a restart would overwrite what it has not seen", role: driver.RoleState, needs: needsRestart, run: keyVersionsGrowAfterReopening},
	{rule: "S3", name: "conditions", why: "a write that was to happen under a condition happens without it, or tells its caller nothing useful", role: driver.RoleState, run: keyConditions},
}

// versionsOf remembers the last version of one key.
type versionsOf struct {
	t    *trial
	key  string
	last uint64
}

// next sets the key and makes sure that its version is new.
func (v *versionsOf) next(after, value string, o driver.SetOptions) {
	version := v.t.setKey(v.t.State, v.key, value, o)
	if version <= v.last {
		v.t.fatal(fmt.Sprintf("Set of key %q after %s", v.key, after), fmt.Sprintf("version %d; it has had %d", version, v.last), "a greater version than ever")
	}
	v.last = version
}

// expire sets the key with a TTL and waits until it has gone.
func (v *versionsOf) expire() {
	v.next("setting, with a TTL", "short", driver.SetOptions{TTL: 5 * time.Millisecond})
	v.t.expired(5*time.Millisecond, v.t.State, v.key)
}

func keyVersionsGrow(t *trial) {
	for i := range 12 {
		t.set(t.State, "busy", fmt.Sprint(i)) // its versions must not hide those of the others
	}
	for _, key := range []string{"key", "key/of another"} {
		v := &versionsOf{t: t, key: key}
		v.next("nothing", "x", driver.SetOptions{})
		v.next("setting", "y", driver.SetOptions{})
		v.next("setting the same value", "y", driver.SetOptions{})
		v.next("setting the same value, if unchanged", "y", driver.SetOptions{When: driver.IfVersion(v.last)})
		t.deleteKey(t.State, key)
		v.next("deletion", "y", driver.SetOptions{})
		t.deleteKey(t.State, key)
		t.deleteKey(t.State, key)
		t.set(t.State, "other", "x")
		t.deleteKey(t.State, "other")
		v.next("deletion, create only", "y", driver.SetOptions{When: driver.IfAbsent()})
		t.ok("Delete at its version", t.State.Delete(t.ctx, key, driver.IfVersion(v.last)))
		v.next("conditional deletion", "y", driver.SetOptions{})
		v.next("setting", "y", driver.SetOptions{})
		v.expire()
		v.next("expiry", "y", driver.SetOptions{})
		v.expire()
		v.next("expiry, create only", "y", driver.SetOptions{When: driver.IfAbsent()})
		v.expire()
		t.deleteKey(t.State, key)
		v.next("expiry and deletion", "y", driver.SetOptions{})
		v.expire()
		t.sleep(20 * time.Millisecond)
		v.next("expiry some time ago", "y", driver.SetOptions{})
	}
}

func keyVersionsGrowAfterReopening(t *trial) {
	expires, deleted, kept := &versionsOf{t: t, key: "expires"}, &versionsOf{t: t, key: "deleted"}, &versionsOf{t: t, key: "kept"}
	for round := range 3 {
		for range 3 {
			deleted.next("setting", "x", driver.SetOptions{})
			kept.next("setting", "x", driver.SetOptions{})
			expires.next("setting", "x", driver.SetOptions{TTL: 10 * time.Millisecond})
		}
		t.deleteKey(t.State, "deleted")
		if round > 0 {
			t.expired(10*time.Millisecond, t.State, "expires")
		}
		t.reopen()
		t.expired(10*time.Millisecond, t.State, "expires")
		deleted.next("deletion and reopening", "x", driver.SetOptions{When: driver.IfAbsent()})
		expires.next("expiry and reopening", "x", driver.SetOptions{When: driver.IfAbsent()})
		kept.next("reopening", "x", driver.SetOptions{When: driver.IfVersion(kept.last)})
	}
}

func keyConditions(t *trial) {
	states := t.twoStates()
	for _, s := range states {
		for _, version := range []uint64{1, 2, math.MaxInt64, math.MaxUint64} {
			keyRefuses(t, s, "a missing key", driver.IfVersion(version), driver.ConflictError{Expected: version})
		}
		t.ok("Delete of a missing key if it is absent", s.Delete(t.ctx, "key", driver.IfAbsent()))
	}
	t.keysAbsent(t.State, "which only conflicts were about", "key")

	first := t.setLasting(states[0], "key", "first", driver.SetOptions{TTL: time.Hour, When: driver.IfAbsent()})
	for _, s := range states {
		keyRefuses(t, s, "a key that is there", driver.IfAbsent(), driver.ConflictError{Actual: first.Version, MustBeAbsent: true})
		for _, version := range []uint64{first.Version - 1, first.Version + 1, first.Version << 32, math.MaxUint64} {
			if version != 0 {
				keyRefuses(t, s, "a key that is there", driver.IfVersion(version), driver.ConflictError{Expected: version, Actual: first.Version})
			}
		}
		lists(t, "the keys after conflicts", t.keysLike(s, "", []driver.EntryInfo{first}), []driver.EntryInfo{first})
		got := t.get(s, "key")
		if string(got.Value) != "first" || got.Version != first.Version || !t.sameExpiry(got.ExpiresAt, first.ExpiresAt) {
			t.fatal("Get after writes that were refused", got, fmt.Sprintf("value \"first\" with the version and expiry of %s", shorten(first)))
		}
	}

	second := t.setKey(states[1], "key", "second", driver.SetOptions{When: driver.IfVersion(first.Version)})
	keyRefuses(t, states[0], "a key that has changed", driver.IfVersion(first.Version), driver.ConflictError{Expected: first.Version, Actual: second})
	t.keyHolds(states[0], "key", "second", second)
	t.ok("Delete at the right version", states[0].Delete(t.ctx, "key", driver.IfVersion(second)))
	t.keysAbsent(states[1], "which was deleted at its version", "key")
	keyRefuses(t, states[1], "a deleted key", driver.IfVersion(second), driver.ConflictError{Expected: second})
	third := t.setKey(states[0], "key", "third", driver.SetOptions{When: driver.IfVersion(0)})
	keyRefuses(t, states[0], "a key that was deleted in between", driver.IfVersion(second), driver.ConflictError{Expected: second, Actual: third})
	t.keyHolds(states[1], "key", "third", third)
}

// keyRefuses ends the check unless neither Set nor Delete of "key" is done under
// a condition.
func keyRefuses(t *trial, s driver.StateStore, what string, when driver.Precondition, want driver.ConflictError) {
	version, _ := when.Version()
	_, err := s.Set(t.ctx, "key", []byte("lost"), driver.SetOptions{When: when})
	_, brief := s.Set(t.ctx, "key", nil, driver.SetOptions{When: when, TTL: time.Millisecond})
	refused := map[string]error{"Set": err, "Set with a TTL": brief, "Delete": s.Delete(t.ctx, "key", when)}
	for did, err := range refused {
		did = fmt.Sprintf("%s of %s, if the version is %d (0: absent)", did, what, version)
		t.conflict(did, err, want)
		if errors.Is(err, driver.ErrExists) != want.MustBeAbsent {
			t.fatal(did, fmt.Sprintf("an error that matches ErrExists: %t", !want.MustBeAbsent), fmt.Sprint(want.MustBeAbsent))
		}
	}
}
