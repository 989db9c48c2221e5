package drivertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/enactdev/enact/driver"
)

// What several keys at once must leave alone: other tenants, the caller's memory, and
// everything when the caller or the store has gone.

func keysEachAfterShutdown(t *trial) {
	b := t.open()
	s := b.Tenant(tenantID).State
	t.stateBatcher(s)
	t.shutDown(b)
	for _, r := range t.setEach(t.ctx, s, item("a", "1"), item("b", "1")) {
		t.fails("SetEach after Shutdown", r.Err, driver.ErrClosed)
	}
	for _, r := range t.getEach(t.ctx, s, "a", "b") {
		t.fails("GetEach after Shutdown", r.Err, driver.ErrClosed)
	}
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	for _, r := range t.setEach(ctx, t.State, item("a", "1"), item("b", "1")) {
		t.fails("SetEach with a context that is done", r.Err, context.Canceled)
	}
	for _, r := range t.getEach(ctx, t.State, "a", "b") {
		t.fails("GetEach with a context that is done", r.Err, context.Canceled)
	}
	t.keysAbsent(t.State, "which was set in vain", "a", "b")
}

func keysEachInTheirTenant(t *trial) {
	t.stateBatcher(t.State)
	stranger := t.open().Tenant("stranger").State
	versions := map[driver.StateStore][]uint64{}
	texts := map[driver.StateStore]string{t.State: "mine", stranger: "theirs"}
	for s, text := range texts {
		versions[s] = t.setAll(s, item("a", text), item("b", text), item("only "+text, text))
	}
	for s, text := range texts {
		var want []driver.Entry
		for i, key := range []string{"a", "b", "only " + text} {
			want = append(want, driver.Entry{EntryInfo: driver.EntryInfo{Key: key, Version: versions[s][i]}, Value: []byte(text)})
		}
		for _, other := range texts {
			if other != text {
				want = append(want, driver.Entry{EntryInfo: driver.EntryInfo{Key: "only " + other}})
			}
		}
		t.keysEachHold(s, "in a tenant beside another", want...)
	}
}

func keysEachCancelled(t *trial) {
	t.stateBatcher(t.State)
	other := t.open().Tenant(tenantID).State
	for look := range 30 {
		var items []driver.SetItem
		for i := range 5 {
			items = append(items, item(fmt.Sprintf("look %d, key %d", look, i), "value"))
		}
		ctx := newCancelledAtLook(t.ctx, look)
		results := t.setEach(ctx, t.State, items...)
		minded := ctx.Context.Err() != nil
		ctx.cancel()
		for i, r := range results {
			did := fmt.Sprintf("item %d of SetEach, cancelled at look %d, which returned %v", i+1, look, r.Err)
			_, err := other.Get(t.ctx, items[i].Key)
			there := err == nil
			if there && errors.Is(r.Err, driver.ErrUnavailable) || !there && r.Err == nil {
				t.fatal(did, fmt.Sprintf("the key is there: %t", there), "it is there without an error, and not there with driver.ErrUnavailable")
			}
			if r.Err != nil {
				t.fails(did, r.Err, context.Canceled)
			}
		}
		t.setAll(t.State, items...)
		if !minded {
			break
		}
	}
}

func keysEachKeepNothing(t *trial) {
	made := func() []driver.SetItem { return []driver.SetItem{item("b", "1"), item("a", "2")} }
	items := made()
	versions := t.setAll(t.State, items...)
	if !reflect.DeepEqual(items, made()) {
		t.fatal("SetEach: its argument after it", shorten(items), "what it was: "+shorten(made()))
	}
	for i := range items {
		clear(items[i].Value)
		items[i].Key = "used again"
	}
	keys := []string{"b", "a", "b"}
	for range 2 {
		results := t.getEach(t.ctx, t.State, keys...)
		equal(t, "GetEach: its argument after it", keys, []string{"b", "a", "b"})
		for i, want := range []string{"1", "2", "1"} {
			t.ok("GetEach", results[i].Err)
			equal(t, fmt.Sprintf("GetEach, result %d, after buffers were used again", i+1), string(results[i].Entry.Value), want)
			clear(results[i].Entry.Value)
		}
	}
	t.keyHolds(t.State, "b", "1", versions[0])
	t.keyHolds(t.State, "a", "2", versions[1])
}
