package hostile_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/proof/script"
	"github.com/enactdev/enact/internal/proof/stores"
)

// resumed continues a cursor's checksum without knowing the listing that it is for:
// whoever has one cursor can make any other of the same listing. So the wall between
// tenants must not rest on the checksum.
func resumed(cursor enact.Cursor, body []byte) enact.Cursor {
	old, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err != nil || len(old) < 4 {
		panic("not a cursor: " + cursor)
	}
	old, sum := old[:len(old)-4], ^binary.BigEndian.Uint32(old[len(old)-4:])
	for _, b := range slices.Backward(old) { // what crc32.Update has done, backwards
		for index, entry := range crc32.IEEETable {
			if entry>>24 == sum>>24 {
				sum = (sum^entry)<<8 | uint32(b^byte(index))
				break
			}
		}
	}
	body = binary.BigEndian.AppendUint32(slices.Clone(body), crc32.Update(^sum, crc32.IEEETable, body))
	return enact.Cursor(base64.RawURLEncoding.EncodeToString(body))
}

// positionOf encodes the parts of a position as cursors hold them.
func positionOf(parts ...string) (body []byte) {
	for _, part := range parts {
		body = append(binary.AppendUvarint(body, uint64(len(part))), part...)
	}
	return body
}

// listing is a listing of one tenant, without the type of its entries.
type listing struct {
	name string
	page func(context.Context, enact.Page) (ids []string, next enact.Cursor, err error)
}

func listingOf[T any](name string, list func(context.Context, enact.Page) ([]T, enact.Cursor, error), id func(T) string) listing {
	return listing{name, func(ctx context.Context, page enact.Page) (ids []string, next enact.Cursor, err error) {
		items, next, err := list(ctx, page)
		for _, item := range items {
			ids = append(ids, id(item))
		}
		return ids, next, err
	}}
}

// owned are the identifiers that owner fills every listing with; they name the owner.
func owned(owner string) []string {
	return []string{"a of " + owner, "b of " + owner, "c of " + owner}
}

// fill gives a tenant three entries in every listing.
func fill(tb testing.TB, target stores.Target, rt *enact.Runtime, tenant, owner string) {
	tb.Helper()
	// A second key under the prefix b, before and behind which there are others.
	steps := []script.Step{script.Set("b too of "+owner, owner, 0, script.Always)}
	for _, id := range owned(owner) {
		steps = append(steps, script.Begin(id, "x"), script.Rehydrate(id, true), script.Set(id, id, 0, script.Always), script.CreateThread(id, "user", id),
			script.CreateMessage("message "+id, owned(owner)[0], "", "run", id), script.EnsureCollection(id))
	}
	p := script.Player{Context: tb.Context(), Tenant: rt.Tenant(enact.TenantID(tenant))}
	for _, s := range script.Of(target.Roles, steps) {
		if line := p.Play(s); line.Failed != "" {
			tb.Fatal(line)
		}
	}
}

// listings are those of a tenant that fill has filled for owner.
func listings(target stores.Target, t *enact.Tenant, owner string) (all []listing) {
	offers := func(role driver.Role) bool { return slices.Contains(target.Roles, role) }
	if offers(driver.RoleEvents) {
		all = append(all, listingOf("executions", t.Events.ListExecutions, func(i enact.ExecutionInfo) string { return string(i.ID) }))
	}
	if offers(driver.RoleState) {
		all = append(all, listingOf("snapshots", t.State.ListSnapshots, func(i enact.SnapshotInfo) string { return string(i.Execution) }))
		for _, prefix := range []string{"", "a", "b"} {
			all = append(all, listingOf(fmt.Sprintf("keys with %q", prefix), func(ctx context.Context, page enact.Page) ([]enact.EntryInfo, enact.Cursor, error) {
				return t.State.List(ctx, prefix, page)
			}, func(i enact.EntryInfo) string { return i.Key }))
		}
	}
	if offers(driver.RoleMessages) {
		for _, include := range []bool{false, true} {
			all = append(all, listingOf(fmt.Sprintf("threads, deleted too: %t", include), func(ctx context.Context, page enact.Page) ([]enact.Thread, enact.Cursor, error) {
				return t.Messages.ListThreads(ctx, enact.ThreadQuery{User: "user", IncludeDeleted: include, Page: page})
			}, func(t enact.Thread) string { return string(t.ID) }))
		}
		thread := enact.ThreadID(owned(owner)[0])
		for _, q := range []enact.MessageQuery{{Thread: thread}, {Execution: "run"}, {Thread: thread, Backward: true}, {Execution: "run", Backward: true}} {
			all = append(all, listingOf(fmt.Sprintf("messages of thread %q, execution %q, backward %t", q.Thread, q.Execution, q.Backward), func(ctx context.Context, page enact.Page) ([]enact.Message, enact.Cursor, error) {
				q := q
				q.Page = page
				return t.Messages.ListMessages(ctx, q)
			}, func(m enact.Message) string { return string(m.ID) }))
		}
	}
	if offers(driver.RoleVectors) {
		all = append(all, listingOf("collections", t.Vectors.ListCollections, func(i enact.CollectionInfo) string { return i.Name }))
	}
	return all
}

