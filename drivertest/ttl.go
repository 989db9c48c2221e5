package drivertest

import (
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

var ttlChecks = []check{
	{rule: "S2", name: "on-time", why: "a lease would end under the worker that holds it, or block the next one for too long", role: driver.RoleState, run: keysExpireOnTime},
	{rule: "S2", name: "shortest", why: "a key that was to live for an instant would live for ever", role: driver.RoleState, run: theShortestTTLs},
	{rule: "S2", name: "expires-at", why: "nobody could tell how long a lease still lasts, or a long one would end early", role: driver.RoleState, run: expiryIsTold},
	{rule: "S2", name: "set-again", why: "a value that was renewed would vanish, or one that was to go would stay", role: driver.RoleState, run: settingAgainReplacesTheTTL},
}

// keysExpireOnTime watches keys with several TTLs. What is shown must have been
// alive when the call began, and what is missing dead when it ended.
func keysExpireOnTime(t *trial) {
	states := t.twoStates()
	watched := make([]*watchedKey, 8)
	for i := range watched {
		w := &watchedKey{t: t, key: fmt.Sprint("key ", i), ttl: time.Duration(20+21*i) * time.Millisecond}
		before := time.Now()
		t.setKey(states[i%2], w.key, "x", driver.SetOptions{TTL: w.ttl})
		w.notBefore, w.notAfter = before.Add(w.ttl-t.target.resolution()-5*time.Millisecond), time.Now().Add(t.due(w.ttl)+lateness)
		watched[i] = w
	}
	for look := 0; ; look++ {
		s := states[look%2]
		begin := time.Now()
		list, _, err := s.List(t.ctx, "key ", driver.Page{Limit: 100})
		end := time.Now()
		t.ok("List", err)
		listed := map[string]bool{}
		for _, info := range list {
			listed[info.Key] = true
		}
		alive := false
		for _, w := range watched {
			w.judge("List", listed[w.key], begin, end)
			begin := time.Now()
			_, err := s.Get(t.ctx, w.key)
			if err != nil {
				t.fails("Get", err, driver.ErrNotFound)
			}
			w.judge("Get", err == nil, begin, time.Now())
			alive = alive || err == nil || listed[w.key]
		}
		if !alive {
			return
		}
		t.sleep(4 * time.Millisecond)
	}
}

// watchedKey is a key that expires at some time between two.
type watchedKey struct {
	t                   *trial
	key                 string
	ttl                 time.Duration
	notBefore, notAfter time.Time
}

func (w *watchedKey) judge(did string, shown bool, begin, end time.Time) {
	switch {
	case shown && begin.After(w.notAfter):
		w.t.fatal(fmt.Sprintf("%s, begun %v after key %q should have gone at the latest", did, begin.Sub(w.notAfter), w.key), "the key is there", fmt.Sprintf("it has gone: its TTL was %v", w.ttl))
	case !shown && end.Before(w.notBefore):
		w.t.fatal(fmt.Sprintf("%s, ended %v before key %q may go", did, w.notBefore.Sub(end), w.key), "the key has gone", fmt.Sprintf("it is there: its TTL is %v", w.ttl))
	}
}

func theShortestTTLs(t *trial) {
	states := t.twoStates()
	ttls := []time.Duration{1, time.Microsecond - 1, time.Microsecond, 999 * time.Microsecond, time.Millisecond, time.Millisecond + 1, 1999 * time.Microsecond}
	var keys []string
	for i, ttl := range ttls {
		keys = append(keys, ttl.String(), ttl.String()+" again")
		t.setKey(states[i%2], keys[2*i], "x", driver.SetOptions{TTL: ttl})
		t.set(states[i%2], keys[2*i+1], "x")
		t.setKey(states[i%2], keys[2*i+1], "y", driver.SetOptions{TTL: ttl})
	}
	t.expired(2*time.Millisecond, states[0], keys...)
	t.keysAbsent(states[1], "whose TTL was very short", keys...)
	lists(t, "the keys after all have expired", keysOf(states[1], ""), nil)
}

// expiryIsTold compares times of expiry with the caller's clock, roughly, and
// with one another, exactly.
func expiryIsTold(t *trial) {
	ttls := []time.Duration{
		time.Minute, time.Minute + 137*time.Millisecond, time.Minute + 611*time.Millisecond, time.Minute + 999*time.Millisecond + 1,
		2 * time.Minute, time.Hour, 90*time.Minute + time.Nanosecond, 24 * 24 * time.Hour, 25 * 24 * time.Hour, 30*24*time.Hour + time.Second,
		365 * 24 * time.Hour, 69 * 365 * 24 * time.Hour, driver.MaxTTL - 1, driver.MaxTTL,
	}
	begin := time.Now()
	infos := make([]driver.EntryInfo, len(ttls))
	for i, ttl := range ttls {
		key := fmt.Sprintf("key %02d", i)
		t.set(t.State, key, "without a TTL")
		infos[i] = t.setLasting(t.State, key, "x", driver.SetOptions{TTL: ttl})
	}
	took := time.Since(begin)
	inexact := 2*t.target.resolution() + 2*time.Millisecond
	for i, info := range infos {
		apart, want := info.ExpiresAt.Sub(infos[0].ExpiresAt), ttls[i]-ttls[0]
		if apart < want-inexact || apart > want+took+inexact {
			t.fatal(fmt.Sprintf("setting a key with a TTL of %v and then one with %v, within %v", ttls[0], ttls[i], took),
				fmt.Sprintf("times of expiry that are %v apart", apart), fmt.Sprintf("from %v to %v", want, want+took))
		}
	}
	lists(t, "keys with TTLs", t.keysLike(t.State, "", infos), infos)
}

// settingAgainReplacesTheTTL ends, keeps and begins TTLs in every way there is.
func settingAgainReplacesTheTTL(t *trial) {
	states := t.twoStates()
	brief, long, never := driver.SetOptions{TTL: briefTTL}, driver.SetOptions{TTL: time.Hour}, driver.SetOptions{}
	first := func(key string, o driver.SetOptions) uint64 { return t.setKey(states[0], key, "first", o) }
	again := func(key string, o driver.SetOptions) driver.EntryInfo {
		if o.TTL == time.Hour {
			return t.setLasting(states[1], key, "again", o)
		}
		return driver.EntryInfo{Key: key, Version: t.setKey(states[1], key, "again", o)}
	}
	at := func(o driver.SetOptions, version uint64) driver.SetOptions {
		o.When = driver.IfVersion(version)
		return o
	}
	// refused tries to give another TTL to a key under a condition that fails.
	refused := func(key string, o driver.SetOptions, when driver.Precondition) {
		o.When = when
		_, err := states[1].Set(t.ctx, key, []byte("lost"), o)
		t.fails(fmt.Sprintf("Set of key %q under a condition that does not hold", key), err, driver.ErrConflict)
	}
	replace := func(key string, from, to driver.SetOptions) driver.EntryInfo {
		first(key, from)
		return again(key, to)
	}
	var stay []driver.EntryInfo
	keep := func(info driver.EntryInfo) { stay = append(stay, info) }

	keep(replace("stays 0: brief to never", brief, never))
	keep(replace("stays 1: brief to long", brief, long))
	keep(replace("stays 2: long to never", long, never))
	replace("goes: never to brief", never, brief)
	replace("goes: long to brief", long, brief)

	// The first TTL is one that cannot pass before the condition is looked at.
	version := first("stays 3: to never, conditionally", long)
	keep(again("stays 3: to never, conditionally", at(never, version)))
	version = first("stays 4: to long, conditionally", never)
	keep(again("stays 4: to long, conditionally", at(long, version)))
	version = first("goes: to brief, conditionally", long)
	again("goes: to brief, conditionally", at(brief, version))

	for i, o := range []driver.SetOptions{never, long} {
		key := fmt.Sprintf("stays %d: refused", 5+i)
		info := again(key, o)
		refused(key, brief, driver.IfAbsent())
		refused(key, brief, driver.IfVersion(info.Version+1))
		keep(info)
	}
	first("stays 7: deleted in between", brief)
	t.deleteKey(states[1], "stays 7: deleted in between")
	keep(again("stays 7: deleted in between", never))
	first("stays 8: deleted in between", brief)
	t.deleteKey(states[0], "stays 8: deleted in between")
	keep(again("stays 8: deleted in between", at(long, 0)))
	first("goes: refused", brief)
	refused("goes: refused", never, driver.IfVersion(1<<60))

	goes := []string{"goes: never to brief", "goes: long to brief", "goes: to brief, conditionally", "goes: refused"}
	t.expired(briefTTL, states[0], goes...)
	for _, s := range states {
		t.keysAbsent(s, "whose last TTL has passed", goes...)
		lists(t, "the keys that were set again", t.keysLike(s, "", stay), stay)
		for _, info := range stay {
			equal(t, fmt.Sprintf("the value of key %q", info.Key), string(t.get(s, info.Key).Value), "again")
		}
	}
}
