package drivertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

const whyCursors = "a client that mixes up its cursors would silently get wrong, or another customer's, entries"

var cursorChecks = []check{
	{rule: "B11", name: "cursors-of-other-listings", run: cursorsOfOtherListings, why: whyCursors},
	{rule: "B11", name: "changed-cursors", run: changedCursors, why: whyCursors},
	{rule: "B11", name: "page-limits", run: pageLimits, why: "a driver that has its own idea of a page's size breaks the paging of applications"},
}

// listing is a listing without the type of its entries.
type listing struct {
	name string
	page func(context.Context, driver.Page) (entries int, next driver.Cursor, err error)
}

func listingOf[T any](name string, list lister[T]) listing {
	return listing{name, func(ctx context.Context, page driver.Page) (int, driver.Cursor, error) {
		items, next, err := list(ctx, page)
		return len(items), next, err
	}}
}

// listable fills every listing of listingsOf with at least three entries.
func listable(t *trial, s driver.Stores) {
	ids := []string{"a1", "a2", "a3", "a4"}
	for _, id := range ids {
		everything(t, s, id, "label")
	}
	if s.Messages != nil {
		for _, id := range ids {
			t.createThread(s.Messages, driver.Thread{ID: driver.ThreadID("b" + id), User: "bob"})
			m := said("a1", driver.MessageID("more "+id))
			m.Execution = "other"
			t.createMessage(s.Messages, m)
			t.say(s.Messages, "a2", driver.MessageID("even more "+id))
		}
	}
	t.settle()
}

// listingsOf returns every listing that is offered, with what selects them varied.
func listingsOf(s driver.Stores) (all []listing) {
	if s.Events != nil {
		all = append(all, listingOf("executions", s.Events.ListExecutions))
	}
	if s.State != nil {
		all = append(all, listingOf("snapshots", s.State.ListSnapshots))
		for _, prefix := range []string{"", "a"} {
			all = append(all, listingOf(fmt.Sprintf("keys beginning with %q", prefix), keysOf(s.State, prefix)))
		}
	}
	if s.Messages != nil {
		for _, q := range []driver.ThreadQuery{{User: "ann"}, {User: "bob"}, {User: "ann", IncludeDeleted: true}} {
			all = append(all, listingOf("threads of "+shorten(q), threadsOf(s.Messages, q)))
		}
		for _, q := range []driver.MessageQuery{
			{Thread: "a1"}, {Thread: "a2"}, {Thread: "a1", Backward: true}, {Thread: "a1", IncludeDeleted: true},
			{Execution: "run"}, {Execution: "other"}, {Execution: "run", Backward: true}, {Execution: "run", IncludeDeleted: true},
		} {
			all = append(all, listingOf("messages of "+shorten(q), messagesIn(s.Messages, q)))
		}
	}
	if s.Vectors != nil {
		all = append(all, listingOf("collections", s.Vectors.ListCollections))
	}
	return all
}

func cursorsOfOtherListings(t *trial) {
	type first struct {
		listing
		tenant driver.TenantID
		cursor driver.Cursor
	}
	var firsts []first
	for _, tenant := range []driver.TenantID{tenantID, "Acme"} {
		s := t.backend.Tenant(tenant)
		listable(t, s)
		for _, l := range listingsOf(s) {
			n, next, err := l.page(t.ctx, driver.Page{Limit: 1})
			t.ok("listing "+l.name, err)
			if n != 1 || next == "" {
				t.fatal("the first page of one entry of "+l.name, fmt.Sprintf("%d entries and cursor %q", n, next), "one entry and a cursor")
			}
			firsts = append(firsts, first{l, tenant, next})
		}
	}
	for i, l := range firsts {
		for j, other := range firsts {
			_, _, err := l.page(t.ctx, driver.Page{Limit: 1, Cursor: other.cursor})
			if i == j {
				t.ok("the second page of "+l.name, err)
			} else {
				t.fails(fmt.Sprintf("listing %s of tenant %q with a cursor of %s of tenant %q", l.name, l.tenant, other.name, other.tenant), err, driver.ErrInvalid)
			}
		}
	}
}

func changedCursors(t *trial) {
	listable(t, t.Stores)
	for _, l := range listingsOf(t.Stores) {
		_, next, err := l.page(t.ctx, driver.Page{Limit: 2})
		t.ok("listing "+l.name, err)
		for _, cursor := range changed(string(next)) {
			_, _, err := l.page(t.ctx, driver.Page{Limit: 2, Cursor: driver.Cursor(cursor)})
			t.fails(fmt.Sprintf("listing %s with the cursor %.100q, made from %q", l.name, cursor, next), err, driver.ErrInvalid)
		}
	}
}

// changed returns a cursor cut short, lengthened, and with characters replaced.
func changed(cursor string) []string {
	all := []string{
		"x", "AAAA", "AAAAAA", "null", "0", "1", " ", "\x00", cursor + "A", cursor + "=", cursor + cursor, " " + cursor, cursor + "\n", "\r\n" + cursor,
		strings.ToUpper(cursor), strings.Repeat("A", 10_000),
	}
	for i := range cursor {
		if i > 0 {
			all = append(all, cursor[:i], cursor[i:], cursor[:i]+"\n"+cursor[i:])
		}
		for _, c := range "A0_" {
			if byte(c) != cursor[i] {
				all = append(all, cursor[:i]+string(c)+cursor[i+1:])
			}
		}
	}
	if body, err := base64.RawURLEncoding.DecodeString(cursor); err == nil {
		for i := range body {
			flipped := bytes.Clone(body)
			flipped[i] ^= 1
			all = append(all, base64.RawURLEncoding.EncodeToString(flipped))
		}
	}
	return slices.DeleteFunc(all, func(c string) bool { return c == cursor })
}

func pageLimits(t *trial) {
	listable(t, t.Stores)
	for _, l := range listingsOf(t.Stores) {
		n, next, err := l.page(t.ctx, driver.Page{Limit: driver.MaxPageLimit})
		t.ok("listing "+l.name+" with the largest page", err)
		if n < 4 || next != "" {
			t.fatal("listing "+l.name+" with the largest page", fmt.Sprintf("%d entries and cursor %q", n, next), "all of them, at least 4, and no cursor")
		}
	}
	if t.State == nil {
		return
	}
	many := t.backend.Tenant("many").State
	const n = 230
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("%03d", i))
		t.set(many, want[i], "")
	}
	for _, limit := range []int{99, 100, 101, 229, 230, 231, driver.MaxPageLimit} {
		got := idsOf(walk(t, "List of keys", limit, keysOf(many, "")), keyOf)
		equal(t, fmt.Sprintf("%d keys in pages of %d", n, limit), got, want)
	}
}