// besieged is a store with two tenants, of whom one gives cursors of all kinds.
type besieged struct {
	target   stores.Target
	listings []listing           // of the tenant who asks
	whole    map[string][]string // what each of them holds
	cursors  []enact.Cursor      // a real one for each listing that has a second page
	foreign  []enact.Cursor      // of the other tenant
}

func besiege(tb testing.TB, target stores.Target) *besieged {
	tb.Helper()
	rt := target.Open(tb, target.DSN(tb))
	b := &besieged{target: target, whole: map[string][]string{}}
	for _, tenant := range []string{"other", "own"} {
		fill(tb, target, rt, tenant, tenant)
		b.foreign, b.cursors = b.cursors, nil
		b.listings = listings(target, rt.Tenant(enact.TenantID(tenant)), tenant)
		for _, l := range b.listings {
			ids, _, err := l.page(tb.Context(), enact.Page{})
			if err != nil || len(ids) == 0 {
				tb.Fatalf("listing %s of %q has %q, error %v", l.name, tenant, ids, err)
			}
			b.whole[l.name] = ids
			_, next, err := l.page(tb.Context(), enact.Page{Limit: 1})
			if err != nil || (len(ids) > 1) != (next != "") {
				tb.Fatalf("listing %s by 1: cursor %q, error %v", l.name, next, err)
			}
			b.cursors = append(b.cursors, next)
		}
	}
	return b
}

// check gives a cursor to a listing: it is refused, or continues the tenant's own
// listing somewhere.
func (b *besieged) check(tb testing.TB, l listing, cursor enact.Cursor, how string) (accepted bool) {
	tb.Helper()
	if cursor == "" {
		return true
	}
	ids, next, err := l.page(tb.Context(), enact.Page{Limit: 2, Cursor: cursor})
	if err != nil {
		if !errors.Is(err, enact.ErrInvalid) || len(ids) > 0 || next != "" || strings.ContainsAny(err.Error(), "\r\n") {
			tb.Errorf("listing %s with %s %.200q: %q and the error %v; it should be ErrInvalid alone, in one line", l.name, how, cursor, ids, err)
		}
		return false
	}
	whole := b.whole[l.name]
	for at := 0; at <= len(whole); at++ {
		if rest := whole[at:]; slices.Equal(ids, rest[:min(2, len(rest))]) {
			return true
		}
	}
	tb.Errorf("listing %s with %s %.200q has %q; the tenant has %q there", l.name, how, cursor, ids, whole)
	return true
}

// TestForgedCursors: cursors of other tenants and listings, cut and changed ones are
// ErrInvalid. One that was forged with a right checksum is, too, or lists what
// belongs to the tenant who asks.
func TestForgedCursors(t *testing.T) {
	for _, target := range stores.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			b := besiege(t, target)
			for i, l := range b.listings {
				for _, cursor := range slices.Concat(b.foreign, b.cursors[:i], b.cursors[i+1:]) {
					if cursor != "" && b.check(t, l, cursor, "a cursor of another listing") {
						t.Errorf("listing %s took a cursor of another listing", l.name)
					}
				}
				real := b.cursors[i]
				if real == "" {
					continue
				}
				for n := 1; n < len(real); n++ {
					for _, cut := range []enact.Cursor{real[:n], real[n:]} {
						if b.check(t, l, cut, "a piece of a cursor") {
							t.Errorf("listing %s took the piece %q of the cursor %q", l.name, cut, real)
						}
					}
				}
				body, _ := base64.RawURLEncoding.DecodeString(string(real))
				if again := resumed(real, body[:len(body)-4]); again != real || !b.check(t, l, again, "its own cursor") {
					t.Fatalf("forging the cursor %q made %q: this shows nothing", real, again)
				}
				b.forge(t, l, real)
			}
		})
	}
}

// forge puts hostile positions under a right checksum.
func (b *besieged) forge(t *testing.T, l listing, real enact.Cursor) {
	t.Helper()
	parts := slices.Concat(payloads, noIdentifiers, owned("other"), []string{
		"-1", "0", "1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1e9", "NaN", "+1", " 1", "0x1", "other", strings.Repeat("9", 10_000), strings.Repeat("\xff", 300),
	})
	taken := 0
	for _, part := range parts {
		for _, position := range [][]string{{part}, {part, "1"}, {owned("own")[0], part}, {owned("other")[0], part}, {part, part}, {part, part, part}, {}} {
			if b.check(t, l, resumed(real, positionOf(position...)), fmt.Sprintf("a forged cursor at %.60q", position)) {
				taken++
			}
		}
	}
	for _, body := range [][]byte{{}, {0}, {1}, {0xff}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, {5, 'a'}, {0x80, 0}} {
		b.check(t, l, resumed(real, body), "a forged cursor of broken parts")
	}
	if taken == 0 {
		t.Errorf("listing %s took no forged cursor at all: the forgery does not work", l.name)
	}
}
